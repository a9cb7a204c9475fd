//! What is answered under which path.

use std::sync::Arc;

use axum::Router;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query as Asked, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use serde::Serialize;
use serde_json::json;

use super::intake::Desk;
use super::page::page;
use super::{control, intake};
use crate::board::{Board, Query};
use crate::intake::Intake;
use crate::telemetry::{Exposition, Metrics};

type Question = Result<Asked<Query>, QueryRejection>;

#[derive(Clone)]
struct Shared {
    board: Arc<Board>,
    metrics: Arc<Metrics>,
}

/// Makes the routes over a board and metrics.
pub(super) fn router(
    board: Arc<Board>,
    metrics: Arc<Metrics>,
    intake: Option<Arc<Intake>>,
) -> Router {
    let taken = intake.map_or_else(Router::new, |intake| {
        let desk = Desk { intake, metrics: Arc::clone(&metrics) };
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
    let content_type = [(header::CONTENT_TYPE, exposition.content_type())];
    (content_type, shared.metrics.render(exposition)).into_response()
}

async fn ready(State(shared): State<Shared>) -> Response {
    if shared.board.is_ready() {
        "ready\n".into_response()
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, "the stages have not started\n").into_response()
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
