//! The stages over captured files in one thread, in event time, as fast as the disk gives.
//!
//! Every file is a source of its own.
//! The source whose event time is lowest is read next, so that the watermark of all of them moves
//! and what waits for a window stays small, however many files there are.

mod source;
mod turns;

use std::iter::Peekable;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use logwake_detector::alert::{
    Alert, AlertOutput, Arrival, Arrivals, ExternalAlert, Maintenance, Topology,
};
use logwake_detector::anomaly::Anomaly;
use logwake_detector::detect::{Detect, Findings, Known};
use logwake_detector::tally::TallyBatch;
use logwake_detector::time::Timestamp;
use logwake_ingest::files::Input;
use logwake_models::template::Masks;

use crate::config::Config;
use crate::maintenance::Calendar;
use crate::runtime::decoder_options;

use source::{LocalSource, Rejects, SourceShared};
use turns::Turns;

/// How often it is looked which maintenance is on, event time: as often as a live run looks.
const CALENDAR_EVERY: Duration = Duration::from_secs(1);

/// Takes what the stages put out, in order.
pub trait Observer {
    /// A batch of tallies was counted.
    fn counted(&mut self, _: &TallyBatch) {}

    /// An anomaly was found.
    ///
    /// # Errors
    /// Where it cannot be written down.
    fn anomaly(&mut self, anomaly: &Anomaly) -> anyhow::Result<()>;

    /// The alert stage put something out.
    ///
    /// # Errors
    /// Where it cannot be written down.
    fn output(&mut self, output: &AlertOutput) -> anyhow::Result<()>;

    /// A line could not be decoded.
    ///
    /// # Errors
    /// Where it cannot be written down.
    fn reject(&mut self, letter: &Letter<'_>) -> anyhow::Result<()>;

    /// Some lines more were read.
    fn progress(&mut self, progress: &Progress);

    /// A file could not be read to its end.
    fn trouble(&mut self, error: &anyhow::Error);
}

/// A line that could not be decoded.
#[derive(Clone, Copy, Debug)]
pub struct Letter<'a> {
    /// File.
    pub path: &'a std::path::Path,
    /// Line number from 1.
    pub line: u64,
    /// Why.
    pub reason: &'static str,
    /// Its first bytes.
    pub payload: &'a [u8],
}

/// How far a replay has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// Bytes read, packed as they are.
    pub bytes_read: u64,
    /// Bytes to read, where known.
    pub bytes_total: Option<u64>,
    /// Lines accounted for.
    pub lines: u64,
    /// Event time reached.
    pub reached: Option<Timestamp>,
}

/// The stages after all files were read.
pub struct Finished {
    /// The detect stage with everything it learned.
    pub detect: Detect,
    /// Lines rejected by reason.
    pub rejected: Vec<(&'static str, u64)>,
    /// Files read.
    pub files: usize,
    /// Files that could not be read to their end.
    pub broken: usize,
    /// Event time of the first record of any file.
    pub first: Option<Timestamp>,
    /// Whether it was stopped before the end of its input.
    pub is_interrupted: bool,
}

/// What is replayed.
pub struct Replay<'a> {
    /// The configuration.
    pub config: &'a Config,
    /// The files.
    pub inputs: Vec<Input>,
    /// The topic that they are captures of.
    pub topic: Option<Arc<str>>,
    /// Wall time: nothing later is believed.
    pub wall: Timestamp,
    /// What is known from the start.
    pub known: Known,
    /// What services depend on.
    pub topology: Arc<Topology>,
    /// Alerts of other systems, in order of time.
    pub alerts: Vec<ExternalAlert>,
    /// Set where it shall end before its input does.
    pub stop: Arc<AtomicBool>,
}

struct Stages<'a> {
    detect: Detect,
    alert: Alert,
    external: Peekable<std::vec::IntoIter<ExternalAlert>>,
    arrivals: u64,
    calendar: Calendar,
    /// The maintenance that is on, and when that was looked at.
    maintenance: Vec<Maintenance>,
    looked_at: Option<Timestamp>,
    batches: Vec<TallyBatch>,
    findings: Vec<Findings>,
    outputs: Vec<AlertOutput>,
    observer: &'a mut dyn Observer,
}

impl Replay<'_> {
    /// Reads everything and drives the stages.
    ///
    /// # Errors
    /// Where the configuration cannot be used or an output cannot be written; a file that cannot be
    /// read is told to the observer and the others go on.
    pub fn run(mut self, observer: &mut dyn Observer) -> anyhow::Result<Finished> {
        let known = Arc::new(std::mem::take(&mut self.known));
        let paths: Vec<PathBuf> = self.inputs.iter().map(|input| input.path().to_owned()).collect();
        let mut sources = self.sources()?;
        let total: Option<u64> = sources.iter().map(LocalSource::bytes_total).sum();
        let mut stages = Stages {
            detect: Detect::new(self.config.detect_settings(), 0, 1).with_known(known),
            alert: Alert::new(self.config.alert_settings())
                .with_topology(Arc::clone(&self.topology)),
            external: std::mem::take(&mut self.alerts).into_iter().peekable(),
            arrivals: 0,
            calendar: self.config.calendar(),
            maintenance: Vec::new(),
            looked_at: None,
            batches: Vec::new(),
            findings: Vec::new(),
            outputs: Vec::new(),
            observer,
        };
        if sources.len() > 1 {
            for source in &mut sources {
                source.peek();
                source.announce(&mut stages.batches);
            }
        }
        let first = sources.iter().filter_map(LocalSource::reached).min();
        let (mut rejected, mut broken, mut bytes_read) = (Vec::new(), 0, 0);
        let is_interrupted = || self.stop.load(Ordering::Acquire);
        let mut turns = Turns::of(sources.iter().map(LocalSource::reached));
        while let Some((idx, limit)) = turns.begin().filter(|_| !is_interrupted()) {
            let mut rejects = Rejects::default();
            let source = &mut sources[idx];
            bytes_read -= source.bytes_read;
            if let Err(error) = source.turn(limit, &mut stages.batches, &mut rejects) {
                stages.observer.trouble(&error);
                broken += 1;
            }
            bytes_read += source.bytes_read;
            turns.end((!source.is_done()).then(|| source.reached()));
            stages.step()?;
            let reached = stages.detect.state().progress();
            stages.receive(|alert| reached.is_some_and(|reached| alert.at <= reached))?;
            for (line, reason, payload) in &rejects.letters {
                let (line, reason, path) = (*line, *reason, paths[idx].as_path());
                stages.observer.reject(&Letter { path, line, reason, payload })?;
            }
            add_up(&mut rejected, rejects.by_reason);
            stages.observer.progress(&Progress {
                bytes_read,
                bytes_total: total,
                lines: stages.detect.state().counts().lines.total(),
                reached: stages.detect.state().progress(),
            });
        }
        stages.receive(|_| true)?;
        let first = first.or_else(|| stages.detect.state().first_seen());
        let Stages { detect, .. } = stages;
        let is_interrupted = is_interrupted() && turns.begin().is_some();
        Ok(Finished { detect, rejected, files: sources.len(), broken, first, is_interrupted })
    }

    fn sources(&self) -> anyhow::Result<Vec<LocalSource>> {
        let masks = &self.config.templates.masks.0;
        let pairs = masks.iter().map(|mask| (mask.name.as_str(), mask.pattern.as_str()));
        let shared = SourceShared {
            decoder: decoder_options(self.config, self.wall)?,
            clock: self.config.clock_settings(),
            masks: Masks::new(pairs)?,
            values: self.config.detect.values.enabled,
            sources: u32::try_from(self.inputs.len()).unwrap_or(u32::MAX),
            wall: self.wall,
            topic: self.topic.clone(),
        };
        let numbered = self.inputs.iter().cloned().zip(0..);
        Ok(numbered.map(|(input, number)| LocalSource::new(input, number, &shared)).collect())
    }
}

impl Stages<'_> {
    /// Hands on alerts of other systems while they are wanted; wall time is theirs.
    fn receive(&mut self, wanted: impl Fn(&ExternalAlert) -> bool) -> anyhow::Result<()> {
        while let Some(alert) = self.external.next_if(&wanted) {
            self.look_at_calendar(alert.at)?;
            self.hand_on(alert.at, vec![Arrival::Alert(Box::new(alert))], None)?;
        }
        Ok(())
    }

    /// Tells the alert stage which maintenance is on, where that has changed.
    fn look_at_calendar(&mut self, now: Timestamp) -> anyhow::Result<()> {
        if self.looked_at.is_some_and(|looked| now.since(looked) < CALENDAR_EVERY) {
            return Ok(());
        }
        self.looked_at = Some(now);
        let now_on = self.calendar.maintenance_at(now);
        if now_on == self.maintenance {
            return Ok(());
        }
        self.maintenance.clone_from(&now_on);
        self.hand_on(now, Vec::new(), Some(now_on))
    }

    fn hand_on(
        &mut self,
        wall: Timestamp,
        items: Vec<Arrival>,
        maintenance: Option<Vec<Maintenance>>,
    ) -> anyhow::Result<()> {
        let (source, seq) = ("replay".to_owned(), self.arrivals);
        self.arrivals += 1;
        let arrivals = Arrivals { source, seq, wall, items, maintenance };
        self.alert.receive(arrivals, &mut self.outputs);
        for output in self.outputs.drain(..) {
            self.observer.output(&output)?;
        }
        Ok(())
    }

    fn step(&mut self) -> anyhow::Result<()> {
        for batch in std::mem::take(&mut self.batches) {
            self.observer.counted(&batch);
            self.detect.step(batch, &mut self.findings);
            for findings in std::mem::take(&mut self.findings) {
                if let Some(progress) = findings.progress {
                    self.look_at_calendar(progress)?;
                }
                for anomaly in &findings.anomalies {
                    self.observer.anomaly(anomaly)?;
                }
                self.alert.step(findings, &mut self.outputs);
                for output in self.outputs.drain(..) {
                    self.observer.output(&output)?;
                }
            }
        }
        Ok(())
    }
}

fn add_up(sum: &mut Vec<(&'static str, u64)>, more: Vec<(&'static str, u64)>) {
    for (reason, lines) in more {
        match sum.iter_mut().find(|(known, _)| *known == reason) {
            Some((_, count)) => *count += lines,
            None => sum.push((reason, lines)),
        }
    }
}
