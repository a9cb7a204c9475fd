//! How much a cut gains: by how much narrower its sides are than the whole.
//!
//! The pooled gain of Liu, Ting and Zhou, "On Detecting Clustered Anomalies Using SCiForest", ECML
//! 2010, equation 3, weighted by the points of the sides.
//! Values are taken in whole steps of their range: sums of integers may be had in any order, so
//! these are vector instructions, and what one side has is exactly what the other has not.

/// Steps in a range: a side less than a step wide has no weight in a whole that is a thousand wide.
const STEPS: f32 = 1024.0;
/// Values that are weighed; so many squares of steps fit into 32 bits.
const VALUES_MAX: usize = 4095;
/// 2^23: the last bits of what is added to it are a whole number.
const WHOLE: f32 = 8_388_608.0;
const WHOLE_BITS: u32 = (1 << 23) - 1;
/// Of two values one that is rarer than one in so many has a gap before it.
const RARE: u32 = 32;
/// Values that are compared in step.
const LANES: usize = 8;

/// Returns the least and the greatest of values that are all known.
pub(super) fn range(values: &[f32]) -> (f32, f32) {
    let (mut low, mut high) = ([f32::INFINITY; LANES], [f32::NEG_INFINITY; LANES]);
    let chunks = values.chunks_exact(LANES);
    let rest = chunks.remainder();
    for chunk in chunks {
        for lane in 0..LANES {
            low[lane] = low[lane].min(chunk[lane]);
            high[lane] = high[lane].max(chunk[lane]);
        }
    }
    let all = |lanes: [f32; LANES]| lanes.into_iter().chain(rest.iter().copied());
    (all(low).fold(f32::INFINITY, f32::min), all(high).fold(f32::NEG_INFINITY, f32::max))
}

/// Returns by which share the standard deviation falls from the values to the sides of a cut, the
/// sides weighted by their values, which are all known.
///
/// A cut among two values gains nothing unless one is rare: nothing is left of either side,
/// whatever the feature, so features with two values would win every contest.
pub(super) fn gain(values: &[f32], (low, high): (f32, f32), threshold: f32) -> f32 {
    let values = &values[..values.len().min(VALUES_MAX)];
    let scale = STEPS / (high - low);
    let (mut whole, mut left) = (Moments::default(), Moments::default());
    let mut extreme = 0u32;
    for &value in values {
        let step = (value - low) * scale + WHOLE - WHOLE;
        let (sum, squares) = (bits(step), bits(step * step));
        let is_left = 0u32.wrapping_sub(u32::from(value < threshold));
        whole.add(1, sum, squares);
        left.add(is_left & 1, is_left & sum, is_left & squares);
        extreme += u32::from(value == low) | u32::from(value == high);
    }
    let right = whole.without(&left);
    let lesser = left.count.min(right.count);
    let is_rare = lesser > 0 && lesser * RARE <= whole.count;
    if extreme == whole.count && !is_rare {
        return 0.0;
    }
    1.0 - (left.deviation_sum() + right.deviation_sum()) / whole.deviation_sum()
}

/// Returns a whole number up to 2^23.
fn bits(whole: f32) -> u32 {
    (whole + WHOLE).to_bits() & WHOLE_BITS
}

/// Number, sum and squares of steps.
#[derive(Default)]
struct Moments {
    count: u32,
    sum: u32,
    squares: u32,
}

impl Moments {
    #[inline(always)]
    fn add(&mut self, count: u32, sum: u32, squares: u32) {
        self.count = self.count.wrapping_add(count);
        self.sum = self.sum.wrapping_add(sum);
        self.squares = self.squares.wrapping_add(squares);
    }

    fn without(&self, part: &Self) -> Self {
        Self {
            count: self.count.wrapping_sub(part.count),
            sum: self.sum.wrapping_sub(part.sum),
            squares: self.squares.wrapping_sub(part.squares),
        }
    }

    /// Returns the standard deviation times the number.
    fn deviation_sum(&self) -> f32 {
        let [count, sum, squares] = [self.count, self.sum, self.squares].map(f64::from);
        (count * squares - sum * sum).max(0.0).sqrt() as f32
    }
}
