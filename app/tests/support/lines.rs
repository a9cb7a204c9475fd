//! Logs of a shop with a steady phase to learn from and a fault behind it: a function of a seed.

use serde_json::json;

/// 2026-03-01T12:00:00Z.
const START_MS: i64 = 1_772_366_400_000;

/// Small generator of numbers (xorshift64*, Vigna 2016).
pub struct Seeded(u64);

impl Seeded {
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(2_685_821_657_736_338_717) | 1)
    }

    pub fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(2_685_821_657_736_338_717) >> 33) % bound
    }
}

/// Ten minutes of three services; from the seventh to the eighth the acquirer is gone.
pub fn shop(seed: u64) -> Vec<String> {
    busy_shop(seed, 12)
}

/// The same with at least so many lines a second.
pub fn busy_shop(seed: u64, lines_a_second: u64) -> Vec<String> {
    let mut rng = Seeded::new(seed);
    let mut lines = Vec::new();
    for second in 0..600 {
        let is_faulty = (420..480).contains(&second);
        let mut moments: Vec<u64> =
            (0..lines_a_second + rng.below(4)).map(|_| rng.below(1000)).collect();
        moments.sort_unstable();
        for ms in moments {
            let (service, level, message) = say(&mut rng, is_faulty);
            let time = START_MS + second * 1000 + ms as i64;
            lines.push(line(time, service, level, &message));
        }
    }
    lines
}

/// One line of ECS JSON.
pub fn line(time_ms: i64, service: &str, level: &str, message: &str) -> String {
    let time = jiff::Timestamp::from_millisecond(time_ms).unwrap().to_string();
    json!({"@timestamp": time, "log.level": level, "service.name": service, "message": message})
        .to_string()
}

fn say(rng: &mut Seeded, is_faulty: bool) -> (&'static str, &'static str, String) {
    let (number, ms) = (rng.below(90_000), rng.below(80));
    match rng.below(8) {
        0 | 1 if is_faulty => (
            "payments",
            "ERROR",
            format!("connection to acquirer at 203.0.113.{} refused after {ms} ms", number % 250),
        ),
        2 if is_faulty => {
            ("checkout", "ERROR", format!("order {number} rejected, payments do not answer"))
        }
        0 => ("payments", "INFO", format!("payment {number} authorised in {ms} ms")),
        1 => ("payments", "INFO", format!("settled batch {number} of {ms} payments")),
        2 | 3 => ("checkout", "INFO", format!("order {number} placed with {ms} items")),
        4 => ("checkout", "INFO", format!("cart {number} opened for customer {ms}")),
        5 => ("catalog", "INFO", format!("search for item {number} took {ms} ms")),
        6 => ("catalog", "DEBUG", format!("cache hit for item {number}")),
        _ => ("catalog", "INFO", format!("item {number} shown {ms} times")),
    }
}

/// Lines in a row that one partition gets at most.
const BURST_MAX: u64 = 40;

/// Deals lines out to partitions as a producer without keys does: in bursts, a batch to one
/// partition and the next to another.
pub fn deal(lines: &[String], partitions: usize, seed: u64) -> Vec<Vec<String>> {
    let mut rng = Seeded::new(seed);
    let mut dealt = vec![Vec::new(); partitions];
    let mut rest = lines;
    while !rest.is_empty() {
        let len = (1 + rng.below(BURST_MAX) as usize).min(rest.len());
        let (burst, others) = rest.split_at(len);
        dealt[rng.below(partitions as u64) as usize].extend_from_slice(burst);
        rest = others;
    }
    dealt
}
