//! The partitions that a stage reads, and what came of them since the last commit.

use std::collections::BTreeMap;
use std::time::Instant;

use logwake_ingest::kafka::Partition;
use rdkafka::error::KafkaError;

use super::align::Reader;
use super::port::Port;
use super::slot::Slot;
use super::task::Task;
use super::unreadable::is_unreadable;
use super::watch::StageWatch;

/// Bytes of outputs that bring a commit forward: a batch of this size is one broker round trip.
pub const OUTBOX_BYTES_MAX: usize = 4 << 20;
/// Messages handled between two looks at the clock.
const MESSAGES_PER_LOOK: usize = 256;
/// Bytes of payloads after which the clock is looked at: 256 ordinary lines have a tenth of it.
const BYTES_PER_LOOK: usize = 256 << 10;
/// How often the handling of a payload may panic before it is set aside.
const PANICS_MAX: u32 = 2;
/// How often a batch is fetched that cannot be unpacked before it is stepped over.
const FETCHES_MAX: u32 = 5;

/// The slots and what came since the last commit.
pub struct Desk<T> {
    /// A slot for each partition.
    pub slots: Vec<Slot<T>>,
    reader: Reader,
    /// Bytes of outputs that wait in the slots.
    pub waiting_bytes: usize,
    /// Payloads handled since the last commit.
    pub inputs: u64,
    /// Where the next look begins among slots of which none is behind.
    next: usize,
    /// How often a process died or a panic came at a payload that is not committed yet.
    deaths: BTreeMap<(Partition, i64), u32>,
}

/// What came of reading for a while.
#[derive(Debug, Default)]
pub struct Look {
    /// Messages read.
    pub messages: usize,
    /// Bytes of their payloads.
    bytes: usize,
    /// Whether some were not to be read before others.
    pub is_held: bool,
    /// The payload whose handling panicked.
    pub panicked: Option<(Partition, i64)>,
    /// The slot whose next batch cannot be unpacked, however often it is fetched.
    pub unreadable: Option<usize>,
}

impl Look {
    fn is_over(&self) -> bool {
        self.messages >= MESSAGES_PER_LOOK
            || self.bytes >= BYTES_PER_LOOK
            || self.panicked.is_some()
            || self.unreadable.is_some()
    }
}

impl<T: Task> Desk<T> {
    /// Makes the desk of a stage without partitions.
    pub fn new(reader: Reader) -> Self {
        Self {
            slots: Vec::new(),
            reader,
            waiting_bytes: 0,
            inputs: 0,
            next: 0,
            deaths: BTreeMap::new(),
        }
    }

    /// Reads and handles what there is, at most so much as goes between two looks at the clock.
    ///
    /// # Errors
    /// Any error of the consumer but that a batch cannot be unpacked.
    pub fn read_some<P: Port>(
        &mut self,
        port: &mut P,
        watch: &StageWatch,
    ) -> Result<Look, KafkaError> {
        let (order, is_held) = self.order(port);
        let mut look = Look { is_held, ..Look::default() };
        for at in order {
            if look.is_over() || self.waiting_bytes >= OUTBOX_BYTES_MAX {
                break;
            }
            watch.waits();
            self.read(at, &mut look, port, watch)?;
        }
        Ok(look)
    }

    /// Returns the slots that have something to read, those first that are behind in event time, and
    /// whether others wait for those.
    fn order(&mut self, port: &impl Port) -> (Vec<usize>, bool) {
        let now = Instant::now();
        let slowest = self.slots.iter().filter_map(|slot| slot.holds_at(now)).min();
        let until = self.reader.tell(slowest);
        let len = self.slots.len();
        self.next = (self.next + 1) % len.max(1);
        let turn = (0..len).map(|at| (self.next + at) % len);
        // What is begun with caution is read by itself.
        let is_begun = self.slots.iter().any(Slot::has_begun);
        let filled = turn.filter(|at| {
            let slot = &self.slots[*at];
            let is_next = slot.has_begun() || !is_begun;
            is_next && slot.may_read() > 0 && port.has_more(&slot.partition)
        });
        let is_ahead = |slot: &Slot<T>| slot.task.reached() > until && !slot.is_caught_up(now);
        let (held, mut order): (Vec<usize>, Vec<usize>) =
            filled.partition(|at| until.is_some() && is_ahead(&self.slots[*at]));
        order.sort_by_key(|at| self.slots[*at].task.reached());
        (order, !held.is_empty())
    }

    /// Reads messages of one slot.
    fn read<P: Port>(
        &mut self,
        at: usize,
        look: &mut Look,
        port: &mut P,
        watch: &StageWatch,
    ) -> Result<(), KafkaError> {
        let Self { slots, waiting_bytes, inputs, .. } = self;
        let slot = &mut slots[at];
        let partition = slot.partition.clone();
        let max = (MESSAGES_PER_LOOK - look.messages).min(slot.may_read());
        let done = port.read(&partition, max, |input| {
            if input.offset < slot.position {
                watch.went_back(&partition, slot.position, input.offset);
            }
            look.bytes += input.payload.len();
            *inputs += 1;
            match slot.handle(input) {
                Ok(bytes) => *waiting_bytes += bytes,
                Err(_) => look.panicked = Some((partition.clone(), input.offset)),
            }
            !look.is_over() && *waiting_bytes < OUTBOX_BYTES_MAX
        });
        match done {
            Ok(run) => {
                look.messages += run.messages;
                slot.was_read(run, Instant::now());
            }
            Err(error) if is_unreadable(&error) => {
                slot.unread += 1;
                watch.passing(&error);
                look.unreadable = (slot.unread >= FETCHES_MAX).then_some(at);
            }
            Err(error) => return Err(error),
        }
        Ok(())
    }

    /// Notes that a process died at a payload that it had alone, or that its handling panicked as
    /// often as it may; it is set aside when it is read again.
    pub fn set_aside(&mut self, place: (Partition, i64)) {
        self.deaths.insert(place, PANICS_MAX);
    }

    /// Notes that the handling of a payload panicked; tells whether it is set aside from now on.
    pub fn panicked(&mut self, place: (Partition, i64)) -> bool {
        let panics = self.deaths.entry(place).or_default();
        *panics += 1;
        *panics >= PANICS_MAX
    }

    /// Takes slots over that were made anew, in place of those of the same partitions.
    pub fn renew(&mut self, slots: Vec<Slot<T>>) {
        let old = std::mem::replace(&mut self.slots, slots);
        for slot in &mut self.slots {
            if let Some(old) = old.iter().find(|old| old.partition == slot.partition) {
                slot.caution = old.caution;
            }
            let own = self.deaths.iter().filter(|((partition, _), deaths)| {
                *partition == slot.partition && **deaths >= PANICS_MAX
            });
            slot.set_aside = own.map(|((_, offset), _)| *offset).collect();
        }
        self.waiting_bytes = 0;
    }

    /// Notes that everything handled so far is committed.
    pub fn committed(&mut self) {
        let Self { slots, deaths, .. } = self;
        slots.iter_mut().for_each(Slot::was_committed);
        deaths.retain(|(partition, offset), _| {
            let slot = slots.iter().find(|slot| slot.partition == *partition);
            slot.is_some_and(|slot| slot.position <= *offset)
        });
    }

    /// Begins few payloads of one partition that is read with caution, where there is one that has
    /// some; tells whether it did.
    pub fn begin_few(&mut self, port: &impl Port) -> bool {
        if self.slots.iter().any(Slot::has_begun) {
            return false;
        }
        let len = self.slots.len();
        let turn = (0..len).map(|at| (self.next + at) % len);
        let mut waiting = turn.filter(|at| {
            let slot = &self.slots[*at];
            slot.may_begin() && port.has_more(&slot.partition)
        });
        let Some(at) = waiting.next() else { return false };
        self.slots[at].caution.begin();
        true
    }
}
