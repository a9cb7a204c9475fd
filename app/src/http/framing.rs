//! Follows the heads of requests on a connection, and spoils those with a line that ends in a bare LF.
//!
//! RFC 9112, section 2.2, lets a recipient take a bare LF for the end of a line, and the parser does.
//! A proxy that does not would see another head than we do, which is how requests are smuggled past
//! it, and no client sends one.

/// Bytes of a line that are kept to know which header it is: a length has at most twenty digits.
const LINE_BYTES_MAX: usize = 64;
/// What a bare LF is replaced by; it is in no legal head, so the parser answers 400.
const SPOILED: u8 = 0;

/// Where a connection is in its requests.
#[derive(Debug)]
pub(super) struct Framing {
    part: Part,
    line: Vec<u8>,
    /// Whether the last byte was a carriage return.
    is_after_cr: bool,
    /// Bytes of the line so far.
    line_bytes: u64,
    /// Whether the request line is over.
    has_begun: bool,
    next: Part,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    Head,
    Body(u64),
    /// The body has no stated length: the connection is closed after the answer.
    Rest,
}

impl Framing {
    pub(super) fn new() -> Self {
        let (part, next) = (Part::Head, Part::Head);
        let line = Vec::new();
        Self { part, line, is_after_cr: false, line_bytes: 0, has_begun: false, next }
    }

    /// Takes the next bytes of the connection.
    pub(super) fn follow(&mut self, bytes: &mut [u8]) {
        let mut at = 0;
        while at < bytes.len() {
            at += match self.part {
                Part::Head => self.head(&mut bytes[at..]),
                Part::Body(left) => self.body(left, bytes.len() - at),
                Part::Rest => return,
            };
        }
    }

    fn body(&mut self, left: u64, len: usize) -> usize {
        let taken = usize::try_from(left).unwrap_or(usize::MAX).min(len);
        let left = left - taken as u64;
        self.part = if left == 0 { Part::Head } else { Part::Body(left) };
        taken
    }

    /// Takes bytes up to the end of a line; returns how many.
    fn head(&mut self, bytes: &mut [u8]) -> usize {
        for (at, byte) in bytes.iter_mut().enumerate() {
            if *byte == b'\n' {
                if self.is_after_cr {
                    self.end_line();
                    return at + 1;
                }
                *byte = SPOILED;
                self.part = Part::Rest;
                return at + 1;
            }
            self.is_after_cr = *byte == b'\r';
            self.line_bytes += 1;
            if self.line.len() < LINE_BYTES_MAX {
                self.line.push(byte.to_ascii_lowercase());
            }
        }
        bytes.len()
    }

    fn end_line(&mut self) {
        let line = std::mem::take(&mut self.line);
        let is_empty = std::mem::take(&mut self.line_bytes) == 1;
        self.is_after_cr = false;
        if is_empty {
            // Empty lines before a request line are none of its head.
            if std::mem::take(&mut self.has_begun) {
                self.part = std::mem::replace(&mut self.next, Part::Head);
            }
            return;
        }
        self.has_begun = true;
        if line.starts_with(b"transfer-encoding:") {
            self.next = Part::Rest;
        } else if let Some(length) = line.strip_prefix(b"content-length:") {
            let length = std::str::from_utf8(length).ok().and_then(|text| text.trim().parse().ok());
            self.next = match (self.next, length) {
                (Part::Rest, _) | (_, None) => Part::Rest,
                (_, Some(0)) => Part::Head,
                (_, Some(length)) => Part::Body(length),
            };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Follows a text in parts of every size; returns what is left of it, with spoiled bytes as `#`.
    fn follow(text: &str) -> String {
        let by = |size: usize| {
            let mut bytes = text.as_bytes().to_vec();
            let mut framing = Framing::new();
            bytes.chunks_mut(size).for_each(|part| framing.follow(part));
            String::from_utf8(bytes).unwrap().replace('\0', "#")
        };
        let whole = by(text.len());
        (1..text.len()).for_each(|size| assert_eq!(by(size), whole, "in parts of {size}"));
        whole
    }

    #[test]
    fn a_line_of_a_head_that_ends_in_a_bare_lf_is_spoiled() {
        assert_eq!(follow("GET / HTTP/1.1\nHost: a\n\n"), "GET / HTTP/1.1#Host: a\n\n");
        assert_eq!(follow("GET / HTTP/1.1\r\nHost: a\n\r\n"), "GET / HTTP/1.1\r\nHost: a#\r\n");
        assert_eq!(follow("\nGET / HTTP/1.1\r\n\r\n"), "#GET / HTTP/1.1\r\n\r\n");
    }

    #[test]
    fn the_next_head_on_a_connection_is_followed_too() {
        let first = "\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n";
        assert_eq!(follow(&format!("{first}GET /\n")), format!("{first}GET /#"));
        let post = "POST / HTTP/1.1\r\ncontent-LENGTH:  4 \r\nHost: a\r\n\r\n\n\n\n\n";
        assert_eq!(follow(&format!("{post}GET /\n")), format!("{post}GET /#"));
        let empty = "POST / HTTP/1.1\r\nContent-Length: 0\r\n\r\n";
        assert_eq!(follow(&format!("{empty}GET /\n")), format!("{empty}GET /#"));
    }

    #[test]
    fn a_body_is_left_alone() {
        for text in [
            "POST / HTTP/1.1\r\nContent-Length: 6\r\n\r\na\nb\nc\n",
            "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\nContent-Length: 1\r\n\r\n1\r\n\n\r\n0\r\n\r\n",
            "POST / HTTP/1.1\r\nContent-Length: x\r\n\r\n\n\n",
        ] {
            assert_eq!(follow(text), text);
        }
    }
}
