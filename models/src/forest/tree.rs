//! One tree, laid out for the walk from its root to a leaf.
//!
//! It is a perfect binary tree in flat arrays: the children of `at` are `2 at` and `2 at + 1`, the
//! root is 1, and below a node that was not cut both ways lead to leaves of the same depth.
//! So a walk takes as many steps for every point, reads no links and asks for no end.

use std::array;

/// A cut that was not made; no value that is known lies at or beyond it.
const UNCUT: f32 = f32::INFINITY;
const EULER_GAMMA: f64 = 0.577_215_664_901_532_9;

/// Cuts of a way that are made by columns rather than by points; one more costs what it saves.
const TOP: u32 = 3;
/// Points that walk down together: enough to hide the latency of the loads.
const LANES: usize = 16;
/// Points of a [`Block`]: a tree and as many of ten features stay in the first-level cache.
pub(super) const BLOCK: usize = 128;
/// Features and width that the walk of blocks is made for: indices of a byte need no check.
pub(super) const BYTE: usize = 256;

/// Values of up to `BLOCK` points, feature by feature; room for `BYTE` features.
pub(super) type Block = [[f32; BLOCK]; BYTE];

/// Where the points of a node part.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Cut {
    /// Values below it go left, all others right.
    pub(super) threshold: f32,
    pub(super) feature: u16,
}

/// A tree; what is indexed by node has room for node 0, which there is not.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Tree {
    /// Cuts on the longest way that there may be.
    height: u32,
    /// `[2^height]`
    thresholds: Box<[f32]>,
    /// `[2^height]`
    features: Box<[u16]>,
    /// Depths of the leaves, as shares of the average depth of the sample: `[2^height]`
    depths: Box<[f32]>,
    /// Sampled points that came to each node: `[2^(height + 1)]`
    points: Box<[u32]>,
}

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

/// Returns after how many cuts a tree of `points` stops: half of them are isolated by then.
pub(super) fn height_of(points: usize) -> u32 {
    points.max(1).next_power_of_two().ilog2()
}

impl Tree {
    pub(super) const ROOT: usize = 1;

    /// Starts a tree on `sample` points, in which nothing is cut.
    pub(super) fn new(sample: usize) -> Self {
        let height = height_of(sample);
        let width = 1 << height;
        let mut points = vec![0; 2 * width].into_boxed_slice();
        points[Self::ROOT] = sample as u32;
        Self {
            height,
            thresholds: vec![UNCUT; width].into_boxed_slice(),
            features: vec![0; width].into_boxed_slice(),
            depths: vec![0.0; width].into_boxed_slice(),
            points,
        }
    }

    pub(super) fn height(&self) -> u32 {
        self.height
    }

    pub(super) fn sample(&self) -> usize {
        self.points(Self::ROOT) as usize
    }

    pub(super) fn points(&self, at: usize) -> u32 {
        self.points[at]
    }

    /// Returns the cut at a node, nothing at a leaf.
    pub(super) fn cut(&self, at: usize) -> Option<Cut> {
        let threshold = *self.thresholds.get(at).filter(|&&threshold| threshold < UNCUT)?;
        Some(Cut { threshold, feature: self.features[at] })
    }

    /// Cuts a node, of whose points `left` lie below the threshold.
    pub(super) fn split(&mut self, at: usize, cut: Cut, left: u32) {
        (self.thresholds[at], self.features[at]) = (cut.threshold, cut.feature);
        self.points[2 * at] = left;
        self.points[2 * at + 1] = self.points[at] - left;
    }

    /// Makes a leaf of a node that is not cut, so many cuts below the root.
    pub(super) fn close(&mut self, at: usize, level: u32) {
        let depth = self.share_of_average(f64::from(level), self.points(at) as usize);
        let below = self.height - level;
        let first = (at << below) - self.depths.len();
        self.depths[first..first + (1 << below)].fill(depth);
    }

    /// A tree that was shown a single point can tell nothing: there every depth is average.
    fn share_of_average(&self, level: f64, points: usize) -> f32 {
        match average_depth(self.sample()) {
            0.0 => 1.0,
            average => ((level + average_depth(points)) / average) as f32,
        }
    }

    /// Returns the depth of a leaf, given the node or any below it.
    pub(super) fn depth(&self, at: usize) -> f64 {
        let below = self.height - at.ilog2();
        f64::from(self.depths[(at << below) - self.depths.len()])
    }

    /// Returns the depth of the leaf that a point without missing values comes to.
    #[inline]
    pub(super) fn depth_of(&self, value: impl Fn(usize) -> f32) -> f64 {
        let mut at = Self::ROOT;
        for _ in 0..self.height {
            at = 2 * at + usize::from(value(self.features[at] as usize) >= self.thresholds[at]);
        }
        f64::from(self.depths[at - self.depths.len()])
    }

    /// Adds the depths of the first points of a block to their totals; tells whether the tree is
    /// of the shape for which there is such a walk. `NaN` goes left.
    pub(super) fn add_depths(&self, block: &Block, totals: &mut [f64]) -> bool {
        let (Ok(thresholds), Ok(features), Ok(depths)) = (
            <&[f32; BYTE]>::try_from(&*self.thresholds),
            <&[u16; BYTE]>::try_from(&*self.features),
            <&[f32; BYTE]>::try_from(&*self.depths),
        ) else {
            return false;
        };
        let features = &features.map(|feature| feature as u8);
        let nodes = walk_top(block, thresholds, features);
        for (group, totals) in totals.chunks_mut(LANES).enumerate() {
            let first = group * LANES;
            let mut at: [u8; LANES] = array::from_fn(|lane| nodes[(first + lane) % BLOCK] as u8);
            for _ in TOP..BYTE.ilog2() {
                for (lane, at) in at.iter_mut().enumerate() {
                    let node = usize::from(*at);
                    let value = block[usize::from(features[node])][(first + lane) % BLOCK];
                    // What leaves the byte is the first one, which stands for the root.
                    *at = at.wrapping_mul(2) | u8::from(value >= thresholds[node]);
                }
            }
            for (total, at) in totals.iter_mut().zip(at) {
                *total += f64::from(depths[usize::from(at)]);
            }
        }
        true
    }
}

/// Returns the node that each point of a block comes to by the first `TOP` cuts.
///
/// All cuts there are compared with all points, and then those on the way are selected: more
/// comparisons than a walk makes, but of whole columns, so these are vector instructions.
#[inline(always)]
fn walk_top(block: &Block, thresholds: &[f32; BYTE], features: &[u8; BYTE]) -> [u32; BLOCK] {
    let columns: [_; 1 << TOP] = array::from_fn(|node| &block[usize::from(features[node])]);
    let mut nodes = [0; BLOCK];
    for (point, node) in nodes.iter_mut().enumerate() {
        let right = |node: usize| {
            let goes_right = columns[node][point] >= thresholds[node];
            0u32.wrapping_sub(u32::from(goes_right))
        };
        let first = right(1);
        let second = select(first, right(3), right(2));
        let [lefts, rights] =
            [[4, 5], [6, 7]].map(|[left, other]| select(second, right(other), right(left)));
        let third = select(first, rights, lefts);
        *node = (1 << TOP) | (first & 4) | (second & 2) | (third & 1);
    }
    nodes
}

/// Returns one of two by a mask of all bits or none.
#[inline(always)]
fn select(mask: u32, set: u32, unset: u32) -> u32 {
    (mask & set) | (!mask & unset)
}
