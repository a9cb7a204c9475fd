//! Text from logs on its way to a person: one type for each medium, whose constructor escapes.
//!
//! A log line can hold terminal commands, direction overrides, markup and links.
//! Each medium has a type that can be made only by escaping, and its writers take nothing else:
//! [`Shown`] for terminals, [`Markup`] for XML and HTML, and two types of their own for Slack and
//! Microsoft Teams in [`crate::notify`].

use std::fmt::{self, Write as _};

/// Tells whether a character acts on what shows it, or is not seen at all.
///
/// These are control characters, Unicode's `Bidi_Control`, line separators, noncharacters, and
/// `Default_Ignorable_Code_Point` but for variation selectors and the two joiners, which emoji and
/// several scripts need.
pub const fn is_hidden(c: char) -> bool {
    let is_noncharacter = c as u32 & 0xfffe == 0xfffe || matches!(c, '\u{fdd0}'..='\u{fdef}');
    is_noncharacter
        || matches!(c,
            '\0'..='\x1f' | '\x7f'..='\u{9f}'
            | '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
            | '\u{180b}'..='\u{180f}' | '\u{200b}' | '\u{200e}' | '\u{200f}'
            | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{feff}'
            | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' | '\u{1bca0}'..='\u{1bca3}'
            | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
}

/// Writes a hidden character so that it is seen: `\n`, `\x1b`, `\u{202e}`.
///
/// # Errors
/// Where `out` fails.
pub fn reveal(c: char, out: &mut impl fmt::Write) -> fmt::Result {
    match c {
        '\n' => out.write_str("\\n"),
        '\r' => out.write_str("\\r"),
        c if (c as u32) < 0x100 => write!(out, "\\x{:02x}", c as u32),
        c => write!(out, "\\u{{{:x}}}", c as u32),
    }
}

/// Text as one line of a terminal: hidden characters are written out, a tab is a space.
#[derive(Clone, Copy, Debug)]
pub struct Shown<'a>(pub &'a str);

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.0.contains(is_hidden) {
            return f.pad(self.0);
        }
        let mut text = String::with_capacity(self.0.len() + 16);
        for c in self.0.chars() {
            match c {
                '\t' => text.push(' '),
                c if is_hidden(c) => reveal(c, &mut text)?,
                c => text.push(c),
            }
        }
        f.pad(&text)
    }
}

/// Text that is text in XML 1.0 and HTML, in elements and in quoted attributes.
///
/// Line feeds and tabs stay; other hidden characters are written out, among them those that XML
/// forbids, such as U+FFFE.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Markup(String);

impl Markup {
    /// Escapes a text.
    pub fn of(text: &str) -> Self {
        let mut out = String::with_capacity(text.len() + text.len() / 8);
        for c in text.chars() {
            match c {
                '&' => out.push_str("&amp;"),
                '<' => out.push_str("&lt;"),
                '>' => out.push_str("&gt;"),
                '"' => out.push_str("&quot;"),
                '\'' => out.push_str("&#39;"),
                '\n' | '\t' => out.push(c),
                // Writing to a string cannot fail.
                c if is_hidden(c) => _ = reveal(c, &mut out),
                c => out.push(c),
            }
        }
        Self(out)
    }
}

impl fmt::Display for Markup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Writes a text as a TOML string: a literal one where that is possible, else a basic one.
pub fn toml_string(text: &str) -> String {
    if !text.contains(|c: char| c == '\'' || is_hidden(c)) {
        return format!("'{text}'");
    }
    let mut out = String::with_capacity(text.len() + 16);
    out.push('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            // Writing to a string cannot fail.
            c if is_hidden(c) => _ = write!(out, "\\U{:08X}", c as u32),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hidden_characters_are_written_out() {
        let shown = |text| Shown(text).to_string();
        assert_eq!(
            shown("\x1b[31m\r\n\u{9b}\u{202e}a\tb\x7f"),
            "\\x1b[31m\\r\\n\\x9b\\u{202e}a b\\x7f"
        );
        assert_eq!(shown("naïve 日本 👩\u{200d}🚀"), "naïve 日本 👩\u{200d}🚀");
        assert_eq!(format!("{:<6}|", Shown("\x1b")), "\\x1b  |");
    }

    #[test]
    fn no_character_that_xml_forbids_is_left() {
        // Char of XML 1.0: #x9 | #xA | #xD | [#x20-#xD7FF] | [#xE000-#xFFFD] | [#x10000-#x10FFFF].
        let is_allowed = |c: char| matches!(c, '\t' | '\n' | '\r' | ' '..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..);
        let every: String = ('\0'..=char::MAX).collect();
        let Markup(text) = Markup::of(&every);
        assert_eq!(text.chars().find(|c| !is_allowed(*c) || "<>\"'\r".contains(*c)), None);
        assert_eq!(Markup::of("a\u{fffe}<b>&").to_string(), "a\\u{fffe}&lt;b&gt;&amp;");
    }
}
