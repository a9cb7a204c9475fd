//! Bytes written as base64, and the tokens made of it.
//!
//! Encoded bytes change between small letters, capitals and digits at two places of three, names in
//! words at one of three or less. Sources: RFC 4648 for the two alphabets, RFC 7519 for tokens.

/// Shortest text that is taken for base64.
const LEN_MIN: usize = 20;
/// How a JSON object begins in base64, as all JSON Web Tokens do.
const TOKEN_START: &[u8] = b"eyJ";

/// Reports whether a text that holds small letters, capitals and digits is base64.
pub(super) fn is_base64(text: &[u8]) -> bool {
    if text.len() < LEN_MIN {
        return false;
    }
    let is_token = text.starts_with(TOKEN_START);
    let is_letter = |byte: &u8| byte.is_ascii_alphanumeric() || b"+/-_".contains(byte);
    if !text.iter().all(|byte| is_letter(byte) || is_token && *byte == b'.') {
        return false;
    }
    let changes = text.windows(2).filter(|two| kind(two[0]) != kind(two[1])).count();
    is_token || 2 * changes >= text.len()
}

fn kind(byte: u8) -> u8 {
    match byte {
        b'a'..=b'z' => 0,
        b'A'..=b'Z' => 1,
        b'0'..=b'9' => 2,
        _ => 3,
    }
}

/// Length of the `=` signs that pad base64, if nothing but a delimiter follows them.
pub(super) fn padding_len(after: &[u8]) -> Option<usize> {
    let len = after.iter().take_while(|&&byte| byte == b'=').count();
    let ends = after.get(len).is_none_or(|next| !next.is_ascii_alphanumeric());
    ((1..=2).contains(&len) && ends).then_some(len)
}
