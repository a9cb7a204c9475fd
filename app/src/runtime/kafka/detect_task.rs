//! Stage 2 for one shard: tallies to findings, and each anomaly as a public event.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use logwake_detector::alert::AlertInput;
use logwake_detector::detect::{Detect, DetectSettings, Findings, Known};
use logwake_emit::event::anomaly_json;
use logwake_emit::kafka::{OutMessage, Outbox};
use logwake_emit::wire;
use logwake_ingest::kafka::Partition;

use crate::board::Board;
use crate::runtime::advice_of;
use crate::telemetry::{CatalogueCounts, Metrics, Stage};

use super::stage::wall_now;
use super::task::{Cut, Input, Task};
use super::topics::Topics;

/// How often the board shows the state of a shard.
const SHOW_EVERY: Duration = Duration::from_secs(1);

/// What every task of the stage shares.
pub struct DetectShared {
    /// Names of topics.
    pub topics: Topics,
    /// Shards in all.
    pub shards: u32,
    /// How to judge.
    pub settings: DetectSettings,
    /// What is known from the start.
    pub known: Arc<Known>,
    /// The live board.
    pub board: Arc<Board>,
    /// The metrics.
    pub metrics: Arc<Metrics>,
}

/// Stage 2 of one shard.
pub struct DetectTask {
    shared: Arc<DetectShared>,
    shard: u32,
    detect: Detect,
    findings: Vec<Findings>,
    waiting: Vec<Findings>,
    shown: Option<Instant>,
    shown_counts: CatalogueCounts,
    /// Services that were warned of too many templates.
    advised: BTreeSet<String>,
    /// Tallies that were passed over.
    unreadable: u64,
}

impl DetectTask {
    /// Makes the task of a partition of the tallies.
    pub fn new(shared: &Arc<DetectShared>, partition: &Partition) -> Self {
        let shard = u32::try_from(partition.1).unwrap_or(0);
        Self {
            detect: Detect::new(shared.settings, shard, shared.shards)
                .with_known(Arc::clone(&shared.known)),
            shared: Arc::clone(shared),
            shard,
            findings: Vec::new(),
            waiting: Vec::new(),
            shown: None,
            shown_counts: CatalogueCounts::default(),
            advised: BTreeSet::new(),
            unreadable: 0,
        }
    }

    /// Warns once of each service that has more templates than it may, and says what would help.
    fn advise(&mut self) {
        for service in self.detect.state().services().values() {
            let overflowed = service.catalogue.overflowed();
            if overflowed > 0 && self.advised.insert(service.name.clone()) {
                let advice = advice_of(&service.catalogue);
                tracing::warn!(
                    service = service.name,
                    templates = service.catalogue.len(),
                    "more templates than templates.templates_max; {advice}"
                );
            }
        }
    }

    fn catalogues(&self) -> CatalogueCounts {
        let services = self.detect.state().services().values();
        services.fold(CatalogueCounts::default(), |sum, service| CatalogueCounts {
            skeletons: sum.skeletons + service.catalogue.skeletons() as u64,
            overflows: sum.overflows + service.catalogue.overflowed(),
            merges: sum.merges + service.catalogue.aliases().count() as u64,
        })
    }

    fn put_out(&mut self, offset: i64, out: &mut Outbox) {
        for findings in self.findings.drain(..) {
            for anomaly in &findings.anomalies {
                out.push(OutMessage {
                    topic: Arc::clone(&self.shared.topics.anomalies),
                    partition: None,
                    key: anomaly.service.clone().into_bytes(),
                    payload: Some(anomaly_json(anomaly)),
                    headers: vec![("logwake-origin".into(), format!("{}/{offset}", self.shard))],
                });
            }
            if !findings.anomalies.is_empty() {
                self.waiting.push(findings.clone());
            }
            out.push(OutMessage {
                topic: Arc::clone(&self.shared.topics.findings),
                partition: Some(0),
                key: self.shard.to_string().into_bytes(),
                payload: Some(wire::encode_alert_input(&AlertInput::Findings(findings))),
                headers: Vec::new(),
            });
        }
    }
}

impl Task for DetectTask {
    const REPLAYS: bool = true;

    fn handle(&mut self, input: Input<'_>, out: &mut Outbox) {
        match wire::decode_tally(input.payload) {
            Ok(batch) => {
                self.shared.board.counted(&batch);
                self.detect.step(batch, &mut self.findings);
            }
            Err(error) => {
                self.unreadable += 1;
                let (shard, count) = (self.shard, self.unreadable);
                self.shared.metrics.unreadable(Stage::Detect);
                if count.is_power_of_two() {
                    tracing::warn!(%error, shard, count, "tallies not readable, passed over");
                }
            }
        }
        self.put_out(input.offset, out);
    }

    fn cut(&mut self, _: Cut, _: &mut Outbox) {}

    fn snapshot(&self) -> Vec<u8> {
        let bytes = wire::encode(wire::DETECT_STATE_VERSION, self.detect.state());
        self.shared.metrics.state_size(Stage::Detect, bytes.len() as u64);
        bytes
    }

    fn restore(&mut self, state: &[u8]) -> anyhow::Result<()> {
        let state = wire::decode("detect state", wire::DETECT_STATE_VERSION, state)?;
        if !self.detect.restore(state) {
            let shard = self.shard;
            tracing::warn!(shard, "detect.window has changed: every service is learned anew");
        }
        Ok(())
    }

    fn is_urgent(&self) -> bool {
        !self.waiting.is_empty()
    }

    fn begin(&mut self, position: i64) {
        self.detect.begin(u64::try_from(position).unwrap_or(0));
    }

    fn committed(&mut self) {
        for findings in self.waiting.drain(..) {
            for anomaly in &findings.anomalies {
                self.shared.board.anomaly(anomaly);
                self.shared.metrics.anomaly(anomaly);
                self.shared.metrics.detection_delay(wall_now().since(anomaly.at));
            }
        }
        if self.shown.is_none_or(|shown| shown.elapsed() >= SHOW_EVERY) {
            self.shared.board.detected(self.shard, self.detect.state());
            let budget = self.shared.settings.anomaly_budget;
            self.shared.metrics.detected(self.shard, self.detect.state(), budget);
            let sum = self.catalogues();
            let counts = CatalogueCounts {
                skeletons: sum.skeletons,
                merges: sum.merges.saturating_sub(self.shown_counts.merges),
                overflows: sum.overflows.saturating_sub(self.shown_counts.overflows),
            };
            self.shown_counts = sum;
            self.shared.metrics.catalogues(self.shard, counts);
            self.advise();
            self.shown = Some(Instant::now());
        }
    }
}
