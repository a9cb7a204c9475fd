//! Makes an event smaller than a limit: the last resort before one that no broker takes.
//!
//! Events are bounded where they are made; a topic may allow less than that.
//! Ids, keys and times stay whole. Every other text and every list is cut, further with each round,
//! until the event fits.

use serde_json::Value;

/// Bytes of a text and entries of a list that are kept, round by round.
const ROUNDS: [(usize, usize); 6] =
    [(4096, 256), (1024, 64), (512, 32), (256, 16), (128, 8), (64, 4)];
/// Members by which an event is found, joined or ordered.
const KEPT: [&str; 3] = ["id", "dedup_key", "@timestamp"];

/// Returns a smaller form of an event in JSON that has more than `bytes_max` bytes: one that fits, or
/// the smallest that there is. `None` where it fits as it is, or is no JSON.
pub fn shed(event: &[u8], bytes_max: usize) -> Option<Vec<u8>> {
    if event.len() <= bytes_max {
        return None;
    }
    let mut value: Value = serde_json::from_slice(event).ok()?;
    let mut smaller = None;
    for (text_bytes, entries) in ROUNDS {
        cut(&mut value, text_bytes, entries);
        let form = serde_json::to_vec(&value).ok()?;
        let fits = form.len() <= bytes_max;
        smaller = Some(form);
        if fits {
            break;
        }
    }
    smaller
}

/// Cuts the texts and lists of a value. Events are a few levels deep, whatever their content.
fn cut(value: &mut Value, text_bytes: usize, entries: usize) {
    match value {
        Value::String(text) => cut_text(text, text_bytes),
        Value::Array(list) => {
            list.truncate(entries);
            list.iter_mut().for_each(|entry| cut(entry, text_bytes, entries));
        }
        Value::Object(members) => members
            .iter_mut()
            .filter(|(name, _)| !KEPT.contains(&name.as_str()))
            .for_each(|(_, member)| cut(member, text_bytes, entries)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

fn cut_text(text: &mut String, bytes_max: usize) {
    if text.len() > bytes_max {
        let whole = (0..=bytes_max).rev().find(|at| text.is_char_boundary(*at));
        text.truncate(whole.unwrap_or(0));
        text.push('…');
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_event_that_fits_is_left_alone() {
        assert_eq!(shed(br#"{"message":"x"}"#, 100), None);
    }

    #[test]
    fn texts_and_lists_are_cut_and_ids_are_not() {
        let id = "i".repeat(300);
        let event = json!({
            "event": { "id": id, "reason": "\u{1}ä".repeat(50_000) },
            "logwake": { "members": vec!["m".repeat(900); 900] },
        });
        for bytes_max in [500_000, 50_000, 2_000] {
            let smaller = shed(&serde_json::to_vec(&event).unwrap(), bytes_max).unwrap();
            assert!(smaller.len() <= bytes_max);
            let value: Value = serde_json::from_slice(&smaller).unwrap();
            assert_eq!(value["event"]["id"], id.as_str());
            assert!(value["event"]["reason"].as_str().unwrap().ends_with('…'));
        }
    }

    #[test]
    fn what_cannot_be_made_to_fit_is_as_small_as_it_gets() {
        let event = json!({ "id": "i".repeat(900), "message": "m".repeat(900) });
        let smaller = shed(&serde_json::to_vec(&event).unwrap(), 500).unwrap();
        assert!((900..1_100).contains(&smaller.len()));
    }
}
