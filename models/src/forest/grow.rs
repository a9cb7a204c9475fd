//! Growing the trees: which points, which cuts, what a leaf is worth.

use super::{
    Flavour, ForestError, IsolationForest, IsolationForestValidParams, Node, Summary, Tree,
};
use linfa::{DatasetBase, Float, traits::Fit};
use ndarray::{ArrayBase, Data, Ix2};
use rand::{Rng, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;

/// Cuts that compete by gain: more gain little and cost as much again.
const CONTESTANTS: usize = 16;
/// Share of the cuts that are drawn without a contest: it keeps the trees apart, and serves sets
/// whose anomalies have no gap before them.
const DRAWN_SHARE: f64 = 0.3;
const EULER_GAMMA: f64 = 0.577_215_664_901_532_9;

/// Returns the mean depth of an unsuccessful search in a binary search tree of `points` keys
/// (equation 1 of the paper), by which depths are normalised and unfinished leaves are credited.
pub(super) fn average_depth(points: usize) -> f64 {
    match points {
        0 | 1 => 0.0,
        2 => 1.0,
        _ => {
            let n = points as f64;
            2.0 * ((n - 1.0).ln() + EULER_GAMMA) - 2.0 * (n - 1.0) / n
        }
    }
}

impl<F: Float, D: Data<Elem = F>, T> Fit<ArrayBase<D, Ix2>, T, ForestError>
    for IsolationForestValidParams
{
    type Object = IsolationForest;

    /// Grows a forest on the records `[n_points, n_features]`; targets are ignored.
    ///
    /// # Errors
    /// If there are no rows or no columns.
    fn fit(
        &self,
        dataset: &DatasetBase<ArrayBase<D, Ix2>, T>,
    ) -> Result<IsolationForest, ForestError> {
        let records = dataset.records();
        let (rows, columns) = records.dim();
        if rows == 0 || columns == 0 {
            return Err(ForestError::Empty { rows, columns });
        }
        let sample = self.sample.min(rows);
        let mut grower = Grower {
            columns,
            flavour: self.flavour,
            height_max: self.max_depth.unwrap_or_else(|| (sample as f64).log2().ceil() as u32),
            rng: Xoshiro256PlusPlus::seed_from_u64(self.seed),
            values: Vec::with_capacity(sample * columns),
            points: Vec::with_capacity(sample),
            candidates: (0..columns as u32).collect(),
            forest: IsolationForest {
                features: columns,
                normalizer: average_depth(sample),
                trees: Vec::with_capacity(self.trees),
                nodes: Vec::new(),
                summaries: Vec::new(),
            },
        };
        let mut deck: Vec<usize> = (0..rows).collect();
        for _ in 0..self.trees {
            grower.deal(&mut deck, sample);
            grower.values.clear();
            for column in 0..columns {
                let values = deck[..sample].iter().map(|&row| records[[row, column]]);
                grower.values.extend(values.map(|value| tame(value.to_f64().unwrap_or(f64::NAN))));
            }
            grower.grow_tree();
        }
        Ok(grower.forest)
    }
}

/// Makes infinities finite, so that ranges are; `NaN` stays.
fn tame(value: f64) -> f64 {
    value.clamp(f64::MIN / 2.0, f64::MAX / 2.0)
}

/// A node that is still to be split: its points `[from, to)`, its depth, and how many candidates
/// may still vary in it.
struct Open {
    at: u32,
    from: usize,
    to: usize,
    depth: u32,
    live: usize,
}

/// A way to cut the points of a node, and the range of its feature among them.
struct Cut {
    feature: u32,
    threshold: f64,
    low: f64,
    high: f64,
}

/// Sums of values in [0, 1].
#[derive(Default)]
struct Moments {
    points: f64,
    sum: f64,
    squares: f64,
}

impl Moments {
    fn add(&mut self, value: f64) {
        self.points += 1.0;
        self.sum += value;
        self.squares += value * value;
    }

    fn and(&self, other: &Self) -> Self {
        Self {
            points: self.points + other.points,
            sum: self.sum + other.sum,
            squares: self.squares + other.squares,
        }
    }

    /// Returns the standard deviation times the points.
    fn deviation_sum(&self) -> f64 {
        (self.points * self.squares - self.sum * self.sum).max(0.0).sqrt()
    }
}

struct Grower {
    columns: usize,
    flavour: Flavour,
    height_max: u32,
    rng: Xoshiro256PlusPlus,
    /// The sample of this tree, `[n_features, sample]`.
    values: Vec<f64>,
    /// Indices into the sample; a node owns a span of them.
    points: Vec<u32>,
    /// Features; those found constant are swapped behind the live ones and stay so below.
    candidates: Vec<u32>,
    forest: IsolationForest,
}

impl Grower {
    /// Draws `sample` rows to the front of the deck: the first steps of a Fisher-Yates shuffle.
    fn deal(&mut self, deck: &mut [usize], sample: usize) {
        for i in 0..sample {
            let j = self.rng.gen_range(i..deck.len());
            deck.swap(i, j);
        }
    }

    fn grow_tree(&mut self) {
        let sample = self.values.len() / self.columns;
        self.points.clear();
        self.points.extend(0..sample as u32);
        let root = self.push_leaf();
        let mut height = 0;
        let mut open = vec![Open { at: root, from: 0, to: sample, depth: 0, live: self.columns }];
        while let Some(mut node) = open.pop() {
            height = height.max(node.depth);
            match self.split(&mut node) {
                None => self.close(&node),
                Some(middle) => {
                    let left = self.forest.nodes[node.at as usize].left;
                    let Open { from, to, depth, live, .. } = node;
                    let depth = depth + 1;
                    open.push(Open { at: left, from, to: middle, depth, live });
                    open.push(Open { at: left + 1, from: middle, to, depth, live });
                }
            }
        }
        self.forest.trees.push(Tree { root, height });
        self.summarize(root);
    }

    fn push_leaf(&mut self) -> u32 {
        let at = self.forest.nodes.len() as u32;
        self.forest.nodes.push(Node { threshold: f64::MAX, feature: 0, left: at });
        self.forest.summaries.push(Summary { depth: 0.0, points: 0 });
        at
    }

    /// Cuts a node in two and returns where its right points begin, or nothing if it must stay a
    /// leaf.
    fn split(&mut self, node: &mut Open) -> Option<usize> {
        if node.depth >= self.height_max || node.to - node.from < 2 {
            return None;
        }
        let (feature, threshold) = match self.flavour {
            Flavour::Plain => self.draw_cut(node).map(|cut| (cut.feature, cut.threshold))?,
            Flavour::Gain => self.choose_cut(node)?,
        };
        let middle = self.partition(node, feature, threshold);
        let left = self.push_leaf();
        self.push_leaf();
        self.forest.nodes[node.at as usize] = Node { threshold, feature, left };
        Some(middle)
    }

    fn draw_cut(&mut self, node: &mut Open) -> Option<Cut> {
        let (feature, low, high) = self.choose_feature(node)?;
        let threshold = self.choose_threshold(low, high);
        Some(Cut { feature, threshold, low, high })
    }

    /// Returns the cut with the greatest gain of a few that are drawn.
    fn choose_cut(&mut self, node: &mut Open) -> Option<(u32, f64)> {
        let is_drawn = self.rng.gen_bool(DRAWN_SHARE);
        let mut best = None;
        let mut gain_max = f64::NEG_INFINITY;
        for _ in 0..if is_drawn { 1 } else { CONTESTANTS } {
            let Some(cut) = self.draw_cut(node) else { break };
            let gain = self.gain(node, &cut);
            if gain > gain_max || best.is_none() {
                (best, gain_max) = (Some((cut.feature, cut.threshold)), gain);
            }
        }
        best
    }

    /// Returns by which share the standard deviation falls from the points to the sides of a cut,
    /// the sides weighted by their points; missing values do not count.
    fn gain(&self, node: &Open, cut: &Cut) -> f64 {
        let column = self.column(cut.feature);
        let (mut left, mut right) = (Moments::default(), Moments::default());
        let scale = 1.0 / (cut.high - cut.low);
        for &point in &self.points[node.from..node.to] {
            let value = column[point as usize];
            let side = if value < cut.threshold { &mut left } else { &mut right };
            if !value.is_nan() {
                side.add((value - cut.low) * scale);
            }
        }
        1.0 - (left.deviation_sum() + right.deviation_sum()) / left.and(&right).deviation_sum()
    }

    /// Draws a feature that varies among the points, with its range.
    fn choose_feature(&mut self, node: &mut Open) -> Option<(u32, f64, f64)> {
        while node.live > 0 {
            let pick = self.rng.gen_range(0..node.live);
            let feature = self.candidates[pick];
            let (low, high) = self.range(node, feature);
            if low < high {
                return Some((feature, low, high));
            }
            node.live -= 1;
            self.candidates.swap(pick, node.live);
        }
        None
    }

    fn column(&self, feature: u32) -> &[f64] {
        let sample = self.points.len();
        &self.values[feature as usize * sample..][..sample]
    }

    /// Returns least and greatest value among the points; missing ones do not count.
    fn range(&self, node: &Open, feature: u32) -> (f64, f64) {
        let column = self.column(feature);
        let values = self.points[node.from..node.to].iter().map(|&point| column[point as usize]);
        values.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| {
            (low.min(value), high.max(value))
        })
    }

    /// Draws a threshold in `(low, high]`, so that neither side is empty.
    fn choose_threshold(&mut self, low: f64, high: f64) -> f64 {
        let share: f64 = self.rng.r#gen();
        let threshold = low * (1.0 - share) + high * share;
        if threshold > low && threshold <= high { threshold } else { high }
    }

    /// Moves the points of the left side to the front; a missing value goes to a side by lot,
    /// weighted by the sides.
    fn partition(&mut self, node: &Open, feature: u32, threshold: f64) -> usize {
        let sample = self.points.len();
        let column = &self.values[feature as usize * sample..][..sample];
        let points = &mut self.points[node.from..node.to];
        let known = points.iter().filter(|&&point| !column[point as usize].is_nan()).count();
        let below = points.iter().filter(|&&point| column[point as usize] < threshold).count();
        let mut middle = 0;
        for i in 0..points.len() {
            let value = column[points[i] as usize];
            let goes_left = if value.is_nan() {
                self.rng.gen_range(0..known) < below
            } else {
                value < threshold
            };
            if goes_left {
                points.swap(i, middle);
                middle += 1;
            }
        }
        node.from + middle
    }

    fn close(&mut self, node: &Open) {
        let points = node.to - node.from;
        self.forest.summaries[node.at as usize] =
            Summary { depth: f64::from(node.depth) + average_depth(points), points: points as u32 };
    }

    /// Fills in the inner nodes of the newest tree: children lie behind their parents.
    fn summarize(&mut self, root: u32) {
        for at in (root..self.forest.nodes.len() as u32).rev() {
            if self.forest.is_leaf(at) {
                continue;
            }
            let left = self.forest.nodes[at as usize].left as usize;
            let (left, right) = (self.forest.summaries[left], self.forest.summaries[left + 1]);
            let points = left.points + right.points;
            let depth = (left.depth * f64::from(left.points)
                + right.depth * f64::from(right.points))
                / f64::from(points);
            self.forest.summaries[at as usize] = Summary { depth, points };
        }
    }
}
