//! The machines of all stages with their settings, and how each is driven.

use std::sync::Arc;
use std::time::Duration;

use logwake_detector::alert::{Alert, AlertInput, AlertOutput, AlertSettings};
use logwake_detector::anomaly::Severity;
use logwake_detector::detect::{
    Detect, DetectSettings, FleetSettings, SessionSettings, ValueSettings,
};
use logwake_detector::notify::{Notice, Notify, NotifyInput, NotifyOutput, SinkSettings};
use logwake_detector::record::{Record, Source};
use logwake_detector::tally::{ClockSettings, Tally, TallyBatch, TallyInput, TallyState};
use logwake_detector::time::Timestamp;
use logwake_emit::event::AlertEvent;
use logwake_ingest::decode::{Decoder, DecoderOptions, DecoderState, Reason, Sink};
use logwake_models::session::SessionBounds;
use logwake_models::template::{CatalogueLimits, Masks};

/// 2026-03-01T12:00:00Z: where the samples begin.
pub const BEGIN: Timestamp = Timestamp::from_secs(1_772_366_400);

const CLOCK: ClockSettings = ClockSettings {
    window: Duration::from_secs(10),
    lateness: Duration::from_secs(5),
    future_max: Duration::from_secs(600),
    jump_max: Duration::from_secs(3600),
};

/// A tally machine behind a decoder, as the tally stage joins them.
pub struct TallyStage {
    /// Payloads to records.
    pub decoder: Decoder,
    /// Records to tallies.
    pub tally: Tally,
    offset: u64,
}

impl TallyStage {
    /// Makes the stage of one partition.
    pub fn new() -> Self {
        let source = Source::Partition { topic: "logs".into(), partition: 0 };
        Self {
            decoder: Decoder::new(decoder_options(), "logs"),
            tally: Tally::new(source, 1, CLOCK, Masks::default(), BEGIN),
            offset: 0,
        }
    }

    /// Makes the stage go on from a state.
    pub fn restored(decoder: DecoderState, tally: TallyState) -> Self {
        let mut stage = Self::new();
        stage.decoder = Decoder::restore(decoder_options(), "logs", decoder);
        stage.tally.restore(tally);
        stage
    }

    /// Takes lines and ends a commit interval.
    pub fn take<'l>(
        &mut self,
        lines: impl IntoIterator<Item = &'l [u8]>,
        wall: Timestamp,
        idle: bool,
    ) -> Vec<TallyBatch> {
        let mut batches = Vec::new();
        let mut sink = ToTally { tally: &mut self.tally, batches: &mut batches };
        for line in lines {
            self.decoder.push(line, self.offset, None, &mut sink);
            self.offset += 1;
        }
        if idle {
            self.decoder.flush(&mut sink);
        }
        self.tally.step(TallyInput::Cut { to: self.offset, wall, idle }, &mut batches);
        batches
    }
}

impl Default for TallyStage {
    fn default() -> Self {
        Self::new()
    }
}

struct ToTally<'a> {
    tally: &'a mut Tally,
    batches: &'a mut Vec<TallyBatch>,
}

impl Sink for ToTally<'_> {
    fn record(&mut self, record: &Record<'_>) {
        self.tally.step(TallyInput::Record(record), self.batches);
    }

    fn reject(&mut self, _offset: u64, lines: u32, _reason: Reason, _payload: &[u8]) {
        self.tally.step(TallyInput::Rejected { lines }, self.batches);
    }
}

/// Options that use sessions and joining.
pub fn decoder_options() -> Arc<DecoderOptions> {
    Arc::new(DecoderOptions { session_by_trace: true, now: BEGIN, ..DecoderOptions::default() })
}

/// Makes a detect machine that learns fast and keeps little.
pub fn detect() -> Detect {
    let settings = DetectSettings {
        window: CLOCK.window,
        lateness: CLOCK.lateness,
        warmup: Duration::from_secs(120),
        anomaly_budget: 100.0,
        forest_p_value_max: 0.01,
        gap_windows_max: 60,
        services_max: 8,
        open_windows_max: 100,
        catalogue: CatalogueLimits { templates_max: 100, ..CatalogueLimits::default() },
        fleet: FleetSettings {
            hold_max: Duration::from_secs(60),
            stall_after: Duration::from_secs(30),
        },
        sessions: SessionSettings {
            idle: Duration::from_secs(30),
            sessions_max: 50,
            bounds: SessionBounds::default(),
        },
        values: ValueSettings { enabled: true, stable_for: Duration::from_secs(120) },
    };
    Detect::new(settings, 0, 1)
}

/// Makes an alert machine of few clusters.
pub fn alert() -> Alert {
    Alert::new(AlertSettings { clusters_max: 8, ..AlertSettings::DEFAULT })
}

/// Takes one input of the alert stage.
pub fn alert_takes(alert: &mut Alert, input: AlertInput) -> Vec<AlertOutput> {
    let mut outputs = Vec::new();
    match input {
        AlertInput::Findings(findings) => alert.step(findings, &mut outputs),
        AlertInput::Arrivals(arrivals) => alert.receive(arrivals, &mut outputs),
    }
    outputs
}

/// Makes a notify machine of two sinks, one of them with little to spend.
pub fn notify() -> Notify {
    let pager = SinkSettings {
        name: "pager".to_owned(),
        severity_min: Severity::Warning,
        services: vec!["sh*".to_owned()],
        sends_resolved: true,
        per_minute: 3,
        reserve: 1,
        resend_every: None,
        give_up_after: Duration::from_secs(600),
        pages_per_week: Some(2),
    };
    let chat = SinkSettings {
        name: "chat".to_owned(),
        severity_min: Severity::Info,
        services: Vec::new(),
        resend_every: Some(Duration::from_secs(60)),
        pages_per_week: None,
        ..pager.clone()
    };
    Notify::new(vec![pager, chat])
}

/// Takes one input of the notify stage.
pub fn notify_takes(notify: &mut Notify, input: NotifyInput, now: Timestamp) -> Vec<NotifyOutput> {
    let mut outputs = Vec::new();
    notify.step(input, now, &mut outputs);
    outputs
}

/// Reads an event of the alerts topic as the notify stage does.
pub fn notice_of(event: &[u8]) -> Option<Notice> {
    let read: AlertEvent = serde_json::from_slice(event).ok()?;
    let alert = read.logwake.alert;
    Some(Notice {
        alert: alert.id,
        change: read.event.id,
        at: read.timestamp,
        state: alert.state,
        severity: alert.severity,
        title: alert.title,
        services: alert.services,
        critical: alert.critical.len(),
        event: event.to_vec(),
    })
}
