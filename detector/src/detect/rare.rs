//! What speaks of failure and comes back after long: known, so no novelty, and too seldom for a
//! rate.
//!
//! **Statistic.** The rule of succession (Laplace): what stayed away for `n` windows comes in the
//! next with a probability of one in `n + 2`. Only windows in which the service said anything
//! count, so that nothing is back after a night of silence.

use std::time::Duration;

use super::gravity::{Gravity, gravity_of};
use super::judge::Bench;
use super::reason::{grouped, shorten, span};
use super::service::Service;
use super::tell::{anomaly_id, of_window};
use super::window::{Cell, WindowCounts};
use crate::anomaly::{Anomaly, AnomalyKind, Severity, TemplateRef};
use logwake_models::template::TemplateId;

/// How long it must have been away.
const AWAY_MIN: Duration = Duration::from_secs(86_400);

/// Appends the templates of a closed window that are back after long, and notes which ones came.
pub(super) fn close(
    service: &mut Service,
    counts: &WindowCounts,
    bench: &Bench<'_>,
    out: &mut Vec<Anomaly>,
) {
    if counts.templates.is_empty() {
        return;
    }
    service.active += 1;
    let width = bench.settings.window;
    let least = u64::try_from(AWAY_MIN.as_nanos().div_ceil(width.as_nanos().max(1)));
    let (least, now) = (least.unwrap_or(u64::MAX), service.active);
    for (id, cell) in &counts.templates {
        let Some(stats) = service.templates.get_mut(id) else { continue };
        let before = std::mem::replace(&mut stats.active, now);
        let away = now.saturating_sub(before);
        let is_back = before > 0 && away >= least;
        let found = is_back.then(|| anomaly(service, bench, *id, cell, away)).flatten();
        if let Some(anomaly) = found {
            service.tell_of_window(anomaly, bench, out);
        }
    }
}

fn anomaly(
    service: &Service,
    bench: &Bench<'_>,
    id: TemplateId,
    cell: &Cell,
    away: u64,
) -> Option<Anomaly> {
    let text = service.catalogue.text(id);
    if gravity_of(cell.level(), &text) < Gravity::Notable {
        return None;
    }
    let kind = AnomalyKind::RareTemplate;
    let p_value = 1.0 / (away as f64 + 2.0);
    let long = span(bench.settings.window * u32::try_from(away).unwrap_or(u32::MAX));
    let name = &service.name;
    let times = match cell.count() {
        1 => "once".to_owned(),
        count => format!("{} times", grouped(count)),
    };
    let reason = format!("{name}: back after {long}: `{}`, {times}", shorten(&text));
    Some(Anomaly {
        id: anomaly_id(service, kind, Some(id), bench.window),
        host: cell.only_host(),
        level: cell.level(),
        template: Some(TemplateRef { id, text }),
        actual: cell.count() as f64,
        contributions: vec![("time away".to_owned(), 1.0)],
        reason,
        ..of_window(service, bench, kind, Severity::Info, p_value, vec![cell.gravest().clone()])
    })
}
