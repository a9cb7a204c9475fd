//! What a sink's state is stepped with: its settings, the time, and where outputs go.

use crate::alert::{Action, AtSink, Decision, Reason};
use crate::anomaly::id_of;
use crate::time::Timestamp;

use super::{Content, Delivery, Notice, NotifyOutput, SinkSettings};

/// What a sink's state is stepped with.
pub(super) struct Turn<'a> {
    pub(super) settings: &'a SinkSettings,
    pub(super) now: Timestamp,
    pub(super) next_id: &'a mut u64,
    pub(super) decisions: &'a mut u64,
    pub(super) out: &'a mut Vec<NotifyOutput>,
}

impl Turn<'_> {
    /// Writes down what becomes of a change.
    pub(super) fn decide(&mut self, action: Action, reason: Reason, notice: &Notice) {
        self.decide_on(action, reason, (&notice.alert, &notice.change), None);
    }

    /// Writes down what becomes of a change, of an alert or a digest; `digest` is where it went.
    pub(super) fn decide_on(
        &mut self,
        action: Action,
        reason: Reason,
        (alert, change): (&str, &str),
        digest: Option<&str>,
    ) {
        let number = self.decisions.to_string();
        let sink = &self.settings.name;
        let parts = ["notify", sink, action.as_str(), reason.as_str(), change, &number];
        self.out.push(NotifyOutput::Decision(Decision {
            id: id_of("d", &parts),
            at: self.now,
            action,
            reason,
            alert: alert.to_owned(),
            anomaly: None,
            external: None,
            mute: None,
            weight: 0.0,
            sink: Some(AtSink {
                name: sink.clone(),
                change: change.to_owned(),
                digest: digest.map(str::to_owned),
            }),
        }));
        *self.decisions += 1;
    }

    /// Hands out a request; returns its number.
    pub(super) fn deliver(&mut self, content: Content) -> u64 {
        let id = *self.next_id;
        *self.next_id += 1;
        let sink = self.settings.name.clone();
        self.out.push(NotifyOutput::Deliver(Box::new(Delivery { id, sink, content })));
        id
    }

    /// Hands out what a sink will never take.
    pub(super) fn bury(&mut self, content: Content, why: &str) {
        self.out.push(NotifyOutput::Dead {
            sink: self.settings.name.clone(),
            content: Box::new(content),
            reason: why.to_owned(),
        });
    }
}
