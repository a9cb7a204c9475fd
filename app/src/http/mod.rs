//! HTTP: the metrics, the health of the process, the API over the live board, and the page.
//!
//! It runs on threads of its own and reads the board alone, so a slow or hostile reader slows
//! nothing else; what it takes in goes to a topic, never to a stage.
//! **Text from logs is data**: the API sends JSON, the page sets text and never HTML, and its
//! content policy runs no script but its own.

#![allow(unreachable_pub, reason = "`pub` marks what a module offers; the program is one crate")]

mod control;
mod intake;
mod page;
mod refusal;
mod routes;

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::sync::oneshot;

use crate::board::Board;
use crate::intake::Intake;
use crate::telemetry::Metrics;

/// Threads that answer.
const WORKERS: usize = 2;
/// How long open requests may take at the end of the program.
const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(2);

/// A running server; it stops when this is dropped.
#[derive(Debug)]
pub struct Server {
    address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

/// Serves on an address until the handle is dropped; port 0 takes a free one; with an intake,
/// alerts of other systems are taken too.
///
/// # Errors
/// Fails where the address cannot be listened on or no thread can be started.
pub fn serve(
    address: SocketAddr,
    board: Arc<Board>,
    metrics: Arc<Metrics>,
    intake: Option<Arc<Intake>>,
) -> io::Result<Server> {
    let listener = TcpListener::bind(address)?;
    listener.set_nonblocking(true)?;
    let address = listener.local_addr()?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(WORKERS)
        .thread_name("http")
        .enable_all()
        .build()?;
    let (stop, stopped) = oneshot::channel::<()>();
    let app = routes::router(board, metrics, intake);
    let thread = std::thread::Builder::new().name("http-main".into()).spawn(move || {
        runtime.block_on(answer(listener, app, stopped));
        runtime.shutdown_timeout(Duration::from_millis(100));
    })?;
    Ok(Server { address, stop: Some(stop), thread: Some(thread) })
}

async fn answer(listener: TcpListener, app: axum::Router, stopped: oneshot::Receiver<()>) {
    let listener = match tokio::net::TcpListener::from_std(listener) {
        Ok(listener) => listener,
        Err(error) => {
            tracing::error!(%error, "HTTP is not served");
            return;
        }
    };
    let (begin_end, begun) = oneshot::channel::<()>();
    let app = app.into_make_service_with_connect_info::<SocketAddr>();
    let serving = axum::serve(listener, app).with_graceful_shutdown(async move {
        let _ = stopped.await;
        let _ = begin_end.send(());
    });
    let overdue = async move {
        let _ = begun.await;
        tokio::time::sleep(SHUTDOWN_TIMEOUT).await;
    };
    tokio::select! {
        result = serving => if let Err(error) = result {
            tracing::error!(%error, "HTTP ended");
        },
        () = overdue => tracing::debug!("open requests were cut off"),
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
