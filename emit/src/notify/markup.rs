//! Text from logs as Slack and Microsoft Teams take it: it is never markup, never a link, and never
//! longer than the field that holds it.

use serde_json::{Value, json};

use crate::text::{is_hidden, reveal};

/// Characters of one field of Slack's: longer ones are refused with status 400.
/// Its documentation says characters; UTF-16 units, which are never fewer, are counted here.
/// <https://docs.slack.dev/reference/block-kit/composition-objects/text-object>
const SLACK_TEXT_MAX: usize = 3_000;

/// Slack's `mrkdwn`, which no text from outside can add to.
///
/// Escaping makes text longer, by up to five times, so it comes before the cut.
#[derive(Clone, Debug)]
pub(super) struct Mrkdwn(String);

impl Mrkdwn {
    /// Makes text of a text, at most so long.
    pub(super) fn text(text: &str, units_max: usize) -> Self {
        Self(escaped(text, units_max, &|c| match c {
            '&' => Some("&amp;"),
            '<' => Some("&lt;"),
            '>' => Some("&gt;"),
            _ => None,
        }))
    }

    /// Makes one bold line of a text; with an address, a link to it.
    pub(super) fn headline(text: &str, units_max: usize, link: Option<&str>) -> Self {
        let Self(text) = Self::text(&text.replace('\n', " "), units_max);
        Self(match link {
            Some(link) => format!("*<{link}|{}>*", text.replace('|', "/")),
            None => format!("*{text}*"),
        })
    }

    /// Makes a block of monospaced lines of a text.
    pub(super) fn code(text: &str, units_max: usize) -> Self {
        let Self(text) = Self::text(text, units_max - 6);
        Self(format!("```{}```", text.replace("```", "'''")))
    }

    /// Returns the section that shows it.
    ///
    /// `verbatim` keeps Slack from making links of addresses, channels and names in it.
    pub(super) fn section(&self) -> Value {
        debug_assert!(
            self.0.encode_utf16().count() <= SLACK_TEXT_MAX,
            "a field of Slack's is full"
        );
        json!({ "type": "section", "text": { "type": "mrkdwn", "text": self.0, "verbatim": true } })
    }

    /// Returns the text of a notification, which Slack shows where it cannot show blocks.
    pub(super) fn fallback(&self) -> Value {
        json!(self.0)
    }
}

/// Lines of an Adaptive Card in which nothing is markup.
///
/// A `TextBlock` reads markdown, and phones ignore the backslashes that would escape it
/// (microsoft/AdaptiveCards issue 5590).
/// A `TextRun` reads none: <https://learn.microsoft.com/adaptive-cards/schema-explorer/text-run>.
#[derive(Clone, Debug)]
pub(super) struct CardText(Vec<String>);

impl CardText {
    /// Makes lines of a text, at most so long in all.
    pub(super) fn of(text: &str, units_max: usize) -> Self {
        let text = escaped(text, units_max, &|_| None);
        // No link either for a client that reads markdown after all.
        Self(text.lines().map(|line| line.replace("](", "] (")).collect())
    }

    /// Returns one element for each line, with the properties of its run.
    pub(super) fn elements(&self, run: &Value) -> Vec<Value> {
        let element = |line: &String| {
            let mut run = run.clone();
            run["type"] = json!("TextRun");
            run["text"] = json!(line);
            json!({ "type": "RichTextBlock", "spacing": "None", "inlines": [run] })
        };
        self.0.iter().filter(|line| !line.trim().is_empty()).map(element).collect()
    }
}

/// Escapes a text until it is as long as it may be, in UTF-16 units; the cut is marked by `…`, never
/// splits what one character became, and is at a blank where one is near the end.
fn escaped(text: &str, units_max: usize, escape: &dyn Fn(char) -> Option<&'static str>) -> String {
    let (mut out, mut units, mut piece) = (String::new(), 0, String::new());
    for (at, c) in text.char_indices() {
        piece.clear();
        match escape(c) {
            Some(escaped) => piece.push_str(escaped),
            // Writing to a string cannot fail.
            None if is_hidden(c) && !"\n\t".contains(c) => _ = reveal(c, &mut piece),
            None => piece.push(c),
        }
        let more: usize = piece.chars().map(char::len_utf16).sum();
        let is_last = at + c.len_utf8() == text.len();
        if units + more + usize::from(!is_last) > units_max {
            let end = out.rfind(' ').filter(|end| end * 10 >= out.len() * 8).unwrap_or(out.len());
            out.truncate(end);
            out.push('…');
            return out;
        }
        out.push_str(&piece);
        units += more;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_escaped_before_it_is_cut_and_no_entity_is_split() {
        for text in ["<", "&", "a<", "&&a", "👩<", "\u{202e}&"] {
            for units_max in 1..64 {
                let Mrkdwn(cut) = Mrkdwn::text(&text.repeat(100), units_max);
                assert!(cut.encode_utf16().count() <= units_max, "{units_max}: {cut}");
                let rest = cut.replace("&amp;", "").replace("&lt;", "").replace("\\u{202e}", "");
                assert!(rest.chars().all(|c| "a👩…".contains(c)), "{units_max}: {cut}");
            }
        }
        assert_eq!(Mrkdwn::text("a < b", 8).0, "a &lt; b");
        assert_eq!(Mrkdwn::text("a < b", 7).0, "a &lt;…");
    }

    #[test]
    fn no_field_of_slack_is_longer_than_it_takes() {
        let code = Mrkdwn::code(&"<&>`".repeat(5_000), SLACK_TEXT_MAX);
        assert!(code.0.encode_utf16().count() <= SLACK_TEXT_MAX);
        assert!(!code.0[3..code.0.len() - 3].contains("```"), "nothing ends the block");
    }

    #[test]
    fn a_headline_is_one_line_and_one_link() {
        let Mrkdwn(text) = Mrkdwn::headline("a|b\n<https://evil>", 99, Some("https://logwake"));
        assert_eq!(text, "*<https://logwake|a/b &lt;https://evil&gt;>*");
    }

    #[test]
    fn a_card_holds_no_markdown() {
        let lines = CardText::of("[log in](https://evil) **x**\n\n# y", 99);
        let elements = lines.elements(&json!({ "weight": "Bolder" }));
        assert_eq!(elements.len(), 2);
        let run = json!({
            "type": "TextRun", "weight": "Bolder", "text": "[log in] (https://evil) **x**",
        });
        assert_eq!(elements[0]["inlines"], json!([run]));
    }
}
