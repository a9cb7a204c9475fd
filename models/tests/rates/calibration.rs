//! A small version of the example of the same name: fifty services, three weeks, minutes.

use super::load::Load;
use super::realised::{Realised, Watch, run};
use super::stream::Stream;

/// Sums over services what was found where there is nothing, after two weeks.
fn found(services: u64, seed: u64, is_told_time: bool) -> Realised {
    let watch = Watch { width: 60, days: 14..21, is_told_time };
    let (mut draws, mut all) = (Stream::new(seed), Realised::default());
    for service in 0..services {
        let load = Load::draw(&mut draws);
        run(&load, seed * 1000 + service, &watch).iter().for_each(|day| all.add(day));
    }
    all
}

#[test]
fn false_positives_are_as_promised() {
    let all = found(50, 3, true);
    let [up, down, _] = all.ratios();
    for (name, ratios) in [("upper", up), ("lower", down)] {
        let [thousandth, tenth, _] = ratios;
        assert!((0.5..1.5).contains(&thousandth), "{name}: {ratios:?} of {all:?}");
        // Some fifty windows: their number is uncertain by a seventh.
        assert!((0.4..1.9).contains(&tenth), "{name}: {ratios:?} of {all:?}");
    }
}
