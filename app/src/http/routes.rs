//! What is answered under which path.

use std::sync::Arc;

use axum::Router;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query as Asked, RawQuery, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use serde::Serialize;
use serde_json::json;

use super::body::Bodies;
use super::hosts::{self, Hosts};
use super::intake::Desk;
use super::page::page;
use super::settings::Settings;
use super::{control, intake};
use crate::board::{Board, Check, Query};
use crate::intake::Intake;
use crate::telemetry::{Exposition, Metrics, Stage};

type Question = Result<Asked<Query>, QueryRejection>;

#[derive(Clone)]
struct Shared {
    board: Arc<Board>,
    metrics: Arc<Metrics>,
}

/// Makes the routes over a board and metrics.
pub(super) fn router(
    settings: &Settings,
    board: Arc<Board>,
    metrics: Arc<Metrics>,
    intake: Option<Arc<Intake>>,
) -> Router {
    let hosts = Arc::new(Hosts::new(settings, intake.clone()));
    let taken = intake.map_or_else(Router::new, |intake| {
        let largest = intake.body_bytes_max();
        let bodies = Bodies::new(settings.timeouts.body, largest, Arc::clone(&metrics));
        let desk = Desk { intake, bodies: Arc::new(bodies), metrics: Arc::clone(&metrics) };
        intake::router(desk.clone()).merge(control::router(desk, Arc::clone(&board)))
    });
    Router::new()
        .route("/", get(page))
        .route("/metrics", get(metrics_text))
        .route("/healthz", get(async || "ok\n"))
        .route("/readyz", get(ready))
        .route(
            "/api/v1/status",
            get(async |State(shared): State<Shared>| body(&shared.board.status_view())),
        )
        .route("/api/v1/services", list(|board, query| body(&board.services_view(query))))
        .route("/api/v1/templates", list(|board, query| body(&board.templates_view(query))))
        .route("/api/v1/anomalies", list(|board, query| body(&board.anomalies_view(query))))
        .route("/api/v1/alerts", list(|board, query| body(&board.alerts_view(query))))
        .route("/api/v1/decisions", list(|board, query| body(&board.decisions_view(query))))
        .route("/api/v1/sinks", list(|board, query| body(&board.sinks_view(query))))
        .route("/api/v1/explain/{id}", get(explain))
        .fallback(async || refuse(StatusCode::NOT_FOUND, "nothing is served under this path"))
        .method_not_allowed_fallback(async || {
            refuse(StatusCode::METHOD_NOT_ALLOWED, "this path does not answer this method")
        })
        .with_state(Shared { board, metrics })
        .merge(taken)
        .layer(axum::middleware::from_fn_with_state(hosts, hosts::check))
        .layer(axum::middleware::map_response(guard))
}

/// A list of the board behind a filter and a page.
fn list(view: fn(&Board, &Query) -> Response) -> axum::routing::MethodRouter<Shared> {
    get(async move |State(shared): State<Shared>, question: Question| match question {
        Ok(Asked(query)) => view(&shared.board, &query),
        Err(error) => refuse(StatusCode::BAD_REQUEST, &error.body_text()),
    })
}

async fn metrics_text(State(shared): State<Shared>, headers: HeaderMap) -> Response {
    let accept = headers.get(header::ACCEPT).and_then(|accept| accept.to_str().ok());
    let exposition = Exposition::accepted(accept.unwrap_or_default());
    let readiness = shared.board.readiness();
    for stage in Stage::ALL {
        if let Some(is_ready) = readiness.of(stage) {
            shared.metrics.stage_ready(stage, is_ready);
        }
    }
    let content_type = [(header::CONTENT_TYPE, exposition.content_type())];
    (content_type, shared.metrics.render(exposition)).into_response()
}

/// Says whether the stages work, one sentence for each that does not; `?verbose` lists every check.
async fn ready(State(shared): State<Shared>, RawQuery(query): RawQuery) -> Response {
    let readiness = shared.board.readiness();
    let is_ready = readiness.is_ready();
    let status = if is_ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    let is_verbose = query.is_some_and(|query| query.split('&').any(|part| part == "verbose"));
    let checks = readiness.checks().iter();
    let mut lines: Vec<String> = match is_verbose {
        true => checks.map(line_of).collect(),
        false => readiness.faults().map(str::to_owned).collect(),
    };
    if is_ready {
        lines.push("ready".to_owned());
    }
    (status, lines.join("\n") + "\n").into_response()
}

fn line_of(check: &Check) -> String {
    let name = check.name();
    match &check.fault {
        None => format!("[+]{name} ok"),
        Some(fault) => format!("[-]{name} failed: {fault}"),
    }
}

async fn explain(State(shared): State<Shared>, Path(id): Path<String>) -> Response {
    match shared.board.explain(&id) {
        Some(explanation) => body(&explanation),
        None => refuse(
            StatusCode::NOT_FOUND,
            "no anomaly, alert or decision with this id is remembered",
        ),
    }
}

fn body(value: &impl Serialize) -> Response {
    axum::Json(value).into_response()
}

fn refuse(status: StatusCode, message: &str) -> Response {
    (status, axum::Json(json!({ "error": message }))).into_response()
}

/// Headers that every answer carries.
async fn guard(mut response: Response) -> Response {
    let headers = response.headers_mut();
    for (name, value) in [
        (header::CACHE_CONTROL, "no-store"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    let policy = HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'");
    headers.entry(header::CONTENT_SECURITY_POLICY).or_insert(policy);
    response
}
