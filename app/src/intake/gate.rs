//! Who may send: by token where sources are configured, else whoever is on this machine.
//!
//! **Without sources nobody else is let in**: neither another machine, nor a proxy on this one, nor
//! a page in a browser, which may ask for any address of the machine that it is shown on.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::http::{HeaderMap, header};

use super::bucket::Bucket;
use crate::config::IntakeSource;

/// Alerts a second of senders that no source is configured for, and their burst.
const LOCAL: (u32, u32) = (20_000, 100_000);

/// Decides on senders.
#[derive(Debug)]
pub struct Gate {
    sources: Vec<Arc<Sender>>,
    local: Arc<Sender>,
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
    /// Headers of the request.
    pub headers: &'a HeaderMap,
    /// Address that it comes from.
    pub peer: SocketAddr,
    /// The key that it states in its body.
    pub routing_key: Option<&'a str>,
}

/// Why somebody may not send.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// It shows no token.
    NoToken,
    /// It shows one that nobody has.
    WrongToken,
    /// No source is configured and it is not on this machine, or not alone.
    NotLocal,
}

impl Gate {
    /// Takes the configured sources.
    pub fn new(sources: &[IntakeSource]) -> Self {
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
        Self { sources: sources.iter().map(sender).collect(), local: Arc::new(local) }
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
            return if caller.is_local() {
                Ok(Arc::clone(&self.local))
            } else {
                Err(Refused::NotLocal)
            };
        }
        let shown = [bearer(caller.headers), caller.routing_key];
        let mut refused = Refused::NoToken;
        for token in shown.into_iter().flatten() {
            if let Some(found) = self.sources.iter().find(|source| source.has(token)) {
                return Ok(Arc::clone(found));
            }
            refused = Refused::WrongToken;
        }
        Err(refused)
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

impl Caller<'_> {
    fn is_local(&self) -> bool {
        let foreign = [
            header::ORIGIN.as_str(),
            "sec-fetch-site",
            "forwarded",
            "x-forwarded-for",
            "x-real-ip",
            header::VIA.as_str(),
        ];
        self.peer.ip().to_canonical().is_loopback()
            && !foreign.iter().any(|name| self.headers.contains_key(*name))
    }
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}
