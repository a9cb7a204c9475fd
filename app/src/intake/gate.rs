//! Who may send: by token where sources are configured, else programs on this machine.
//!
//! **Without sources nobody else is let in**: neither another machine, nor a proxy on this one, nor
//! a page in a browser, which may ask for any address of the machine that it is shown on.

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::http::{HeaderMap, header};

use super::bucket::Bucket;
use super::local::{Envelope, Foreign};
use crate::config::IntakeSource;

/// Alerts a second of senders that no source is configured for, and their burst.
const LOCAL: (u32, u32) = (20_000, 100_000);

/// Decides on senders.
#[derive(Debug)]
pub struct Gate {
    sources: Vec<Arc<Sender>>,
    local: Arc<Sender>,
    /// Whether programs on this machine may send where there is no source.
    allows_local: bool,
}

/// A source that may send.
#[derive(Debug)]
pub struct Sender {
    /// Its name.
    pub name: String,
    /// Whether it may set silences and acknowledge.
    pub may_silence: bool,
    token: Option<String>,
    bucket: Bucket,
}

/// Who is asking.
#[derive(Clone, Copy, Debug)]
pub struct Caller<'a> {
    /// How its request comes.
    pub envelope: Envelope<'a>,
    /// The key that it states in its body.
    pub routing_key: Option<&'a str>,
}

/// Why somebody may not send.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refused {
    /// It shows no token.
    NoToken,
    /// It shows one that nobody has.
    WrongToken,
    /// No source is configured and it is no program on this machine.
    NotLocal(Foreign),
}

impl Gate {
    /// Takes the configured sources, and whether programs on this machine may send without any.
    pub fn new(sources: &[IntakeSource], allows_local: bool) -> Self {
        let now = Instant::now();
        let sender = |source: &IntakeSource| {
            Arc::new(Sender {
                name: source.name.clone(),
                may_silence: source.may_silence,
                token: source.token.0.clone(),
                bucket: Bucket::new(source.per_second, source.burst, now),
            })
        };
        let local = Sender {
            name: "local".to_owned(),
            may_silence: true,
            token: None,
            bucket: Bucket::new(LOCAL.0, LOCAL.1, now),
        };
        let sources = sources.iter().map(sender).collect();
        Self { sources, local: Arc::new(local), allows_local }
    }

    /// Returns every sender that there can be.
    pub fn senders(&self) -> impl Iterator<Item = &Sender> {
        let local = self.sources.is_empty().then_some(&self.local);
        self.sources.iter().chain(local).map(Arc::as_ref)
    }

    /// Says whose request it is.
    ///
    /// # Errors
    /// Where it is nobody's.
    pub fn admit(&self, caller: &Caller<'_>) -> Result<Arc<Sender>, Refused> {
        if self.sources.is_empty() {
            let foreign = match self.allows_local {
                true => caller.envelope.foreign(),
                false => Some(Foreign::NotAllowed),
            };
            return foreign.map_or_else(
                || Ok(Arc::clone(&self.local)),
                |foreign| Err(Refused::NotLocal(foreign)),
            );
        }
        let shown = [bearer(caller.envelope.headers), caller.routing_key];
        let mut refused = Refused::NoToken;
        for token in shown.into_iter().flatten() {
            if let Some(found) = self.source_of(token) {
                return Ok(Arc::clone(found));
            }
            refused = Refused::WrongToken;
        }
        Err(refused)
    }

    /// Tells whether headers show the token of a source.
    pub fn knows(&self, headers: &HeaderMap) -> bool {
        bearer(headers).is_some_and(|token| self.source_of(token).is_some())
    }

    fn source_of(&self, token: &str) -> Option<&Arc<Sender>> {
        self.sources.iter().find(|source| source.has(token))
    }
}

impl Sender {
    /// Takes so many alerts from what it may send, or says after how long it may send them.
    ///
    /// # Errors
    /// Where it has sent too many.
    pub fn take(&self, alerts: usize) -> Result<(), Duration> {
        self.bucket.take(alerts, Instant::now())
    }

    /// Compares a token without telling by the time it takes where it is wrong.
    fn has(&self, token: &str) -> bool {
        let Some(own) = &self.token else { return false };
        let differs = own.bytes().zip(token.bytes()).fold(0, |sum, (a, b)| sum | (a ^ b));
        own.len() == token.len() && std::hint::black_box(differs) == 0
    }
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}
