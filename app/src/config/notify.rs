//! `[[notify]]`: the sinks of alerts, and what they mean to the machine that tells them.

mod check;

use std::time::Duration;

use logwake_detector::anomaly::Severity;
use logwake_detector::notify::SinkSettings;
use logwake_emit::notify::{SinkKind, Template};

use super::secret::userinfo;
use super::sections::Notify;
use super::tables::{Row, Tables};
use super::types::Word;

pub(super) use check::{check, warnings};

/// Where PagerDuty takes events.
const PAGERDUTY: &str = "https://events.pagerduty.com/v2/enqueue";
/// Where Alertmanager takes alerts.
const ALERTMANAGER_PATH: &str = "/api/v2/alerts";
/// How often Alertmanager is sent what is open: Prometheus's own interval.
const RESEND_EVERY: Duration = Duration::from_secs(60);

/// The sinks, in order.
pub type Sinks = Tables<Notify>;

/// A kind of sink.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// PagerDuty Events API v2.
    PagerDuty,
    /// Alertmanager API v2.
    Alertmanager,
    /// Slack incoming webhook.
    Slack,
    /// Microsoft Teams workflow webhook.
    Teams,
    /// Any other.
    Webhook,
}

impl Word for Kind {
    const WORDS: &'static [(&'static str, Self)] = &[
        ("pagerduty", Self::PagerDuty),
        ("alertmanager", Self::Alertmanager),
        ("slack", Self::Slack),
        ("teams", Self::Teams),
        ("webhook", Self::Webhook),
    ];
}

impl Notify {
    /// Returns what the notify machine is told of the sink.
    pub fn settings(&self) -> SinkSettings {
        let per_minute = self.requests_a_minute();
        SinkSettings {
            name: self.name.clone(),
            severity_min: self.severity_min,
            services: self.services.clone(),
            sends_resolved: self.send_resolved,
            per_minute,
            reserve: (per_minute as f64 * self.reserve).ceil() as usize,
            resend_every: (self.kind == Kind::Alertmanager).then_some(RESEND_EVERY),
            give_up_after: self.give_up_after.0,
            pages_per_week: self.pages_per_week,
        }
    }

    /// Returns how the sink is spoken to.
    pub fn sink_kind(&self) -> SinkKind {
        match self.kind {
            Kind::PagerDuty => {
                SinkKind::PagerDuty { routing_key: self.routing_key.0.clone().unwrap_or_default() }
            }
            Kind::Alertmanager => SinkKind::Alertmanager,
            Kind::Slack => SinkKind::Slack,
            Kind::Teams => SinkKind::Teams,
            Kind::Webhook => {
                let template = self.template.as_deref().and_then(|text| Template::new(text).ok());
                SinkKind::Webhook(template)
            }
        }
    }

    /// Returns the address that requests go to.
    pub fn endpoint(&self) -> String {
        match (&self.url.0, self.kind) {
            (None, _) => PAGERDUTY.to_owned(),
            (Some(url), Kind::Alertmanager) if !url.ends_with(ALERTMANAGER_PATH) => {
                format!("{}{ALERTMANAGER_PATH}", url.trim_end_matches('/'))
            }
            (Some(url), _) => url.clone(),
        }
    }

    /// Returns what must never be shown, the longest first: the key, the token, and path and user
    /// information of the address.
    pub fn secrets(&self) -> Vec<String> {
        let uri = self.url.0.as_ref().and_then(|url| url.parse::<ureq::http::Uri>().ok());
        let path = uri.and_then(|uri| Some(uri.path_and_query()?.as_str().to_owned()));
        let path = path.filter(|path| path.len() > 1);
        let named = [&self.routing_key.0, &self.token.0].into_iter().flatten().cloned();
        let user = self.url.0.as_deref().and_then(userinfo);
        let password = user.as_deref().and_then(|user| Some(user.split_once(':')?.1.to_owned()));
        let all = named.chain(path).chain(user.clone()).chain(password);
        let mut all: Vec<String> = all.filter(|secret| !secret.is_empty()).collect();
        all.sort_by_key(|secret| std::cmp::Reverse(secret.len()));
        all
    }

    fn requests_a_minute(&self) -> usize {
        self.per_minute.unwrap_or(match self.kind {
            Kind::PagerDuty | Kind::Webhook => 100,
            Kind::Slack | Kind::Teams => 50,
            Kind::Alertmanager => 6_000,
        })
    }
}

impl Row for Notify {
    const REQUIRED: &'static [&'static str] = &["kind"];
}

impl Word for Severity {
    const WORDS: &'static [(&'static str, Self)] = &[
        ("info", Self::Info),
        ("warning", Self::Warning),
        ("error", Self::Error),
        ("critical", Self::Critical),
    ];
}
