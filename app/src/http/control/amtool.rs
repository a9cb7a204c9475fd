//! Silences as Alertmanager's API v2 has them, for `amtool` and what speaks to it.
//!
//! Ours know services, hosts and names with `*`; a matcher that says something else is refused, never
//! taken for what it is not.

use std::net::SocketAddr;

use axum::Json;
use axum::body::Body;
use axum::extract::{ConnectInfo, Path, State};
use axum::http::{Request, StatusCode};
use axum::response::{IntoResponse, Response};
use logwake_detector::alert::Silence;
use logwake_ingest::intake::{Aspect, aspect_of};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{Control, Peer, Wanted, parse};
use crate::board::{Query, rfc3339};
use crate::http::refusal::Refusal;
use crate::runtime::kafka::wall_now;

#[derive(Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
struct Matcher {
    name: String,
    value: String,
    #[serde(default)]
    is_regex: bool,
    #[serde(default = "yes")]
    is_equal: bool,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Posted {
    id: Option<String>,
    matchers: Vec<Matcher>,
    starts_at: Option<String>,
    ends_at: String,
    created_by: String,
    comment: String,
}

fn yes() -> bool {
    true
}

pub(super) async fn list(State(control): State<Control>) -> Response {
    let all = control.board.silences_view(&Query { limit: Some(usize::MAX), ..Query::default() });
    let shown: Vec<Value> = all.items.into_iter().map(|body| show(&body.into())).collect();
    Json(shown).into_response()
}

pub(super) async fn one(State(control): State<Control>, Path(id): Path<String>) -> Response {
    match control.board.silence(&id).flatten() {
        Some(silence) => Json(show(&silence)).into_response(),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

pub(super) async fn silence(
    State(control): State<Control>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    request: Request<Body>,
) -> Response {
    let wanted = control.ask(peer, request).await;
    let wanted = wanted.and_then(|body| parse::<Posted>(&body)?.into_wanted());
    let silenced = match wanted {
        Ok(wanted) => control.silence(wanted).await,
        Err(refusal) => Err(refusal),
    };
    match silenced {
        Ok(silence) => Json(json!({ "silenceID": silence.id })).into_response(),
        Err(refusal) => answer(&refusal),
    }
}

pub(super) async fn unsilence(
    State(control): State<Control>,
    ConnectInfo(peer): Peer,
    Path(id): Path<String>,
    request: Request<Body>,
) -> Response {
    match control.unsilence(peer, id, request).await {
        Ok(()) => StatusCode::OK.into_response(),
        Err(refusal) => answer(&refusal),
    }
}

fn answer(refusal: &Refusal) -> Response {
    refusal.answer(|_, faults| Value::from(faults.join("; ")))
}

impl Posted {
    fn into_wanted(self) -> Result<Wanted, Refusal> {
        let mut wanted = Wanted {
            id: self.id.filter(|id| !id.is_empty()),
            starts_at: self.starts_at.filter(|time| !time.is_empty()),
            ends_at: Some(self.ends_at),
            by: self.created_by,
            comment: self.comment,
            ..Wanted::default()
        };
        for matcher in &self.matchers {
            let patterns = patterns_of(matcher).map_err(|fault| Refusal::Invalid(vec![fault]))?;
            let list = match aspect_of(&matcher.name) {
                Some(Aspect::Service) => &mut wanted.services,
                Some(Aspect::Host) => &mut wanted.hosts,
                Some(Aspect::Name) => &mut wanted.names,
                _ => {
                    let fault = format!("label {:?} names no service, host or alert", matcher.name);
                    return Err(Refusal::Invalid(vec![fault]));
                }
            };
            if !list.is_empty() {
                let fault = format!("a second matcher for what {:?} names", matcher.name);
                return Err(Refusal::Invalid(vec![fault]));
            }
            *list = patterns;
        }
        Ok(wanted)
    }
}

/// Turns what a matcher matches into patterns with `*`.
fn patterns_of(matcher: &Matcher) -> Result<Vec<String>, String> {
    let Matcher { name, value, is_regex, is_equal } = matcher;
    if !is_equal {
        return Err(format!("{name}: what does not match cannot be silenced"));
    }
    if !is_regex {
        return if value.contains('*') {
            Err(format!("{name}: a plain * is not to be had"))
        } else {
            Ok(vec![value.clone()])
        };
    }
    let text = value.strip_prefix("^(?:").and_then(|text| text.strip_suffix(")$")).unwrap_or(value);
    let patterns = text.split('|').map(|part| part.replace("\\.", "\u{1}").replace(".*", "*"));
    let patterns: Vec<String> = patterns.collect();
    let is_plain = |c: char| c.is_alphanumeric() || "-_ /:@*\u{1}".contains(c);
    if patterns.iter().any(|pattern| pattern.is_empty() || !pattern.chars().all(is_plain)) {
        return Err(format!("{name}: of expressions only a|b and .* can be taken, not {value:?}"));
    }
    Ok(patterns.into_iter().map(|pattern| pattern.replace('\u{1}', ".")).collect())
}

/// Shows a silence as Alertmanager would.
fn show(silence: &Silence) -> Value {
    let scope = &silence.scope;
    let lists = [("service", &scope.services), ("host", &scope.hosts), ("alertname", &scope.names)];
    let matcher = |(name, patterns): (&str, &Vec<String>)| {
        let is_plain = patterns.len() == 1 && !patterns[0].contains('*');
        let parts: Vec<String> =
            patterns.iter().map(|pattern| pattern.replace('.', "\\.").replace('*', ".*")).collect();
        let value = if is_plain { patterns[0].clone() } else { parts.join("|") };
        Matcher { name: name.to_owned(), value, is_regex: !is_plain, is_equal: true }
    };
    let told = lists.into_iter().filter(|(_, patterns)| !patterns.is_empty());
    let state = if silence.starts_at > wall_now() { "pending" } else { "active" };
    json!({
        "id": silence.id,
        "status": { "state": state },
        "matchers": told.map(matcher).collect::<Vec<_>>(),
        "startsAt": rfc3339(silence.starts_at),
        "endsAt": rfc3339(silence.ends_at),
        "updatedAt": rfc3339(silence.starts_at),
        "createdBy": silence.by,
        "comment": silence.comment,
    })
}
