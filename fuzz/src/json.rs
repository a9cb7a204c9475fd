//! Mutation of JSON texts as trees: what comes out is JSON again, with keys that mean something.
//!
//! Source: structure-aware fuzzing as libFuzzer's documentation describes it; the words are those
//! of the target's dictionary.

use libfuzzer_sys::fuzzer_mutate;
use serde_json::{Map, Value, json};

/// Steps down from the root before a node is taken.
const DEPTH_MAX: usize = 12;
/// Copies of an element at most.
const COPIES_MAX: u64 = 40;

/// Mutates the JSON text in `data[..size]`, or its bytes where it is none; returns the new size.
///
/// `words` is a dictionary of libFuzzer, one quoted word on each line.
pub fn mutate(data: &mut [u8], size: usize, size_max: usize, seed: u32, words: &str) -> usize {
    let mut dice = Dice(u64::from(seed));
    if dice.below(3) > 0
        && let Ok(mut root) = serde_json::from_slice::<Value>(&data[..size])
    {
        for _ in 0..=dice.below(3) {
            let node = pick(&mut root, &mut dice);
            change(node, &mut dice, words);
        }
        let text = root.to_string();
        if text.len() <= size_max {
            data[..text.len()].copy_from_slice(text.as_bytes());
            return text.len();
        }
    }
    fuzzer_mutate(data, size, size_max)
}

/// Walks down from the root, some way.
fn pick<'v>(root: &'v mut Value, dice: &mut Dice) -> &'v mut Value {
    let mut node = root;
    for _ in 0..dice.below(DEPTH_MAX as u64) {
        let len = node.as_array().map_or(0, Vec::len) + node.as_object().map_or(0, Map::len);
        if len == 0 {
            return node;
        }
        let idx = dice.below(len as u64) as usize;
        node = match node {
            Value::Array(items) => &mut items[idx],
            Value::Object(members) => match members.values_mut().nth(idx) {
                Some(value) => value,
                None => unreachable!("the index is below the length"),
            },
            leaf => leaf,
        };
    }
    node
}

fn change(node: &mut Value, dice: &mut Dice, words: &str) {
    match (dice.below(8), &mut *node) {
        (0 | 1, Value::Object(members)) => {
            drop(members.insert(word(dice, words), scalar(dice, words)));
        }
        (2, Value::Object(members)) => rename(members, dice, words),
        (3, Value::Object(members)) => {
            let key = nth_key(members, dice);
            key.map(|key| members.remove(&key));
        }
        (0..=3, Value::Array(items)) if !items.is_empty() => {
            let item = items[dice.below(items.len() as u64) as usize].clone();
            items.extend(std::iter::repeat_n(item, dice.below(COPIES_MAX) as usize));
        }
        (4, _) => *node = json!({ word(dice, words): node.take() }),
        (5, _) => *node = json!([node.take()]),
        (6, _) => *node = Value::String(node.to_string()),
        (0..=3, Value::String(text)) => *text = rewritten(text),
        _ => *node = scalar(dice, words),
    }
}

fn rename(members: &mut Map<String, Value>, dice: &mut Dice, words: &str) {
    if let Some(value) = nth_key(members, dice).and_then(|key| members.remove(&key)) {
        members.insert(word(dice, words), value);
    }
}

fn nth_key(members: &Map<String, Value>, dice: &mut Dice) -> Option<String> {
    members.keys().nth(dice.below(members.len().max(1) as u64) as usize).cloned()
}

/// Leaves a text to libFuzzer.
fn rewritten(text: &str) -> String {
    let mut bytes = text.as_bytes().to_vec();
    let size = bytes.len();
    bytes.resize(size + 32, 0);
    let size = fuzzer_mutate(&mut bytes, size, size + 32);
    String::from_utf8_lossy(&bytes[..size]).into_owned()
}

fn scalar(dice: &mut Dice, words: &str) -> Value {
    match dice.below(8) {
        0 => json!(i64::MIN),
        1 => json!(u64::MAX),
        2 => json!(-1.5e308),
        3 => json!(dice.below(1_000)),
        4 => Value::Null,
        5 => json!(true),
        _ => Value::String(word(dice, words)),
    }
}

fn word(dice: &mut Dice, words: &str) -> String {
    let count = words.lines().count().max(1) as u64;
    let line = words.lines().nth(dice.below(count) as usize).unwrap_or_default();
    line.trim_matches('"').to_owned()
}

/// SplitMix64 (Steele, Lea and Flood, OOPSLA 2014).
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % bound.max(1)
    }
}
