//! Reads the bodies of requests: for a while, up to a size, and within a bound over all of them.

use std::ops::Deref;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::body::{Body, Bytes, HttpBody as _};
use axum::http::header;
use axum::http::request::Parts;

use super::connections::{Connection, Phase};
use super::refusal::Refusal;
use crate::telemetry::{Closed, Metrics};

/// Bytes of a body that are read without taking from a bound: a PagerDuty event has one or two
/// thousand, and connections are bounded in number.
const FREE_BYTES: usize = 16 << 10;
/// Bytes of bodies of known senders that are held at the same time, or one body if that is larger.
const KNOWN_BYTES_MAX: usize = 64 << 20;
/// Bytes of bodies that state their sender inside: thirty of the largest PagerDuty events.
const UNKNOWN_BYTES_MAX: usize = 16 << 20;

/// The bounds of bodies.
#[derive(Debug)]
pub(super) struct Bodies {
    known: Budget,
    unknown: Budget,
    timeout: Duration,
    metrics: Arc<Metrics>,
}

/// A body that was read; its bytes count until it is dropped.
#[derive(Debug)]
pub(super) struct Payload<'a> {
    bytes: Vec<u8>,
    share: Share<'a>,
}

/// What may be read of a body, and on whose account.
#[derive(Clone, Copy, Debug)]
pub(super) struct Allowance {
    /// Bytes at most.
    pub(super) bytes_max: usize,
    /// Whether the sender has been let in.
    pub(super) is_known: bool,
}

#[derive(Debug)]
struct Budget(AtomicUsize);

#[derive(Debug)]
struct Share<'a> {
    budget: &'a Budget,
    bytes: usize,
}

impl Bodies {
    /// Makes the bounds; one body of `largest` bytes always fits.
    pub(super) fn new(timeout: Duration, largest: usize, metrics: Arc<Metrics>) -> Self {
        let known = Budget(AtomicUsize::new(KNOWN_BYTES_MAX.max(largest)));
        let unknown = Budget(AtomicUsize::new(UNKNOWN_BYTES_MAX));
        Self { known, unknown, timeout, metrics }
    }

    /// Reads a body to its end.
    pub(super) async fn read(
        &self,
        parts: &Parts,
        body: Body,
        allowance: Allowance,
    ) -> Result<Payload<'_>, Refusal> {
        let headers = &parts.headers;
        let stated =
            headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse().ok());
        if stated.is_some_and(|bytes: usize| bytes > allowance.bytes_max) {
            return Err(Refusal::TooLarge(allowance.bytes_max));
        }
        let encoding = headers.get(header::CONTENT_ENCODING);
        if encoding.is_some_and(|encoding| encoding != "identity") {
            return Err(Refusal::Invalid(vec!["Content-Encoding is not taken".to_owned()]));
        }
        let connection = parts.extensions.get::<Arc<Connection>>();
        let enter = |phase| connection.iter().for_each(|connection| connection.enter(phase));
        enter(Phase::Body);
        let read = tokio::time::timeout(self.timeout, self.collect(body, allowance)).await;
        enter(Phase::Work);
        read.unwrap_or_else(|_| {
            self.metrics.http_closed(Closed::BodyTimeout, 1);
            Err(Refusal::NoBody)
        })
    }

    async fn collect(&self, mut body: Body, allowance: Allowance) -> Result<Payload<'_>, Refusal> {
        let budget = if allowance.is_known { &self.known } else { &self.unknown };
        let mut payload = Payload { bytes: Vec::new(), share: Share { budget, bytes: 0 } };
        while let Some(bytes) = next(&mut body).await? {
            let len = payload.bytes.len() + bytes.len();
            if len > allowance.bytes_max {
                return Err(Refusal::TooLarge(allowance.bytes_max));
            }
            if !payload.share.covers(len) {
                return Err(Refusal::NoRoom);
            }
            payload.bytes.extend_from_slice(&bytes);
        }
        Ok(payload)
    }
}

/// Returns the next bytes of a body, `None` at its end.
async fn next(body: &mut Body) -> Result<Option<Bytes>, Refusal> {
    loop {
        let frame = std::future::poll_fn(|cx| Pin::new(&mut *body).poll_frame(cx)).await;
        match frame.map(|frame| frame.map(|frame| frame.into_data())) {
            None => return Ok(None),
            Some(Ok(Ok(bytes))) => return Ok(Some(bytes)),
            // Trailers say nothing that is asked for.
            Some(Ok(Err(_))) => {}
            Some(Err(_)) => return Err(Refusal::NoBody),
        }
    }
}

impl Share<'_> {
    /// Makes it cover so many bytes of a body, if there is room.
    fn covers(&mut self, len: usize) -> bool {
        let more = if len > FREE_BYTES { len - self.bytes } else { 0 };
        let taken = self
            .budget
            .0
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(more));
        if taken.is_ok() {
            self.bytes += more;
        }
        taken.is_ok()
    }
}

impl Drop for Share<'_> {
    fn drop(&mut self) {
        self.budget.0.fetch_add(self.bytes, Ordering::Relaxed);
    }
}

impl Deref for Payload<'_> {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_bodies_are_read_whatever_large_ones_take() {
        let budget = Budget(AtomicUsize::new(100_000));
        let share = || Share { budget: &budget, bytes: 0 };
        let mut large = share();
        assert!(large.covers(FREE_BYTES) && large.covers(60_000) && large.covers(90_000));
        let mut second = share();
        assert!(!second.covers(FREE_BYTES + 1));
        assert!(second.covers(FREE_BYTES));
        drop(large);
        assert!(second.covers(100_000));
        drop(second);
        assert_eq!(budget.0.into_inner(), 100_000);
    }
}
