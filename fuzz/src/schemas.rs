//! The published schemas of events.

use std::sync::LazyLock;

use jsonschema::Validator;
use serde_json::Value;

macro_rules! schema {
    ($name:literal) => {
        LazyLock::new(|| {
            let text = include_str!(concat!("../../docs/schema/", $name, ".schema.json"));
            let schema = serde_json::from_str(text).expect("a schema is JSON");
            let options = jsonschema::draft202012::options().should_validate_formats(true);
            options.build(&schema).expect("a schema is one")
        })
    };
}

/// `docs/schema/anomaly.schema.json`
pub static ANOMALY: LazyLock<Validator> = schema!("anomaly");
/// `docs/schema/alert.schema.json`
pub static ALERT: LazyLock<Validator> = schema!("alert");
/// `docs/schema/decision.schema.json`
pub static DECISION: LazyLock<Validator> = schema!("decision");
/// `docs/schema/external.schema.json`
pub static EXTERNAL: LazyLock<Validator> = schema!("external");

/// Panics unless an event is JSON and as its schema says.
pub fn check(schema: &Validator, event: &[u8]) {
    let event: Value = serde_json::from_slice(event).expect("an event is JSON");
    if let Some(error) = schema.iter_errors(&event).next() {
        panic!("{error} at {} of {event}", error.instance_path());
    }
}
