//! stub
use std::sync::Arc;
pub struct S;
impl S {
    pub fn stop(self) {}
}
pub fn serve(
    _: std::net::SocketAddr,
    _: &Arc<crate::board::Board>,
    _: &Arc<crate::telemetry::Metrics>,
) -> anyhow::Result<S> {
    Ok(S)
}
