//! What holds for any content.

use proptest::prelude::*;
use xxhash_rust::xxh3::xxh3_64;

use super::*;

proptest! {
    #[test]
    fn any_bytes_give_a_skeleton(content in proptest::collection::vec(any::<u8>(), 0..300)) {
        let mut skeleton = Skeleton::new();
        mask(&content, &mut skeleton);
        holds(&content, &skeleton);
    }

    #[test]
    fn any_log_like_text_gives_a_skeleton(content in "([a-zA-Z0-9:./=_<>*\"'{}\\[\\](), @#%$~\\\\\n-]|é|0x|://|true|Jan ){0,80}") {
        let mut skeleton = Skeleton::new();
        mask(content.as_bytes(), &mut skeleton);
        holds(content.as_bytes(), &skeleton);
        let text = skeleton.text().to_owned();
        mask(b"something else 1", &mut skeleton);
        mask(content.as_bytes(), &mut skeleton);
        prop_assert_eq!(text, skeleton.text());
    }

    #[test]
    fn numbers_do_not_matter(a in 1u32..999_999, b in 1u32..999_999) {
        let text = |n: u32| masked(&format!("took {n} ms for block-{n} at 10.0.0.{} [{n}]", n % 256));
        prop_assert_eq!(text(a), text(b));
    }
}

fn holds(content: &[u8], skeleton: &Skeleton) {
    assert_eq!(skeleton.hash(), xxh3_64(skeleton.text().as_bytes()));
    for variable in skeleton.variables() {
        assert!(variable.start <= variable.end && variable.end <= content.len());
    }
}
