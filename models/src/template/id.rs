//! The identity of a template: a hash of service and shape, never a counter.

use std::fmt;

use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_64_with_seed;

/// Names a template for life: the same service and the same constant text give the same id in
/// every process and on every run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct TemplateId(pub u64);

impl TemplateId {
    /// Derives the id of a template from the hash of its service and its canonical key.
    pub(crate) fn derive(service_seed: u64, key: &[u8]) -> Self {
        Self(xxh3_64_with_seed(key, service_seed))
    }
}

impl fmt::Display for TemplateId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "t_{:016x}", self.0)
    }
}

/// Why a text is no template id.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("template id {0:?} is not `t_` and 16 hexadecimal digits")]
pub struct TemplateIdError(String);

impl std::str::FromStr for TemplateId {
    type Err = TemplateIdError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.strip_prefix("t_")
            .filter(|digits| digits.len() == 16)
            .and_then(|digits| u64::from_str_radix(digits, 16).ok())
            .map(Self)
            .ok_or_else(|| TemplateIdError(text.to_owned()))
    }
}
