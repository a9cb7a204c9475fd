//! What is enough before a window closes.
//!
//! A window is looked at in steps as well, and its end is the last of them: what has come by then
//! can only grow, so a count that is too high already is told without waiting for the rest and for
//! late records.
//! A record counts for the step that its source had reached before it, and a step is judged once
//! every source has passed it, so neither the order of sources nor that of commits matters.
//! Only what is too much can be told early; what is missing cannot.

use std::time::Duration;

use crate::anomaly::{Anomaly, AnomalyKind, Severity};
use crate::record::Level;
use crate::time::Timestamp;

use super::gravity::Gravity;
use super::judge::{self, Bench};
use super::reason::Subject;
use super::service::Service;
use super::window::WindowCounts;

/// Steps of a window.
pub(super) const STEPS: usize = 4;

/// Records by the step that counts them and by level.
pub(super) type BySteps = [[u32; Level::COUNT]; STEPS];

/// Returns how long a step is.
pub fn step_of(window: Duration) -> Duration {
    window / STEPS as u32
}

/// Returns the step of a window that counts a record whose source had come to `reached` before it;
/// `None` where that is past the window.
pub(super) fn step_at(
    window: Timestamp,
    reached: Option<Timestamp>,
    width: Duration,
) -> Option<usize> {
    let steps = reached?.since(window).as_nanos() / step_of(width).as_nanos().max(1);
    usize::try_from(steps).ok().filter(|step| *step < STEPS)
}

/// Judges what has come in a window until one of its steps ended.
pub(super) fn judge(service: &mut Service, bench: &Bench<'_>, step: usize, out: &mut Vec<Anomaly>) {
    let Some(counts) = service.open.remove(&bench.window) else { return };
    if service.is_warm(bench.settings) {
        let begin = out.len();
        let bench = &bench.of(service);
        judge_errors(service, &counts, bench, step, out);
        judge_templates(service, &counts, bench, step, out);
        if out.len() > begin {
            service.spending.tell(bench.at);
        }
    }
    service.open.insert(bench.window, counts);
}

fn judge_errors(
    service: &mut Service,
    counts: &WindowCounts,
    bench: &Bench<'_>,
    step: usize,
    out: &mut Vec<Anomaly>,
) {
    let (errors, passed) = (counts.errors_by(step), bench.at.since(bench.window));
    let Some(found) =
        service.grave.judge_early(errors, bench.at, passed, &bench.levels.of_errors())
    else {
        return;
    };
    let subject = Subject::Records("records of level error or above");
    let exemplars = judge::gravest(&counts.until(step, bench.at));
    let kind = AnomalyKind::LevelShift;
    let severity = Severity::Error;
    out.push(judge::rate_anomaly(service, bench, kind, &found, severity, subject, exemplars));
}

fn judge_templates(
    service: &mut Service,
    counts: &WindowCounts,
    bench: &Bench<'_>,
    step: usize,
    out: &mut Vec<Anomaly>,
) {
    let passed = bench.at.since(bench.window);
    let mut templates = std::mem::take(&mut service.templates);
    for (id, cell) in &counts.templates {
        let Some(stats) = templates.get_mut(id) else { continue };
        let count = cell.count_by(step);
        if !stats.rate.may_rise(count, &bench.levels.of_template(Gravity::Grave)) {
            continue;
        }
        let gravity = stats.gravity(service, *id);
        let demand = bench.levels.of_template(gravity);
        let Some(found) = stats.rate.judge_early(count, bench.at, passed, &demand) else {
            continue;
        };
        let cell = Some(&cell.until(step, bench.at));
        out.push(judge::template_anomaly(service, bench, *id, stats, cell, gravity, &found));
    }
    service.templates = templates;
}
