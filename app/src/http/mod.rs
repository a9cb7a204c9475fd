//! HTTP: the metrics, the health of the process, the API over the live board, and the page.
//!
//! It runs on threads of its own and reads the board alone, so a slow or hostile reader slows
//! nothing else; what it takes in goes to a topic, never to a stage.
//! **No peer holds a connection for as long as it likes**, and connections never take the files that
//! sinks and brokers need.
//! **Text from logs is data**: the API sends JSON, the page sets text and never HTML, and its
//! content policy runs no script but its own.

#![allow(unreachable_pub, reason = "`pub` marks what a module offers; the program is one crate")]

mod accept;
mod body;
mod connections;
mod control;
mod framing;
mod hosts;
mod intake;
mod page;
mod refusal;
mod routes;
mod settings;
mod stream;

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::sync::oneshot;

use crate::board::Board;
use crate::intake::Intake;
use crate::telemetry::Metrics;

pub use settings::Settings;

use connections::Connections;

/// Threads that answer.
const WORKERS: usize = 2;

/// A running server; it stops when this is dropped.
#[derive(Debug)]
pub struct Server {
    address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

/// Serves until the handle is dropped; with an intake, alerts of other systems are taken too.
///
/// # Errors
/// Fails where the address cannot be listened on or no thread can be started.
pub fn serve(
    settings: &Settings,
    board: Arc<Board>,
    metrics: Arc<Metrics>,
    intake: Option<Arc<Intake>>,
) -> io::Result<Server> {
    let listener = TcpListener::bind(settings.address)?;
    listener.set_nonblocking(true)?;
    let address = listener.local_addr()?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(WORKERS)
        .thread_name("http")
        .enable_all()
        .build()?;
    let (stop, stopped) = oneshot::channel::<()>();
    let timeouts = settings.timeouts;
    let connections = Connections::new(settings.connections_max, timeouts, Arc::clone(&metrics));
    let app = routes::router(settings, board, metrics, intake);
    let thread = std::thread::Builder::new().name("http-main".into()).spawn(move || {
        runtime.block_on(answer(listener, app, connections, stopped));
        runtime.shutdown_timeout(Duration::from_millis(100));
    })?;
    Ok(Server { address, stop: Some(stop), thread: Some(thread) })
}

async fn answer(
    listener: TcpListener,
    app: axum::Router,
    connections: Arc<Connections>,
    stopped: oneshot::Receiver<()>,
) {
    match tokio::net::TcpListener::from_std(listener) {
        Ok(listener) => accept::serve(listener, app, connections, stopped).await,
        Err(error) => tracing::error!(%error, "HTTP is not served"),
    }
}

impl Server {
    /// Returns the address that is listened on.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Stops: new requests are refused, open ones may end within two seconds.
    pub fn shutdown(mut self) {
        self.end();
    }

    fn end(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the HTTP thread panicked");
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.end();
    }
}

#[cfg(test)]
mod tests;
