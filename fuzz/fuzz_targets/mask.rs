//! The mask says what its reference says, whatever the bytes.
#![no_main]

use libfuzzer_sys::fuzz_target;
use logwake_models::template::{Skeleton, mask, reference};

fuzz_target!(|content: &[u8]| {
    let mut skeleton = Skeleton::new();
    mask(content, &mut skeleton);
    assert!(skeleton.text().len() <= 3 * content.len() + 3, "text grows without bound");
    for variable in skeleton.variables() {
        assert!(variable.start < variable.end && variable.end <= content.len());
    }
    if let Some(written) = reference::mask(content) {
        assert_eq!(skeleton.text(), written.text());
        assert_eq!(skeleton.variables(), written.variables());
    }
});
