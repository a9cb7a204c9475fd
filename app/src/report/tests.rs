#![allow(clippy::unwrap_used, reason = "tests")]

use std::time::Duration;

use serde_json::{Value, json};

use super::harmless;
use super::timeline::Timeline;

fn drawn(seconds: &[i64]) -> Value {
    let mut timeline = Timeline::new(Duration::from_secs(10));
    seconds.iter().for_each(|secs| timeline.count_at("shop", *secs));
    serde_json::to_value(timeline.draw()).unwrap()
}

#[test]
fn every_record_is_in_one_bucket_however_wide_buckets_become() {
    for span in [10, 1_000, 100_000, 10_000_000] {
        let seconds: Vec<i64> = (0..100).map(|at| 1_700_000_000 + at * span / 100).collect();
        let drawn = drawn(&seconds);
        let counts = drawn["services"][0]["counts"].as_array().unwrap();
        assert!(counts.len() <= 480, "{} buckets", counts.len());
        let sum: u64 = counts.iter().map(|count| count.as_u64().unwrap()).sum();
        assert_eq!(sum, 100);
    }
}

#[test]
fn an_order_of_time_is_not_needed() {
    assert_eq!(drawn(&[5, 9_000, 7, 2]), drawn(&[9_000, 2, 7, 5]));
}

#[test]
fn no_text_ends_the_element_that_holds_it() {
    let json = json!({ "text": "</script><script>alert(1)</script><!--" }).to_string();
    let written = harmless(&json);
    assert!(!written.contains('<'));
    assert_eq!(
        serde_json::from_str::<Value>(&written).unwrap(),
        serde_json::from_str::<Value>(&json).unwrap()
    );
}
