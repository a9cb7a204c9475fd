//! What the configuration keeps secret, taken out of every text on its way to a log or an error.
//!
//! Libraries put values of properties and addresses into their errors: librdkafka names the value of
//! a property that it refuses.
//! So the whole process knows its secrets, and its logs and error messages pass through [`redact`].

use std::borrow::Cow;
use std::sync::{PoisonError, RwLock};

/// What stands for a secret.
pub const REDACTED: &str = "(redacted)";
/// Secrets shorter than this are not looked for in text: they would blot out ordinary words.
const LEN_MIN: usize = 6;

/// Every secret of every configuration that was read, the longest first, as it is and as it is
/// escaped in JSON and in quoted fields.
static KNOWN: RwLock<Vec<String>> = RwLock::new(Vec::new());

/// Makes secrets known to [`redact`], for as long as the process runs.
pub fn remember(secrets: impl IntoIterator<Item = String>) {
    let mut known = KNOWN.write().unwrap_or_else(PoisonError::into_inner);
    for secret in secrets.into_iter().filter(|secret| secret.len() >= LEN_MIN) {
        let quoted = format!("{secret:?}");
        let json = serde_json::Value::from(secret.as_str()).to_string();
        let inner = |text: &str| text[1..text.len() - 1].to_owned();
        known.extend([inner(&quoted), inner(&json), secret]);
    }
    known.sort_by(|a, b| b.len().cmp(&a.len()).then_with(|| a.cmp(b)));
    known.dedup();
}

/// Takes known secrets, and user information of any address, out of a text.
pub fn redact(text: &str) -> Cow<'_, str> {
    let mut text = Cow::Borrowed(text);
    for secret in KNOWN.read().unwrap_or_else(PoisonError::into_inner).iter() {
        if text.contains(secret.as_str()) {
            text = Cow::Owned(text.replace(secret.as_str(), REDACTED));
        }
    }
    match without_userinfo(&text) {
        Cow::Borrowed(_) => text,
        Cow::Owned(text) => Cow::Owned(text),
    }
}

/// Takes the user information out of every address in a text: `http://user:password@host`.
pub fn without_userinfo(text: &str) -> Cow<'_, str> {
    let (mut out, mut rest) = (String::new(), text);
    while let Some(at) = rest.find("://") {
        let (head, tail) = rest.split_at(at + "://".len());
        let is_end = |c: char| c.is_whitespace() || "/?#\"'`<>\\,;)]}".contains(c);
        let authority = &tail[..tail.find(is_end).unwrap_or(tail.len())];
        out.push_str(head);
        let host = authority.rfind('@').map_or(0, |at| {
            out.push_str(REDACTED);
            at
        });
        rest = &tail[host..];
    }
    if out.len() + rest.len() == text.len() && !out.contains(REDACTED) {
        return Cow::Borrowed(text);
    }
    out.push_str(rest);
    Cow::Owned(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn user_information_is_taken_out_of_addresses_alone() {
        let check = |text: &str, wanted: &str| assert_eq!(without_userinfo(text), wanted);
        check("http://ada:pw@host:4318/x", "http://(redacted)@host:4318/x");
        check(
            "see https://token@a/ and http://b/c@d",
            "see https://(redacted)@a/ and http://b/c@d",
        );
        check("\"ftp://u:p@w@h\"", "\"ftp://(redacted)@h\"");
        check("mail ada@example.org: //x@y", "mail ada@example.org: //x@y");
    }

    #[test]
    fn a_secret_is_found_as_it_is_and_as_logs_quote_it() {
        remember(["s3cr3t\"of\\tests".to_owned(), "pw".to_owned()]);
        assert_eq!(redact("no s3cr3t\"of\\tests pw"), "no (redacted) pw");
        let quoted = format!("{:?}", "no s3cr3t\"of\\tests");
        assert_eq!(redact(&quoted), "\"no (redacted)\"");
        assert_eq!(redact("nothing"), "nothing");
    }
}
