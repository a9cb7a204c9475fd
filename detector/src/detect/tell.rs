//! From a judgement to the anomaly that tells of it: id, severity, evidence and sentence.

use logwake_models::template::TemplateId;

use crate::anomaly::{Anomaly, AnomalyKind, Evidence, Severity, TemplateRef, id_of, score_of};
use crate::record::Level;
use crate::time::Timestamp;

use super::features::Isolation;
use super::gravity::Gravity;
use super::judge::Bench;
use super::reason::{self, Subject};
use super::series::{Deviation, Direction};
use super::service::{Service, TemplateStats};
use super::window::{Cell, WindowCounts};

pub(super) fn kind_of(direction: Direction) -> AnomalyKind {
    match direction {
        Direction::Up => AnomalyKind::RateSpike,
        Direction::Down => AnomalyKind::RateDrop,
        Direction::Gone | Direction::Back => AnomalyKind::Silence,
    }
}

#[allow(clippy::too_many_arguments, reason = "the parts of one flat event, named at each call")]
pub(super) fn template_anomaly(
    service: &Service,
    bench: &Bench<'_>,
    id: TemplateId,
    stats: &TemplateStats,
    cell: Option<&Cell>,
    gravity: Gravity,
    deviation: &Deviation,
) -> Anomaly {
    let text = service.catalogue.text(id);
    let severity = match (deviation.direction, gravity) {
        (Direction::Gone, _) if deviation.missed.is_some() => Severity::Error,
        (Direction::Up, Gravity::Grave) => Severity::Error,
        (Direction::Up, Gravity::Notable) => Severity::Warning,
        _ => Severity::Info,
    };
    let evidence = match (deviation.direction, cell) {
        (Direction::Up | Direction::Back, Some(cell)) => cell.first.clone(),
        _ => stats.last.clone(),
    };
    let subject = Subject::Template(&text);
    let kind = kind_of(deviation.direction);
    let mut anomaly =
        rate_anomaly(service, bench, kind, deviation, severity, subject, vec![evidence]);
    anomaly.id = anomaly_id(service, kind, Some(id), bench.window);
    anomaly.level = cell.map_or_else(|| stats.level(), Cell::level);
    anomaly.host = cell.and_then(Cell::only_host);
    anomaly.template = Some(TemplateRef { id, text });
    anomaly.lasts_until = deviation.missed.map(|missed| match deviation.direction {
        Direction::Back => bench.at,
        _ => bench.at + missed.patience(),
    });
    anomaly
}

#[allow(clippy::too_many_arguments, reason = "the parts of one flat event, named at each call")]
pub(super) fn rate_anomaly(
    service: &Service,
    bench: &Bench<'_>,
    kind: AnomalyKind,
    deviation: &Deviation,
    severity: Severity,
    subject: Subject<'_>,
    exemplars: Vec<Evidence>,
) -> Anomaly {
    let verdict = &deviation.verdict;
    Anomaly {
        window_start: bench.window - bench.settings.window * deviation.stretch.windows_before(),
        actual: deviation.count as f64,
        typical: verdict.typical,
        lower: verdict.lower,
        upper: verdict.upper,
        contributions: vec![("rate".to_owned(), 1.0)],
        reason: reason::rate(&service.name, subject, bench.settings.window, deviation),
        ..of_window(service, bench, kind, severity, deviation.p_value, exemplars)
    }
}

pub(super) fn forest_anomaly(
    service: &Service,
    bench: &Bench<'_>,
    counts: &WindowCounts,
    isolation: Isolation,
    severity: Severity,
) -> Anomaly {
    Anomaly {
        actual: isolation.score,
        typical: isolation.typical,
        upper: isolation.typical,
        reason: reason::forest(&service.name, bench.settings.window, &isolation),
        contributions: isolation.contributions,
        ..of_window(
            service,
            bench,
            AnomalyKind::Forest,
            severity,
            isolation.p_value,
            gravest(counts),
        )
    }
}

/// What any anomaly of a closed window says.
#[allow(clippy::too_many_arguments, reason = "the parts of one flat event, named at each call")]
pub(super) fn of_window(
    service: &Service,
    bench: &Bench<'_>,
    kind: AnomalyKind,
    severity: Severity,
    p_value: f64,
    exemplars: Vec<Evidence>,
) -> Anomaly {
    Anomaly {
        id: anomaly_id(service, kind, None, bench.window),
        kind,
        at: bench.at,
        service: service.name.clone(),
        host: None,
        level: exemplars.iter().map(|one| one.exemplar.level).max().unwrap_or_default(),
        severity,
        window_start: bench.window,
        window_end: bench.window + bench.settings.window,
        template: None,
        score: score_of(p_value),
        p_value,
        actual: 0.0,
        typical: 0.0,
        lower: 0.0,
        upper: 0.0,
        contributions: Vec::new(),
        reason: String::new(),
        exemplars,
        incomplete: bench.incomplete,
        session: None,
        lasts_until: None,
    }
}

pub(super) fn anomaly_id(
    service: &Service,
    kind: AnomalyKind,
    template: Option<TemplateId>,
    window: Timestamp,
) -> String {
    let template = template.map(|id| id.to_string()).unwrap_or_default();
    let window = window.as_nanos().to_string();
    id_of("a", &[&service.name, kind.as_str(), &template, &window])
}

/// The first records of the templates with most records, three at most.
pub(super) fn most_frequent(counts: &WindowCounts) -> Vec<Evidence> {
    ranked(counts, |cell| (0, cell.count())).map(|cell| cell.first.clone()).collect()
}

/// The first grave records of the gravest templates, three at most.
pub(super) fn gravest(counts: &WindowCounts) -> Vec<Evidence> {
    let grave = |cell: &Cell| cell.levels[Level::Error as usize..].iter().sum::<u64>();
    let rank = |cell: &Cell| (cell.level() as u64, grave(cell).max(1));
    ranked(counts, rank).map(|cell| cell.gravest().clone()).collect()
}

fn ranked(
    counts: &WindowCounts,
    rank: impl Fn(&Cell) -> (u64, u64),
) -> impl Iterator<Item = &Cell> {
    let mut cells: Vec<&Cell> = counts.templates.values().collect();
    cells.sort_by_key(|cell| std::cmp::Reverse(rank(cell)));
    cells.into_iter().take(3)
}
