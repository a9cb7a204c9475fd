//! The anomaly of a variable: its numbers, its record, and the sentence.

use std::time::Duration;

use logwake_models::template::{Extractor, TemplateId};
use logwake_models::value::{Excess, Influx, NameChange, Number, Scale, Unit};

use super::forms::Sampled;
use super::quantity::{odds, quantity};
use super::slot::Unusual;
use super::slots::{self, Filling};
use super::watch::nth;
use crate::anomaly::{Anomaly, AnomalyKind, Evidence, Severity, TemplateRef, id_of};
use crate::detect::gravity::{Gravity, gravity_of};
use crate::detect::judge::Bench;
use crate::detect::reason::{shorten, span};
use crate::detect::service::Service;
use crate::detect::tell::of_window;
use crate::detect::window::Cell;
use crate::tally::Exemplar;

/// Records in which a jump is worth a look, and how unlikely one is that is held to be an error.
const JUMP_RECORDS: f64 = 10.0;
const ERROR_P_VALUE: f64 = 1e-14;
/// Names that a sentence lists.
const NAMES_TOLD: usize = 3;

/// Which variable, in which window.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place<'a> {
    pub(super) id: TemplateId,
    pub(super) text: &'a str,
    /// Number of its wildcard.
    pub(super) slot: usize,
    pub(super) cell: &'a Cell,
}

/// What the event says of it.
struct Told {
    kind: AnomalyKind,
    severity: Severity,
    p_value: f64,
    actual: f64,
    /// Typical value and band.
    usual: [f64; 3],
    evidence: Evidence,
    sentence: String,
}

/// Describes what is unusual as an anomaly.
pub(super) fn anomaly(
    service: &Service,
    bench: &Bench<'_>,
    place: &Place<'_>,
    unusual: &Unusual,
) -> Anomaly {
    let name = slots::label(place.text, place.slot);
    let told = match unusual {
        Unusual::Far(excess, unit) => far(bench, place, &name, excess, *unit),
        Unusual::Influx(influx) => many_new(bench, place, &name, influx),
        Unusual::Names(change) => names(bench, place, &name, change),
    };
    let window = bench.window.as_nanos().to_string();
    let (id, slot) = (place.id.to_string(), place.slot.to_string());
    let [lower, typical, upper] = told.usual;
    Anomaly {
        id: id_of("a", &[&service.name, told.kind.as_str(), &id, &slot, &window]),
        host: place.cell.only_host(),
        level: place.cell.level(),
        template: Some(TemplateRef { id: place.id, text: place.text.to_owned() }),
        actual: told.actual,
        typical,
        lower,
        upper,
        contributions: vec![(name, 1.0)],
        reason: format!(
            "{}: {}; {}, in `{}`",
            service.name,
            told.sentence,
            odds(told.p_value),
            shorten(place.text)
        ),
        ..of_window(service, bench, told.kind, told.severity, told.p_value, vec![told.evidence])
    }
}

fn far(bench: &Bench<'_>, place: &Place<'_>, name: &str, excess: &Excess, unit: Unit) -> Told {
    let [low, middle, high] = excess.usual;
    let quantity = |value| quantity(value, unit);
    let (beyond, edge) = match excess.is_high() {
        true => ("above", format!("95 % up to {}", quantity(high))),
        false => ("below", format!("95 % from {}", quantity(low))),
    };
    let sentence = format!(
        "{} of {} values of `{name}` {beyond} {} for {}, half of them {beyond} {}; usually about {}, \
         {edge}",
        excess.far,
        excess.of,
        quantity(excess.bound),
        span(bench.settings.window * excess.blocks),
        quantity(excess.middle),
        quantity(middle),
    );
    let is_far = |text: &str, scale: Scale| {
        Number::read(text, scale).is_some_and(|number| match excess.is_high() {
            true => number.value > excess.bound,
            false => number.value < excess.bound,
        })
    };
    Told {
        kind: AnomalyKind::ValueOutlier,
        severity: severity_of(place, name, excess, unit),
        p_value: excess.p_value,
        actual: excess.middle,
        usual: [low, middle, high],
        evidence: evidence(bench, place, is_far),
        sentence,
    }
}

/// A duration, size or percentage that jumps in many records is a warning; an error where most of
/// them do, as then it is not a kind of request but all of them.
fn severity_of(place: &Place<'_>, name: &str, excess: &Excess, unit: Unit) -> Severity {
    let share = excess.far as f64 / excess.of as f64;
    let is_measured = unit != Unit::None || slots::names_duration(name);
    if !is_measured || share * (place.cell.count() as f64) < JUMP_RECORDS || !excess.is_jump() {
        return Severity::Info;
    }
    let is_error = excess.is_upheaval() && excess.p_value <= ERROR_P_VALUE;
    if is_error { Severity::Error } else { Severity::Warning }
}

fn many_new(bench: &Bench<'_>, place: &Place<'_>, name: &str, influx: &Influx) -> Told {
    let sentence = format!(
        "{} of {} values of `{name}` were never seen before, for {}; usually {:.0} % are",
        influx.new,
        influx.of,
        span(bench.settings.window * influx.blocks),
        100.0 * influx.usual,
    );
    let severity = match gravity_of(place.cell.level(), place.text) {
        Gravity::Plain => Severity::Info,
        Gravity::Notable | Gravity::Grave => Severity::Warning,
    };
    Told {
        kind: AnomalyKind::ValueOutlier,
        severity,
        p_value: influx.p_value,
        actual: influx.new as f64 / influx.of as f64,
        usual: [influx.usual; 3],
        evidence: place.cell.first.clone(),
        sentence,
    }
}

fn names(bench: &Bench<'_>, place: &Place<'_>, name: &str, change: &NameChange) -> Told {
    let long =
        |blocks: u64| span(bench.settings.window * u32::try_from(blocks).unwrap_or(u32::MAX));
    let kind = match change {
        NameChange::New { .. } => AnomalyKind::NewValue,
        NameChange::Burst { .. } | NameChange::Gone { .. } => AnomalyKind::ValueOutlier,
    };
    let severity = match change {
        NameChange::New { names, .. } if speaks_of_failure(place, names) => Severity::Warning,
        _ => Severity::Info,
    };
    let told = |p_value, actual, typical, sentence, evidence| Told {
        kind,
        severity,
        p_value,
        actual,
        usual: [typical; 3],
        evidence,
        sentence,
    };
    let first = || place.cell.first.clone();
    match change {
        NameChange::New { names, p_value, blocks } => {
            let listed: Vec<String> =
                names.iter().take(NAMES_TOLD).map(|name| format!("`{name}`")).collect();
            let sentence = format!(
                "`{name}` is {} for the first time, after {} without a new value",
                listed.join(", "),
                long(*blocks)
            );
            let is_new = |text: &str, _: Scale| names.iter().any(|name| name == text);
            told(*p_value, names.len() as f64, 0.0, sentence, evidence(bench, place, is_new))
        }
        NameChange::Burst { new, usual, p_value } => {
            let sentence =
                format!("`{name}` has {new} new values at once, it had {usual} in all before");
            told(*p_value, (usual + new) as f64, *usual as f64, sentence, first())
        }
        NameChange::Gone { name: value, p_value, present, blocks } => {
            let sentence = format!(
                "`{name}` is no longer `{value}`, for {}; {:.0} % of the windows had it",
                long(u64::from(*blocks)),
                present * 100.0
            );
            told(*p_value, 0.0, *present, sentence, first())
        }
    }
}

/// Tells whether new names are words of failure or the status of one, or come in records that
/// speak of it.
fn speaks_of_failure(place: &Place<'_>, names: &[String]) -> bool {
    let (level, label) = (place.cell.level(), slots::label(place.text, place.slot));
    let is_status = label.contains("status") || label.contains("code");
    let fails = |name: &str| is_status && name.len() == 3 && name.starts_with('5');
    names.iter().any(|name| gravity_of(level, name) > Gravity::Plain || fails(name))
}

/// A record of the window that shows it, as far as its values are known; else the first.
fn evidence(bench: &Bench<'_>, place: &Place<'_>, shows: impl Fn(&str, Scale) -> bool) -> Evidence {
    let extractor = Extractor::new(place.text);
    let mut spans = Vec::new();
    let forms = &place.cell.forms;
    for (hash, form) in forms.iter() {
        let fillings = slots::fillings(&extractor, &form.skeleton, &mut spans);
        let found = match fillings.get(place.slot) {
            Some(Filling::Word((start, end)))
                if shows(form.skeleton.get(*start..*end).unwrap_or_default(), Scale::NONE) =>
            {
                if let Some(first) = &form.first {
                    return first.as_ref().clone();
                }
                forms.rows_of(hash).next()
            }
            Some(Filling::Variable(number, scale)) => {
                forms.rows_of(hash).find(|row| shows(nth(row, *number), *scale))
            }
            _ => None,
        };
        if let Some(found) = found {
            return record(bench, place.cell, &form.skeleton, found);
        }
    }
    place.cell.first.clone()
}

/// Writes a sampled record again; the first of the window is known in full.
fn record(bench: &Bench<'_>, cell: &Cell, skeleton: &str, found: &Sampled) -> Evidence {
    let first = &cell.first;
    if first.source == found.source && first.exemplar.offset == found.row.offset {
        return first.clone();
    }
    let exemplar = Exemplar {
        offset: found.row.offset,
        time: bench.window + Duration::from_millis(u64::from(found.row.after)),
        at: bench.at,
        host: cell.only_host().unwrap_or_default(),
        level: cell.level(),
        text: slots::refilled(skeleton, found.row.values()),
    };
    Evidence { source: found.source.clone(), exemplar }
}
