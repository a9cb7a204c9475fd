//! What the topics prove: each check is fed the messages of its topics in their order and says what
//! does not fit.
//!
//! It knows no broker: `commands/verify` reads the topics. Memory is bounded by the number of
//! partitions, and for ids by the constants here, however long the topics are.

mod arrived;
mod changes;
mod ids;
mod tiles;
mod told;

pub use arrived::Arrived;
pub use changes::Changes;
pub use tiles::{SourceSum, Tiles};
pub use told::Told;

/// Problems that are kept in words; further ones are counted.
const PROBLEMS_MAX: usize = 50;

/// What does not fit.
#[derive(Debug, Default)]
pub struct Problems {
    kept: Vec<String>,
    count: u64,
}

impl Problems {
    /// Adds a problem.
    pub fn add(&mut self, problem: String) {
        if self.kept.len() < PROBLEMS_MAX {
            self.kept.push(problem);
        }
        self.count += 1;
    }

    /// Returns the first problems in words.
    pub fn kept(&self) -> &[String] {
        &self.kept
    }

    /// Returns how many there are.
    pub fn count(&self) -> u64 {
        self.count
    }
}

#[cfg(test)]
mod tests;
