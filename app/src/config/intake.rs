//! `[intake]` and `[[alerts.maintenance]]`: what must hold of them, and what they mean.

use std::collections::BTreeMap;

use super::problem::Problem;
use super::sections::Config;
use super::setting::Section as _;
use super::tables::check_name;
use super::types::Listen;
use crate::maintenance::{Calendar, Window};

/// Characters of a token below which it can be guessed.
const TOKEN_CHARS_MIN: usize = 16;

impl Config {
    /// Whether alerts of others are taken over HTTP.
    pub fn takes_requests(&self) -> bool {
        self.intake.enabled && self.http.listen != Listen::Off
    }

    /// Whether programs on this machine may send without a token, where no source is configured.
    pub fn allows_local(&self) -> bool {
        let is_behind_tls = |url: &String| url.starts_with("https://");
        let default = !self.http.public_url.as_ref().is_some_and(is_behind_tls);
        self.intake.allow_local.unwrap_or(default)
    }

    /// Whether anything but findings can reach the alert stage.
    pub fn has_intake(&self) -> bool {
        self.takes_requests()
            || !self.intake.topics.is_empty()
            || !self.alerts.maintenance.0.is_empty()
    }

    /// Returns the maintenance windows; those that are wrong are left out.
    pub fn calendar(&self) -> Calendar {
        let windows = self.alerts.maintenance.0.iter();
        Calendar::new(windows.filter_map(|window| Window::new(window).ok()).collect())
    }
}

/// Reports what is wrong with the intake and the maintenance windows.
pub(super) fn check(config: &Config, problems: &mut Vec<Problem>) {
    config.intake.check_ranges("intake", problems);
    check_topics(config, problems);
    let sources = &config.intake.sources.0;
    let mut tokens = BTreeMap::new();
    for (idx, source) in sources.iter().enumerate() {
        let path = format!("intake.sources[{idx}]");
        source.check_ranges(&path, problems);
        let mut refuse = |key: &str, message: String| {
            problems.push(Problem::new(format!("{path}.{key}"), message))
        };
        let before = sources[..idx].iter().map(|earlier| earlier.name.as_str());
        check_name(&source.name, before).into_iter().for_each(|message| refuse("name", message));
        match &source.token.0 {
            None => refuse("token", "is missing; whoever has it may send".to_owned()),
            Some(token) => {
                if let Some(other) = tokens.insert(token.as_str(), source.name.as_str()) {
                    refuse("token", format!("is the one of {other:?} too"));
                }
            }
        }
    }
    let windows = &config.alerts.maintenance.0;
    for (idx, window) in windows.iter().enumerate() {
        let path = format!("alerts.maintenance[{idx}]");
        let mut refuse = |key: &str, message: String| {
            problems.push(Problem::new(format!("{path}.{key}"), message))
        };
        let before = windows[..idx].iter().map(|earlier| earlier.name.as_str());
        check_name(&window.name, before).into_iter().for_each(|message| refuse("name", message));
        if let Err((key, message)) = Window::new(window) {
            refuse(key, message);
        }
    }
}

fn check_topics(config: &Config, problems: &mut Vec<Problem>) {
    for topic in &config.intake.topics {
        let refuse = |message: String| Problem::new("intake.topics", message);
        if topic.is_empty() {
            problems.push(refuse("an entry is empty".to_owned()));
        } else if topic.starts_with('^') {
            problems.push(refuse(format!("{topic:?} is an expression, name each topic")));
        } else if config.kafka.topics.contains(topic) {
            problems.push(refuse(format!("{topic:?} is read as logs, it stands in kafka.topics")));
        } else if topic
            .strip_prefix(config.kafka.prefix.as_str())
            .is_some_and(|rest| rest.starts_with('.'))
        {
            problems.push(refuse(format!("{topic:?} is a topic of Logwake itself")));
        }
    }
}

/// Reports what is allowed and seldom meant.
pub(super) fn warnings(config: &Config, warnings: &mut Vec<Problem>) {
    for (idx, source) in config.intake.sources.0.iter().enumerate() {
        let chars = source.token.0.as_ref().map_or(0, |token| token.chars().count());
        if chars < TOKEN_CHARS_MIN {
            let message =
                format!("has {chars} characters, fewer than {TOKEN_CHARS_MIN} can be guessed");
            warnings.push(Problem::new(format!("intake.sources[{idx}].token"), message));
        }
    }
    if let (Listen::At(address), true) = (config.http.listen, config.intake.enabled)
        && !address.ip().is_loopback()
        && config.intake.sources.0.is_empty()
    {
        let message = match config.allows_local() {
            true => "there is none, so alerts are taken from this machine alone",
            false => "there is none and intake.allow_local is off, so nobody may send",
        };
        warnings.push(Problem::new("intake.sources", message));
    }
}
