//! The live page: one document without outside parts, under a policy that runs no other script.

use std::hash::{BuildHasher as _, RandomState};

use axum::http::header;
use axum::response::{IntoResponse, Response};

use crate::page::assemble;

const PAGE: &str = include_str!("../../assets/page.html");

/// Serves the page with a nonce of its own.
pub(super) async fn page() -> Response {
    let nonce = nonce();
    let policy = format!(
        "default-src 'none'; connect-src 'self'; style-src 'nonce-{nonce}'; script-src 'nonce-{nonce}'; \
         img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    );
    let headers = [
        (header::CONTENT_TYPE, "text/html; charset=utf-8".to_owned()),
        (header::CONTENT_SECURITY_POLICY, policy),
    ];
    (headers, assemble(PAGE).replace("{{nonce}}", &nonce)).into_response()
}

/// Makes a number that nobody can guess: the keys of `RandomState` come from the system.
fn nonce() -> String {
    let part = |text: &str| RandomState::new().hash_one(text);
    format!("{:016x}{:016x}", part("first"), part("second"))
}
