//! What goes over a connection: plain text, or TLS, beginning with its handshake.
//!
//! The handshake is part of the first reading or writing, and so of the task that serves the connection: however slow it is,
//! nobody else waits for it.

use std::{
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use rustls::ServerConfig;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
};
use tokio_rustls::{FallibleAccept, TlsAcceptor, server::TlsStream};

/// Whatever can be read from and written to.
pub(super) trait Duplex: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Duplex for T {}

/// What goes over a connection.
pub(super) enum Stream {
    Plain(TcpStream),
    /// TLS, not agreed on yet.
    Opening(Box<FallibleAccept<TcpStream>>),
    Tls(Box<TlsStream<TcpStream>>),
    /// There will be no TLS.
    Failed,
}

impl Stream {
    /// With a configuration TLS, as it is now; a later one is for later connections.
    pub(super) fn new(stream: TcpStream, tls: Option<Arc<ServerConfig>>) -> Self {
        match tls {
            Some(config) => Self::Opening(Box::new(TlsAcceptor::from(config).accept(stream).into_fallible())),
            None => Self::Plain(stream),
        }
    }

    /// Goes on with the handshake, where there is one to go on with. Where it fails the caller gets the socket, which the
    /// client sees closed as soon as that is dropped.
    pub(super) fn poll_open(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), (io::Error, TcpStream)>> {
        let Self::Opening(handshake) = self else { return Poll::Ready(Ok(())) };
        let (next, outcome) = match ready!(Pin::new(handshake).poll(cx)) {
            Ok(stream) => (Self::Tls(Box::new(stream)), Ok(())),
            Err(failure) => (Self::Failed, Err(failure)),
        };
        *self = next;
        Poll::Ready(outcome)
    }

    /// Gives the handshake up.
    pub(super) fn fail(&mut self) {
        *self = Self::Failed;
    }

    /// What is read and written, once it is open.
    pub(super) fn open(&mut self) -> io::Result<Pin<&mut dyn Duplex>> {
        match self {
            Self::Plain(stream) => Ok(Pin::new(stream)),
            Self::Tls(stream) => Ok(Pin::new(stream.as_mut())),
            Self::Opening(_) | Self::Failed => Err(io::ErrorKind::NotConnected.into()),
        }
    }
}
