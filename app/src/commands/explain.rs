//! `logwake explain`: why an anomaly or alert was raised, sent, grouped or suppressed.

use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, bail};
use logwake_emit::event::{AlertEvent, AnomalyEvent, DecisionEvent};
use rdkafka::config::ClientConfig;
use rdkafka::message::Message;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::Status;
use crate::cli::ExplainArgs;
use crate::config::Config;
use crate::console::{Console, Shown};
use crate::runtime::kafka::{Topics, client_config, partitions_of, scan};

use super::story::{clock, date, place, tell};

/// Everything that is known of an id.
#[derive(Debug, Default)]
struct Known {
    anomalies: Vec<AnomalyEvent>,
    alerts: Vec<AlertEvent>,
    decisions: Vec<DecisionEvent>,
}

/// Explains an id by the results of a replay or by a running service.
///
/// # Errors
/// Where neither knows the id or cannot be read.
pub fn run(args: &ExplainArgs) -> anyhow::Result<Status> {
    let mut out = Console::stdout(false);
    let known = match (&args.dir, &args.config) {
        (Some(dir), _) => from_dir(dir, &args.id)?,
        (None, Some(config)) => from_topics(config, &args.id)?,
        (None, None) => {
            ask(&args.url, &args.id, &mut out)?;
            out.flush()?;
            return Ok(Status::Done);
        }
    };
    if known.anomalies.is_empty() && known.alerts.is_empty() && known.decisions.is_empty() {
        bail!(
            "{} is not known there; ids begin with a_, alert_, c_, digest_ or d_, those of other systems and silences as they were given",
            args.id
        );
    }
    for anomaly in &known.anomalies {
        explain_anomaly(anomaly, &mut out)?;
    }
    for alert in &known.alerts {
        tell(alert, &mut out)?;
    }
    for decision in &known.decisions {
        let body = &decision.logwake.decision;
        if body.sink.is_some() {
            writeln!(out, "{} {}", clock(decision.timestamp), Shown(&decision.message))?;
            continue;
        }
        let about = [&body.anomaly, &body.external, &body.mute].into_iter().flatten().next();
        let about = about.unwrap_or(&body.alert);
        writeln!(
            out,
            "{} {} {}: {}, {} (evidence weighs {:.2})",
            clock(decision.timestamp),
            body.action.as_str(),
            Shown(about),
            body.reason.as_str(),
            body.reason.explain(),
            body.weight
        )?;
    }
    out.flush()?;
    Ok(Status::Done)
}

fn explain_anomaly(event: &AnomalyEvent, out: &mut impl Write) -> anyhow::Result<()> {
    let body = &event.logwake;
    let (at, reason) = (date(event.timestamp), Shown(&event.event.reason));
    writeln!(out, "{at} UTC {} {reason}", body.kind.as_str())?;
    writeln!(
        out,
        "    window {} to {}: {:.4} seen, {:.4} usual, band {:.4} to {:.4}",
        clock(body.window.start),
        clock(body.window.end),
        body.actual,
        body.typical,
        body.lower,
        body.upper
    )?;
    writeln!(out, "    p-value {:.3e}, score {:.3}", body.p_value, body.score)?;
    let shares = body.contributions.iter();
    let shares: Vec<String> =
        shares.map(|part| format!("{} {:.0} %", part.name, part.share * 100.0)).collect();
    writeln!(out, "    because of {}", Shown(&shares.join(", ")))?;
    for exemplar in &body.exemplars {
        writeln!(
            out,
            "    {} {} ({})",
            clock(exemplar.time),
            Shown(exemplar.text.lines().next().unwrap_or_default()),
            Shown(&place(&exemplar.position))
        )?;
    }
    Ok(())
}

fn from_dir(dir: &Path, id: &str) -> anyhow::Result<Known> {
    let decisions =
        lines(dir, "decisions.jsonl", |decision: &DecisionEvent| is_about(decision, id))?;
    Ok(Known {
        anomalies: lines(dir, "anomalies.jsonl", |anomaly: &AnomalyEvent| anomaly.event.id == id)?,
        alerts: lines(dir, "alerts.jsonl", |alert: &AlertEvent| is_named(alert, id, &decisions))?,
        decisions,
    })
}

/// Reads the topics of a service, whether it runs or not.
fn from_topics(config: &Path, id: &str) -> anyhow::Result<Known> {
    let (config, _) = Config::load(config)?;
    let topics = Topics::new(&config.kafka.prefix);
    let client = client_config(&config);
    let decisions =
        events(&client, &topics.decisions, |decision: &DecisionEvent| is_about(decision, id))?;
    Ok(Known {
        anomalies: events(&client, &topics.anomalies, |anomaly: &AnomalyEvent| {
            anomaly.event.id == id
        })?,
        alerts: events(&client, &topics.alerts, |alert: &AlertEvent| {
            is_named(alert, id, &decisions)
        })?,
        decisions,
    })
}

fn is_about(decision: &DecisionEvent, id: &str) -> bool {
    let body = &decision.logwake.decision;
    let others = [&body.anomaly, &body.external, &body.mute, &body.change, &body.digest];
    let others = others.map(Option::as_deref);
    decision.event.id == id || body.alert == id || others.contains(&Some(id))
}

fn is_named(alert: &AlertEvent, id: &str, decisions: &[DecisionEvent]) -> bool {
    let (change, alert) = (alert.event.id.as_str(), alert.logwake.alert.id.as_str());
    alert == id
        || change == id
        || decisions.iter().any(|decision| decision.logwake.decision.alert == alert)
}

fn events<T: DeserializeOwned>(
    client: &ClientConfig,
    topic: &str,
    wanted: impl Fn(&T) -> bool,
) -> anyhow::Result<Vec<T>> {
    let partitions = partitions_of(client, topic)?;
    let partitions = partitions.with_context(|| format!("there is no topic {topic}"))?;
    let mut found = Vec::new();
    scan(client, topic, &(0..partitions).collect(), |message| {
        // What is no event, such as a tombstone, is about nothing.
        let event = serde_json::from_slice(message.payload().unwrap_or_default());
        found.extend(event.ok().filter(&wanted));
    })?;
    Ok(found)
}

fn lines<T: DeserializeOwned>(
    dir: &Path,
    name: &str,
    wanted: impl Fn(&T) -> bool,
) -> anyhow::Result<Vec<T>> {
    let path = dir.join(name);
    let file = File::open(&path).with_context(|| format!("open {}", path.display()))?;
    let mut found = Vec::new();
    for (idx, line) in BufReader::new(file).lines().enumerate() {
        let line = line.with_context(|| format!("read {}", path.display()))?;
        let event: T = serde_json::from_str(&line)
            .with_context(|| format!("{} line {} is not an event", path.display(), idx + 1))?;
        if wanted(&event) {
            found.push(event);
        }
    }
    Ok(found)
}

/// Prints what a running service remembers of an id.
fn ask(url: &str, id: &str, out: &mut impl Write) -> anyhow::Result<()> {
    let address = format!("{}/api/v1/explain/{id}", url.trim_end_matches('/'));
    let client = reqwest::blocking::Client::builder().timeout(Duration::from_secs(10)).build()?;
    let answer = client.get(&address).send().with_context(|| {
        format!(
            "no answer from {url}; is it running? name a folder with --dir or an address with --url"
        )
    })?;
    let status = answer.status();
    if status.as_u16() == 404 {
        bail!(
            "{id} is not known to {url}, which remembers the newest; name its configuration with -c to read its topics; ids begin with a_, alert_, digest_ or d_"
        );
    }
    if !status.is_success() {
        bail!("{address} answered {status}");
    }
    let known: Answer = serde_json::from_slice(&answer.bytes()?)
        .with_context(|| format!("read the answer of {address}"))?;
    if let Some(alert) = &known.alert {
        let (id, title) = (Shown(&alert.id), Shown(&alert.title));
        writeln!(out, "{id} {}: {title}", Shown(&alert.state))?;
    }
    for anomaly in &known.anomalies {
        let (id, reason) = (Shown(&anomaly.id), Shown(&anomaly.reason));
        writeln!(out, "{id} {}: {reason}", Shown(&anomaly.kind))?;
    }
    for sentence in &known.story {
        writeln!(out, "{}", Shown(sentence))?;
    }
    Ok(())
}

/// The answer of the API, as far as it is printed.
#[derive(Debug, Deserialize)]
struct Answer {
    story: Vec<String>,
    alert: Option<AlertLine>,
    anomalies: Vec<AnomalyLine>,
}

#[derive(Debug, Deserialize)]
struct AlertLine {
    id: String,
    state: String,
    title: String,
}

#[derive(Debug, Deserialize)]
struct AnomalyLine {
    id: String,
    kind: String,
    reason: String,
}
