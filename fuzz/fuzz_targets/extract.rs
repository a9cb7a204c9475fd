//! The values at the wildcards of a template can be taken from any content; a line put together
//! from its template and its values is the line, as far as a template keeps it.
//!
//! An input is two contents: its first line, and the rest.
#![no_main]

use libfuzzer_sys::fuzz_target;
use logwake_models::template::{Catalogue, CatalogueLimits, Extractor, Skeleton, WILDCARD, mask};

fuzz_target!(|input: &[u8]| {
    let end = input.iter().position(|&byte| byte == b'\n').unwrap_or(input.len());
    let lines = [&input[..end], input.get(end + 1..).unwrap_or_default()];
    let mut catalogue = Catalogue::new("fuzzed", CatalogueLimits::default());
    let mut skeleton = Skeleton::new();
    let ids = lines.map(|line| {
        mask(line, &mut skeleton);
        catalogue.assign(skeleton.hash(), skeleton.text()).id
    });
    for id in ids.map(|id| catalogue.resolve(id)) {
        let template = catalogue.text(id);
        for line in lines {
            let bytes: usize = catalogue.variables(id, line).iter().map(|value| value.len()).sum();
            assert!(bytes <= 3 * line.len().max(1) * 4, "values beyond the content");
            comes_back(&template, line);
        }
    }
});

/// Where content reads like a template, the template filled with the values is the content.
fn comes_back(template: &str, line: &[u8]) {
    let mut spans = Vec::new();
    if !Extractor::new(template).find(line, &mut spans) {
        return;
    }
    let constants: Vec<&str> = template.split(WILDCARD).collect();
    assert_eq!(spans.len() + 1, constants.len(), "a value for each wildcard");
    let mut filled = constants[0].as_bytes().to_vec();
    for (&(start, end), constant) in spans.iter().zip(&constants[1..]) {
        filled.extend_from_slice(&line[start..end]);
        filled.extend_from_slice(constant.as_bytes());
    }
    assert_eq!(essence(&filled), essence(line), "{template}");
}

/// A text without what a template may leave out: white space, and full stops.
fn essence(text: &[u8]) -> Vec<u8> {
    let kept = |byte: &u8| !byte.is_ascii_whitespace() && !matches!(byte, b'.' | b'!' | b'?');
    text.iter().copied().filter(kept).collect()
}
