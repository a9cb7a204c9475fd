//! The loop of the stages against brokers that fail: the loop, the slots and the snapshots are those
//! that run, the brokers are a [`World`], and a seed decides everything.
//!
//! `LOGWAKE_SIMULATIONS` says how many seeds are tried, `LOGWAKE_SIMULATION_SEED` with which it begins.

#![allow(clippy::unwrap_used, reason = "tests")]

mod tasks;
mod world;

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use logwake_emit::kafka::Outbox;
use logwake_ingest::kafka::{Partition, Rebalance, Run};
use rdkafka::error::KafkaError;

use super::align::Alignment;
use super::caution::Owner;
use super::port::{Committed, Place, Port};
use super::restore::StateLog;
use super::settings::StageSettings;
use super::stage::Stage;
use super::task::{Input, Task};
use super::watch::StageWatch;
use crate::board::Board;
use crate::telemetry::{Metrics, Stage as StageName, Tracer};
use tasks::{Batch, Batching, DEADLY, Fold, Folding, HAS_DIED, PANICS, SHARDS, TOPICS};
use world::World;

/// Turns of a storm, and turns within which everything comes to rest after it.
const TURNS: u64 = 120;
const REST_TURNS_MAX: u64 = 3_000;
const LINES_MAX: u64 = 40;
/// Reads of the states in a row: here they are never older than their offsets.
const READS_MAX: u32 = 100;

/// One member's view of the world.
struct Wire {
    world: Rc<RefCell<World>>,
    stage: &'static str,
    member: usize,
    state_topic: String,
    reads: u32,
}

impl Wire {
    /// Nobody answers a dead member, and now and then nobody answers at all.
    fn ask(&self, once_in: u64) -> anyhow::Result<std::cell::RefMut<'_, World>> {
        let mut world = self.world.borrow_mut();
        anyhow::ensure!(!world.groups[self.stage].members[self.member].is_dead, "dead");
        anyhow::ensure!(!world.fails(once_in), "no answer");
        Ok(world)
    }
}

impl Port for Wire {
    fn serve(&mut self, _: Duration) -> Result<(), KafkaError> {
        Ok(())
    }

    fn has_more(&self, partition: &Partition) -> bool {
        let mut world = self.world.borrow_mut();
        world.has_more(self.stage, self.member, partition) && world.dice.below(3) > 0
    }

    fn read(
        &mut self,
        partition: &Partition,
        max: usize,
        mut see: impl FnMut(Input<'_>) -> bool,
    ) -> Result<Run, KafkaError> {
        let mut world = self.world.borrow_mut();
        let max = max.min(world.dice.below(6) as usize);
        let mut run = Run::default();
        while run.messages < max {
            let Some((offset, payload)) = world.fetch(self.stage, self.member, partition) else {
                run.is_at_end = true;
                break;
            };
            run.messages += 1;
            let goes_on = see(Input { payload: &payload, offset, time: None });
            if HAS_DIED.take() {
                world.put_out(self.stage, self.member, true);
            }
            if !goes_on || world.groups[self.stage].members[self.member].is_dead {
                break;
            }
        }
        Ok(run)
    }

    fn next_rebalance(&mut self) -> Option<Rebalance> {
        let mut world = self.world.borrow_mut();
        world.groups.get_mut(self.stage).unwrap().members[self.member].asked.pop_front()
    }

    fn assign(&mut self, starts: &[(Partition, i64)]) -> anyhow::Result<()> {
        let mut world = self.ask(200)?;
        let group = world.groups.get_mut(self.stage).unwrap();
        group.members[self.member].fetch.extend(starts.iter().cloned());
        Ok(())
    }

    fn release(&mut self, partitions: &[Partition]) {
        self.world.borrow_mut().release(self.stage, self.member, partitions);
    }

    fn seek(&mut self, starts: &[(Partition, i64)]) -> anyhow::Result<()> {
        self.assign(starts)
    }

    fn committed(&mut self, partitions: &[Partition]) -> anyhow::Result<Vec<Committed>> {
        self.reads = 0;
        Ok(self.ask(40)?.committed(self.stage, partitions))
    }

    fn owner(&self) -> Owner {
        self.world.borrow().owner(self.stage, self.member)
    }

    fn next_readable(&mut self, _: &Partition, offset: i64) -> anyhow::Result<i64> {
        Ok(offset + 1)
    }

    fn take_over(&mut self, partitions: &[Partition]) -> anyhow::Result<()> {
        self.ask(40)?.take_over(self.stage, self.member, partitions);
        Ok(())
    }

    fn bounds(&mut self, partition: &Partition, _: Duration) -> anyhow::Result<(i64, i64)> {
        Ok((0, self.ask(200)?.logs[partition].len() as i64))
    }

    fn states(&mut self, places: &BTreeSet<i32>, _: &[Partition]) -> anyhow::Result<StateLog> {
        self.reads += 1;
        assert!(self.reads < READS_MAX, "a state stays older than its offset");
        let world = self.ask(40)?;
        let place = |place: &i32| world.logs.get(&(self.state_topic.clone(), *place));
        let records = places.iter().filter_map(place).flatten();
        let text = |key: &[u8]| String::from_utf8_lossy(key).into_owned();
        Ok(StateLog::of(records.map(|(key, value)| (text(key), value.clone())).collect()))
    }

    fn commit(
        &mut self,
        states: Outbox,
        outputs: Outbox,
        offsets: &[Place],
        is_last: bool,
    ) -> anyhow::Result<()> {
        let mut world = self.ask(u64::MAX)?;
        let from = (self.stage, self.member);
        let done = world.commit(from, &[&outputs, &states], offsets, is_last);
        if world.fails(30) {
            world.put_out(self.stage, self.member, true);
            anyhow::bail!("killed in its commit");
        }
        done
    }

    fn settle(&mut self) -> anyhow::Result<()> {
        self.ask(40)?.settle(self.stage, self.member);
        Ok(())
    }
}

/// A process as far as one stage goes.
struct Process<'a, T> {
    stage: Option<Stage<'a, T, Wire>>,
    member: usize,
    due: Instant,
}

/// The processes of one stage.
struct Fleet<'a, T> {
    world: Rc<RefCell<World>>,
    settings: &'a StageSettings,
    make: &'a dyn Fn(&Partition) -> T,
    watch: &'a StageWatch,
    name: &'static str,
    processes: Vec<Process<'a, T>>,
}

impl<'a, T: Task> Fleet<'a, T> {
    fn start(&mut self, slot: usize) {
        let name = format!("{}-{slot}", self.name);
        let member = self.world.borrow_mut().join(self.name, &name);
        let (world, state_topic) = (Rc::clone(&self.world), self.settings.state_topic.to_string());
        let wire = Wire { world, stage: self.name, member, state_topic, reads: 0 };
        let stage = Some(Stage::new(self.settings, self.make, self.watch, wire));
        let process = Process { stage, member, due: Instant::now() };
        match self.processes.get_mut(slot) {
            Some(place) => *place = process,
            None => self.processes.push(process),
        }
    }

    /// Something happens to one of the processes, or it goes on for a turn.
    fn turn(&mut self) {
        let (slot, fate, is_late, is_stormy) = {
            let mut world = self.world.borrow_mut();
            let slot = world.dice.below(self.processes.len() as u64) as usize;
            (slot, world.dice.below(60), world.dice.below(3) == 0, world.is_stormy)
        };
        let process = &mut self.processes[slot];
        if process.stage.is_none() {
            return self.start(slot);
        }
        match fate {
            0 if is_stormy => {
                self.world.borrow_mut().put_out(self.name, process.member, true);
                process.stage = None;
                return;
            }
            1 if is_stormy => {
                self.world.borrow_mut().put_out(self.name, process.member, false);
            }
            12 if is_stormy && self.name == "folding" => {
                let mut world = self.world.borrow_mut();
                let shard = world.dice.below(SHARDS as u64) as i32;
                world.damage(&self.settings.state_topic, shard);
            }
            2..12 => self.world.borrow_mut().tell(self.name, process.member),
            _ => {}
        }
        // Not due means a transaction that goes on over rebalances.
        process.due = match is_late && is_stormy {
            true => Instant::now() + Duration::from_secs(3600),
            false => Instant::now(),
        };
        if process.stage.as_mut().unwrap().turn(&mut process.due).is_err() {
            self.world.borrow_mut().put_out(self.name, process.member, true);
            process.stage = None;
        }
    }
}

fn settings(stage: &'static str, inputs: &str, snapshots: Duration) -> StageSettings {
    StageSettings {
        inputs: vec![inputs.to_owned()],
        state_topic: Arc::from(format!("state-{stage}")),
        state_partitions: 2,
        transactional_id: Some(stage.to_owned()),
        consumer: rdkafka::ClientConfig::new(),
        producer: rdkafka::ClientConfig::new(),
        commit_interval: Duration::ZERO,
        snapshot_interval: snapshots,
        alignment: (Alignment::new(1, Duration::ZERO), 0),
        events: Vec::new(),
        deadletter: Arc::from(TOPICS[3]),
    }
}

/// Lives through the storm of a seed and checks what is left of it.
fn storm(seed: u64, watches: &[StageWatch; 2]) {
    let world = Rc::new(RefCell::new(World::new(seed)));
    let (sources, sizes, snapshots) = {
        let mut world = world.borrow_mut();
        let sources = 1 + world.dice.below(4) as i32;
        let sizes = [1 + world.dice.below(3), 1 + world.dice.below(2)];
        let rare = world.dice.below(2) == 0;
        world.make_group("batching", TOPICS[0], sources);
        world.make_group("folding", TOPICS[1], SHARDS);
        (sources, sizes, Duration::from_secs(if rare { 3600 } else { 0 }))
    };
    let all =
        [settings("batching", TOPICS[0], snapshots), settings("folding", TOPICS[1], snapshots)];
    let mut batching = Fleet {
        world: Rc::clone(&world),
        settings: &all[0],
        make: &Batching::new,
        watch: &watches[0],
        name: "batching",
        processes: Vec::new(),
    };
    let mut folding = Fleet {
        world: Rc::clone(&world),
        settings: &all[1],
        make: &Folding::new,
        watch: &watches[1],
        name: "folding",
        processes: Vec::new(),
    };
    (0..sizes[0]).for_each(|slot| batching.start(slot as usize));
    (0..sizes[1]).for_each(|slot| folding.start(slot as usize));
    for _ in 0..TURNS {
        add_line(&world, sources);
        batching.turn();
        folding.turn();
    }
    world.borrow_mut().is_stormy = false;
    let is_read = |stage: &str, topic: &str| {
        let world = world.borrow();
        let logs = world.logs.iter().filter(|((name, _), _)| name == topic);
        let mut ends = logs.map(|(partition, log)| (partition.clone(), log.len() as i64));
        ends.all(|(partition, end)| {
            world.groups[stage].offsets.get(&partition).copied().unwrap_or(0) == end
        })
    };
    let mut turns = 0;
    while !is_read("batching", TOPICS[0]) {
        batching.turn();
        turns += 1;
        assert!(turns < REST_TURNS_MAX, "lines are never read");
    }
    // Whoever was put out and not told would say something now.
    (0..20).for_each(|_| batching.turn());
    while !is_read("folding", TOPICS[1]) {
        folding.turn();
        turns += 1;
        assert!(turns < REST_TURNS_MAX, "batches are never read");
    }
    (0..20).for_each(|_| folding.turn());
    check_batches(&world.borrow());
    check_letters(&world.borrow());
    check_folds(&world.borrow());
}

fn add_line(world: &Rc<RefCell<World>>, sources: i32) {
    let mut world = world.borrow_mut();
    let partition = (TOPICS[0].to_owned(), world.dice.below(sources as u64) as i32);
    let line = match world.dice.below(1_000) {
        0..2 => DEADLY,
        2..4 => PANICS,
        line => (line % 200) as u8,
    };
    let line = vec![line];
    let log = world.logs.get_mut(&partition).unwrap();
    if (log.len() as u64) < LINES_MAX {
        log.push((Vec::new(), line));
    }
}

/// The batches of each source tile its lines and hold each of them once.
fn check_batches(world: &World) {
    let letters = letters(world);
    let mut last: BTreeMap<i32, Batch> = BTreeMap::new();
    for ((topic, _), log) in &world.logs {
        for (_, payload) in log.iter().filter(|_| topic == TOPICS[1]) {
            let batch: Batch = postcard::from_bytes(payload).unwrap();
            let (seq, from) =
                last.get(&batch.source).map_or((0, 0), |last| (last.seq + 1, last.to));
            assert_eq!((batch.seq, batch.from), (seq, from), "batches of {}", batch.source);
            let lines = &world.logs[&(TOPICS[0].to_owned(), batch.source)];
            let lines = &lines[batch.from as usize..batch.to as usize];
            let partition = (TOPICS[0].to_owned(), batch.source);
            let handled = lines
                .iter()
                .zip(batch.from..)
                .filter(|(_, offset)| !letters.contains(&(partition.clone(), *offset)));
            let sum = handled.map(|((_, line), _)| u64::from(line[0])).sum::<u64>();
            assert_eq!(batch.sum, sum, "sum of {batch:?}");
            last.insert(batch.source, batch);
        }
    }
    for ((_, source), log) in world.logs.iter().filter(|((topic, _), _)| topic == TOPICS[0]) {
        assert_eq!(last.get(source).map_or(0, |last| last.to), log.len() as i64, "source {source}");
    }
}

/// Returns the places of payloads that were set aside, each of which stands once.
fn letters(world: &World) -> BTreeSet<(Partition, i64)> {
    let letters = world.logs.get(&(TOPICS[3].to_owned(), 0)).cloned().unwrap_or_default();
    let places: BTreeSet<(Partition, i64)> = letters
        .iter()
        .map(|(_, place)| {
            let place = std::str::from_utf8(place).unwrap();
            let (partition, offset) = place.split_once('@').unwrap();
            let (topic, number) = partition.split_once('/').unwrap();
            ((topic.to_owned(), number.parse().unwrap()), offset.parse().unwrap())
        })
        .collect();
    assert_eq!(places.len(), letters.len(), "a payload was set aside twice");
    places
}

/// What cannot be handled is set aside, and nothing but that and what looked like it.
fn check_letters(world: &World) {
    let letters = letters(world);
    for (partition, log) in world.logs.iter().filter(|((topic, _), _)| topic == TOPICS[0]) {
        for ((_, line), offset) in log.iter().zip(0..) {
            let is_letter = letters.contains(&(partition.clone(), offset));
            assert!(is_letter || line[0] < PANICS, "{line:?} is not set aside");
        }
    }
    for place in &letters {
        let line = &world.logs[&place.0][place.1 as usize].1;
        let is_line = place.0.0 == TOPICS[0];
        assert!(is_line && line[0] >= PANICS || world.is_suspect(place), "{place:?} is set aside");
    }
}

/// Each message of each shard was told once, in order, with everything before it known.
fn check_folds(world: &World) {
    let letters = letters(world);
    for shard in 0..SHARDS {
        let mut fold = Fold { shard, offset: -1, hash: 0 };
        let wanted: Vec<Fold> = world.logs[&(TOPICS[1].to_owned(), shard)]
            .iter()
            .zip(0..)
            .filter(|(_, offset)| {
                let partition = (TOPICS[1].to_owned(), shard);
                !letters.contains(&(partition, *offset))
            })
            .map(|((_, payload), offset)| {
                fold.take(offset, payload);
                fold.clone()
            })
            .collect();
        let told = world.logs.get(&(TOPICS[2].to_owned(), shard)).cloned().unwrap_or_default();
        let told: Vec<Fold> =
            told.iter().map(|(_, payload)| postcard::from_bytes(payload).unwrap()).collect();
        assert_eq!(told, wanted, "folds of shard {shard}");
    }
}

#[test]
fn whatever_fails_every_line_counts_once() {
    let number = |name: &str, or: u64| std::env::var(name).map_or(or, |text| text.parse().unwrap());
    let (seed, runs) = (number("LOGWAKE_SIMULATION_SEED", 1), number("LOGWAKE_SIMULATIONS", 500));
    let tracer = Arc::new(Tracer::new(&crate::config::Config::default().telemetry).unwrap());
    let board = Arc::new(Board::new(crate::config::Config::default().detect_settings()));
    let metrics = Arc::new(Metrics::new("simulation"));
    let watches = [StageName::Tally, StageName::Detect]
        .map(|stage| StageWatch::new(stage, &board, &metrics, &tracer));
    let begin = Instant::now();
    for seed in seed..seed + runs {
        let storm = std::panic::AssertUnwindSafe(|| storm(seed, &watches));
        assert!(std::panic::catch_unwind(storm).is_ok(), "LOGWAKE_SIMULATION_SEED={seed}");
    }
    let a_minute = runs as f64 * 60.0 / begin.elapsed().as_secs_f64();
    eprintln!("{runs} seeds held, {a_minute:.0} a minute");
}
