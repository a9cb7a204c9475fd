//! The anomaly of a variable: its numbers, its record, and the sentence.

use std::time::Duration;

use logwake_models::template::{Extractor, TemplateId};
use logwake_models::value::{Excess, NameChange, Number, Scale, Side, Unit};

use super::slots::{self, Filling};
use super::watch::{Unusual, nth};
use crate::anomaly::{Anomaly, AnomalyKind, Evidence, Severity, TemplateRef, id_of, score_of};
use crate::detect::judge::Bench;
use crate::detect::reason::{grouped, shorten, span};
use crate::detect::service::Service;
use crate::detect::window::Cell;
use crate::tally::Exemplar;

/// What a jump is worth a look from: so many times the 95th percentile, so unlikely, in so many
/// records.
const JUMP_RATIO: f64 = 5.0;
const JUMP_P_VALUE: f64 = 1e-8;
const JUMP_RECORDS: f64 = 10.0;
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
        Unusual::Names(change) => names(bench, place, &name, change),
    };
    let window = bench.window.as_nanos().to_string();
    let (id, slot) = (place.id.to_string(), place.slot.to_string());
    let [lower, typical, upper] = told.usual;
    Anomaly {
        id: id_of("a", &[&service.name, told.kind.as_str(), &id, &slot, &window]),
        kind: told.kind,
        at: bench.at,
        service: service.name.clone(),
        host: place.cell.only_host(),
        level: place.cell.level(),
        severity: told.severity,
        window_start: bench.window,
        window_end: bench.window + bench.settings.window,
        template: Some(TemplateRef { id: place.id, text: place.text.to_owned() }),
        score: score_of(told.p_value),
        p_value: told.p_value,
        actual: told.actual,
        typical,
        lower,
        upper,
        contributions: vec![(name, 1.0)],
        exemplars: vec![told.evidence],
        reason: format!("{}: {}, in `{}`", service.name, told.sentence, shorten(place.text)),
        incomplete: bench.incomplete,
        session: None,
    }
}

fn far(bench: &Bench<'_>, place: &Place<'_>, name: &str, excess: &Excess, unit: Unit) -> Told {
    let records = place.cell.count();
    let share = excess.far as f64 / excess.of as f64;
    let [low, middle, high] = excess.usual;
    let jumps = excess.side == Side::High
        && unit != Unit::None
        && excess.middle >= JUMP_RATIO * high
        && excess.p_value <= JUMP_P_VALUE
        && share * records as f64 >= JUMP_RECORDS;
    let quantity = |value| quantity(value, unit);
    let (beyond, edge) = match excess.side {
        Side::High => ("above", format!("95 % up to {}", quantity(high))),
        Side::Low => ("below", format!("95 % from {}", quantity(low))),
    };
    let sentence = format!(
        "{:.0} % of the values of `{name}` {beyond} {} (median of them {}) for {}, usually {edge}",
        share * 100.0,
        quantity(excess.bound),
        quantity(excess.middle),
        span(bench.settings.window * excess.blocks),
    );
    let is_far = |text: &str, scale: Scale| {
        Number::read(text, scale).is_some_and(|number| match excess.side {
            Side::High => number.value > excess.bound,
            Side::Low => number.value < excess.bound,
        })
    };
    Told {
        kind: AnomalyKind::ValueOutlier,
        severity: if jumps { Severity::Warning } else { Severity::Info },
        p_value: excess.p_value,
        actual: excess.middle,
        usual: [low, middle, high],
        evidence: evidence(bench, place, is_far),
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
    let told = |p_value, actual, typical, sentence, evidence| Told {
        kind,
        severity: Severity::Info,
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
            let sentence = format!("`{name}` has {new} new values at once, it had {usual} before");
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

/// The first record of the window that shows it, as far as its values are known; else the first.
fn evidence(bench: &Bench<'_>, place: &Place<'_>, shows: impl Fn(&str, Scale) -> bool) -> Evidence {
    let extractor = Extractor::new(place.text);
    let mut spans = Vec::new();
    let forms = &place.cell.forms;
    for (hash, form) in forms.iter() {
        match slots::fillings(&extractor, &form.skeleton, &mut spans).get(place.slot) {
            Some(Filling::Word(text)) if shows(text, Scale::NONE) => return form.first.clone(),
            Some(Filling::Variable(number, scale)) => {
                let found = forms.rows_of(hash).find(|row| shows(nth(row, *number), *scale));
                let Some(found) = found else { continue };
                let first = &form.first;
                if first.source == found.source && first.exemplar.offset == found.row.offset {
                    return first.clone();
                }
                let time = bench.window + Duration::from_millis(u64::from(found.row.after));
                let text = slots::refilled(&form.skeleton, found.row.values());
                return Evidence {
                    source: found.source.clone(),
                    exemplar: Exemplar {
                        offset: found.row.offset,
                        time,
                        at: bench.at,
                        host: place.cell.only_host().unwrap_or_default(),
                        level: place.cell.level(),
                        text,
                    },
                };
            }
            _ => {}
        }
    }
    place.cell.first.clone()
}

/// Writes a quantity with two digits that count, in the unit that suits its size.
fn quantity(value: f64, unit: Unit) -> String {
    let scales: &[(f64, &str)] = match unit {
        Unit::Seconds => {
            &[(3600.0, " h"), (120.0 / 2.0, " min"), (1.0, " s"), (1e-3, " ms"), (1e-6, " µs")]
        }
        Unit::Bytes => {
            &[(1_073_741_824.0, " GiB"), (1_048_576.0, " MiB"), (1024.0, " KiB"), (1.0, " bytes")]
        }
        Unit::Percent => &[(1.0, " %")],
        Unit::None => &[(1.0, "")],
    };
    let fits = scales.iter().find(|(scale, _)| value >= *scale);
    let (scale, suffix) = *fits.or(scales.last()).unwrap_or(&(1.0, ""));
    format!("{}{suffix}", two_digits(value / scale))
}

fn two_digits(value: f64) -> String {
    if value <= 0.0 {
        return "0".to_owned();
    }
    let power = value.log10().floor() as i32 - 1;
    let rounded = (value / 10f64.powi(power)).round() * 10f64.powi(power);
    if rounded >= 10.0 {
        grouped(rounded.round() as u64)
    } else {
        let decimals = usize::try_from(-power).unwrap_or(0).min(9);
        let text = format!("{rounded:.decimals$}");
        let text = if text.contains('.') { text.trim_end_matches('0') } else { &text };
        text.trim_end_matches('.').to_owned()
    }
}

#[cfg(test)]
mod quantities {
    use super::*;

    #[test]
    fn quantities_read_well() {
        assert_eq!(quantity(0.2134, Unit::Seconds), "210 ms");
        assert_eq!(quantity(2.08, Unit::Seconds), "2.1 s");
        assert_eq!(quantity(300.0, Unit::Seconds), "5 min");
        assert_eq!(quantity(0.0, Unit::Seconds), "0 µs");
        assert_eq!(quantity(1536.0, Unit::Bytes), "1.5 KiB");
        assert_eq!(quantity(98.4, Unit::Percent), "98 %");
        assert_eq!(quantity(0.004, Unit::None), "0.004");
        assert_eq!(quantity(12_345.0, Unit::None), "12,000");
    }
}
