//! A stream that tells its connection what moves, and follows the heads of requests.

use std::io::{IoSlice, Result};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::connections::Connection;
use super::framing::Framing;

/// The bytes of one connection.
pub(super) struct Stream<S> {
    inner: S,
    connection: Arc<Connection>,
    framing: Framing,
}

impl<S> Stream<S> {
    /// Watches a stream.
    pub(super) fn new(inner: S, connection: Arc<Connection>) -> Self {
        Self { inner, connection, framing: Framing::new() }
    }

    fn written(&self, result: Result<usize>) -> Poll<Result<usize>> {
        if result.as_ref().is_ok_and(|bytes| *bytes > 0) {
            self.connection.was_written();
        }
        Poll::Ready(result)
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Stream<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<Result<()>> {
        let before = buffer.filled().len();
        let result = ready!(Pin::new(&mut self.inner).poll_read(cx, buffer));
        if buffer.filled().len() > before {
            self.connection.was_read();
            self.framing.follow(&mut buffer.filled_mut()[before..]);
        }
        Poll::Ready(result)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Stream<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<Result<usize>> {
        let result = ready!(Pin::new(&mut self.inner).poll_write(cx, bytes));
        self.written(result)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        parts: &[IoSlice<'_>],
    ) -> Poll<Result<usize>> {
        let result = ready!(Pin::new(&mut self.inner).poll_write_vectored(cx, parts));
        self.written(result)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
        let result = ready!(Pin::new(&mut self.inner).poll_flush(cx));
        self.connection.was_flushed();
        Poll::Ready(result)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }
}
