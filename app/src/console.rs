//! The way to a terminal: everything that the program prints or logs passes here.
//!
//! **No byte from outside steers a terminal**: control characters and those that hide or turn text
//! around are written out as `\x1b` or `\u{202e}`, wherever they come from, line feeds and tabs
//! aside. The program's own colours are added by [`Console::paint`].
//! Names and texts that must stay on one line are written as [`Shown`].
//!
//! Data for programs goes out as it is, but to a terminal, where JSON and TOML can say the same
//! characters as `\u202e`.

use std::fmt::{self, Write as _};
use std::io::{self, BufWriter, IsTerminal, StdoutLock, Write};

pub use logwake_emit::text::Shown;
use logwake_emit::text::{is_hidden, reveal};

use crate::secrets::redact;

/// Bytes of standard output that are written at once.
const BUFFER_BYTES: usize = 1 << 16;

/// A writer to a terminal, or to what will be printed on one.
pub struct Console<W> {
    out: W,
    form: Form,
    is_coloured: bool,
}

/// How characters that are not to be printed are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    /// For people: `\x1b`.
    Text,
    /// As JSON escapes them; those below U+0020 are escaped in JSON already.
    Json,
    /// Lines of the log: without secrets, and with the colours of the logger, which escapes ESC in
    /// what it is given.
    ColouredLog,
    /// Lines of the log, for people.
    TextLog,
    /// Lines of the log, as JSON.
    JsonLog,
    /// As they are.
    Bytes,
}

/// How text is set off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// A heading.
    Strong,
    /// What is beside the point.
    Faint,
    /// What is over.
    Good,
    /// What is to be looked at.
    Warning,
    /// What is new and to be looked at.
    StrongWarning,
    /// What is on fire.
    Alarm,
}

impl Style {
    /// Returns the parameters of ECMA-48's SGR.
    const fn code(self) -> &'static str {
        match self {
            Self::Strong => "1",
            Self::Faint => "2",
            Self::Good => "32",
            Self::Warning => "33",
            Self::StrongWarning => "33;1",
            Self::Alarm => "31;1",
        }
    }
}

impl Console<BufWriter<Stdout>> {
    /// Prints for people on standard output.
    pub fn stdout(is_coloured: bool) -> Self {
        Self::to_stdout(Form::Text, is_coloured)
    }

    /// Prints JSON or TOML on standard output.
    pub fn data() -> Self {
        let form = if io::stdout().is_terminal() { Form::Json } else { Form::Bytes };
        Self::to_stdout(form, false)
    }

    /// Prints a document that holds no text from outside, or was escaped for its own medium.
    pub fn document() -> Self {
        Self::to_stdout(Form::Bytes, false)
    }

    fn to_stdout(form: Form, is_coloured: bool) -> Self {
        let out = BufWriter::with_capacity(BUFFER_BYTES, Stdout(io::stdout().lock()));
        Self { out, form, is_coloured }
    }
}

impl Console<Vec<u8>> {
    /// Keeps what is to be printed later.
    pub fn later(is_coloured: bool) -> Self {
        Self { out: Vec::new(), form: Form::Text, is_coloured }
    }
}

impl<W: Write> Console<W> {
    /// Writes log lines of text; with colours, which the logger adds.
    pub fn text_log(out: W, is_coloured: bool) -> Self {
        let form = if is_coloured { Form::ColouredLog } else { Form::TextLog };
        Self { out, form, is_coloured: false }
    }

    /// Writes log lines of JSON.
    pub fn json_log(out: W) -> Self {
        Self { out, form: Form::JsonLog, is_coloured: false }
    }

    /// Writes text that is set off where there are colours.
    ///
    /// # Errors
    /// Where it cannot be written.
    pub fn paint(&mut self, style: Style, text: fmt::Arguments<'_>) -> io::Result<()> {
        if !self.is_coloured {
            return self.write_fmt(text);
        }
        write!(self.out, "\x1b[{}m", style.code())?;
        self.write_fmt(text)?;
        self.out.write_all(b"\x1b[0m")
    }

    /// Writes what was kept.
    ///
    /// # Errors
    /// Where it cannot be written.
    pub fn append(&mut self, kept: &Console<Vec<u8>>) -> io::Result<()> {
        self.out.write_all(&kept.out)
    }

    fn text(&mut self, text: &str) -> io::Result<()> {
        let is_safe = |c: char| self.form.keeps(c);
        if text.chars().all(is_safe) {
            return self.out.write_all(text.as_bytes());
        }
        let mut shown = String::with_capacity(text.len() + 16);
        for c in text.chars() {
            match self.form {
                form if form.keeps(c) => shown.push(c),
                Form::Json | Form::JsonLog => {
                    let units = &mut [0; 2];
                    // Writing to a string cannot fail.
                    c.encode_utf16(units)
                        .iter()
                        .for_each(|unit| _ = write!(shown, "\\u{unit:04x}"));
                }
                _ => _ = reveal(c, &mut shown),
            }
        }
        self.out.write_all(shown.as_bytes())
    }
}

impl Form {
    fn keeps(self, c: char) -> bool {
        match self {
            Self::Bytes => true,
            Self::Json | Self::JsonLog => c < ' ' || !is_hidden(c),
            Self::ColouredLog if c == '\x1b' => true,
            _ => c == '\n' || c == '\t' || !is_hidden(c),
        }
    }

    const fn is_log(self) -> bool {
        matches!(self, Self::ColouredLog | Self::TextLog | Self::JsonLog)
    }
}

impl<W: Write> Write for Console<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.form == Form::Bytes {
            return self.out.write(bytes);
        }
        for chunk in bytes.utf8_chunks() {
            if self.form.is_log() {
                self.text(&redact(chunk.valid()))?;
            } else {
                self.text(chunk.valid())?;
            }
            for byte in chunk.invalid() {
                write!(self.out, "\\x{byte:02x}")?;
            }
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

/// Standard output whose errors say what could not be written.
pub struct Stdout(StdoutLock<'static>);

impl Write for Stdout {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes).map_err(named)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush().map_err(named)
    }
}

fn named(error: io::Error) -> io::Error {
    match error.kind() {
        io::ErrorKind::Interrupted => error,
        kind => io::Error::new(kind, format!("standard output cannot be written: {error}")),
    }
}

/// Prints a message on standard error, without secrets.
pub fn message(text: fmt::Arguments<'_>) {
    // Nobody is left to hear that this failed.
    _ = to_stderr(&format!("logwake: {text}\n"));
}

/// Prints how the program is called; `false` where standard error or output cannot be written.
pub fn usage(error: &clap::Error) -> bool {
    let text = error.render().to_string();
    let is_shown = |c: char| Form::Text.keeps(c);
    if !error.use_stderr() || text.chars().all(is_shown) {
        return error.print().is_ok();
    }
    // An argument that a shell made of the name of a file.
    to_stderr(&text)
}

fn to_stderr(text: &str) -> bool {
    let mut shown = Console { out: Vec::new(), form: Form::TextLog, is_coloured: false };
    let written = shown.write_all(text.as_bytes());
    written.and_then(|()| io::stderr().write_all(&shown.out)).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(form: Form, text: &str) -> String {
        let mut console = Console { out: Vec::new(), form, is_coloured: true };
        console.write_all(text.as_bytes()).unwrap();
        String::from_utf8(console.out).unwrap()
    }

    #[test]
    fn only_the_program_itself_has_colours() {
        let mut console = Console::later(true);
        console.paint(Style::Alarm, format_args!("a\x1b[32mb\r\u{202e}\n")).unwrap();
        let text = String::from_utf8(console.out).unwrap();
        assert_eq!(text, "\x1b[31;1ma\\x1b[32mb\\r\\u{202e}\n\x1b[0m");
    }

    #[test]
    fn every_hidden_character_is_written_out_in_every_form() {
        let every: String = ('\0'..=char::MAX).collect();
        for form in [Form::Text, Form::TextLog] {
            let left = |c: &char| is_hidden(*c) && !"\n\t".contains(*c);
            assert_eq!(written(form, &every).chars().find(left), None);
        }
        let json = serde_json::Value::from(every.as_str()).to_string();
        let shown = written(Form::Json, &json);
        assert_eq!(shown.chars().find(|c| is_hidden(*c)), None);
        assert_eq!(serde_json::from_str::<String>(&shown).unwrap(), every);
    }

    #[test]
    fn bytes_that_are_no_text_are_written_out() {
        let mut console = Console::later(false);
        console.write_all(b"a\x9b31m\xff").unwrap();
        assert_eq!(console.out, b"a\\x9b31m\\xff");
    }
}
