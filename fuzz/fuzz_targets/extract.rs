//! The values at the wildcards of a template can be taken from any content, its own or another's.
#![no_main]

use libfuzzer_sys::fuzz_target;
use logwake_models::template::{Catalogue, CatalogueLimits, Skeleton, mask};

fuzz_target!(|lines: (&[u8], &[u8])| {
    let mut catalogue = Catalogue::new("fuzzed", CatalogueLimits::default());
    let mut skeleton = Skeleton::new();
    let mut ids = Vec::new();
    for line in [lines.0, lines.1] {
        mask(line, &mut skeleton);
        ids.push(catalogue.assign(skeleton.hash(), skeleton.text()).id);
    }
    for id in ids {
        for line in [lines.0, lines.1] {
            let bytes: usize = catalogue.variables(id, line).iter().map(|value| value.len()).sum();
            assert!(bytes <= 3 * line.len().max(1) * 4, "values beyond the content");
        }
    }
});
