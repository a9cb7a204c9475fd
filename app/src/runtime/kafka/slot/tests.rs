#![allow(clippy::unwrap_used, reason = "tests")]

use std::time::Duration;

use super::*;
use crate::runtime::kafka::align::Alignment;

/// Puts out a number for each payload, and one at each cut.
struct Numbers {
    next: u64,
}

impl Numbers {
    fn tell(&mut self, out: &mut Outbox) {
        let payload = Some(self.next.to_string().into_bytes());
        let (topic, partition, key) = (Arc::from("out"), None, Vec::new());
        out.push(OutMessage { topic, partition, key, payload, headers: Vec::new() });
        self.next += 1;
    }
}

impl Task for Numbers {
    const REPLAYS: bool = false;

    fn handle(&mut self, _: Input<'_>, out: &mut Outbox) {
        self.tell(out);
    }

    fn cut(&mut self, _: Cut, out: &mut Outbox) {
        self.tell(out);
    }

    fn snapshot(&self) -> Vec<u8> {
        self.next.to_le_bytes().to_vec()
    }

    fn restore(&mut self, state: &[u8]) -> anyhow::Result<()> {
        self.next = u64::from_le_bytes(state.try_into()?);
        Ok(())
    }
}

fn settings() -> StageSettings {
    StageSettings {
        inputs: Vec::new(),
        state_topic: Arc::from("state"),
        state_partitions: 1,
        transactional_id: None,
        consumer: rdkafka::ClientConfig::new(),
        producer: rdkafka::ClientConfig::new(),
        commit_interval: Duration::ZERO,
        snapshot_interval: Duration::ZERO,
        alignment: (Alignment::new(1, Duration::ZERO), 0),
        events: Vec::new(),
        deadletter: Arc::from("deadletter"),
    }
}

fn slot() -> Slot<Numbers> {
    Slot::new(Numbers { next: 0 }, ("logs".to_owned(), 0), &Arc::from("deadletter"))
}

fn texts(outbox: &Outbox) -> Vec<String> {
    let text = |message: &OutMessage| {
        String::from_utf8(message.payload.clone().unwrap_or_default()).unwrap()
    };
    outbox.messages().iter().map(text).collect()
}

/// What a state topic gives back after a crash.
fn kept(states: &Outbox) -> Kept {
    let records: Vec<(String, Vec<u8>)> = states
        .messages()
        .iter()
        .map(|message| {
            let key = String::from_utf8(message.key.clone()).unwrap();
            (key, message.payload.clone().unwrap())
        })
        .collect();
    let pairs = records.iter().map(|(key, value)| (key.as_str(), value.as_slice()));
    let found = snapshot::assemble("logs/0", pairs).unwrap().unwrap();
    Kept { position: found.manifest.offset, state: found.state }
}

#[test]
fn outputs_that_a_crash_held_up_are_sent_again_under_their_numbers() {
    let (settings, mut slot, mut states) = (settings(), slot(), Outbox::default());
    slot.handle(Input { payload: b"a", offset: 0, time: None }).unwrap();
    slot.handle(Input { payload: b"b", offset: 1, time: None }).unwrap();
    slot.cut(Timestamp::default());
    slot.keep_state(&settings, false, true, &mut states);
    let sent = texts(&slot.outbox);
    assert_eq!(sent, ["0", "1", "2"]);

    let kept = kept(&states);
    let mut again = self::slot();
    again.restore(&kept).unwrap();
    again.go_on(kept.position, 10);
    assert_eq!((again.position, texts(&again.outbox)), (2, sent));
    again.handle(Input { payload: b"c", offset: 2, time: None }).unwrap();
    assert_eq!(texts(&again.outbox), ["0", "1", "2", "3"]);
}

#[test]
fn a_state_in_a_transaction_keeps_no_outputs() {
    let (settings, mut slot, mut states) = (settings(), slot(), Outbox::default());
    slot.handle(Input { payload: b"a", offset: 0, time: None }).unwrap();
    slot.keep_state(&settings, false, false, &mut states);
    let mut again = self::slot();
    again.restore(&kept(&states)).unwrap();
    assert!(again.outbox.is_empty());
}
