//! The open connections: what each of them waits for, and which of them must go.
//!
//! **No connection is kept without a reason**: each phase has a time after which the connection is
//! closed, and at the limit the one that has waited longest gives way to a new one.
//! A connection whose request is being worked on is never closed for another.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::Notify;

use super::settings::Timeouts;
use crate::telemetry::{Closed, Metrics};

/// Time after which a body that does not arrive and an answer that is not taken give way to a new
/// connection: a peer that is there needs no second for either.
const STALLED_AFTER: Duration = Duration::from_secs(1);

/// What a connection is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Phase {
    /// An answer was taken and no byte of another request has come.
    Idle,
    /// The head of a request is arriving.
    Head,
    /// The body of a request is arriving.
    Body,
    /// The answer is being taken.
    Write,
    /// The request is being worked on.
    Work,
}

/// All connections of a server.
#[derive(Debug)]
pub(super) struct Connections {
    table: Mutex<Table>,
    metrics: Arc<Metrics>,
}

/// One of them; it is gone when this is dropped.
#[derive(Debug)]
pub(super) struct Connection {
    id: u64,
    all: Arc<Connections>,
    end: Arc<Notify>,
}

#[derive(Debug)]
struct Table {
    entries: BTreeMap<u64, Entry>,
    next: u64,
    max: usize,
    timeouts: Timeouts,
}

#[derive(Debug)]
struct Entry {
    phase: Phase,
    since: Instant,
    /// When a byte was last read or written.
    moved: Instant,
    end: Arc<Notify>,
    is_closing: bool,
}

impl Connections {
    /// Makes an empty table.
    pub(super) fn new(max: usize, timeouts: Timeouts, metrics: Arc<Metrics>) -> Arc<Self> {
        Closed::ALL.iter().for_each(|reason| metrics.http_closed(*reason, 0));
        metrics.http_connections(0);
        let table = Table { entries: BTreeMap::new(), next: 0, max, timeouts };
        Arc::new(Self { table: Mutex::new(table), metrics })
    }

    /// Makes room for one more, if need be by closing another; `false` where none may be closed yet.
    pub(super) fn make_room(&self) -> bool {
        let mut table = self.table();
        if table.open() < table.max {
            return true;
        }
        let victim = table.victim(Instant::now());
        if let Some(id) = victim {
            table.end(id);
            self.metrics.http_closed(Closed::Limit, 1);
        }
        victim.is_some()
    }

    /// Adds one.
    pub(super) fn open(self: &Arc<Self>) -> Arc<Connection> {
        let end = Arc::new(Notify::new());
        let mut table = self.table();
        let id = table.insert(Arc::clone(&end), Instant::now());
        self.metrics.http_connections(table.entries.len());
        Arc::new(Connection { id, all: Arc::clone(self), end })
    }

    /// Closes those whose time is over.
    pub(super) fn sweep(&self) {
        let mut table = self.table();
        for (id, reason) in table.expired(Instant::now()) {
            table.end(id);
            self.metrics.http_closed(reason, 1);
        }
    }

    fn table(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Connection {
    /// Returns once it must be closed.
    pub(super) async fn ended(&self) {
        self.end.notified().await;
    }

    /// Enters a phase.
    pub(super) fn enter(&self, phase: Phase) {
        self.all.table().enter(self.id, phase, Instant::now());
    }

    /// Bytes were read.
    pub(super) fn was_read(&self) {
        self.all.table().was_read(self.id, Instant::now());
    }

    /// Bytes were written.
    pub(super) fn was_written(&self) {
        self.all.table().moved(self.id, Instant::now());
    }

    /// Everything that there was to write is written.
    pub(super) fn was_flushed(&self) {
        self.all.table().was_flushed(self.id, Instant::now());
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        let mut table = self.all.table();
        table.entries.remove(&self.id);
        self.all.metrics.http_connections(table.entries.len());
    }
}

impl Table {
    fn insert(&mut self, end: Arc<Notify>, now: Instant) -> u64 {
        let id = self.next;
        self.next += 1;
        let entry = Entry { phase: Phase::Head, since: now, moved: now, end, is_closing: false };
        self.entries.insert(id, entry);
        id
    }

    /// Returns how many are open and stay so.
    fn open(&self) -> usize {
        self.entries.values().filter(|entry| !entry.is_closing).count()
    }

    fn enter(&mut self, id: u64, phase: Phase, now: Instant) {
        if let Some(entry) = self.entries.get_mut(&id) {
            (entry.phase, entry.since, entry.moved) = (phase, now, now);
        }
    }

    fn moved(&mut self, id: u64, now: Instant) {
        if let Some(entry) = self.entries.get_mut(&id) {
            entry.moved = now;
        }
    }

    fn was_read(&mut self, id: u64, now: Instant) {
        match self.entries.get(&id).map(|entry| entry.phase) {
            Some(Phase::Idle) => self.enter(id, Phase::Head, now),
            _ => self.moved(id, now),
        }
    }

    fn was_flushed(&mut self, id: u64, now: Instant) {
        if self.entries.get(&id).is_some_and(|entry| entry.phase == Phase::Write) {
            self.enter(id, Phase::Idle, now);
        }
    }

    /// Returns those whose time is over, with the reason.
    fn expired(&self, now: Instant) -> Vec<(u64, Closed)> {
        let is_over = |since: Instant, max: Duration| now.saturating_duration_since(since) >= max;
        let Timeouts { head, idle, write, answer, .. } = self.timeouts;
        let reason = |entry: &Entry| match entry.phase {
            Phase::Idle => is_over(entry.since, idle).then_some(Closed::Idle),
            Phase::Head => is_over(entry.since, head).then_some(Closed::HeaderTimeout),
            Phase::Write => (is_over(entry.moved, write) || is_over(entry.since, answer))
                .then_some(Closed::WriteTimeout),
            // Who reads the body looks at its time and answers; work has an end of its own.
            Phase::Body | Phase::Work => None,
        };
        let open = self.entries.iter().filter(|(_, entry)| !entry.is_closing);
        open.filter_map(|(id, entry)| Some((*id, reason(entry)?))).collect()
    }

    /// Returns which gives way to a new one: idle ones first, then half heads, then those that are
    /// stalled; of these the one that has waited longest.
    fn victim(&self, now: Instant) -> Option<u64> {
        let may_go = |entry: &Entry| match entry.phase {
            Phase::Idle | Phase::Head => true,
            Phase::Body | Phase::Write => {
                now.saturating_duration_since(entry.since) >= STALLED_AFTER
            }
            Phase::Work => false,
        };
        let open = self.entries.iter().filter(|(_, entry)| !entry.is_closing && may_go(entry));
        let rank = |phase: Phase| phase.min(Phase::Body);
        open.min_by_key(|(id, entry)| (rank(entry.phase), entry.since, **id)).map(|(id, _)| *id)
    }

    /// Asks for the end of one.
    fn end(&mut self, id: u64) {
        if let Some(entry) = self.entries.get_mut(&id) {
            entry.is_closing = true;
            entry.end.notify_one();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use expect_test::{Expect, expect};

    use super::*;

    /// Runs a script of `SECS ACTION [ID]` lines against a table of at most three, and prints after
    /// each line what expires and what would give way.
    fn check(script: &str, expected: Expect) {
        let begin = Instant::now();
        let timeouts = Timeouts::default();
        let mut table = Table { entries: BTreeMap::new(), next: 0, max: 3, timeouts };
        let mut text = String::new();
        for line in script.lines().map(str::trim).filter(|line| !line.is_empty()) {
            let mut words = line.split_whitespace();
            let secs: u64 = words.next().unwrap().parse().unwrap();
            let (now, action) = (begin + Duration::from_secs(secs), words.next().unwrap());
            let id = words.next().map_or(0, |id| id.parse().unwrap());
            match action {
                "open" => _ = table.insert(Arc::new(Notify::new()), now),
                "read" => table.was_read(id, now),
                "written" => table.moved(id, now),
                "flushed" => table.was_flushed(id, now),
                "body" => table.enter(id, Phase::Body, now),
                "work" => table.enter(id, Phase::Work, now),
                "write" => table.enter(id, Phase::Write, now),
                "look" => {}
                other => panic!("{other}"),
            }
            let expired: Vec<String> = table
                .expired(now)
                .into_iter()
                .map(|(id, reason)| format!("{id} {}", reason.as_str()))
                .collect();
            let victim = table.victim(now);
            writeln!(text, "{line}: expired {expired:?}, gives way {victim:?}").unwrap();
        }
        expected.assert_eq(&text);
    }

    #[test]
    fn a_head_has_ten_seconds_however_slowly_it_comes() {
        check(
            "0 open
             9 read 0
             10 look",
            expect![[r#"
                0 open: expired [], gives way Some(0)
                9 read 0: expired [], gives way Some(0)
                10 look: expired ["0 header_timeout"], gives way Some(0)
            "#]],
        );
    }

    #[test]
    fn an_idle_connection_is_kept_between_scrapes_and_its_next_head_is_timed_anew() {
        check(
            "0 open
             0 work
             1 write
             1 flushed
             61 look
             61 read
             71 read
             72 work
             72 write
             72 flushed
             192 look",
            expect![[r#"
                0 open: expired [], gives way Some(0)
                0 work: expired [], gives way None
                1 write: expired [], gives way None
                1 flushed: expired [], gives way Some(0)
                61 look: expired [], gives way Some(0)
                61 read: expired [], gives way Some(0)
                71 read: expired ["0 header_timeout"], gives way Some(0)
                72 work: expired [], gives way None
                72 write: expired [], gives way None
                72 flushed: expired [], gives way Some(0)
                192 look: expired ["0 idle"], gives way Some(0)
            "#]],
        );
    }

    #[test]
    fn an_answer_must_be_taken_bit_by_bit_and_as_a_whole() {
        check(
            "0 open
             0 write
             29 written
             58 look
             59 look
             80 written
             299 written
             300 look",
            expect![[r#"
                0 open: expired [], gives way Some(0)
                0 write: expired [], gives way None
                29 written: expired [], gives way Some(0)
                58 look: expired [], gives way Some(0)
                59 look: expired ["0 write_timeout"], gives way Some(0)
                80 written: expired [], gives way Some(0)
                299 written: expired [], gives way Some(0)
                300 look: expired ["0 write_timeout"], gives way Some(0)
            "#]],
        );
    }

    #[test]
    fn idle_ones_give_way_first_then_half_heads_then_what_is_stalled_and_never_work() {
        check(
            "0 open
             1 open
             2 open
             3 open
             3 work 0
             3 body 1
             3 write 2
             3 look
             4 work 3
             5 write 3
             5 flushed 3
             6 work 3",
            expect![[r#"
                0 open: expired [], gives way Some(0)
                1 open: expired [], gives way Some(0)
                2 open: expired [], gives way Some(0)
                3 open: expired [], gives way Some(0)
                3 work 0: expired [], gives way Some(1)
                3 body 1: expired [], gives way Some(2)
                3 write 2: expired [], gives way Some(3)
                3 look: expired [], gives way Some(3)
                4 work 3: expired [], gives way Some(1)
                5 write 3: expired [], gives way Some(1)
                5 flushed 3: expired [], gives way Some(3)
                6 work 3: expired [], gives way Some(1)
            "#]],
        );
    }
}
