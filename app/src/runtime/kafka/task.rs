//! What a stage does for one of its input partitions, whatever the stage.

use logwake_detector::time::Timestamp;
use logwake_emit::kafka::Outbox;

/// One input payload.
#[derive(Clone, Copy, Debug)]
pub struct Input<'a> {
    /// The bytes, empty for a tombstone.
    pub payload: &'a [u8],
    /// Offset in its partition.
    pub offset: i64,
    /// Time that its producer or broker gave it.
    pub time: Option<Timestamp>,
}

/// The end of a commit interval.
#[derive(Clone, Copy, Debug)]
pub struct Cut {
    /// First offset not handled yet.
    pub position: i64,
    /// Wall time.
    pub wall: Timestamp,
    /// Whether the partition was at its end for a while.
    pub idle: bool,
}

/// The state machine of one input partition with its outputs as messages.
pub trait Task: Sized {
    /// Whether its state follows from the messages alone, so that a snapshot and the messages since
    /// then restore it; otherwise every commit carries a snapshot.
    const REPLAYS: bool;

    /// Handles a payload.
    fn handle(&mut self, input: Input<'_>, out: &mut Outbox);

    /// Ends a commit interval.
    fn cut(&mut self, cut: Cut, out: &mut Outbox);

    /// Returns the state to keep.
    fn snapshot(&self) -> Vec<u8>;

    /// Continues from a kept state.
    ///
    /// # Errors
    /// Where the bytes are not a state of this version.
    fn restore(&mut self, state: &[u8]) -> anyhow::Result<()>;

    /// Returns the event time that it has come to, where it reads records in that order.
    fn reached(&self) -> Option<Timestamp> {
        None
    }

    /// Whether somebody waits for what was put out since the last commit, which is then due early.
    fn is_urgent(&self) -> bool {
        false
    }

    /// Begins in the middle of its messages without the state that it had there: what it numbers
    /// goes on above all that may have been put out.
    fn begin(&mut self, _position: i64) {}

    /// Notes that so many payloads were left out, for one of the reasons of dead letters.
    fn left_out(&mut self, _payloads: u64, _reason: &'static str) {}

    /// Tells that what was put out so far is committed.
    fn committed(&mut self) {}
}
