//! stub
use logwake_detector::{alert::*, anomaly::*, detect::*, tally::*, time::*};
use std::time::Duration;
pub struct Metrics;
pub fn init(c: &crate::config::Telemetry) -> anyhow::Result<()> {
    tracing_subscriber::fmt().with_env_filter(&c.log).with_writer(std::io::stderr).init();
    Ok(())
}
impl Metrics {
    pub fn new(_: &crate::config::Telemetry) -> anyhow::Result<Self> {
        Ok(Self)
    }
    pub fn tallied(&self, _: &str, _: &TallyBatch) {}
    pub fn ingested(&self, _: &str, _: u64) {}
    pub fn rejected(&self, _: &str, _: u64) {}
    pub fn state_bytes(&self, _: &str, _: u64) {}
    pub fn anomaly(&self, _: &Anomaly, _: Timestamp) {}
    pub fn detected(&self, _: u32, _: &DetectState, _: Timestamp) {}
    pub fn alert(&self, _: &AlertChange) {}
    pub fn decision(&self, _: &Decision) {}
    pub fn committed(&self, _: &str, _: Duration, _: bool) {}
    pub fn lag(&self, _: &str, _: &str, _: i32, _: i64) {}
}
