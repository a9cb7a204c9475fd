//! Series whose odd point is known.

use super::Surprise;
use super::gauge::Extremes;
use crate::rate::tests::stream::Stream;

/// Five minutes a point.
const DAY: u32 = 288;

/// Scores a series made by a rule, with standard normal noise at hand.
fn scores(points: u32, mut rule: impl FnMut(u32, f64) -> f64) -> Vec<f64> {
    let mut stream = Stream::new(5);
    let mut surprise = Surprise::new();
    let mut score = |i: u32| surprise.observe(i % DAY * 300, rule(i, stream.normal()));
    (0..points).map(&mut score).collect()
}

/// Returns the place of the highest score once four days are known.
fn highest(scores: &[f64]) -> usize {
    let known = 4 * DAY as usize..scores.len();
    known.max_by(|&a, &b| scores[a].total_cmp(&scores[b])).unwrap()
}

/// A day of waves.
fn wave(i: u32) -> f64 {
    (f64::from(i % DAY) / f64::from(DAY) * std::f64::consts::TAU).sin() * 3.0
}

#[test]
fn the_onset_of_a_surprise_scores_high_at_once() {
    let lift = |i| if (2500..2530).contains(&i) { 12.0 } else { 0.0 };
    let scores = scores(3000, |i, noise| wave(i) + lift(i) + 0.5 * noise);
    assert!((2500..2530).contains(&highest(&scores)), "{}", highest(&scores));
    assert!(scores[2500] > 0.7, "{}", scores[2500]);
    assert!(scores.iter().all(|score| (0.0..1.0).contains(score)));
}

#[test]
fn what_comes_every_day_is_no_news_its_absence_is() {
    let is_high = |i: u32| (90..200).contains(&(i % DAY)) && i / DAY != 9;
    let scores = scores(4000, |i, noise| if is_high(i) { 80.0 } else { 20.0 } + 0.5 * noise);
    let missed = 9 * DAY as usize + 90;
    assert!((missed..missed + 110).contains(&highest(&scores)), "{}", highest(&scores));
}

#[test]
fn many_small_surprises_are_a_large_one() {
    // Values that come in any case, but now come in a row.
    let scores = scores(4000, |i, noise| if (3000..3060).contains(&i) { 2.0 } else { noise });
    assert!((3000..3060).contains(&highest(&scores)), "{}", highest(&scores));
}

#[test]
fn a_habit_is_less_surprising_than_its_first_time() {
    let peak = |i: u32| if i % DAY == 40 && i >= 5 * DAY { 30.0 } else { 0.0 };
    let scores = scores(20 * DAY, |i, noise| peak(i) + noise);
    let at = |day: u32| scores[(day * DAY + 40) as usize];
    assert!(at(5) > 0.7 && at(19) < at(5) - 0.1, "{} {}", at(5), at(19));
}

#[test]
fn odd_values_break_nothing() {
    let odd = [f64::NAN, f64::INFINITY, f64::MAX, f64::MIN, 0.0, f64::MIN_POSITIVE, -0.0];
    let scores = scores(3000, |i, noise| match i % 50 {
        0 => odd[(i / 50) as usize % odd.len()],
        _ if i < 1000 => 1.0,
        _ => noise,
    });
    assert!(scores.iter().all(|score| (0.0..1.0).contains(score)));
}

#[test]
fn a_constant_series_has_one_surprise_its_end() {
    let scores = scores(1500, |i, _| if i < 1400 { 45.0 } else { 45.1 });
    assert!(scores[..1400].iter().all(|score| *score < 0.5));
    assert_eq!(highest(&scores), 1400);
}

#[test]
fn the_unit_of_a_value_does_not_matter() {
    let lift = |i| if (1500..1520).contains(&i) { 9.0 } else { 0.0 };
    let of = |unit: f64| scores(2000, |i, noise| unit * (wave(i) + lift(i) + noise));
    let plain = of(1.0);
    for power in [-60, 60] {
        assert_eq!(of(2f64.powi(power)), plain, "{power}");
    }
}

#[test]
fn a_high_zero_of_the_scale_is_no_deviation() {
    // The first value of a series is far from nothing, but says nothing of its spread.
    let lift = |i| if (1500..1520).contains(&i) { 9.0 } else { 0.0 };
    let scores = scores(2000, |i, noise| 1e6 + wave(i) + lift(i) + noise);
    assert!((1500..1520).contains(&highest(&scores)) && scores[1500] > 0.6, "{}", scores[1500]);
}

#[test]
fn restored_in_the_middle_it_goes_on_the_same() {
    let mut stream = Stream::new(7);
    let values: Vec<f64> = (0..2000).map(|i| wave(i) + stream.normal()).collect();
    let mut surprise = Surprise::new();
    for (i, value) in (0u32..).zip(&values) {
        if i % 397 == 0 {
            let bytes = postcard::to_allocvec(&surprise).unwrap();
            let restored = postcard::from_bytes::<Surprise>(&bytes).unwrap();
            assert!(restored == surprise && bytes.len() < 12_000, "{} bytes", bytes.len());
            let mut a = surprise.clone();
            let mut b = restored.clone();
            for value in &values {
                assert_eq!(a.observe(0, *value), b.observe(0, *value));
            }
            surprise = restored;
        }
        surprise.observe(i % DAY * 300, *value);
    }
}

#[test]
fn extremes_bound_a_share_from_below_and_forget() {
    let mut extremes = Extremes::new(1000);
    (0..900).for_each(|_| extremes.observe(1.0));
    assert_eq!(extremes.share_at_least(10.0), 0.0);
    (0..8).for_each(|_| extremes.observe(10.0));
    let share = extremes.share_at_least(10.5);
    assert!(share > 3.0 / 908.0 && share < 8.0 / 908.0, "{share}");
    (0..1001).for_each(|_| extremes.observe(1.0));
    assert_eq!(extremes.share_at_least(10.0), 0.0);
}
