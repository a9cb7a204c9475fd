//! Streams whose law is known, and what the statistics make of them.

use super::{Baseline, BaselineParams, Regime, Tail};
use stream::Stream;

#[path = "../../examples/calibration/stream.rs"]
pub(super) mod stream;

/// Judges windows 30 to 1030 of ten fresh streams: the share with a p-value below 1e-3.
fn false_positives(mean: f64, dispersion: f64) -> f64 {
    let (streams, windows) = (10, 1000);
    let mut hits = 0u32;
    for seed in 0..streams {
        let mut stream = Stream::new(seed);
        let mut baseline = Baseline::new(BaselineParams::default());
        for window in 0..windows + 30 {
            let count = stream.count(mean, dispersion);
            if window >= 30 {
                hits += u32::from(baseline.judge(count).p_upper < 1e-3);
            }
            baseline.observe(count);
        }
    }
    f64::from(hits) / (streams * windows) as f64
}

#[test]
fn false_positives_are_near_nominal() {
    for (mean, dispersion) in [(0.05, 0.0), (0.5, 0.2), (5.0, 0.0), (5.0, 0.2), (50.0, 0.05)] {
        let thousandth = false_positives(mean, dispersion);
        assert!(thousandth < 2.2e-3, "{thousandth} at mean {mean}, dispersion {dispersion}");
    }
}

fn observe_all(baseline: &mut Baseline, counts: impl Iterator<Item = u64>) {
    for count in counts {
        baseline.observe(count);
    }
}

fn learned(mean: f64, dispersion: f64, windows: u64) -> (Baseline, Stream) {
    let mut stream = Stream::new(7);
    let mut baseline = Baseline::new(BaselineParams::default());
    for _ in 0..windows {
        baseline.observe(stream.count(mean, dispersion));
    }
    (baseline, stream)
}

#[test]
fn a_spike_is_found_in_one_window() {
    for mean in [5.0, 50.0, 500.0] {
        let (baseline, _) = learned(mean, 0.0, 100);
        let verdict = baseline.judge(5 * mean as u64);
        assert_eq!(verdict.regime, Regime::Lively);
        assert!(verdict.p_upper < 1e-6, "{verdict:?}");
        assert!(verdict.upper < 5.0 * mean && verdict.lower <= mean, "{verdict:?}");
    }
}

#[test]
fn a_drop_to_nothing_is_found_in_one_window() {
    for (mean, p) in [(10.0, 1e-3), (50.0, 1e-6), (500.0, 1e-9)] {
        let (baseline, _) = learned(mean, 0.0, 100);
        let verdict = baseline.judge(0);
        assert!(verdict.p_lower < p && verdict.lower > 0.0, "{verdict:?}");
    }
}

#[test]
fn one_burst_does_not_become_the_norm() {
    let (mut baseline, mut stream) = learned(20.0, 0.0, 100);
    assert_eq!(baseline.observe(20_000), None);
    for _ in 0..5 {
        baseline.observe(stream.count(20.0, 0.0));
    }
    let verdict = baseline.judge(100);
    assert!(verdict.typical < 25.0 && verdict.p_upper < 1e-6, "{verdict:?}");
}

#[test]
fn a_level_that_persists_becomes_the_norm() {
    for (from, to) in [(20.0, 60.0), (60.0, 20.0), (5.0, 50.0), (100.0, 0.0), (1.0, 10.0)] {
        let (mut baseline, mut stream) = learned(from, 0.05, 200);
        let shifts: Vec<_> =
            (0..20).filter_map(|_| baseline.observe(stream.count(to, 0.05))).collect();
        assert_eq!(
            shifts.len(),
            1,
            "from {from} to {to}: {shifts:?}, {:?}",
            baseline.judge(to as u64)
        );
        let verdict = baseline.judge(to as u64);
        assert!((verdict.typical - to).abs() < 0.3 * to + 1.0, "{verdict:?}");
        assert!(verdict.p_upper > 0.01 && verdict.p_lower > 0.01, "{verdict:?}");
    }
}

#[test]
fn what_is_put_off_makes_no_difference() {
    for (mean, dispersion) in [
        (0.003, 0.0),
        (0.05, 0.0),
        (0.05, 5.0),
        (0.5, 0.2),
        (0.9, 20.0),
        (3.0, 1.0),
        (5.0, 0.0),
        (8.0, 10.0),
        (50.0, 0.05),
        (2000.0, 0.01),
    ] {
        for seed in 0..3 {
            let mut stream = Stream::new(seed);
            let mut quick = Baseline::new(BaselineParams::default());
            let mut plain = quick.clone();
            for window in 0..1500 {
                let level = if (700..720).contains(&window) { 10.0 } else { 1.0 };
                let count = stream.count(mean * level, dispersion);
                let case = format!("window {window} of {mean}, {dispersion}, seed {seed}");
                assert_eq!(quick.observe(count), plain.observe_plainly(count), "{case}");
                if window % 7 != 0 {
                    continue;
                }
                let (found, expected) = (quick.judge(count), plain.judge(count));
                assert_eq!(found.regime, expected.regime, "{case}");
                for (found, expected) in [
                    (found.p_upper, expected.p_upper),
                    (found.p_lower, expected.p_lower),
                    (found.typical, expected.typical),
                ] {
                    let ratio = (found / expected).ln().abs();
                    assert!(ratio < 0.02, "{found} is not {expected} in {case}");
                }
            }
        }
    }
}

#[test]
fn a_steady_level_does_not_shift() {
    for seed in 0..5 {
        let mut stream = Stream::new(seed);
        let mut baseline = Baseline::new(BaselineParams::default());
        for _ in 0..2000 {
            assert_eq!(baseline.observe(stream.count(30.0, 0.1)), None);
        }
    }
}

#[test]
fn a_nightly_job_is_missed_soon_and_a_bursty_template_is_not() {
    let mut nightly = Baseline::new(BaselineParams::default());
    for window in 0..1440 * 12 {
        nightly.observe(u64::from(window % 1440 == 0));
    }
    assert!(nightly.silence_p_value(1440) > 0.05, "{}", nightly.silence_p_value(1440));
    assert!(nightly.silence_p_value(1800) < 1e-3, "{}", nightly.silence_p_value(1800));

    let mut stream = Stream::new(3);
    let mut bursty = Baseline::new(BaselineParams::default());
    let (mut alarms, mut gaps) = (0, 0);
    for _ in 0..400 {
        let pause = (-stream.unit().ln() * 200.0) as u64;
        gaps += 1;
        alarms += u32::from(bursty.silence_p_value(pause) < 1e-3);
        observe_all(&mut bursty, (0..pause).map(|_| 0));
        let burst = 1 + (stream.unit() * 10.0) as u64;
        observe_all(&mut bursty, (0..burst).map(|_| stream.count(5.0, 1.0)));
    }
    assert!(alarms <= 2, "{alarms} alarms in {gaps} gaps");
}

#[test]
fn it_says_when_it_has_stopped() {
    let (mut baseline, _) = learned(2.0, 0.0, 300);
    observe_all(&mut baseline, std::iter::repeat_n(0, 16));
    assert_eq!(baseline.judge(0).regime, Regime::Stopped);
    baseline.observe(2);
    assert_ne!(baseline.judge(0).regime, Regime::Stopped);
    assert_eq!(Baseline::new(BaselineParams::default()).judge(3).regime, Regime::Warming);
}

#[test]
fn counts_of_any_size_give_probabilities() {
    let mut baseline = Baseline::new(BaselineParams::default());
    for count in [0, 1, u64::MAX, 0, 10_000_000, 3, u64::MAX].repeat(20) {
        let verdict = baseline.judge(count);
        for p in [verdict.p_upper, verdict.p_lower] {
            assert!(p > 0.0 && p <= 1.0, "{verdict:?}");
        }
        assert!(verdict.lower <= verdict.upper && verdict.typical.is_finite(), "{verdict:?}");
        baseline.observe(count);
    }
}

#[test]
fn a_tail_is_calibrated() {
    type Law = fn(&mut Stream) -> f64;
    let laws: [(&str, Law); 3] = [
        ("normal", |stream| stream.normal()),
        ("exponential", |stream| -stream.unit().ln()),
        ("Pareto", |stream| stream.unit().powf(-0.25)),
    ];
    for (name, draw) in laws {
        let mut stream = Stream::new(1);
        let mut tail = Tail::new(5000);
        let (mut hundredth, mut thousandth) = (0.0, 0.0);
        for i in 0..101_000 {
            let value = draw(&mut stream);
            let p = tail.p_value(value);
            assert!(p > 0.0 && p <= 1.0);
            if i >= 1000 {
                hundredth += f64::from(u8::from(p < 1e-2)) / 1000.0;
                thousandth += f64::from(u8::from(p < 1e-3)) / 100.0;
            }
            tail.observe(value);
        }
        assert!((0.7..1.4).contains(&hundredth), "{name}: {hundredth}");
        assert!((0.4..2.0).contains(&thousandth), "{name}: {thousandth}");
    }
}

#[test]
fn a_tail_of_equal_values_finds_any_other_odd() {
    let mut tail = Tail::new(1000);
    (0..200).for_each(|_| tail.observe(4.0));
    assert!(tail.p_value(5.0) < 1e-3, "{}", tail.p_value(5.0));
    assert!(tail.p_value(4.0) > 0.02, "{}", tail.p_value(4.0));
}

#[test]
fn a_baseline_is_small() {
    assert!(size_of::<Baseline>() <= 200, "{} bytes", size_of::<Baseline>());
}
