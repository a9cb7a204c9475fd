//! `logwake replay`: captured logs through the same stages, in event time.

use std::collections::BTreeSet;
use std::fs;
use std::io::Write;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context;
use logwake_detector::alert::{AlertChange, AlertOutput, AlertState};
use logwake_detector::anomaly::Anomaly;
use logwake_detector::detect::Known;
use logwake_detector::tally::TallyBatch;
use logwake_detector::time::Timestamp;
use logwake_emit::event::{AlertEvent, alert_json, anomaly_json, decision_json};
use logwake_ingest::files::expand;
use serde_json::json;

use crate::Status;
use crate::cli::ReplayArgs;
use crate::console::Console;
use crate::learned;
use crate::report::Report;
use crate::runtime::kafka::wall_now;
use crate::runtime::local::{Finished, Letter, Observer, Progress, Replay};
use crate::topology::topology_of;
use crate::whole_file::WholeFile;

use super::external;
use super::input::{self, Bar};
use super::labels::{self, Labels, Page};
use super::serve::Signals;
use super::session_labels;
use super::story;
use super::summary::{self, Lines, Run, Sessions, Summary};

/// Replays files into a folder of results.
///
/// # Errors
/// Where the arguments are wrong or the results cannot be written.
pub fn run(args: &ReplayArgs, is_coloured: bool) -> anyhow::Result<Status> {
    let mut config = input::config(&args.input)?;
    if let Some(learn) = &args.learn {
        config.detect.warmup.0 = input::span("--learn", learn)?;
    }
    if let Some(key) = &args.session_key {
        input::session_key(&mut config, key)?;
    }
    let labels = args.labels.as_deref().map(labels::read).transpose()?;
    let inputs = expand(&args.paths)?;
    let mut results = Results::create(&args.out, config.detect.window.0, is_coloured)?;
    let begin = Instant::now();
    let topic = args.topic.as_deref().map(Arc::from);
    let known = Known { is_begin_normal: args.learn.is_some(), ..learned::known_of(&config)? };
    let alerts = external::read(&args.alerts, &external::Rules::of(&config))?;
    let topology = topology_of(&config)?;
    results.summary.external_alerts = alerts.len();
    let stop = Signals::listen()?.stop;
    let wall = wall_now();
    let replay = Replay { config: &config, inputs, topic, wall, known, stop, topology, alerts };
    let finished = replay.run(&mut results)?;
    results.bar.finish();
    let mut summary = results.summary;
    let report = results.report;
    fill(&mut summary, &finished);
    let from = finished.first.unwrap_or_default();
    let to = finished.detect.state().progress().unwrap_or(from);
    if let Some(labels) = labels {
        let since = if args.learn.is_some() { from + config.detect.warmup.0 } else { from };
        match labels {
            Labels::Incidents(labels) => {
                let anomalies = summary.anomalies.values().sum();
                let scores = labels::score(&labels, &results.pages, anomalies, since, to);
                summary.scores = Some(scores);
            }
            Labels::Sessions(labels) => {
                summary.session_scores = Some(session_labels::score(&labels, &results.flagged));
            }
        }
    }
    let mut files = vec![results.anomalies, results.alerts, results.decisions, results.letters];
    let page = report.render(&summary, finished.detect.state())?;
    files.push(written(&args.out.join("report.html"), page.as_bytes())?);
    if let Some(path) = &args.save_learned {
        files.push(learned::write(path, config.detect.window.0, finished.detect.state())?);
    }
    let wall_secs = begin.elapsed().as_secs_f64();
    let lines_a_second = summary.lines.total as f64 / wall_secs.max(1e-9);
    summary.run = Some(Run { wall_secs, lines_a_second });
    let json = serde_json::to_vec_pretty(&summary)?;
    files.push(written(&args.out.join("summary.json"), &json)?);
    files.iter_mut().try_for_each(WholeFile::sync)?;
    files.into_iter().try_for_each(WholeFile::publish)?;
    let mut out = Console::stdout(is_coloured);
    out.append(&results.stories)?;
    if finished.first.is_some() {
        writeln!(out, "{}", summary::tell_span(from, to))?;
    }
    write!(out, "{}", summary::tell(&summary))?;
    if finished.is_interrupted {
        writeln!(out, "interrupted: this is what came of the lines read until then")?;
    }
    out.flush()?;
    Ok(match (finished.is_interrupted, finished.broken) {
        (true, _) => Status::Interrupted,
        (false, 0) => Status::Done,
        (false, _) => Status::Failed,
    })
}

fn written(path: &Path, bytes: &[u8]) -> anyhow::Result<WholeFile> {
    let mut file = WholeFile::create(path)?;
    file.add(bytes)?;
    Ok(file)
}

fn fill(summary: &mut Summary, finished: &Finished) {
    let state = finished.detect.state();
    summary.version = env!("CARGO_PKG_VERSION");
    summary.files = finished.files;
    summary.files_broken = finished.broken;
    summary.lines = Lines::of(finished);
    summary.from = finished.first.map(rfc3339);
    summary.to = state.progress().map(rfc3339);
    summary.services = state.services().len();
    summary.templates = summary::templates_of(state);
    summary.sessions = Sessions::of(state);
}

fn rfc3339(time: Timestamp) -> String {
    let time = jiff::Timestamp::from_nanosecond(i128::from(time.as_nanos()));
    time.map(|time| time.to_string()).unwrap_or_default()
}

/// The files that a replay writes, and what is counted on the way.
struct Results {
    anomalies: WholeFile,
    alerts: WholeFile,
    decisions: WholeFile,
    letters: WholeFile,
    summary: Summary,
    report: Report,
    pages: Vec<Page>,
    /// Sessions that an anomaly names.
    flagged: BTreeSet<String>,
    stories: Console<Vec<u8>>,
    bar: Bar,
}

impl Results {
    fn create(dir: &Path, window: Duration, is_coloured: bool) -> anyhow::Result<Self> {
        fs::create_dir_all(dir).with_context(|| format!("create folder {}", dir.display()))?;
        let file = |name: &str| WholeFile::create(&dir.join(name));
        Ok(Self {
            anomalies: file("anomalies.jsonl")?,
            alerts: file("alerts.jsonl")?,
            decisions: file("decisions.jsonl")?,
            letters: file("deadletter.jsonl")?,
            summary: Summary::default(),
            report: Report::new(window),
            pages: Vec::new(),
            flagged: BTreeSet::new(),
            stories: Console::later(is_coloured),
            bar: Bar::new(),
        })
    }

    fn change(&mut self, change: &AlertChange) -> anyhow::Result<()> {
        self.report.change(change);
        if change.state == AlertState::Open {
            *self.summary.alerts.entry(change.severity.as_str().to_owned()).or_default() += 1;
            self.pages.extend(Page::of(change));
        }
        if change.state != AlertState::Updated {
            story::tell(&AlertEvent::from(change), &mut self.stories)?;
        }
        line(&mut self.alerts, &alert_json(change))
    }
}

impl Observer for Results {
    fn counted(&mut self, batch: &TallyBatch) {
        self.report.counted(batch);
    }

    fn anomaly(&mut self, anomaly: &Anomaly) -> anyhow::Result<()> {
        *self.summary.anomalies.entry(anomaly.kind.as_str().to_owned()).or_default() += 1;
        self.report.anomaly(anomaly);
        self.flagged.extend(anomaly.session.clone());
        line(&mut self.anomalies, &anomaly_json(anomaly))
    }

    fn output(&mut self, output: &AlertOutput) -> anyhow::Result<()> {
        match output {
            AlertOutput::Change(change) => self.change(change),
            AlertOutput::Decision(decision) => {
                self.report.decision(decision);
                let reason = decision.reason.as_str().to_owned();
                *self.summary.decisions.entry(reason).or_default() += 1;
                line(&mut self.decisions, &decision_json(decision))
            }
        }
    }

    fn reject(&mut self, letter: &Letter<'_>) -> anyhow::Result<()> {
        let json = json!({
            "file": letter.path.to_string_lossy(), "line": letter.line, "reason": letter.reason,
            "payload": String::from_utf8_lossy(letter.payload),
        });
        line(&mut self.letters, json.to_string().as_bytes())
    }

    fn progress(&mut self, progress: &Progress) {
        self.bar.show(progress);
    }

    fn trouble(&mut self, error: &anyhow::Error) {
        self.bar.message(&super::sentence(error));
    }
}

/// Adds a line to a file of JSON lines.
fn line(file: &mut WholeFile, json: &[u8]) -> anyhow::Result<()> {
    file.add(json)?;
    file.add(b"\n")
}
