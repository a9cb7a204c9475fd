//! Why a request is not accepted, and how that is answered.

use std::time::Duration;

use axum::Json;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use logwake_ingest::intake::IntakeError;
use serde_json::Value;

use crate::intake::Refused;
use crate::telemetry::IntakeResult;

/// Wait that is asked for while nothing can be kept.
const RETRY_AFTER: Duration = Duration::from_secs(5);

/// Why a request is not accepted, and what may be done about it.
#[derive(Debug)]
pub(super) enum Refusal {
    /// The sender is not let in.
    Sender(Refused),
    /// Its event names no source.
    RoutingKey,
    /// It may not do this.
    NotAllowed,
    /// The body is too large, of so many bytes at most.
    TooLarge(usize),
    /// The body did not come.
    NoBody,
    /// Bodies of others take all the room that there is.
    NoRoom,
    /// It can never be accepted; what is wrong with it.
    Invalid(Vec<String>),
    /// There is no such thing.
    Unknown(String),
    /// The sender has sent too much.
    TooMany(Duration),
    /// It could not be kept.
    NotKept,
}

impl From<IntakeError> for Refusal {
    fn from(error: IntakeError) -> Self {
        match error {
            IntakeError::NotJson(_) => Self::Invalid(vec![error.to_string()]),
            IntakeError::Invalid(faults) => Self::Invalid(faults),
        }
    }
}

impl Refusal {
    /// An event that states its source is itself at fault where there is none.
    pub(super) fn of_event(self, is_keyed: bool) -> Self {
        match self {
            Self::Sender(Refused::NoToken | Refused::WrongToken) if is_keyed => Self::RoutingKey,
            other => other,
        }
    }

    /// Returns what it is counted as.
    pub(super) fn result(&self) -> IntakeResult {
        match self {
            Self::Sender(_) | Self::RoutingKey | Self::NotAllowed => IntakeResult::Refused,
            Self::TooLarge(_) => IntakeResult::TooLarge,
            Self::NoBody | Self::Invalid(_) | Self::Unknown(_) => IntakeResult::Invalid,
            Self::TooMany(_) | Self::NoRoom => IntakeResult::Limited,
            Self::NotKept => IntakeResult::NotKept,
        }
    }

    fn status(&self) -> StatusCode {
        match self {
            Self::Sender(Refused::NoToken | Refused::WrongToken) => StatusCode::UNAUTHORIZED,
            Self::Sender(Refused::NotLocal(_)) | Self::NotAllowed => StatusCode::FORBIDDEN,
            Self::TooLarge(_) => StatusCode::PAYLOAD_TOO_LARGE,
            Self::NoBody => StatusCode::REQUEST_TIMEOUT,
            // As PagerDuty answers a routing key that it does not know.
            Self::Invalid(_) | Self::RoutingKey => StatusCode::BAD_REQUEST,
            Self::Unknown(_) => StatusCode::NOT_FOUND,
            Self::TooMany(_) => StatusCode::TOO_MANY_REQUESTS,
            Self::NotKept | Self::NoRoom => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    fn faults(&self) -> Vec<String> {
        let fault = match self {
            Self::Invalid(faults) => return faults.clone(),
            Self::Sender(Refused::NoToken) => {
                "no token; send the one of a source of intake.sources"
            }
            Self::Sender(Refused::WrongToken) => "no source of intake.sources has this token",
            Self::RoutingKey => "Invalid routing key",
            Self::Sender(Refused::NotLocal(foreign)) => {
                return vec![format!(
                    "no source is configured, so only programs on this machine may send, and {foreign}; see intake.sources"
                )];
            }
            Self::NotAllowed => "this source may not silence or acknowledge; see may_silence",
            Self::TooLarge(max) => return vec![format!("the body is larger than {max} bytes")],
            Self::NoBody => "the body did not arrive",
            Self::NoRoom => "too many large requests arrive at the same time; send it again",
            Self::Unknown(what) => return vec![what.clone()],
            Self::TooMany(_) => "this source has sent too many alerts",
            Self::NotKept => "it could not be made durable; send it again",
        };
        vec![fault.to_owned()]
    }

    /// Answers in the words of an API.
    pub(super) fn answer(&self, body: impl FnOnce(StatusCode, &[String]) -> Value) -> Response {
        let status = self.status();
        let mut response = (status, Json(body(status, &self.faults()))).into_response();
        let wait = match self {
            Self::TooMany(wait) => Some(*wait),
            Self::NotKept | Self::NoRoom => Some(RETRY_AFTER),
            _ => None,
        };
        if let Some(wait) = wait {
            let secs = wait.as_secs_f64().ceil().max(1.0) as u64;
            response.headers_mut().insert(header::RETRY_AFTER, secs.into());
        }
        response
    }
}
