//! Events against the schemas of `docs/schema`.

use jsonschema::Validator;
use serde_json::Value;

/// Asserts that every line is an event as a schema says.
#[track_caller]
pub fn check_all<'a>(schema: &str, lines: impl IntoIterator<Item = &'a str>) -> usize {
    let schema = validator(schema);
    let mut count = 0;
    for line in lines {
        let event: Value = serde_json::from_str(line).unwrap();
        check(&schema, &event);
        count += 1;
    }
    count
}

/// Asserts that one event is as its schema says.
#[track_caller]
pub fn check(schema: &Validator, event: &Value) {
    let errors: Vec<String> = schema
        .iter_errors(event)
        .map(|error| format!("{}: {error}", error.instance_path()))
        .collect();
    assert!(errors.is_empty(), "{errors:#?}\n{event:#}");
}

/// Loads a schema.
pub fn validator(name: &str) -> Validator {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/schema");
    let text = std::fs::read_to_string(format!("{folder}/{name}.schema.json")).unwrap();
    let schema: Value = serde_json::from_str(&text).unwrap();
    jsonschema::draft202012::options().should_validate_formats(true).build(&schema).unwrap()
}
