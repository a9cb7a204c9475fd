//! Learning as it is defined, one window at a time: what [`Baseline::observe`] must agree with.

use super::{Baseline, COUNT_MAX, Challenger, EXTREME, LevelShift};

impl Baseline {
    /// Learns from one closed window, puts nothing off and asks both tails.
    pub(crate) fn observe_plainly(&mut self, count: u64) -> Option<LevelShift> {
        self.windows += 1;
        self.observe_gap(count);
        let count = count.min(COUNT_MAX) as f64;
        let shift = if self.challenger.is_active() {
            self.weigh_challenger(count)
        } else {
            let prediction = self.predict();
            let is_extreme = prediction.upper(count) < EXTREME || prediction.lower(count) < EXTREME;
            if is_extreme && self.windows > u64::from(self.params.warm_up) {
                self.challenger = Challenger::start(count);
            } else {
                self.learn(count);
            }
            None
        };
        self.settle();
        shift
    }
}
