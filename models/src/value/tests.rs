#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::spread::{BUCKETS, Bucket, Spread};
use super::*;

/// SplitMix64, the same everywhere.
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) >> 11) as f64 / (1u64 << 53) as f64
    }

    /// A log-normal value with this median.
    fn latency(&mut self, median: f64, sigma: f64) -> f64 {
        let sum: f64 = (0..12).map(|_| self.next()).sum::<f64>() - 6.0;
        (median * (sigma * sum).exp()).round()
    }
}

fn read(text: &str) -> Option<(f64, Unit)> {
    Number::read(text, Scale::NONE).map(|number| (number.value, number.unit))
}

#[test]
fn quantities_are_read_in_the_base_of_their_unit() {
    let near = |text: &str, value: f64, unit: Unit| {
        let (found, its) = read(text).unwrap();
        assert!((found - value).abs() <= 1e-9 * value, "{text}: {found}");
        assert_eq!(its, unit, "{text}");
    };
    near("12", 12.0, Unit::None);
    near("1,250", 1250.0, Unit::None);
    near("0.25", 0.25, Unit::None);
    near("3.5e-4", 3.5e-4, Unit::None);
    near("12ms", 0.012, Unit::Seconds);
    near("1m30s", 90.0, Unit::Seconds);
    near("1.5KiB", 1536.0, Unit::Bytes);
    near("99.5%", 99.5, Unit::Percent);
    for text in ["", "-3", "007", "1234567890123456", "1,25", "12px", "1m3KB", ".", "1.2.3"] {
        assert_eq!(read(text), None, "{text}");
    }
    let apart = |text, unit| Number::read(text, Scale::of(unit)).unwrap();
    assert_eq!(apart("12", "ms").unit, Unit::Seconds);
    assert_eq!(apart("12", "m").unit, Unit::None);
    assert_eq!(apart("12", "items").unit, Unit::None);
    assert_eq!(apart("12", "min").unit, Unit::None);
    assert!((apart("0.001", "s").step - 0.001).abs() < 1e-12);
    assert_eq!(Number::read("404", Scale::NONE).unwrap().digits, 3);
}

/// Blocks of 32 values; returns where something was told.
fn told(mut value: impl FnMut(usize) -> f64, blocks: usize) -> Vec<(usize, Excess)> {
    let mut numeric = Numeric::default();
    let mut out = Vec::new();
    for block in 0..blocks {
        let values: Vec<f64> = (0..32).map(|at| value(block * 32 + at)).collect();
        out.extend(numeric.observe(&values, 1.0).map(|excess| (block, excess)));
    }
    out
}

#[test]
fn a_latency_that_jumps_in_a_third_of_the_requests_is_told_in_the_second_block() {
    let mut dice = Dice(1);
    let found = told(
        |at| {
            let value = dice.latency(50.0, 0.6);
            if at >= 400 * 32 && dice.next() < 0.3 { value * 10.0 } else { value }
        },
        405,
    );
    let (block, excess) = &found[0];
    assert_eq!(*block, 401);
    assert_eq!(excess.side, Side::High);
    assert!(excess.middle > 5.0 * excess.usual[1], "{excess:?}");
    assert!(excess.p_value < 1e-10);
}

#[test]
fn a_quantity_that_shrinks_is_told_too() {
    let mut dice = Dice(2);
    let found = told(|at| dice.latency(if at < 100 * 32 { 5000.0 } else { 50.0 }, 0.5), 103);
    assert_eq!(found.len(), 2);
    assert_eq!(found[0].1.side, Side::Low);
}

#[test]
fn identifiers_counters_and_clocks_are_not_watched() {
    let mut dice = Dice(3);
    let mut gauge: f64 = 1000.0;
    let mut pid = 0.0;
    let sequence = |at: usize| at as f64 + 1.0;
    assert_eq!(told(sequence, 600), []);
    assert_eq!(told(|at| if at < 9600 { at as f64 } else { (at - 9600) as f64 * 100.0 }, 600), []);
    assert_eq!(told(|at| 1.7e9 + at as f64 / 3.0, 600), []);
    assert_eq!(told(|at| 1e5 * (1.0 + (at / 32) as f64), 600), []);
    assert_eq!(told(|_| (dice.next() * 1e12).round(), 600), []);
    assert_eq!(told(|_| 42.0, 600), []);
    let mut dice = Dice(4);
    let walk = |_| {
        gauge *= 1.0 + 0.01 * (dice.next() - 0.5);
        gauge
    };
    assert_eq!(told(walk, 600), []);
    let mut dice = Dice(5);
    let process = |at: usize| {
        if at.is_multiple_of(500) {
            pid = (dice.next() * 32_768.0).round();
        }
        pid
    };
    assert_eq!(told(process, 600), []);
}

/// A latency with load, hiccups, stragglers and two kinds of requests.
#[test]
fn a_day_of_a_noisy_latency_tells_nothing() {
    for seed in 10..12 {
        let mut dice = Dice(seed);
        let mut load = 1.0f64;
        let found = told(
            |at| {
                if at.is_multiple_of(32) {
                    load = (load * (0.9 + 0.2 * dice.next())).clamp(0.7, 1.6);
                }
                let median = if dice.next() < 0.2 { 400.0 } else { 40.0 };
                let value = dice.latency(median * load, 0.7);
                if dice.next() < 0.01 { value * 20.0 } else { value }
            },
            8640,
        );
        assert!(found.is_empty(), "{seed}: {found:?}");
    }
}

#[test]
fn a_level_that_stays_becomes_usual() {
    let mut dice = Dice(6);
    let found = told(|at| dice.latency(if at < 200 * 32 { 50.0 } else { 1000.0 }, 0.5), 900);
    assert!(!found.is_empty());
    assert!(found.last().unwrap().0 < 400, "{}", found.last().unwrap().0);
}

/// Blocks of 32 users, of these many that there are; returns where something was told.
fn influxes(mut user: impl FnMut(usize, &mut Dice) -> u64, blocks: usize) -> Vec<(usize, Influx)> {
    let (mut crowd, mut dice) = (Crowd::default(), Dice(8));
    let mut out = Vec::new();
    for block in 0..blocks {
        let mut users: Vec<u32> = (0..32).map(|_| user(block, &mut dice) as u32).collect();
        users.sort_unstable();
        users.dedup();
        out.extend(crowd.observe(&users).map(|influx| (block, influx)));
    }
    out
}

fn below(dice: &mut Dice, bound: f64) -> u64 {
    (dice.next() * bound) as u64 * 7919
}

#[test]
fn a_crowd_that_nobody_knows_is_told_in_the_second_block_and_who_comes_back_is_known() {
    let users = |block: usize| if (200..240).contains(&block) { 1e6 } else { 300.0 };
    let found = influxes(|block, dice| below(dice, users(block)), 400);
    let (block, influx) = &found[0];
    assert_eq!(*block, 201);
    assert!(influx.usual < 0.05 && influx.new > 25 && influx.p_value < 1e-9, "{influx:?}");
    assert!(found.iter().all(|(block, _)| *block < 240), "{found:?}");
}

#[test]
fn identifiers_and_users_who_come_and_go_are_no_influx() {
    let mut next = 0;
    let sequence = |_: usize, _: &mut Dice| {
        next += 1;
        next
    };
    assert_eq!(influxes(sequence, 500), []);
    assert_eq!(influxes(|_, dice| below(dice, 3e4), 500), []);
    // A day: by night a tenth of the users, who slowly change.
    let season = |block: usize, dice: &mut Dice| {
        let awake = 0.55 - 0.45 * (block as f64 / 1375.0).cos();
        below(dice, 2000.0 * awake) + (block as u64 / 100) * 7919
    };
    assert_eq!(influxes(season, 20_000), []);
}

const PARAMS: NameParams = NameParams { stable_blocks: 180 };

/// Feeds so many equal blocks.
fn feed(names: &mut Names, block: &[(&str, u64)], blocks: usize) -> Vec<NameChange> {
    let block: BTreeMap<&str, u64> = block.iter().copied().collect();
    (0..blocks).flat_map(|_| names.observe(&block, PARAMS)).collect()
}

#[test]
fn a_new_name_is_told_after_a_long_stable_time_and_three_records() {
    let mut names = Names::default();
    assert_eq!(feed(&mut names, &[("ok", 9), ("late", 1)], 360), []);
    assert_eq!(feed(&mut names, &[("ok", 9), ("lost", 2)], 1), []);
    let found = feed(&mut names, &[("ok", 9), ("lost", 2)], 5);
    let [NameChange::New { names: new, p_value, blocks }] = &found[..] else { panic!("{found:?}") };
    assert_eq!((new[0].as_str(), *blocks), ("lost", 360));
    assert!(*p_value < 0.01, "{p_value}");
    assert_eq!(feed(&mut names, &[("ok", 9), ("else", 9)], 9), [], "it has just changed");
}

#[test]
fn names_that_keep_coming_are_never_told() {
    let mut names = Names::default();
    for n in 0..15 {
        let name = format!("v{n}");
        assert_eq!(feed(&mut names, &[("ok", 9), (&name, 3)], 100), []);
    }
    let many: Vec<String> = (0..40).map(|n| format!("id{n}")).collect();
    let block: Vec<(&str, u64)> = many.iter().map(|name| (name.as_str(), 1)).collect();
    feed(&mut names, &block, 1);
    assert!(names.is_open());
    assert_eq!(feed(&mut names, &[("fresh", 9)], 500), []);
}

#[test]
fn many_new_names_at_once_are_one_burst() {
    let mut names = Names::default();
    feed(&mut names, &[("ok", 9), ("late", 1)], 360);
    let block = [("a", 1), ("b", 1), ("c", 1), ("d", 1), ("e", 1), ("ok", 4)];
    let found = feed(&mut names, &block, 3);
    assert!(matches!(found[..], [NameChange::Burst { new: 5, usual: 2, .. }]), "{found:?}");
}

#[test]
fn a_name_that_was_always_there_is_missed_once() {
    let mut names = Names::default();
    feed(&mut names, &[("hit", 5), ("miss", 5)], 800);
    let found = feed(&mut names, &[("miss", 10)], 100);
    let [NameChange::Gone { name, p_value, blocks: 6, .. }] = &found[..] else {
        panic!("{found:?}")
    };
    assert_eq!(name, "hit");
    assert!(*p_value < 1e-6);
    assert_eq!(feed(&mut names, &[("hit", 5), ("miss", 5)], 100), []);
}

#[test]
fn what_comes_only_now_and_then_is_not_missed() {
    let mut names = Names::default();
    for _ in 0..200 {
        feed(&mut names, &[("hit", 5), ("miss", 5)], 8);
        assert_eq!(feed(&mut names, &[("miss", 9)], 7), []);
    }
}

proptest! {
    #[test]
    fn numbers_never_panic(text in "[0-9.,eE+%a-zµ-]{0,20}") {
        if let Some(number) = Number::read(&text, Scale::of("ms")) {
            prop_assert!(number.value >= 0.0 && number.value.is_finite());
            prop_assert!(number.step >= 0.0);
        }
    }

    #[test]
    fn a_spread_is_bounded_and_its_quantiles_rise(values in prop::collection::vec(-40f64..40.0, 1..2000)) {
        let mut spread = Spread::default();
        values.iter().for_each(|value| spread.add(Bucket::of(value.exp()), 1.0));
        prop_assert!(spread.variety(0.0) <= BUCKETS);
        let quantiles = [0.05, 0.5, 0.95].map(|share| spread.quantile(share));
        prop_assert!(quantiles.is_sorted());
        let rest = spread.total() - spread.above(quantiles[1]) - spread.below(quantiles[1]);
        prop_assert!(rest > 0.0);
    }

    #[test]
    fn a_restored_watch_goes_on_as_before(seed in 0u64..500, cut in 1usize..60) {
        let mut dice = Dice(seed);
        let blocks: Vec<Vec<f64>> =
            (0..60).map(|_| (0..20).map(|_| dice.latency(50.0, 1.5)).collect()).collect();
        let mut whole = Numeric::default();
        let mut parts = Numeric::default();
        for (at, block) in blocks.iter().enumerate() {
            if at == cut {
                parts = postcard::from_bytes(&postcard::to_allocvec(&parts).unwrap()).unwrap();
            }
            prop_assert_eq!(whole.observe(block, 1.0), parts.observe(block, 1.0));
        }
        prop_assert_eq!(whole, parts);
    }
}
