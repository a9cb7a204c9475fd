//! Takes requests to sinks: a thread a request, so that a slow sink makes nobody wait.
//!
//! It decides nothing: the notify machine says what is sent when, and never has more than a few
//! requests of a sink in flight.
//! **It goes to configured addresses alone**: no redirect is followed and no proxy of the
//! environment is used.

use std::collections::BTreeMap;
use std::io::Read;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

use logwake_detector::notify::{Answer, Delivery};
use logwake_emit::notify::{Response, SinkKind, judge};
use ureq::tls::{RootCerts, TlsConfig};
use ureq::{Agent, Body, Timeout, http};

use crate::config::Notify;
use crate::secrets::{REDACTED, without_userinfo};

use super::stage::wall_now;

/// Bytes of an answer that are kept.
const ANSWER_BYTES_MAX: usize = 500;
/// Wait where this machine has no thread to spare.
const NO_THREAD_WAIT: Duration = Duration::from_secs(5);

/// What became of a request.
#[derive(Debug)]
pub struct Landed {
    /// Number of the delivery.
    pub id: u64,
    /// Name of the sink.
    pub sink: String,
    /// What it answered.
    pub answer: Answer,
}

/// The way to every sink.
pub struct Courier {
    doors: BTreeMap<String, Arc<Door>>,
    to: Sender<Landed>,
    from: Receiver<Landed>,
}

/// The way to one sink.
pub struct Door {
    name: String,
    kind: SinkKind,
    url: String,
    token: Option<String>,
    page_url: Option<String>,
    /// What no answer is repeated with, in a log or a dead letter.
    secrets: Vec<String>,
    agent: Agent,
    /// Whether the last request failed, so that trouble is said once.
    is_troubled: AtomicBool,
}

impl Courier {
    /// Makes ways to sinks; nothing is sent yet.
    pub fn new(doors: &[Arc<Door>]) -> Self {
        let (to, from) = channel();
        let doors = doors.iter().map(|door| (door.name.clone(), Arc::clone(door))).collect();
        Self { doors, to, from }
    }

    /// Sends a delivery and returns at once.
    pub fn send(&self, delivery: Delivery) {
        let Some(door) = self.doors.get(&delivery.sink).map(Arc::clone) else { return };
        let landed = {
            let (id, sink) = (delivery.id, delivery.sink.clone());
            move |answer| Landed { id, sink, answer }
        };
        let (to, no_thread) = (self.to.clone(), landed.clone());
        let send = move || {
            // Nobody listens any more where the partition went elsewhere meanwhile.
            _ = to.send(landed(door.knock(&delivery)));
        };
        if std::thread::Builder::new().name("notify-http".into()).spawn(send).is_err() {
            _ = self.to.send(no_thread(Answer::Later(NO_THREAD_WAIT)));
        }
    }

    /// Returns what was answered since the last call.
    pub fn landed(&self) -> impl Iterator<Item = Landed> {
        self.from.try_iter()
    }
}

impl Door {
    /// Prepares the way to a configured sink.
    pub fn new(config: &Notify, page_url: Option<&str>) -> Self {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let tls = TlsConfig::builder()
            .root_certs(RootCerts::PlatformVerifier)
            .unversioned_rustls_crypto_provider(provider)
            .build();
        let agent = Agent::config_builder()
            .timeout_global(Some(config.timeout.0))
            .timeout_connect(Some(config.timeout.0 / 2))
            .max_redirects(0)
            .max_redirects_will_error(false)
            .http_status_as_error(false)
            .proxy(None)
            .user_agent(concat!("logwake/", env!("CARGO_PKG_VERSION")))
            .tls_config(tls)
            .build()
            .new_agent();
        Self {
            name: config.name.clone(),
            kind: config.sink_kind(),
            url: config.endpoint(),
            token: config.token.0.clone(),
            page_url: page_url.map(str::to_owned),
            secrets: config.secrets(),
            agent,
            is_troubled: AtomicBool::new(false),
        }
    }

    /// Returns the name of the sink.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns the kind of the sink.
    pub fn kind(&self) -> &'static str {
        self.kind.as_str()
    }

    /// Sends a delivery and waits for the answer.
    fn knock(&self, delivery: &Delivery) -> Answer {
        let page_url = self.page_url.as_deref();
        let body = match self.kind.render(&delivery.content, wall_now(), page_url) {
            Ok(body) => body,
            Err(error) => return self.tell(Answer::Refused(error.to_string()), "not rendered"),
        };
        let mut request = self
            .agent
            .post(&self.url)
            .header("Content-Type", "application/json")
            .header("Idempotency-Key", delivery.content.key());
        if let Some(token) = &self.token {
            request = request.header("Authorization", format!("Bearer {token}"));
        }
        match request.send(&body[..]) {
            Ok(response) => {
                let status = response.status();
                self.tell(judge(&self.read(response)), status.as_str())
            }
            Err(error) => self.tell(judge_error(&error), &self.redact(&error.to_string())),
        }
    }

    fn read(&self, response: http::Response<Body>) -> Response {
        let (head, body) = response.into_parts();
        let mut bytes = Vec::new();
        // What was answered is known by its status, whatever becomes of the rest.
        let more = self.secrets.iter().map(String::len).max().unwrap_or(0);
        let bytes_max = (ANSWER_BYTES_MAX + more) as u64;
        _ = body.into_reader().take(bytes_max).read_to_end(&mut bytes);
        let retry_after = head.headers.get(http::header::RETRY_AFTER);
        Response {
            status: head.status.as_u16(),
            retry_after_secs: retry_after.and_then(|value| secs_of(value.to_str().ok()?)),
            body: redacted_head(&bytes, &self.secrets),
        }
    }

    /// Takes secrets out of an error, which may repeat the address.
    fn redact(&self, text: &str) -> String {
        let without = |text: String, secret: &String| text.replace(secret, REDACTED);
        let text = self.secrets.iter().fold(text.to_owned(), without);
        without_userinfo(&text).into_owned()
    }

    /// Says that a sink is in trouble, or no longer, once each.
    fn tell(&self, answer: Answer, what: &str) -> Answer {
        let sink = self.name.as_str();
        let is_troubled = answer != Answer::Accepted;
        if self.is_troubled.swap(is_troubled, Ordering::AcqRel) != is_troubled {
            match &answer {
                Answer::Accepted => tracing::info!(sink, "the sink takes alerts again"),
                Answer::Refused(why) => {
                    tracing::error!(sink, why, "the sink refuses; see the dead letters");
                }
                _ => tracing::warn!(sink, what, "the sink fails; alerts wait and are tried again"),
            }
        }
        answer
    }
}

/// Returns the first bytes of an answer as text, without the secrets that begin in them: a sink may
/// repeat what it was sent, and a secret that the limit cuts in two is one all the same.
///
/// `bytes` holds as many more as the longest of the secrets has. Longer secrets come first.
fn redacted_head(bytes: &[u8], secrets: &[String]) -> String {
    let (mut kept, mut at) = (Vec::new(), 0);
    while at < bytes.len().min(ANSWER_BYTES_MAX) {
        match secrets.iter().find(|secret| bytes[at..].starts_with(secret.as_bytes())) {
            Some(secret) => {
                kept.extend_from_slice(REDACTED.as_bytes());
                at += secret.len();
            }
            None => {
                kept.push(bytes[at]);
                at += 1;
            }
        }
    }
    String::from_utf8_lossy(&kept).into_owned()
}

/// Reads `Retry-After`: seconds, or a date.
fn secs_of(text: &str) -> Option<u64> {
    if let Ok(secs) = text.trim().parse() {
        return Some(secs);
    }
    let at = jiff::fmt::rfc2822::parse(text).ok()?.timestamp();
    let secs = at.as_second() - jiff::Timestamp::now().as_second();
    Some(u64::try_from(secs).unwrap_or(0))
}

/// Says what an error means: before the request was out, the sink cannot have taken it.
fn judge_error(error: &ureq::Error) -> Answer {
    use ureq::Error;
    match error {
        Error::ConnectionFailed
        | Error::HostNotFound
        | Error::Tls(_)
        | Error::Rustls(_)
        | Error::Timeout(Timeout::Resolve | Timeout::Connect) => Answer::Later(Duration::ZERO),
        Error::Io(error) if error.kind() == std::io::ErrorKind::ConnectionRefused => {
            Answer::Later(Duration::ZERO)
        }
        Error::BadUri(_) | Error::Http(_) => {
            Answer::Refused("the address is not usable".to_owned())
        }
        _ => Answer::Unknown(Duration::ZERO),
    }
}

#[cfg(test)]
mod tests;
