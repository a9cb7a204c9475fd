//! What each byte can be part of, as one table look-up a byte.

/// Lower-case ASCII letter.
pub(super) const LOWER: u16 = 1;
/// Upper-case ASCII letter.
pub(super) const UPPER: u16 = 1 << 1;
/// ASCII digit.
pub(super) const DIGIT: u16 = 1 << 2;
/// `.`
pub(super) const DOT: u16 = 1 << 3;
/// `:`
pub(super) const COLON: u16 = 1 << 4;
/// `/`
pub(super) const SLASH: u16 = 1 << 5;
/// `-` and `+`
pub(super) const SIGN: u16 = 1 << 6;
/// `_`
pub(super) const UNDER: u16 = 1 << 7;
/// `@`
pub(super) const AT: u16 = 1 << 8;
/// `\`
pub(super) const BACKSLASH: u16 = 1 << 9;
/// Brackets, quotes, `=`, `,`, `;` and `|`: they end a piece wherever they stand.
pub(super) const HARD: u16 = 1 << 10;
/// Other ASCII punctuation.
pub(super) const OTHER: u16 = 1 << 11;
/// A byte of a character beyond ASCII, or of no character at all.
pub(super) const HIGH: u16 = 1 << 12;
/// White space and control bytes: they end a chunk.
pub(super) const GAP: u16 = 1 << 13;

/// Any ASCII letter.
pub(super) const ALPHA: u16 = LOWER | UPPER;

static CLASSES: [u16; 256] = classes();

const fn classes() -> [u16; 256] {
    let mut table = [OTHER; 256];
    let mut byte = 0;
    while byte < 256 {
        table[byte] = match byte as u8 {
            b'a'..=b'z' => LOWER,
            b'A'..=b'Z' => UPPER,
            b'0'..=b'9' => DIGIT,
            b'.' => DOT,
            b':' => COLON,
            b'/' => SLASH,
            b'-' | b'+' => SIGN,
            b'_' => UNDER,
            b'@' => AT,
            b'\\' => BACKSLASH,
            b'=' | b',' | b';' | b'|' | b'(' | b')' | b'[' | b']' | b'{' | b'}' | b'<' | b'>'
            | b'"' | b'\'' | b'`' => HARD,
            0..=0x20 | 0x7f => GAP,
            0x80..=0xff => HIGH,
            _ => OTHER,
        };
        byte += 1;
    }
    table
}

/// Returns the class of one byte.
#[inline(always)]
pub(super) fn class(byte: u8) -> u16 {
    CLASSES[byte as usize]
}

/// Returns the union of the classes of all bytes.
#[inline]
pub(super) fn classes_of(bytes: &[u8]) -> u16 {
    bytes.iter().fold(0, |all, &byte| all | class(byte))
}

/// Returns how often a byte occurs; for texts of a few bytes.
#[inline]
pub(super) fn count(text: &[u8], wanted: u8) -> usize {
    text.iter().filter(|&&byte| byte == wanted).count()
}
