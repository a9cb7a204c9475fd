//! What is told of sessions that ended.

use std::time::Duration;

use logwake_models::session::{Breach, Violation};
use logwake_models::template::{Catalogue, TemplateId};

use crate::anomaly::{Anomaly, AnomalyKind, Evidence, Severity, TemplateRef, id_of, score_of};
use crate::detect::gravity::{Gravity, gravity_of};
use crate::detect::reason::{grouped, shorten};
use crate::record::Level;
use crate::tally::Exemplar;
use crate::time::Timestamp;

use super::open::{Event, OpenSession};
use super::{SessionSettings, Sessions};

/// Violations named in an anomaly.
const CONTRIBUTIONS_MAX: usize = 8;
/// Share of the last 256 sessions from which on broken ones are no exceptions any more: what is
/// wrong is wrong with the service.
const MANY: f64 = 0.05;
/// Share of sessions below which words of failure are worth a look even in one session.
const HARDLY_ANY: f64 = 0.001;

/// Where and when sessions are judged.
#[derive(Clone, Copy, Debug)]
pub(in crate::detect) struct Context<'a> {
    /// Service.
    pub service: &'a str,
    /// Its catalogue.
    pub catalogue: &'a Catalogue,
    /// How sessions are judged.
    pub settings: &'a SessionSettings,
    /// Start of the window that closes.
    pub window: Timestamp,
    /// Its end.
    pub end: Timestamp,
    /// Event time at which it closes.
    pub at: Timestamp,
    /// Whether a source was not waited for.
    pub incomplete: bool,
    /// Ended sessions of this service that may be remembered.
    pub ended_max: usize,
}

/// Closes a window: takes in its records, then judges the sessions that ended with it.
pub(in crate::detect) fn tell(
    sessions: &mut Sessions,
    context: &Context<'_>,
    room: &mut usize,
    out: &mut Vec<Anomaly>,
) {
    // What had ended before this window began is ended before its records are taken in.
    end_until(sessions, context, context.window, room, out);
    sessions.open_window(context.window, room);
    end_until(sessions, context, context.end, room, out);
}

fn end_until(
    sessions: &mut Sessions,
    context: &Context<'_>,
    until: Timestamp,
    room: &mut usize,
    out: &mut Vec<Anomaly>,
) {
    while let Some((hash, session)) = sessions.next_ended(until, context.settings.idle) {
        *room += 1;
        let session = session.settled(context.catalogue, &sessions.sources);
        let seen = session.seen(sessions.ended.get(&hash), context.catalogue);
        let violations = sessions.model.step(&seen, &context.settings.bounds);
        sessions.counts.judged += 1;
        if !violations.is_empty() {
            sessions.counts.broken += 1;
            out.push(anomaly(sessions, context, &session, &violations));
        }
        sessions.remember(hash, &session, context.catalogue, context.ended_max);
    }
}

fn anomaly(
    sessions: &Sessions,
    context: &Context<'_>,
    session: &OpenSession,
    violations: &[Violation],
) -> Anomaly {
    let first = &violations[0];
    let template = first.breach.template();
    let text = context.catalogue.text(template);
    let begin = session.events.iter().map(|event| event.first).min().unwrap_or(session.last);
    let p_value = first.share;
    let (actual, typical) = numbers(&first.breach, session);
    let kind = AnomalyKind::Session;
    let last = session.last.as_nanos().to_string();
    let exemplars = exemplars(sessions, context, session, &first.breach);
    Anomaly {
        id: id_of("a", &[context.service, kind.as_str(), &session.key, &last]),
        kind,
        at: context.at,
        service: context.service.to_owned(),
        host: None,
        level: Level::Unknown,
        severity: severity(sessions, first, &text),
        window_start: begin,
        window_end: session.last + Duration::from_nanos(1),
        template: Some(TemplateRef { id: template, text }),
        score: score_of(p_value),
        p_value,
        actual,
        typical,
        lower: typical,
        upper: typical,
        contributions: contributions(context.catalogue, violations),
        exemplars,
        reason: reason(context, session, violations),
        incomplete: context.incomplete,
        session: Some(session.key.to_string()),
        lasts_until: None,
    }
}

/// One bad session is worth knowing; many, or one with words of failure that hardly any other has,
/// are worth a look.
fn severity(sessions: &Sessions, violation: &Violation, text: &str) -> Severity {
    let is_grave = violation.share <= HARDLY_ANY
        && !matches!(violation.breach, Breach::Missing { .. })
        && gravity_of(Level::Unknown, text) >= Gravity::Notable;
    let is_many = sessions.model.broken().0 >= MANY;
    match (is_grave, is_many) {
        (true, true) => Severity::Error,
        (false, false) => Severity::Info,
        _ => Severity::Warning,
    }
}

/// Records of the template in the session, and what they usually are.
fn numbers(breach: &Breach, session: &OpenSession) -> (f64, f64) {
    let count = |template: TemplateId| {
        let event = session.events.iter().find(|event| event.template == template);
        event.map_or(0.0, |event| f64::from(event.count))
    };
    let actual = count(breach.template());
    let typical = match *breach {
        Breach::Rare { .. } => 0.0,
        Breach::Missing { .. } => 1.0,
        Breach::Unequal { other, usual, .. } => {
            count(other) * f64::from(usual.0) / f64::from(usual.1.max(1))
        }
        Breach::Disordered { .. } => actual,
        Breach::Repeated { usual, .. } => f64::from(usual),
    };
    (actual, typical)
}

/// Each kind of violation of each template, by its surprise.
fn contributions(catalogue: &Catalogue, violations: &[Violation]) -> Vec<(String, f64)> {
    let mut named: Vec<(String, f64)> = Vec::new();
    for violation in violations {
        let text = catalogue.text(violation.breach.template());
        let name = format!("{} `{}`", violation.breach.as_str(), shorten(&text));
        if named.len() < CONTRIBUTIONS_MAX && named.iter().all(|(known, _)| *known != name) {
            named.push((name, -violation.share.min(0.999).log10()));
        }
    }
    let sum: f64 = named.iter().map(|(_, surprise)| surprise).sum();
    named.iter_mut().for_each(|(_, surprise)| *surprise /= sum);
    named
}

/// The record that a violation is about, or the one after which another did not come, then the last.
fn exemplars(
    sessions: &Sessions,
    context: &Context<'_>,
    session: &OpenSession,
    breach: &Breach,
) -> Vec<Evidence> {
    let about = match *breach {
        Breach::Missing { after, .. } => after,
        _ => breach.template(),
    };
    let about = session.events.iter().find(|event| event.template == about);
    let last = session.events.iter().max_by_key(|event| (event.first, event.template));
    let mut events: Vec<&Event> = about.into_iter().chain(last).collect();
    events.dedup_by_key(|event| event.template);
    let evidence = |event: &Event| Evidence {
        source: sessions.sources[event.source as usize].clone(),
        exemplar: Exemplar {
            offset: event.offset,
            time: event.first,
            at: event.first,
            host: String::new(),
            level: Level::Unknown,
            text: context.catalogue.text(event.template),
        },
    };
    events.into_iter().map(evidence).collect()
}

/// Says what the rarest violation is, and how many more there are.
fn reason(context: &Context<'_>, session: &OpenSession, violations: &[Violation]) -> String {
    let first = &violations[0];
    let text = |template: TemplateId| shorten(&context.catalogue.text(template));
    let others = percent(1.0 - first.share);
    let of = grouped(first.sessions.round() as u64);
    let what = match first.breach {
        Breach::Rare { template } => format!(
            "logged `{}`, which {} of {of} sessions do",
            text(template),
            percent(first.share)
        ),
        Breach::Missing { after, template } => format!(
            "never logged `{}` after `{}`, as {others} of {of} sessions do",
            text(template),
            text(after)
        ),
        Breach::Unequal { template, other, counts, usual } => format!(
            "logged `{}` {} times and `{}` {} times, in {others} of {of} sessions it is {} to {}",
            text(template),
            counts.0,
            text(other),
            counts.1,
            usual.0,
            usual.1
        ),
        Breach::Disordered { template, other } => format!(
            "logged `{}` before `{}`, in {others} of {of} sessions it is after it",
            text(template),
            text(other)
        ),
        Breach::Repeated { template, count, usual } => format!(
            "logged `{}` {count} times, in {others} of {of} sessions it is {usual} times at most",
            text(template)
        ),
    };
    let more = match violations.len() - 1 {
        0 => String::new(),
        1 => "; it breaks 1 more rule".to_owned(),
        more => format!("; it breaks {more} more rules"),
    };
    format!("{}: session {} {what}{more}", context.service, session.key)
}

/// Writes a share so that neither 0 nor all is claimed.
fn percent(share: f64) -> String {
    match share * 100.0 {
        percent if percent < 0.01 => "less than 0.01 %".to_owned(),
        percent if percent > 99.99 => "more than 99.99 %".to_owned(),
        percent => format!("{percent:.2} %"),
    }
}
