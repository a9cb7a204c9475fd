//! Growing one tree: which cuts, which points go where, what becomes a leaf.

use super::Flavour;
use super::contest::{gain, range};
use super::tree::{Cut, Tree};
use rand::Rng;
use rand_xoshiro::Xoshiro256PlusPlus;

/// Features of which cuts compete by gain, and cuts of each: more gain little and cost as much again.
const CONTESTANTS: usize = 8;
const CUTS: usize = 2;
/// Fewer points have no gap that means anything.
const CONTEST_POINTS_MIN: usize = 4;
/// Share of the cuts that are drawn without a contest: it keeps the trees apart, and serves sets
/// whose anomalies have no gap before them.
const DRAWN_SHARE: f64 = 0.3;

/// The values of one sample, and room to work in.
pub(super) struct Grower {
    pub(super) flavour: Flavour,
    /// `[n_features, sample]`
    values: Vec<f32>,
    /// Indices into the sample; a node owns a span of them.
    points: Vec<u32>,
    /// Features; those found constant are swapped behind the live ones and stay so below.
    candidates: Vec<u16>,
    /// Whether all values are known.
    is_complete: bool,
    /// What is known of the feature that was drawn last, at the points of the node that is cut.
    drawn: Vec<f32>,
}

/// A node that is still to be cut: its points `[from, to)`, its cuts from the root, and how many
/// candidates may still vary in it.
struct Open {
    at: usize,
    level: u32,
    from: usize,
    to: usize,
    live: usize,
}

impl Grower {
    pub(super) fn new(flavour: Flavour, features: usize, sample: usize) -> Self {
        Self {
            flavour,
            values: Vec::with_capacity(sample * features),
            points: Vec::with_capacity(sample),
            candidates: (0..=u16::MAX).take(features).collect(),
            is_complete: true,
            drawn: Vec::with_capacity(sample),
        }
    }

    /// Grows a tree on a sample of so many points, given feature by feature.
    pub(super) fn grow(
        &mut self,
        sample: usize,
        values: impl Iterator<Item = f32>,
        rng: &mut Xoshiro256PlusPlus,
    ) -> Tree {
        self.values.clear();
        self.values.extend(values.map(tame));
        self.is_complete = !self.values.iter().any(|value| value.is_nan());
        self.points.clear();
        self.points.extend(0..sample as u32);
        self.candidates.sort_unstable();
        let mut tree = Tree::new(sample);
        let live = self.candidates.len();
        let mut open = vec![Open { at: Tree::ROOT, level: 0, from: 0, to: sample, live }];
        while let Some(mut node) = open.pop() {
            let Some(cut) = self.choose_cut(&mut node, tree.height(), rng) else {
                tree.close(node.at, node.level);
                continue;
            };
            let middle = self.partition(&node, cut, rng);
            tree.split(node.at, cut, (middle - node.from) as u32);
            let Open { at, level, from, to, live } = node;
            open.push(Open { at: 2 * at, level: level + 1, from, to: middle, live });
            open.push(Open { at: 2 * at + 1, level: level + 1, from: middle, to, live });
        }
        tree
    }

    /// Returns the cut of a node, or nothing where it must stay a leaf.
    fn choose_cut(
        &mut self,
        node: &mut Open,
        height: u32,
        rng: &mut Xoshiro256PlusPlus,
    ) -> Option<Cut> {
        let points = node.to - node.from;
        if node.level >= height || points < 2 {
            return None;
        }
        let is_contested = self.flavour == Flavour::Gain
            && points >= CONTEST_POINTS_MIN
            && !rng.gen_bool(DRAWN_SHARE);
        if is_contested { self.contest(node, rng) } else { self.draw_cut(node, rng) }
    }

    fn draw_cut(&mut self, node: &mut Open, rng: &mut Xoshiro256PlusPlus) -> Option<Cut> {
        let (feature, range) = self.draw_feature(node, rng)?;
        Some(Cut { feature, threshold: draw_threshold(range, rng) })
    }

    /// Returns the cut with the greatest gain of those that compete.
    fn contest(&mut self, node: &mut Open, rng: &mut Xoshiro256PlusPlus) -> Option<Cut> {
        let mut best = None;
        let mut gain_max = f32::NEG_INFINITY;
        for _ in 0..CONTESTANTS {
            let Some((feature, range)) = self.draw_feature(node, rng) else { break };
            for _ in 0..CUTS {
                let threshold = draw_threshold(range, rng);
                let gain = gain(&self.drawn, range, threshold);
                if gain > gain_max || best.is_none() {
                    (best, gain_max) = (Some(Cut { feature, threshold }), gain);
                }
            }
        }
        best
    }

    /// Draws a feature that varies among the points; returns it with its range.
    fn draw_feature(
        &mut self,
        node: &mut Open,
        rng: &mut Xoshiro256PlusPlus,
    ) -> Option<(u16, (f32, f32))> {
        while node.live > 0 {
            let pick = rng.gen_range(0..node.live as u32) as usize;
            let feature = self.candidates[pick];
            self.gather(node, feature);
            let (low, high) = range(&self.drawn);
            if low < high {
                return Some((feature, (low, high)));
            }
            node.live -= 1;
            self.candidates.swap(pick, node.live);
        }
        None
    }

    fn gather(&mut self, node: &Open, feature: u16) {
        let sample = self.points.len();
        let column = &self.values[feature as usize * sample..][..sample];
        self.drawn.clear();
        self.drawn.extend(self.points[node.from..node.to].iter().map(|&at| column[at as usize]));
        if !self.is_complete {
            self.drawn.retain(|value| !value.is_nan());
        }
    }

    /// Moves the points of the left side to the front and returns where the right ones begin; a
    /// missing value goes to a side by lot, weighted by the sides.
    fn partition(&mut self, node: &Open, cut: Cut, rng: &mut Xoshiro256PlusPlus) -> usize {
        let sample = self.points.len();
        let column = &self.values[cut.feature as usize * sample..][..sample];
        let points = &mut self.points[node.from..node.to];
        let count =
            |is: &dyn Fn(f32) -> bool| points.iter().filter(|&&at| is(column[at as usize])).count();
        let [known, below] = if self.is_complete {
            [0; 2]
        } else {
            [count(&|value| !value.is_nan()), count(&|value| value < cut.threshold)]
        };
        let mut middle = 0;
        for i in 0..points.len() {
            let value = column[points[i] as usize];
            let goes_left = if value.is_nan() {
                rng.gen_range(0..known) < below
            } else {
                value < cut.threshold
            };
            points.swap(i, middle);
            middle += usize::from(goes_left);
        }
        node.from + middle
    }
}

/// Makes infinities finite, so that ranges are; `NaN` stays.
fn tame(value: f32) -> f32 {
    value.clamp(f32::MIN / 2.0, f32::MAX / 2.0)
}

/// Draws a threshold in `(low, high]`, so that neither side is empty.
fn draw_threshold((low, high): (f32, f32), rng: &mut Xoshiro256PlusPlus) -> f32 {
    let share: f32 = rng.r#gen();
    let threshold = low * (1.0 - share) + high * share;
    if threshold > low && threshold <= high { threshold } else { high }
}
