//! Lines made from a seed.

use std::fmt::Write as _;

use rand::{Rng, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;

/// Lines of event time that pass in a second.
const LINES_PER_SEC: u64 = 1000;

/// Lines in one buffer.
#[derive(Clone, Debug, Default)]
pub struct Lines {
    text: Vec<u8>,
    ends: Vec<usize>,
}

impl Lines {
    /// Returns the lines in order, without their line ends.
    pub fn iter(&self) -> impl Iterator<Item = &[u8]> {
        let starts = std::iter::once(0).chain(self.ends.iter().map(|end| end + 1));
        starts.zip(&self.ends).map(|(start, end)| &self.text[start..*end])
    }

    /// Returns the number of lines.
    pub fn len(&self) -> u64 {
        self.ends.len() as u64
    }

    /// Tells whether there is no line.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// Returns the bytes of all lines with their line ends.
    pub fn bytes(&self) -> u64 {
        self.text.len() as u64
    }

    /// Adds a text of one line or more.
    fn push(&mut self, text: &str) {
        for line in text.lines() {
            self.text.extend_from_slice(line.as_bytes());
            self.ends.push(self.text.len());
            self.text.push(b'\n');
        }
    }

    fn secs_and_millis(&self) -> (u64, u64) {
        (self.len() / LINES_PER_SEC, self.len() % LINES_PER_SEC)
    }
}

/// Makes `count` lines as a block store writes them.
pub fn storage(count: u64, seed: u64) -> Lines {
    let mut lines = Lines::default();
    storage_stream(seed, LINES_PER_SEC).take(count as usize).for_each(|text| lines.push(&text));
    lines
}

/// Makes lines as a block store writes them without end, so many in a second of event time.
pub fn storage_stream(seed: u64, per_sec: u64) -> impl Iterator<Item = String> {
    let mut source = Source::new(seed);
    (0_u64..).map(move |number| {
        let millis = number % per_sec * 1000 / per_sec;
        source.storage_line(&clock((number / per_sec, millis), ' ', ','))
    })
}

/// Makes at least `count` lines as many programs in different formats write them.
pub fn mixed(count: u64, seed: u64) -> Lines {
    let mut source = Source::new(seed);
    let mut lines = Lines::default();
    while lines.len() < count {
        let text = source.mixed_lines(&lines);
        lines.push(&text);
    }
    lines
}

/// Writes the time of the next line, on a day of its own.
fn clock((secs, millis): (u64, u64), between: char, point: char) -> String {
    let (hour, minute, sec) = (secs / 3600 % 24, secs / 60 % 60, secs % 60);
    format!("2026-11-20{between}{hour:02}:{minute:02}:{sec:02}{point}{millis:03}")
}

struct Source(Xoshiro256PlusPlus);

impl Source {
    fn new(seed: u64) -> Self {
        Self(Xoshiro256PlusPlus::seed_from_u64(seed))
    }

    fn below(&mut self, bound: u32) -> u32 {
        self.0.gen_range(0..bound)
    }

    fn address(&mut self) -> String {
        let [a, b, c] = [self.below(256), self.below(256), self.below(64_000) + 1024];
        format!("10.7.{a}.{b}:{c}")
    }

    fn block(&mut self) -> String {
        format!("chunk_{}", self.0.r#gen::<i64>())
    }

    fn storage_line(&mut self, time: &str) -> String {
        let (from, to, block) = (self.address(), self.address(), self.block());
        let thread = self.below(4000);
        let size = self.below(67_108_864);
        let (level, text) = match self.below(100) {
            0..24 => ("INFO", format!("store.Receiver: taking in {block} from /{from} for /{to}")),
            24..48 => ("INFO", format!("store.Ack: replica {} of {block} is complete", thread % 3)),
            48..70 => {
                ("INFO", format!("store.Receiver: took in {block} of {size} bytes from /{from}"))
            }
            70..90 => (
                "INFO",
                format!("names.Map: added {block} of {size} bytes at {to} to the map of replicas"),
            ),
            90..95 => ("INFO", format!("store.Sender: sent {block} to /{to} in {thread} ms")),
            95..98 => ("INFO", format!("names.Map: removing {block}, path /data/{thread}/{size}")),
            98 => {
                ("WARN", format!("store.Sender: {from} closed while sending {block}: broken pipe"))
            }
            _ => ("INFO", format!("names.Lease: renewed for task_{thread}_{size:x} at {to}")),
        };
        format!("{time} {level} [thread-{thread}] {text}")
    }

    fn mixed_lines(&mut self, lines: &Lines) -> String {
        let (user, ms, id) = (self.below(100_000), self.below(4000), self.below(u32::MAX));
        let from = self.address();
        let plain = clock(lines.secs_and_millis(), ' ', ',');
        let iso = clock(lines.secs_and_millis(), 'T', '.');
        let status = [200, 200, 200, 200, 304, 404, 500][self.below(7) as usize];
        match self.below(100) {
            0..25 => self.access_line(lines, status),
            25..45 => format!(
                "{{\"@timestamp\":\"{iso}Z\",\"log.level\":\"info\",\"service\":{{\"name\":\"cart\"}},\
                 \"message\":\"user {user} put {} of item {} into the cart in {ms} ms\",\
                 \"trace.id\":\"{id:08x}{ms:08x}\"}}",
                ms % 9,
                user % 700
            ),
            45..60 => format!(
                "{plain} INFO [worker-{}] billing: invoice {id} of user {user} paid by card",
                ms % 16
            ),
            60..70 => format!(
                "time={iso}Z level=info service=search msg=\"query answered\" hits={} took={ms}ms \
                 peer={from}",
                user % 5000
            ),
            70..80 => format!(
                "<134>1 {iso}Z node-{} mailer {ms} - - delivered message {id:08x} to user {user}",
                ms % 8
            ),
            80..88 => format!("{iso}000000Z stdout F session {id:08x} of user {user} refreshed"),
            88..97 => format!(
                "{plain} LOG:  duration: {ms}.{:03} ms  statement: SELECT id, total FROM orders \
                 WHERE user_id = '{user}' LIMIT {}",
                id % 1000,
                ms % 50
            ),
            _ => self.trace(&plain, ms),
        }
    }

    fn access_line(&mut self, lines: &Lines, status: u32) -> String {
        let (secs, _) = lines.secs_and_millis();
        let (hour, minute, sec) = (secs / 3600 % 24, secs / 60 % 60, secs % 60);
        let (item, bytes, address) = (self.below(700), self.below(9000), self.address());
        let client = address.split(':').next().unwrap_or_default();
        let mut text = String::new();
        let _ = write!(
            text,
            "{client} - - [20/Nov/2026:{hour:02}:{minute:02}:{sec:02} +0000] \
             \"GET /shop/item/{item}?page={} HTTP/1.1\" {status} {bytes} \"-\" \
             \"Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0\" 0.{:03}",
            bytes % 20,
            bytes % 1000
        );
        text
    }

    fn trace(&mut self, time: &str, ms: u32) -> String {
        let line = self.below(400);
        format!(
            "{time} ERROR [worker-{}] billing: charge failed after {ms} ms\n\
             Traceback (most recent call last):\n\
             \x20 File \"/srv/billing/charge.py\", line {line}, in charge\n\
             \x20   gate.authorise(card)\n\
             TimeoutError: the gateway did not answer within {ms} ms",
            ms % 16
        )
    }
}
