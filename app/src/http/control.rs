//! What people ask for: silences and acknowledgements, and silences as `amtool` asks Alertmanager.
//!
//! What is asked is durable before it is answered; it takes effect once the stages have read it.

mod amtool;

use std::net::SocketAddr;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::rejection::QueryRejection;
use axum::extract::{ConnectInfo, Path, Query as Asked, State};
use axum::http::{Request, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{delete, get, post};
use axum::{Json, Router};
use logwake_detector::alert::{Arrival, Scope, Silence};
use logwake_detector::anomaly::Severity;
use logwake_detector::time::Timestamp;
use logwake_emit::event::SilenceBody;
use logwake_ingest::decode::time_of;
use serde::Deserialize;
use serde_json::json;

use super::body::{Allowance, Payload};
use super::intake::Desk;
use super::refusal::Refusal;
use crate::board::{Board, Query};
use crate::config::Span;
use crate::runtime::kafka::{SILENCES_MAX, wall_now};

/// Bytes of a request.
const BODY_BYTES_MAX: usize = 64 << 10;
/// Characters of a text.
const TEXT_CHARS_MAX: usize = 1_024;
/// Patterns of one silence.
const PATTERNS_MAX: usize = 100;
/// Longest silence.
const LONGEST: Span = Span::secs(366 * 86_400);

type Peer = ConnectInfo<SocketAddr>;

/// What the handlers share.
#[derive(Clone)]
struct Control {
    desk: Desk,
    board: Arc<Board>,
}

/// A silence as it is asked for.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Wanted {
    id: Option<String>,
    services: Vec<String>,
    hosts: Vec<String>,
    names: Vec<String>,
    starts_at: Option<String>,
    ends_at: Option<String>,
    duration: Option<String>,
    by: String,
    comment: String,
    ticket: Option<String>,
    accepts: Option<Severity>,
    rate_max: Option<u32>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct TakenBy {
    by: String,
}

/// Makes the routes of what people ask for.
pub(super) fn router(desk: Desk, board: Arc<Board>) -> Router {
    Router::new()
        .route("/api/v1/silences", get(list).post(silence))
        .route("/api/v1/silences/{id}", delete(unsilence))
        .route("/api/v1/alerts/{id}/acknowledge", post(acknowledge))
        .route("/api/v2/silences", get(amtool::list).post(amtool::silence))
        .route("/api/v2/silence/{id}", get(amtool::one).delete(amtool::unsilence))
        .with_state(Control { desk, board })
}

async fn list(
    State(control): State<Control>,
    question: Result<Asked<Query>, QueryRejection>,
) -> Response {
    match question {
        Ok(Asked(query)) => Json(control.board.silences_view(&query)).into_response(),
        Err(error) => answer(&Refusal::Invalid(vec![error.body_text()])),
    }
}

async fn silence(
    State(control): State<Control>,
    ConnectInfo(peer): Peer,
    request: Request<Body>,
) -> Response {
    let wanted = control.ask(peer, request).await.and_then(|body| parse::<Wanted>(&body));
    let silenced = match wanted {
        Ok(wanted) => control.silence(wanted).await,
        Err(refusal) => Err(refusal),
    };
    match silenced {
        Ok(silence) => (StatusCode::CREATED, Json(SilenceBody::from(&silence))).into_response(),
        Err(refusal) => answer(&refusal),
    }
}

async fn unsilence(
    State(control): State<Control>,
    ConnectInfo(peer): Peer,
    Path(id): Path<String>,
    request: Request<Body>,
) -> Response {
    match control.unsilence(peer, id, request).await {
        Ok(()) => (StatusCode::ACCEPTED, Json(json!({ "status": "accepted" }))).into_response(),
        Err(refusal) => answer(&refusal),
    }
}

async fn acknowledge(
    State(control): State<Control>,
    ConnectInfo(peer): Peer,
    Path(id): Path<String>,
    request: Request<Body>,
) -> Response {
    let wanted = control.ask(peer, request).await.and_then(|body| parse::<TakenBy>(&body));
    let asked = match wanted {
        Ok(taken) => control.acknowledge(id, taken.by).await,
        Err(refusal) => Err(refusal),
    };
    match asked {
        Ok(()) => (StatusCode::ACCEPTED, Json(json!({ "status": "accepted" }))).into_response(),
        Err(refusal) => answer(&refusal),
    }
}

impl Control {
    /// Reads a request of somebody who may ask for things.
    async fn ask(&self, peer: SocketAddr, request: Request<Body>) -> Result<Payload<'_>, Refusal> {
        let (parts, body) = request.into_parts();
        let sender = self.desk.admit(&parts, peer, None)?;
        if !sender.may_silence {
            return Err(Refusal::NotAllowed);
        }
        sender.take(1).map_err(Refusal::TooMany)?;
        let allowance = Allowance { bytes_max: BODY_BYTES_MAX, is_known: true };
        self.desk.bodies.read(&parts, body, allowance).await
    }

    async fn silence(&self, wanted: Wanted) -> Result<Silence, Refusal> {
        let now = wall_now();
        let is_new = wanted.id.is_none();
        if let Some(id) = &wanted.id
            && self.board.silence(id) == Some(None)
        {
            return Err(Refusal::Unknown(format!("there is no silence {id:?}")));
        }
        let id = wanted.id.clone().unwrap_or_else(|| self.desk.intake.new_id("s", now));
        let silence = wanted.into_silence(id, now).map_err(Refusal::Invalid)?;
        if is_new && self.board.silence_count() >= SILENCES_MAX {
            let message = format!("there are {SILENCES_MAX} silences, end some first");
            return Err(Refusal::Invalid(vec![message]));
        }
        self.desk.keep(&[Arrival::Silence(silence.clone())], now).await?;
        Ok(silence)
    }

    async fn unsilence(
        &self,
        peer: SocketAddr,
        id: String,
        request: Request<Body>,
    ) -> Result<(), Refusal> {
        self.ask(peer, request).await?;
        if self.board.silence(&id) == Some(None) {
            return Err(Refusal::Unknown(format!("there is no silence {id:?}")));
        }
        let at = wall_now();
        self.desk.keep(&[Arrival::Unsilence { id, at }], at).await
    }

    async fn acknowledge(&self, alert: String, by: String) -> Result<(), Refusal> {
        let by = text("by", &by).map_err(|fault| Refusal::Invalid(vec![fault]))?;
        if !self.board.has_open_alert(&alert) {
            return Err(Refusal::Unknown(format!("no alert {alert:?} is open here")));
        }
        let at = wall_now();
        self.desk.keep(&[Arrival::Acknowledge { alert, by, at }], at).await
    }
}

impl Wanted {
    fn into_silence(self, id: String, now: Timestamp) -> Result<Silence, Vec<String>> {
        let mut faults = Vec::new();
        let mut take = |read: Result<String, String>| {
            read.unwrap_or_else(|fault| {
                faults.push(fault);
                String::new()
            })
        };
        let (by, comment) = (take(text("by", &self.by)), take(text("comment", &self.comment)));
        let ticket = self.ticket.map(|ticket| take(text("ticket", &ticket)));
        let scope = Scope { services: self.services, hosts: self.hosts, names: self.names };
        let patterns = [&scope.services, &scope.hosts, &scope.names];
        let count: usize = patterns.iter().map(|list| list.len()).sum();
        if !(1..=PATTERNS_MAX).contains(&count) {
            faults.push(format!("name 1 to {PATTERNS_MAX} services, hosts or names"));
        }
        for pattern in patterns.into_iter().flatten() {
            faults.extend(text("a service, host or name", pattern).err());
        }
        let starts_at = time("starts_at", self.starts_at.as_deref(), &mut faults).unwrap_or(now);
        let stated = time("ends_at", self.ends_at.as_deref(), &mut faults);
        let ends_at = match (stated, self.duration.as_deref()) {
            (Some(_), Some(_)) => Err("give ends_at or duration, not both".to_owned()),
            (Some(end), None) => Ok(end),
            (None, Some(span)) => span.parse::<Span>().map(|span| starts_at + span.0),
            (None, None) => Err("ends_at or duration is missing".to_owned()),
        };
        let ends_at = ends_at.unwrap_or_else(|fault| {
            faults.push(fault);
            now + LONGEST.0
        });
        if ends_at <= now.max(starts_at) || ends_at > now + LONGEST.0 {
            faults.push("it must end after now and its start, and within a year".to_owned());
        }
        if self.rate_max == Some(0) {
            faults.push("rate_max is 0; leave it out, or accept nothing by accepts".to_owned());
        }
        if !faults.is_empty() {
            return Err(faults);
        }
        let accepts = self.accepts.unwrap_or(Severity::Critical);
        let rate_max = self.rate_max;
        Ok(Silence { id, scope, starts_at, ends_at, by, comment, ticket, accepts, rate_max })
    }
}

fn text(name: &str, text: &str) -> Result<String, String> {
    let text = text.trim();
    if (1..=TEXT_CHARS_MAX).contains(&text.chars().count()) {
        Ok(text.to_owned())
    } else {
        Err(format!("{name} must have 1 to {TEXT_CHARS_MAX} characters"))
    }
}

fn time(name: &str, text: Option<&str>, faults: &mut Vec<String>) -> Option<Timestamp> {
    let text = text?;
    let time = time_of(text.as_bytes());
    if time.is_none() {
        faults.push(format!("{name} {text:?} is not a time of RFC 3339"));
    }
    time
}

fn parse<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Result<T, Refusal> {
    serde_json::from_slice(body).map_err(|error| Refusal::Invalid(vec![error.to_string()]))
}

fn answer(refusal: &Refusal) -> Response {
    refusal.answer(|_, faults| json!({ "error": faults.join("; ") }))
}
