//! Takes connections in and serves them, each on a task of its own.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{ConnectInfo, Request};
use axum::http::{HeaderValue, header};
use hyper::server::conn::http1;
use hyper::service::{Service as _, service_fn};
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{oneshot, watch};
use tokio::task::JoinSet;

use super::connections::{Connection, Connections, Phase};
use super::stream::Stream;

/// How long open requests may take at the end of the program.
const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(2);
/// How often connections whose time is over are looked for.
const SWEEP_EVERY: Duration = Duration::from_millis(250);
/// Wait before another try where no connection can be taken in.
const PAUSE: Duration = Duration::from_millis(50);
/// Bytes that are buffered of a connection, and the longest head: proxies send 8 to 32 KiB.
const BUFFER_BYTES_MAX: usize = 64 << 10;

/// Serves until told to stop; then open requests may end within two seconds.
pub(super) async fn serve(
    listener: TcpListener,
    app: Router,
    connections: Arc<Connections>,
    mut stopped: oneshot::Receiver<()>,
) {
    let (stop, stopping) = watch::channel(false);
    let service = TowerToHyperService::new(app);
    let mut tasks = JoinSet::new();
    let sweeper = tokio::spawn(sweep(Arc::clone(&connections)));
    while let Some(accepted) = next(&listener, &mut tasks, &mut stopped).await {
        if !has_room(&connections, &mut stopped).await {
            break;
        }
        // It counts from here on, whenever its task begins.
        let connection = connections.open();
        tasks.spawn(answer(accepted, service.clone(), connection, stopping.clone()));
    }
    drop(listener);
    sweeper.abort();
    _ = stop.send(true);
    let rest = async { while tasks.join_next().await.is_some() {} };
    if tokio::time::timeout(SHUTDOWN_TIMEOUT, rest).await.is_err() {
        tracing::debug!("open requests were cut off");
    }
}

/// Closes those connections whose time is over, for ever.
async fn sweep(connections: Arc<Connections>) {
    let mut sweep = tokio::time::interval(SWEEP_EVERY);
    loop {
        sweep.tick().await;
        connections.sweep();
    }
}

/// Returns the next connection, `None` once it is time to stop.
async fn next(
    listener: &TcpListener,
    tasks: &mut JoinSet<()>,
    stopped: &mut oneshot::Receiver<()>,
) -> Option<(TcpStream, SocketAddr)> {
    loop {
        tokio::select! {
            _ = &mut *stopped => return None,
            Some(_) = tasks.join_next(), if !tasks.is_empty() => {}
            accepted = listener.accept() => match accepted {
                Ok(accepted) => return Some(accepted),
                Err(error) => {
                    tracing::debug!(%error, "no connection can be taken in");
                    tokio::time::sleep(PAUSE).await;
                }
            },
        }
    }
}

/// Waits until there is room for one more, so that what comes after it takes no file; `false` once
/// it is time to stop.
async fn has_room(connections: &Connections, stopped: &mut oneshot::Receiver<()>) -> bool {
    while !connections.make_room() {
        tokio::select! {
            _ = &mut *stopped => return false,
            () = tokio::time::sleep(PAUSE) => {}
        }
    }
    true
}

/// Answers what comes over one connection.
async fn answer(
    (stream, peer): (TcpStream, SocketAddr),
    service: TowerToHyperService<Router>,
    connection: Arc<Connection>,
    mut stopping: watch::Receiver<bool>,
) {
    let io = TokioIo::new(Stream::new(stream, Arc::clone(&connection)));
    let watched = Arc::clone(&connection);
    let service = service_fn(move |request: hyper::Request<hyper::body::Incoming>| {
        watched.enter(Phase::Work);
        let mut request: Request = request.map(Body::new);
        request.extensions_mut().insert(ConnectInfo(peer));
        request.extensions_mut().insert(Arc::clone(&watched));
        // The framing of what follows a body without a stated length is not known.
        let is_last = request.headers().contains_key(header::TRANSFER_ENCODING);
        let (answered, watched) = (service.call(request), Arc::clone(&watched));
        async move {
            let Ok(mut answer) = answered.await;
            if is_last {
                answer.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
            }
            watched.enter(Phase::Write);
            Ok::<_, Infallible>(answer)
        }
    });
    let mut builder = http1::Builder::new();
    let serving = builder.max_buf_size(BUFFER_BYTES_MAX).serve_connection(io, service);
    let mut serving = std::pin::pin!(serving);
    loop {
        tokio::select! {
            result = serving.as_mut() => {
                if let Err(error) = result {
                    tracing::debug!(%error, "connection ended");
                }
                return;
            }
            () = connection.ended() => return,
            // It comes once.
            Ok(()) = stopping.changed() => serving.as_mut().graceful_shutdown(),
        }
    }
}
