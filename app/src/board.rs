//! stub
use logwake_detector::{alert::*, anomaly::*, detect::*, tally::*, time::*};
use std::sync::Mutex;
use std::sync::atomic::*;
use std::time::Duration;
#[derive(Default)]
pub struct Board {
    l: Mutex<LineCounts>,
    t: Mutex<std::collections::BTreeMap<u32, (usize, Option<Timestamp>)>>,
    a: AtomicU64,
}
impl Board {
    pub fn new() -> Self {
        Self::default()
    }
    pub fn tallied(&self, b: &TallyBatch, _p: u64) {
        self.l.lock().unwrap().add(&b.lines)
    }
    pub fn detected(&self, s: u32, d: &DetectState) {
        self.t
            .lock()
            .unwrap()
            .insert(s, (d.services().values().map(|x| x.templates.len()).sum(), d.progress()));
    }
    pub fn anomaly(&self, _: &Anomaly) {
        self.a.fetch_add(1, Ordering::Relaxed);
    }
    pub fn alert(&self, _: &AlertChange) {}
    pub fn decision(&self, _: &Decision) {}
    pub fn committed(&self, _: &str, _: Duration, _: bool) {}
    pub fn stage_failed(&self, _: &str, _: &str) {}
    pub fn assigned(&self, _: &str, _: usize) {}
    pub fn lag(&self, _: &str, _: &str, _: i32, _: i64) {}
    pub fn lines_accounted(&self) -> u64 {
        self.l.lock().unwrap().total()
    }
    pub fn lines(&self) -> LineCounts {
        *self.l.lock().unwrap()
    }
    pub fn event_time(&self) -> Option<Timestamp> {
        self.t.lock().unwrap().values().filter_map(|x| x.1).min()
    }
    pub fn templates(&self) -> usize {
        self.t.lock().unwrap().values().map(|x| x.0).sum()
    }
    pub fn anomalies(&self) -> u64 {
        self.a.load(Ordering::Relaxed)
    }
}
