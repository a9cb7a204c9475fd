//! A queue for each partition that a consumer reads, so that whoever reads says which one is next.
//!
//! One queue for all gives partitions in the order of the brokers' answers: of a backlog, one is soon
//! hours ahead of another.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

use rdkafka::consumer::base_consumer::PartitionQueue;
use rdkafka::consumer::{BaseConsumer, ConsumerContext};
use rdkafka::error::{KafkaError, KafkaResult};
use rdkafka::message::BorrowedMessage;

use super::Partition;

/// What came of reading a partition for a while.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Run {
    /// Messages read.
    pub messages: usize,
    /// Whether the end of the partition came after the last of them.
    pub is_at_end: bool,
}

/// The queues of the partitions of a consumer.
pub(super) struct Queues<C: ConsumerContext> {
    queues: BTreeMap<Partition, Queue<C>>,
    bell: Arc<Bell>,
}

struct Queue<C: ConsumerContext> {
    messages: PartitionQueue<C>,
    /// Set by whoever fills the queue, so that an empty one costs nothing to pass over.
    has_more: Arc<AtomicBool>,
}

impl<C: ConsumerContext> Queues<C> {
    pub(super) fn new(bell: Arc<Bell>) -> Self {
        Self { queues: BTreeMap::new(), bell }
    }

    /// Gives a partition its own queue; to be called before it is assigned, so that none of its
    /// messages goes another way.
    pub(super) fn open(&mut self, consumer: &Arc<BaseConsumer<C>>, partition: &Partition) {
        let Some(mut messages) = consumer.split_partition_queue(&partition.0, partition.1) else {
            return;
        };
        // There may be messages already that nobody will ring for.
        let has_more = Arc::new(AtomicBool::new(true));
        let (bell, filled) = (Arc::clone(&self.bell), Arc::clone(&has_more));
        messages.set_nonempty_callback(move || {
            filled.store(true, Ordering::Release);
            bell.ring();
        });
        self.queues.insert(partition.clone(), Queue { messages, has_more });
    }

    pub(super) fn close(&mut self, partition: &Partition) {
        self.queues.remove(partition);
    }

    pub(super) fn clear(&mut self) {
        self.queues.clear();
    }

    /// Tells whether a partition may have messages.
    pub(super) fn has_more(&self, partition: &Partition) -> bool {
        self.queues.get(partition).is_some_and(|queue| queue.has_more.load(Ordering::Acquire))
    }

    /// Reads at most so many messages of a partition, for as long as `see` asks for more.
    pub(super) fn read(
        &self,
        partition: &Partition,
        max: usize,
        mut see: impl FnMut(&BorrowedMessage<'_>) -> bool,
    ) -> KafkaResult<Run> {
        let mut run = Run::default();
        let Some(queue) = self.queues.get(partition) else { return Ok(run) };
        while run.messages < max {
            match queue.next() {
                Some(Ok(message)) => {
                    run.messages += 1;
                    run.is_at_end = false;
                    if !see(&message) {
                        break;
                    }
                }
                Some(Err(KafkaError::PartitionEOF(_))) => run.is_at_end = true,
                Some(Err(error)) => return Err(error),
                None => break,
            }
        }
        Ok(run)
    }
}

impl<C: ConsumerContext> Queue<C> {
    fn next(&self) -> Option<KafkaResult<BorrowedMessage<'_>>> {
        if let Some(next) = self.messages.poll(Duration::ZERO) {
            return Some(next);
        }
        // What came between the look and this is not rung for again, so one more look is due.
        self.has_more.store(false, Ordering::Release);
        let next = self.messages.poll(Duration::ZERO)?;
        self.has_more.store(true, Ordering::Release);
        Some(next)
    }
}

/// Tells a reader that something came, in any queue.
#[derive(Default)]
pub(super) struct Bell {
    is_rung: Mutex<bool>,
    rung: Condvar,
}

impl Bell {
    pub(super) fn ring(&self) {
        *self.is_rung.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.rung.notify_one();
    }

    /// Waits at most so long until it has been rung since the last wait; tells whether it was.
    pub(super) fn wait(&self, timeout: Duration) -> bool {
        let is_rung = self.is_rung.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = self.rung.wait_timeout_while(is_rung, timeout, |is_rung| !*is_rung);
        let (mut is_rung, _) = waited.unwrap_or_else(PoisonError::into_inner);
        std::mem::take(&mut *is_rung)
    }
}
