//! A catalogue takes any lines, in any order, within its limits, and answers for each.
#![no_main]

use libfuzzer_sys::fuzz_target;
use logwake_models::template::{Catalogue, CatalogueLimits, Skeleton, mask};

fn learnt<'a>(lines: impl Iterator<Item = &'a [u8]>) -> Catalogue {
    let mut catalogue = Catalogue::new("fuzzed", CatalogueLimits::default());
    let mut skeleton = Skeleton::new();
    for line in lines {
        mask(line, &mut skeleton);
        let assigned = catalogue.assign(skeleton.hash(), skeleton.text());
        assert_eq!(
            catalogue.find(skeleton.hash()).map(|id| catalogue.resolve(id)),
            Some(catalogue.resolve(assigned.id))
        );
        catalogue.text(assigned.id);
    }
    catalogue
}

fuzz_target!(|lines: &[u8]| {
    let lines: Vec<&[u8]> = lines.split(|&byte| byte == b'\n').collect();
    let ahead = learnt(lines.iter().copied());
    let back = learnt(lines.iter().rev().copied());
    let texts = |catalogue: &Catalogue| {
        let mut texts: Vec<_> = catalogue.iter().collect();
        texts.sort();
        texts
    };
    assert_eq!(texts(&ahead), texts(&back), "order matters");
});
