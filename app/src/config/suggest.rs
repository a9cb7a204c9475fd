//! Did-you-mean: the known name nearest to one that is not known.

use std::collections::BTreeMap;

use super::Config;
use super::node::{Node, join};
use super::setting::Reader;

/// Returns the name nearest to `wrong`, where one is near enough to be meant.
pub fn nearest<'a>(wrong: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let wrong = wrong.to_ascii_lowercase().replace('-', "_");
    let near = known.into_iter().map(|name| (strsim::osa_distance(&wrong, name), name));
    let (distance, name) = near.min()?;
    (distance <= 1 + wrong.chars().count() / 4).then_some(name)
}

/// Reports the keys of a table that are not known; `known` are the plain names and the `_file` ones.
pub fn refuse_unknown(
    reader: &mut Reader<'_>,
    table: &BTreeMap<String, Node>,
    path: &str,
    (known, from_file): (&[&str], &[&str]),
) {
    for (key, node) in table {
        let key = key.as_str();
        if known.contains(&key) || from_file.contains(&key) {
            continue;
        }
        let full = join(path, key);
        let mut message = String::from("unknown key");
        if let Some(near) = nearest(key, known.iter().copied()) {
            message.push_str(&format!(", did you mean {}?", join(path, near)));
        } else if let Some(place) = place_of(key) {
            message.push_str(&format!(", did you mean {place}?"));
        } else {
            message.push_str(&format!(", known here: {}", known.join(", ")));
        }
        reader.refuse(node, &full, message);
    }
}

/// Finds a key that stands under another section.
fn place_of(key: &str) -> Option<String> {
    let sections = Config::sections();
    let found = sections.iter().find(|(_, keys)| keys.iter().any(|known| known.name == key));
    found.map(|(section, _)| join(section, key))
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn the_nearest_name_is_found_and_a_far_one_is_not() {
        let known = ["brokers", "topics", "commit_interval"];
        assert_eq!(nearest("broker", known), Some("brokers"));
        assert_eq!(nearest("Topics", known), Some("topics"));
        assert_eq!(nearest("commit-intervall", known), Some("commit_interval"));
        assert_eq!(nearest("colour", known), None);
    }
}
