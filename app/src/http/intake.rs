//! Alerts of other systems over HTTP: PagerDuty's Events API v2, Alertmanager's API v2 and its
//! webhook.
//!
//! Each answers as the system that it stands in for: 400 for what can never be accepted, 429 and 503
//! for what is to be sent again, and success only once it is durable.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use axum::body::Body;
use axum::extract::{ConnectInfo, State};
use axum::http::request::Parts;
use axum::http::{Request, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use logwake_detector::alert::Arrival;
use logwake_ingest::intake::{PAGERDUTY_BYTES_MAX, Received, Shape, decode, routing_key};
use serde_json::{Value, json};

use super::body::{Allowance, Bodies};
use super::refusal::Refusal;
use crate::intake::{Caller, Envelope, Intake, NotKept, Refused, Sender};
use crate::runtime::kafka::wall_now;
use crate::telemetry::{IntakeResult, Metrics};

/// What refused requests are counted under: their senders are not known.
const NOBODY: &str = "unknown";

/// What the handlers share.
#[derive(Clone)]
pub(super) struct Desk {
    pub(super) intake: Arc<Intake>,
    pub(super) bodies: Arc<Bodies>,
    pub(super) metrics: Arc<Metrics>,
}

/// Makes the routes of other systems.
pub(super) fn router(desk: Desk) -> Router {
    for sender in desk.intake.gate().senders() {
        IntakeResult::ALL.iter().for_each(|result| desk.metrics.intake(&sender.name, *result, 0));
    }
    Router::new()
        .route("/v2/enqueue", post(enqueue))
        .route("/api/v2/alerts", post(alerts))
        .route("/webhook/alertmanager", post(webhook))
        .route("/api/v2/status", get(status))
        .route("/-/healthy", get(async || "OK"))
        .route("/-/ready", get(async || "OK"))
        .with_state(desk)
}

type Peer = ConnectInfo<SocketAddr>;

async fn enqueue(
    State(desk): State<Desk>,
    ConnectInfo(peer): Peer,
    request: Request<Body>,
) -> Response {
    let begin = Instant::now();
    let answer = desk.take(Shape::PagerDuty, peer, request).await;
    desk.metrics.intake_answered(begin.elapsed());
    match answer {
        Ok(kept) => {
            let key = kept.alerts.first().map(|alert| match alert {
                Arrival::Alert(alert) => alert.key.as_str(),
                _ => "",
            });
            let body = json!({ "status": "success", "message": "Event processed", "dedup_key": key });
            (StatusCode::ACCEPTED, Json(body)).into_response()
        }
        Err(refusal) => refusal.answer(|status, faults| match status {
            StatusCode::TOO_MANY_REQUESTS => json!({ "status": "throttle exceeded", "message": faults[0], "errors": faults }),
            StatusCode::BAD_REQUEST | StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
                json!({ "status": "invalid event", "message": "Event object is invalid", "errors": faults })
            }
            _ => json!({ "status": "error", "message": faults[0], "errors": faults }),
        }),
    }
}

async fn alerts(
    State(desk): State<Desk>,
    ConnectInfo(peer): Peer,
    request: Request<Body>,
) -> Response {
    desk.take_many(Shape::Alerts, peer, request).await
}

async fn webhook(
    State(desk): State<Desk>,
    ConnectInfo(peer): Peer,
    request: Request<Body>,
) -> Response {
    desk.take_many(Shape::Webhook, peer, request).await
}

/// What tools ask Alertmanager for before anything else.
async fn status() -> Response {
    Json(json!({
        "cluster": { "status": "disabled", "peers": [] },
        "config": { "original": "" },
        "uptime": jiff::Timestamp::UNIX_EPOCH.to_string(),
        "versionInfo": {
            "version": env!("CARGO_PKG_VERSION"), "branch": "", "buildDate": "", "buildUser": "",
            "goVersion": "", "revision": "logwake"
        }
    }))
    .into_response()
}

/// What was kept of a request.
struct Kept {
    alerts: Vec<Arrival>,
    refused: Vec<String>,
}

impl Desk {
    async fn take_many(&self, shape: Shape, peer: SocketAddr, request: Request<Body>) -> Response {
        let begin = Instant::now();
        let answer = self.take(shape, peer, request).await;
        self.metrics.intake_answered(begin.elapsed());
        match answer {
            Ok(kept) if kept.refused.is_empty() => StatusCode::OK.into_response(),
            // As Alertmanager does: the others were taken all the same.
            Ok(kept) => (StatusCode::BAD_REQUEST, Json(kept.refused.join("; "))).into_response(),
            Err(refusal) => refusal.answer(|_, faults| Value::from(faults.join("; "))),
        }
    }

    /// Takes a request: who sends it, what it says, how much that is, and keeps it.
    ///
    /// The sender is let in before the body is read, unless the body alone says who it is.
    async fn take(
        &self,
        shape: Shape,
        peer: SocketAddr,
        request: Request<Body>,
    ) -> Result<Kept, Refusal> {
        let (bytes_max, is_keyed) = match shape {
            Shape::PagerDuty => (PAGERDUTY_BYTES_MAX, true),
            Shape::Alerts | Shape::Webhook => (self.intake.body_bytes_max(), false),
        };
        let (parts, body) = request.into_parts();
        let nobody = |refusal: Refusal| {
            self.metrics.intake(NOBODY, refusal.result(), 1);
            refusal
        };
        let is_known = match self.admit(&parts, peer, None) {
            Ok(_) => true,
            Err(Refusal::Sender(Refused::NoToken | Refused::WrongToken)) if is_keyed => false,
            Err(refusal) => return Err(nobody(refusal)),
        };
        let allowance = Allowance { bytes_max, is_known };
        let body = self.bodies.read(&parts, body, allowance).await.map_err(nobody)?;
        let key = if is_keyed { routing_key(&body) } else { Ok(None) };
        let key = key.map_err(|error| nobody(error.into()))?;
        let sender = self.admit(&parts, peer, key.as_deref());
        let sender = sender.map_err(|refusal| nobody(refusal.of_event(is_keyed)))?;
        let taken = self.take_from(&sender, shape, &body).await;
        if let Err(refusal) = &taken {
            self.metrics.intake(&sender.name, refusal.result(), 1);
        }
        taken
    }

    async fn take_from(&self, sender: &Sender, shape: Shape, body: &[u8]) -> Result<Kept, Refusal> {
        let now = wall_now();
        let receipt = self.intake.receipt(&sender.name, now);
        let Received { alerts, refused, truncated, own } = decode(shape, body, &receipt)?;
        sender.take(alerts.len().max(1)).map_err(Refusal::TooMany)?;
        let alerts: Vec<Arrival> =
            alerts.into_iter().map(|alert| Arrival::Alert(Box::new(alert))).collect();
        self.keep(&alerts, now).await?;
        for (result, count) in [
            (IntakeResult::Accepted, alerts.len() as u64),
            (IntakeResult::Invalid, refused.len() as u64),
            (IntakeResult::Truncated, truncated),
            (IntakeResult::Own, own),
        ] {
            self.metrics.intake(&sender.name, result, count);
        }
        Ok(Kept { alerts, refused })
    }

    /// Makes arrivals durable.
    pub(super) async fn keep(
        &self,
        arrivals: &[Arrival],
        received: logwake_detector::time::Timestamp,
    ) -> Result<(), Refusal> {
        if arrivals.is_empty() {
            return Ok(());
        }
        self.intake.keep(arrivals, received).await.map_err(|NotKept| Refusal::NotKept)
    }

    /// Says whose request it is.
    pub(super) fn admit(
        &self,
        parts: &Parts,
        peer: SocketAddr,
        routing_key: Option<&str>,
    ) -> Result<Arc<Sender>, Refusal> {
        let envelope = Envelope { peer, version: parts.version, headers: &parts.headers };
        let caller = Caller { envelope, routing_key };
        self.intake.gate().admit(&caller).map_err(Refusal::Sender)
    }
}

#[cfg(test)]
mod tests;
