//! What must hold beyond the range of a single key.

use regex::bytes::Regex;

use super::host::Host;
use super::intake;
use super::notify;
use super::problem::Problem;
use super::sections::{Config, Http, Sessions};
use super::setting::Section as _;
use super::suggest::nearest;
use super::types::{Listen, Patterns};

/// Formats that need no header of the user's.
const FORMATS: [&str; 9] =
    ["auto", "plain", "json", "logfmt", "syslog", "cri", "docker", "gelf", "otlp"];
/// Groups that a header pattern may name.
const HEADER_GROUPS: [&str; 5] = ["time", "level", "service", "host", "message"];

/// Reports everything that is wrong with a configuration, ranges included.
pub fn problems_of(config: &Config) -> Vec<Problem> {
    let mut problems = Vec::new();
    config.kafka.check_ranges("kafka", &mut problems);
    config.input.check_ranges("input", &mut problems);
    config.input.multiline.check_ranges("input.multiline", &mut problems);
    config.templates.check_ranges("templates", &mut problems);
    config.detect.check_ranges("detect", &mut problems);
    config.alerts.check_ranges("alerts", &mut problems);
    config.limits.check_ranges("limits", &mut problems);
    notify::check(&config.notify, &mut problems);
    intake::check(config, &mut problems);
    check_kafka(config, &mut problems);
    check_input(config, &mut problems);
    check_sessions(&config.detect.sessions, &mut problems);
    check_patterns("templates.masks", &config.templates.masks, &mut problems);
    check_telemetry(config, &mut problems);
    check_http(&config.http, &mut problems);
    problems
}

/// Reports what `logwake run` needs and is not there.
pub fn missing_for_run(config: &Config) -> Vec<Problem> {
    let mut problems = Vec::new();
    for (key, values, example) in [
        ("kafka.brokers", &config.kafka.brokers, "[\"localhost:9092\"]"),
        ("kafka.topics", &config.kafka.topics, "[\"logs\"]"),
    ] {
        if values.is_empty() {
            problems.push(Problem::new(key, format!("is needed, for example {key} = {example}")));
        }
    }
    problems
}

/// Reports what is allowed and seldom meant.
pub fn warnings_of(config: &Config) -> Vec<Problem> {
    let mut warnings = Vec::new();
    let mut warn = |key: &str, message: String| warnings.push(Problem::new(key, message));
    let (detect, alerts) = (&config.detect, &config.alerts);
    if detect.warmup.0 < detect.window.0 * 10 {
        let message = format!(
            "{} is less than ten windows of {}, expect anomalies from what is normal",
            detect.warmup, detect.window
        );
        warn("detect.warmup", message);
    }
    let closes = detect.window.0 + detect.lateness.0;
    if alerts.resolve_after.0 < closes {
        let message = format!(
            "{} is shorter than it takes to judge a window ({:?}), alerts will open and resolve by turns",
            alerts.resolve_after, closes
        );
        warn("alerts.resolve_after", message);
    }
    if config.kafka.commit_interval > detect.window {
        let message = format!(
            "{} is longer than a window of {}, and what is found waits for it",
            config.kafka.commit_interval, detect.window
        );
        warn("kafka.commit_interval", message);
    }
    if let Listen::At(address) = config.http.listen
        && !address.ip().is_loopback()
    {
        let message = format!(
            "{address} is reachable from outside and there is no authentication but for the tokens of intake.sources"
        );
        warn("http.listen", message);
    }
    notify::warnings(&config.notify, &mut warnings);
    intake::warnings(config, &mut warnings);
    warnings
}

fn check_kafka(config: &Config, problems: &mut Vec<Problem>) {
    let kafka = &config.kafka;
    let legal = |c: char| c.is_ascii_alphanumeric() || ".-_".contains(c);
    if kafka.prefix.is_empty() || kafka.prefix.len() > 200 || !kafka.prefix.chars().all(legal) {
        let message =
            format!("{:?} is not 1 to 200 of the characters a-z A-Z 0-9 . _ -", kafka.prefix);
        problems.push(Problem::new("kafka.prefix", message));
    }
    if let Some(slots) = kafka.slots
        && !(1..=256).contains(&slots)
    {
        let message = format!("{slots} is outside the range from 1 to 256");
        problems.push(Problem::new("kafka.slots", message));
    }
    if kafka.replication_factor == 0 {
        let message = "0 replicas hold nothing, -1 takes the broker's default";
        problems.push(Problem::new("kafka.replication_factor", message));
    }
    for (key, values) in [("kafka.brokers", &kafka.brokers), ("kafka.topics", &kafka.topics)] {
        if values.iter().any(String::is_empty) {
            problems.push(Problem::new(key, "an entry is empty"));
        }
    }
    for topic in &kafka.topics {
        if topic.starts_with('^')
            && let Err(error) = Regex::new(topic)
        {
            problems.push(Problem::new("kafka.topics", expression_error(topic, &error)));
        }
        if topic.strip_prefix(kafka.prefix.as_str()).is_some_and(|rest| rest.starts_with('.')) {
            let message =
                format!("{topic:?} is a topic of Logwake itself, change kafka.prefix or the topic");
            problems.push(Problem::new("kafka.topics", message));
        }
    }
}

fn check_http(http: &Http, problems: &mut Vec<Problem>) {
    http.check_ranges("http", problems);
    if let Some(url) = &http.public_url {
        if !url.starts_with("https://") && !url.starts_with("http://") {
            let message = format!("{url:?} does not begin with https:// or http://");
            problems.push(Problem::new("http.public_url", message));
        } else if Host::of_url(url).is_none() {
            let message = format!("{url:?} names no host; write other than ASCII as xn--...");
            problems.push(Problem::new("http.public_url", message));
        }
    }
    for host in http.hosts.iter().filter(|host| Host::parse(host).is_none()) {
        let message = format!("{host:?} is not a host name or IP address; write no scheme or port");
        problems.push(Problem::new("http.hosts", message));
    }
}

fn check_input(config: &Config, problems: &mut Vec<Problem>) {
    let input = &config.input;
    let headers = input.headers.0.iter().map(|header| header.name.as_str());
    let formats: Vec<&str> = FORMATS.into_iter().chain(headers).collect();
    if !formats.contains(&input.format.as_str()) {
        let message = match nearest(&input.format, formats.iter().copied()) {
            Some(near) => format!("{:?} is unknown, did you mean {near:?}?", input.format),
            None => format!("{:?} is unknown, known: {}", input.format, formats.join(", ")),
        };
        problems.push(Problem::new("input.format", message));
    }
    if jiff::tz::TimeZone::get(&input.zone).is_err() {
        let message = format!(
            "{:?} is not a time zone, write an IANA name such as \"Europe/Berlin\"",
            input.zone
        );
        problems.push(Problem::new("input.zone", message));
    }
    if input.service.as_deref() == Some("") {
        problems
            .push(Problem::new("input.service", "is empty, leave it out to take the record's own"));
    }
    check_patterns("input.headers", &input.headers, problems);
    for (idx, header) in input.headers.0.iter().enumerate() {
        check_header(&format!("input.headers[{idx}]"), &header.name, &header.pattern, problems);
    }
    if let Some(start) = &input.multiline.start
        && let Err(error) = Regex::new(start)
    {
        problems.push(Problem::new("input.multiline.start", expression_error(start, &error)));
    }
}

fn check_sessions(sessions: &Sessions, problems: &mut Vec<Problem>) {
    if let Some(key) = &sessions.key
        && let Err(error) = Regex::new(key)
    {
        problems.push(Problem::new("detect.sessions.key", expression_error(key, &error)));
    }
}

fn check_header(path: &str, name: &str, pattern: &str, problems: &mut Vec<Problem>) {
    if FORMATS.contains(&name) {
        problems
            .push(Problem::new(path, format!("{name:?} is a format already, take another name")));
    }
    let Ok(regex) = Regex::new(pattern) else { return };
    if pattern.is_empty() {
        return;
    }
    let unknown = regex.capture_names().flatten().find(|group| !HEADER_GROUPS.contains(group));
    if let Some(group) = unknown {
        let message = format!("group {group:?} is unknown, known: {}", HEADER_GROUPS.join(", "));
        problems.push(Problem::new(path, message));
    }
    if !regex.capture_names().flatten().any(|group| group == "message") {
        problems.push(Problem::new(path, "has no group \"message\", add (?<message>.*)"));
    }
}

fn check_patterns(path: &str, patterns: &Patterns, problems: &mut Vec<Problem>) {
    for (idx, pattern) in patterns.0.iter().enumerate() {
        let path = format!("{path}[{idx}]");
        if let Err(error) = Regex::new(&pattern.pattern) {
            problems.push(Problem::new(&path, expression_error(&pattern.pattern, &error)));
        }
        if patterns.0[..idx].iter().any(|earlier| earlier.name == pattern.name) {
            problems.push(Problem::new(&path, format!("name {:?} is given twice", pattern.name)));
        }
    }
}

fn check_telemetry(config: &Config, problems: &mut Vec<Problem>) {
    let telemetry = &config.telemetry;
    if let Err(error) = tracing_subscriber::EnvFilter::try_new(&telemetry.log) {
        let message = format!("{:?} is not a log level or directive: {error}", telemetry.log);
        problems.push(Problem::new("telemetry.log", message));
    }
    if let Some(endpoint) = &telemetry.otlp_endpoint
        && !endpoint.starts_with("http://")
    {
        let message = format!(
            "{endpoint:?} does not begin with http://; spans go in the clear to a collector nearby, which can pass them on by TLS"
        );
        problems.push(Problem::new("telemetry.otlp_endpoint", message));
    }
}

fn expression_error(pattern: &str, error: &regex::Error) -> String {
    let text = error.to_string();
    let last = text.lines().last().unwrap_or_default().trim_start_matches("error: ");
    format!("{pattern:?} is not a regular expression: {last}")
}
