//! Closes one window of one service: every series, every template and the forest, in a fixed order.

use std::collections::BTreeMap;
use std::time::Duration;

use logwake_models::template::TemplateId;

use crate::anomaly::{Anomaly, AnomalyKind, Evidence, Severity, TemplateRef, id_of, score_of};
use crate::record::Level;
use crate::tally::Exemplar;
use crate::time::Timestamp;

use super::DetectSettings;
use super::budget::Levels;
use super::features::{Usual, row_of};
use super::gravity::{Gravity, gravity_of};
use super::rare;
use super::reason::{self, Subject};
use super::series::Direction;
use super::service::{Service, TemplateStats};
use super::tell::{
    forest_anomaly, gravest, kind_of, most_frequent, rate_anomaly, template_anomaly,
};
use super::values;
use super::window::{Cell, WindowCounts};

/// Weight of a new window in forgetting means: a memory of about twenty minutes at ten seconds.
const NEW_WEIGHT: f64 = 1.0 / 128.0;

/// The same while a service warms up, so that its first sights of everything are soon forgotten.
const WARMING_WEIGHT: f64 = 1.0 / 8.0;

/// Usual share of the records below which a template is rare.
const RARE: f64 = 1e-3;

/// Where and when a judgement is made.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bench<'a> {
    /// The settings.
    pub settings: &'a DetectSettings,
    /// Start of the window that closes.
    pub window: Timestamp,
    /// Event time at which it closes.
    pub at: Timestamp,
    /// Whether a source was not waited for.
    pub incomplete: bool,
    /// What tests must undercut.
    pub levels: Levels,
}

/// Closes a window of a service and appends what is anomalous in it.
///
/// A source that is ahead makes a service known before its first window comes: those before it say
/// nothing of it.
pub(super) fn close(service: &mut Service, bench: &Bench<'_>, out: &mut Vec<Anomaly>) {
    let counts = service.open.remove(&bench.window).unwrap_or_default();
    if !service.has_begun && counts.templates.is_empty() {
        return;
    }
    let novel = settle(service, &counts) as f64;
    let warm = service.is_warm(bench.settings);
    if service.has_begun {
        judge(service, &counts, novel, bench, out);
    }
    service.has_begun = true;
    remember(service, counts);
    let weight = if warm { NEW_WEIGHT } else { WARMING_WEIGHT };
    service.novelty_rate += (novel - service.novelty_rate) * weight;
    service.windows += 1;
}

/// Judges a window and learns from it.
///
/// The first one is neither judged nor learned: its service began somewhere in it.
fn judge(
    service: &mut Service,
    counts: &WindowCounts,
    novel: f64,
    bench: &Bench<'_>,
    out: &mut Vec<Anomaly>,
) {
    let warm = service.is_warm(bench.settings);
    let begin = out.len();
    let bench = &bench.of(service);
    let usual = usual_of(service, counts, novel, bench);
    let whole_service = close_service(service, counts, bench, out);
    close_templates(service, counts, bench, whole_service, out);
    if let Some(usual) = usual {
        close_forest(service, counts, &usual, bench, out);
    }
    values::close(service, counts, bench, out);
    rare::close(service, counts, bench, out);
    if !warm {
        out.truncate(begin);
    }
    if out.len() > begin {
        service.spending.tell(bench.at);
    }
}

/// Returns how many templates come in a closed window for the first time.
fn settle(service: &mut Service, counts: &WindowCounts) -> u64 {
    let mut novel = 0;
    for id in counts.templates.keys() {
        if let Some(stats) = service.templates.get_mut(id) {
            novel += u64::from(!std::mem::replace(&mut stats.is_settled, true));
        }
    }
    novel
}

/// Keeps the last records, to be shown when no more come.
fn remember(service: &mut Service, counts: WindowCounts) {
    service.settled += counts.levels().iter().sum::<u64>();
    let last = counts.templates.values().max_by_key(|cell| cell.first.exemplar.at);
    if let Some(last) = last {
        service.last = Some(last.first.clone());
    }
    for (id, cell) in counts.templates {
        if let Some(stats) = service.templates.get_mut(&id) {
            stats.last = cell.first;
        }
    }
}

impl Service {
    /// Tells whether enough windows were seen to say what is new or unusual.
    pub fn is_warm(&self, settings: &DetectSettings) -> bool {
        self.windows >= settings.warmup_windows()
    }

    /// Describes the first sight of a template as an anomaly.
    pub fn novelty(&self, id: TemplateId, first: &Evidence, settings: &DetectSettings) -> Anomaly {
        let text = self.catalogue.text(id);
        let exemplar = &first.exemplar;
        let p_value =
            (1.0 - (-self.novelty_rate).exp()).clamp(1.0 / (1.0 + self.settled as f64), 1.0);
        let gravity = gravity_of(exemplar.level, &text);
        let severity = match gravity {
            Gravity::Grave if p_value < 0.2 => Severity::Error,
            Gravity::Grave => Severity::Warning,
            Gravity::Notable if p_value < 0.2 => Severity::Warning,
            _ => Severity::Info,
        };
        let window = seen_at(exemplar, settings).window_start(settings.window);
        let level = match exemplar.level {
            Level::Unknown => String::new(),
            level => format!(" ({})", level.as_str()),
        };
        let span = settings.window * u32::try_from(self.windows).unwrap_or(u32::MAX);
        let reason = reason::novelty(&self.name, &text, &level, self.settled, span);
        Anomaly {
            id: id_of("a", &[&self.name, AnomalyKind::NewTemplate.as_str(), &id.to_string()]),
            kind: AnomalyKind::NewTemplate,
            at: exemplar.known_at(),
            service: self.name.clone(),
            host: Some(exemplar.host.clone()).filter(|host| !host.is_empty()),
            level: exemplar.level,
            severity,
            window_start: window,
            window_end: window + settings.window,
            template: Some(TemplateRef { id, text }),
            score: score_of(p_value),
            p_value,
            actual: 1.0,
            typical: 0.0,
            lower: 0.0,
            upper: 0.0,
            contributions: vec![("novelty".to_owned(), 1.0)],
            exemplars: vec![first.clone()],
            reason,
            incomplete: false,
            session: None,
            lasts_until: None,
        }
    }
}

/// When a record was there: where it states, unless it came too late for that; then its clock was
/// behind, or it was under way for long, and what it tells is news when it comes.
fn seen_at(exemplar: &Exemplar, settings: &DetectSettings) -> Timestamp {
    let is_late = exemplar.at.since(exemplar.time) >= settings.window + settings.lateness;
    if is_late { exemplar.at } else { exemplar.time }
}

impl Bench<'_> {
    /// Returns the bench of a service, with what its tests must undercut.
    pub(super) fn of(&self, service: &Service) -> Self {
        let budget = self.settings.anomaly_budget;
        let strictness = service.spending.strictness(budget, self.at);
        // Not those of windows to come, which one source may have brought already.
        let templates = service.templates.values().filter(|stats| stats.is_settled).count();
        let levels = Levels::new(budget, self.settings.window, templates, strictness);
        Self { levels, ..*self }
    }
}

impl Service {
    /// Tells an anomaly unless the budget is overspent and it is too likely for that.
    pub(super) fn tell(
        &mut self,
        anomaly: Anomaly,
        settings: &DetectSettings,
        out: &mut Vec<Anomaly>,
    ) {
        if anomaly.p_value > self.spending.strictness(settings.anomaly_budget, anomaly.at) {
            self.spending.keep_back();
        } else {
            self.spending.tell(anomaly.at);
            out.push(anomaly);
        }
    }

    /// Appends an anomaly of a window that closes unless the budget is overspent and it is too
    /// likely for that; the window is counted as a whole.
    pub(super) fn tell_of_window(
        &mut self,
        anomaly: Anomaly,
        bench: &Bench<'_>,
        out: &mut Vec<Anomaly>,
    ) {
        if anomaly.p_value > bench.levels.strictness {
            self.spending.keep_back();
        } else {
            out.push(anomaly);
        }
    }
}

/// Judges the service as a whole; tells whether it says why its templates deviate downward.
fn close_service(
    service: &mut Service,
    counts: &WindowCounts,
    bench: &Bench<'_>,
    out: &mut Vec<Anomaly>,
) -> bool {
    let by_level = counts.levels();
    let total = by_level.iter().sum();
    let grave = by_level[Level::Error as usize] + by_level[Level::Fatal as usize];
    let mut gone = false;
    if let Some(deviation) = service.total.close(total, bench.at, &bench.levels.of_records()) {
        gone = is_less(deviation.direction);
        let exemplars = match deviation.direction {
            Direction::Up => most_frequent(counts),
            _ => service.last.iter().cloned().collect(),
        };
        let kind = kind_of(deviation.direction);
        let severity = match deviation.direction {
            Direction::Up | Direction::Back => Severity::Info,
            Direction::Down => Severity::Warning,
            Direction::Gone => Severity::Error,
        };
        let subject = Subject::Records("records");
        out.push(rate_anomaly(service, bench, kind, &deviation, severity, subject, exemplars));
    } else if total == 0 && (service.total.is_gone() || service.total.mean() > 1.0) {
        gone = true;
    }
    if let Some(deviation) = service.grave.close(grave, bench.at, &bench.levels.of_errors())
        && deviation.direction == Direction::Up
    {
        let subject = Subject::Records("records of level error or above");
        let exemplars = gravest(counts);
        let kind = AnomalyKind::LevelShift;
        out.push(rate_anomaly(
            service,
            bench,
            kind,
            &deviation,
            Severity::Error,
            subject,
            exemplars,
        ));
    }
    gone
}

fn close_templates(
    service: &mut Service,
    counts: &WindowCounts,
    bench: &Bench<'_>,
    whole_service: bool,
    out: &mut Vec<Anomaly>,
) {
    let mut templates = std::mem::take(&mut service.templates);
    for (id, stats) in &mut templates {
        let cell = counts.templates.get(id);
        let count = cell.map_or(0, Cell::count);
        // What would not deviate even if it were grave need not be read.
        let gravity = match cell {
            Some(_) if stats.rate.may_deviate(count, &bench.levels.of_template(Gravity::Grave)) => {
                stats.gravity(service, *id)
            }
            _ => Gravity::Plain,
        };
        let Some(deviation) = stats.rate.close(count, bench.at, &bench.levels.of_template(gravity))
        else {
            continue;
        };
        let is_old = deviation.direction == Direction::Gone && deviation.is_repeat;
        if is_old || (is_less(deviation.direction) && whole_service) {
            continue;
        }
        out.push(template_anomaly(service, bench, *id, stats, cell, gravity, &deviation));
    }
    service.templates = templates;
}

/// Learns the mix of a window; returns what the forest compares it with, nothing where nothing is
/// known yet.
fn usual_of(
    service: &mut Service,
    counts: &WindowCounts,
    novel: f64,
    bench: &Bench<'_>,
) -> Option<Usual> {
    let is_off = bench.settings.forest_p_value_max <= 0.0;
    if is_off || counts.templates.is_empty() {
        return None;
    }
    let [divergence, rare] = learn_mix(&mut service.templates, counts)?;
    Some(Usual { expected: service.total.mean(), novel, divergence, rare })
}

fn close_forest(
    service: &mut Service,
    counts: &WindowCounts,
    usual: &Usual,
    bench: &Bench<'_>,
    out: &mut Vec<Anomaly>,
) {
    let Some(isolation) = service.forest.step(&row_of(counts, usual)) else { return };
    let p_value_max = bench.settings.forest_p_value_max * bench.levels.strictness;
    if !service.forest.tells(&isolation, p_value_max, bench.at) {
        return;
    }
    let grave = isolation.contributions.iter().take(2).any(|(name, _)| name.starts_with("error"));
    let severity = if grave { Severity::Warning } else { Severity::Info };
    out.push(forest_anomaly(service, bench, counts, isolation, severity));
}

/// Learns the usual share of each template; returns how far this window's mix is from it, in [0, 1],
/// and the share of its records in templates that are rare; nothing where no mix is known.
fn learn_mix(
    templates: &mut BTreeMap<TemplateId, TemplateStats>,
    counts: &WindowCounts,
) -> Option<[f64; 2]> {
    let total: u64 = counts.templates.values().map(Cell::count).sum();
    let usual: f64 = templates.values().map(|stats| stats.share).sum();
    let (mut distance, mut rare) = (0.0, 0.0);
    for (id, stats) in templates.iter_mut() {
        let count = counts.templates.get(id).map_or(0, Cell::count);
        let share = count as f64 / total.max(1) as f64;
        distance += (share - stats.share / usual.max(1e-9)).abs();
        rare += if stats.share < RARE * usual { share } else { 0.0 };
        stats.share += (share - stats.share) * NEW_WEIGHT;
    }
    (usual > 0.0).then_some([distance / 2.0, rare])
}

impl TemplateStats {
    pub(super) fn gravity(&self, service: &Service, id: TemplateId) -> Gravity {
        gravity_of(self.level(), &service.catalogue.text(id))
    }
}

fn is_less(direction: Direction) -> bool {
    matches!(direction, Direction::Down | Direction::Gone)
}

impl DetectSettings {
    /// Returns how many windows a service must have before it is judged.
    pub fn warmup_windows(&self) -> u64 {
        self.windows_in(self.warmup)
    }

    /// Returns how many whole windows a span holds.
    pub(super) fn windows_in(&self, span: Duration) -> u64 {
        u64::try_from(span.as_nanos() / self.window.as_nanos().max(1)).unwrap_or(u64::MAX)
    }
}
