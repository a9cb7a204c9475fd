//! What must hold of sinks beyond the range of a single key.

use std::collections::BTreeMap;

use logwake_emit::notify::Template;

use super::super::problem::Problem;
use super::super::sections::Notify;
use super::super::setting::Section as _;
use super::super::tables::check_name;
use super::super::types::Word as _;
use super::{Kind, Sinks};

/// What PagerDuty takes a minute from one key.
const PAGERDUTY_MAX: usize = 120;

/// Reports what is wrong with the sinks.
pub(in super::super) fn check(sinks: &Sinks, problems: &mut Vec<Problem>) {
    for (idx, sink) in sinks.0.iter().enumerate() {
        let path = format!("notify[{idx}]");
        sink.check_ranges(&path, problems);
        let mut refuse = |key: &str, message: String| {
            problems.push(Problem::new(format!("{path}.{key}"), message));
        };
        let before = sinks.0[..idx].iter().map(|earlier| earlier.name.as_str());
        check_name(&sink.name, before).into_iter().for_each(|message| refuse("name", message));
        check_address(sink, &mut refuse);
        check_secrets(sink, &mut refuse);
        if let Some(per_minute) = sink.per_minute
            && !(1..=100_000).contains(&per_minute)
        {
            refuse("per_minute", format!("{per_minute} is outside the range from 1 to 100000"));
        }
        if let Some(pages) = sink.pages_per_week
            && !(1..=100_000).contains(&pages)
        {
            refuse("pages_per_week", format!("{pages} is outside the range from 1 to 100000"));
        }
        if let Some(template) = &sink.template
            && let Err(error) = Template::new(template)
        {
            refuse("template", format!("is not a template: {error}"));
        }
    }
}

fn check_address(sink: &Notify, refuse: &mut impl FnMut(&str, String)) {
    match &sink.url.0 {
        None if sink.kind == Kind::PagerDuty => {}
        None => refuse("url", format!("is needed for kind {:?}", sink.kind.word())),
        Some(url) => {
            let parsed = url.parse::<ureq::http::Uri>().ok();
            let scheme = parsed.as_ref().and_then(|uri| uri.scheme_str());
            let host = parsed.as_ref().and_then(|uri| uri.host());
            if !matches!(scheme, Some("http" | "https")) || host.is_none_or(str::is_empty) {
                let message = "is not an address that begins with https:// or http:// and a host";
                refuse("url", message.to_owned());
            }
        }
    }
}

fn check_secrets(sink: &Notify, refuse: &mut impl FnMut(&str, String)) {
    let kind = sink.kind.word();
    match &sink.routing_key.0 {
        None if sink.kind == Kind::PagerDuty => {
            refuse("routing_key", format!("is needed for kind {kind:?}"));
        }
        Some(_) if sink.kind != Kind::PagerDuty => {
            refuse("routing_key", format!("means nothing for kind {kind:?}, remove it"));
        }
        _ => {}
    }
    let takes_token = matches!(sink.kind, Kind::Alertmanager | Kind::Webhook);
    if sink.token.0.is_some() && !takes_token {
        refuse("token", format!("means nothing for kind {kind:?}, remove it"));
    }
    if sink.template.is_some() && sink.kind != Kind::Webhook {
        refuse("template", format!("means nothing for kind {kind:?}, remove it"));
    }
}

/// Reports what is allowed and seldom meant.
pub(in super::super) fn warnings(sinks: &Sinks, warnings: &mut Vec<Problem>) {
    let mut by_key: BTreeMap<&str, usize> = BTreeMap::new();
    for (idx, sink) in sinks.0.iter().enumerate() {
        let Some(key) = &sink.routing_key.0 else { continue };
        let sum = by_key.entry(key).or_default();
        *sum += sink.requests_a_minute();
        if *sum > PAGERDUTY_MAX {
            let message = format!(
                "its routing key may be sent {sum} requests a minute by all that share it, PagerDuty takes {PAGERDUTY_MAX}; lower per_minute"
            );
            warnings.push(Problem::new(format!("notify[{idx}].routing_key"), message));
        }
        if sink.url.0.is_none() && (key.len() != 32 || !key.chars().all(char::is_alphanumeric)) {
            let message = "is not 32 letters and digits as PagerDuty's integration keys are";
            warnings.push(Problem::new(format!("notify[{idx}].routing_key"), message));
        }
    }
}
