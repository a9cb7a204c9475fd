//! Stage 1 for one log partition: payloads to records to tallies, and what cannot be decoded to
//! the dead-letter topic.

use std::sync::Arc;

use logwake_detector::record::{Record, Source};
use logwake_detector::tally::{ClockSettings, Tally, TallyBatch, TallyInput, TallyState};
use logwake_detector::time::Timestamp;
use logwake_emit::kafka::{OutMessage, Outbox};
use logwake_emit::wire;
use logwake_ingest::decode::{Decoder, DecoderOptions, DecoderState, Reason, Sink, TextKind};
use logwake_ingest::kafka::Partition;
use logwake_models::template::Masks;
use serde::{Deserialize, Serialize};

use crate::board::Board;
use crate::telemetry::Metrics;

use super::dead_letter::dead_letter;
use super::stage::wall_now;
use super::task::{Cut, Input, Task};
use super::topics::Topics;

/// What every task of the stage shares.
pub struct TallyShared {
    /// Names of topics.
    pub topics: Topics,
    /// Shards of the detect stage.
    pub shards: u32,
    /// Log partitions in all.
    pub sources: u32,
    /// How event time is believed.
    pub clock: ClockSettings,
    /// Users' masks.
    pub masks: Masks,
    /// Whether values are kept.
    pub values: bool,
    /// How payloads are decoded.
    pub decoder: Arc<DecoderOptions>,
    /// The live board.
    pub board: Arc<Board>,
    /// The metrics.
    pub metrics: Arc<Metrics>,
}

/// Stage 1 of one log partition.
pub struct TallyTask {
    shared: Arc<TallyShared>,
    source: Source,
    topic: String,
    decoder: Decoder,
    tally: Tally,
    batches: Vec<TallyBatch>,
    waiting: Vec<TallyBatch>,
    bytes: u64,
    rejected: Vec<(&'static str, u64)>,
    /// Texts cut since the last commit, by kind.
    cuts: [u64; TextKind::ALL.len()],
}

#[derive(Serialize, Deserialize)]
struct TallyTaskState {
    decoder: DecoderState,
    tally: TallyState,
}

impl TallyTask {
    /// Makes the task of a partition.
    pub fn new(shared: &Arc<TallyShared>, partition: &Partition) -> Self {
        let (topic, number) = partition.clone();
        let source = Source::Partition { topic: Arc::from(topic.as_str()), partition: number };
        let clock = shared.clock;
        let masks = shared.masks.clone();
        Self {
            decoder: Decoder::new(Arc::clone(&shared.decoder), &topic),
            tally: Tally::new(source.clone(), shared.sources, clock, masks, wall_now())
                .with_values(shared.values),
            shared: Arc::clone(shared),
            source,
            topic,
            batches: Vec::new(),
            waiting: Vec::new(),
            bytes: 0,
            rejected: Vec::new(),
            cuts: [0; TextKind::ALL.len()],
        }
    }

    fn put_out(&mut self, out: &mut Outbox) {
        for batch in self.batches.drain(..) {
            let heard = batch.head();
            for (shard, part) in batch.split(self.shared.shards).into_iter().enumerate() {
                out.push(OutMessage {
                    topic: Arc::clone(&self.shared.topics.tallies),
                    partition: i32::try_from(shard).ok(),
                    key: self.source.to_string().into_bytes(),
                    payload: Some(wire::encode_tally(&part)),
                    headers: Vec::new(),
                });
            }
            self.waiting.push(heard);
        }
    }
}

impl Task for TallyTask {
    const REPLAYS: bool = false;

    fn handle(&mut self, input: Input<'_>, out: &mut Outbox) {
        self.bytes += input.payload.len() as u64;
        let mut sink = ToTally {
            tally: &mut self.tally,
            batches: &mut self.batches,
            out,
            shared: &self.shared,
            source: &self.source,
            rejected: &mut self.rejected,
            cuts: &mut self.cuts,
        };
        let offset = u64::try_from(input.offset).unwrap_or(0);
        self.decoder.push(input.payload, offset, input.time, &mut sink);
        if !self.batches.is_empty() {
            self.put_out(out);
        }
    }

    fn cut(&mut self, cut: Cut, out: &mut Outbox) {
        if cut.idle {
            let mut sink = ToTally {
                tally: &mut self.tally,
                batches: &mut self.batches,
                out,
                shared: &self.shared,
                source: &self.source,
                rejected: &mut self.rejected,
                cuts: &mut self.cuts,
            };
            self.decoder.flush(&mut sink);
        }
        let to = u64::try_from(cut.position).unwrap_or(0);
        let input = TallyInput::Cut { to, wall: cut.wall, idle: cut.idle };
        self.tally.step(input, &mut self.batches);
        self.put_out(out);
    }

    fn snapshot(&self) -> Vec<u8> {
        let state = TallyTaskState { decoder: self.decoder.state(), tally: self.tally.state() };
        wire::encode(wire::TALLY_STATE_VERSION, &state)
    }

    fn restore(&mut self, state: &[u8]) -> anyhow::Result<()> {
        let state: TallyTaskState = wire::decode("tally state", wire::TALLY_STATE_VERSION, state)?;
        let options = Arc::clone(&self.shared.decoder);
        self.decoder = Decoder::restore(options, &self.topic, state.decoder);
        self.tally.restore(state.tally);
        Ok(())
    }

    fn reached(&self) -> Option<Timestamp> {
        self.tally.clock().newest()
    }

    fn begin(&mut self, position: i64) {
        self.tally.begin(u64::try_from(position).unwrap_or(0), wall_now());
    }

    fn left_out(&mut self, payloads: u64, reason: &'static str) {
        let lines = u32::try_from(payloads).unwrap_or(u32::MAX);
        self.tally.step(TallyInput::Rejected { lines }, &mut self.batches);
        self.rejected.push((reason, u64::from(lines)));
    }

    fn committed(&mut self) {
        let bytes = std::mem::take(&mut self.bytes);
        let mut lines = 0;
        for batch in self.waiting.drain(..) {
            lines += batch.lines.total();
            self.shared.metrics.tallied(&batch);
            self.shared.board.tallied(&batch);
        }
        self.shared.metrics.ingested(&self.topic, lines, bytes);
        for (kind, texts) in TextKind::ALL.iter().zip(std::mem::take(&mut self.cuts)) {
            self.shared.metrics.texts_cut(kind.as_str(), texts);
        }
        for (reason, lines) in self.rejected.drain(..) {
            self.shared.metrics.rejected(reason, lines);
            if reason != Reason::Empty.as_str() {
                self.shared.metrics.dead_letters(reason, 1);
            }
        }
    }
}

/// Hands records to the tally machine and rejects to the dead-letter topic.
struct ToTally<'a> {
    tally: &'a mut Tally,
    batches: &'a mut Vec<TallyBatch>,
    out: &'a mut Outbox,
    shared: &'a TallyShared,
    source: &'a Source,
    rejected: &'a mut Vec<(&'static str, u64)>,
    cuts: &'a mut [u64; TextKind::ALL.len()],
}

impl Sink for ToTally<'_> {
    fn record(&mut self, record: &Record<'_>) {
        self.tally.step(TallyInput::Record(record), self.batches);
    }

    fn reject(&mut self, offset: u64, lines: u32, reason: Reason, payload: &[u8]) {
        self.tally.step(TallyInput::Rejected { lines }, self.batches);
        self.rejected.push((reason.as_str(), u64::from(lines)));
        if reason == Reason::Empty {
            return;
        }
        let place = (self.source, offset);
        self.out.push(dead_letter(&self.shared.topics.deadletter, place, reason.as_str(), payload));
    }

    fn cut(&mut self, kind: TextKind) {
        self.cuts[kind as usize] += 1;
    }
}
