//! The connections of the gRPC port: how many, and how patiently we wait for their first words.

use std::{
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use futures_util::{Stream, StreamExt, stream};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
    sync::{OwnedSemaphorePermit, Semaphore},
    time::Sleep,
};
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};
use tonic::transport::server::{Connected, TcpConnectInfo, TcpIncoming};

use crate::telemetry::metrics::{OpenConnection, connection_refused};

/// A client gets this long to send the HTTP/2 preface; one that connects and stays silent only takes a place.
const PREFACE_TIME: Duration = Duration::from_secs(5);
/// `PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n`.
const PREFACE_BYTES: usize = 24;
/// After a failed accept, usually for want of file descriptors, which only time gives back. tonic would try again at
/// once and spin.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// What the connections of a server share.
#[derive(Debug, Clone)]
pub(super) struct Gatekeeper {
    places: Arc<Semaphore>,
    /// Ends every connection, when patience with the last calls is over.
    cut: CancellationToken,
}

impl Gatekeeper {
    pub(super) fn new(connections: usize, cut: CancellationToken) -> Self {
        Self { places: Arc::new(Semaphore::new(connections)), cut }
    }

    /// Accepted connections. Those for which there is no place are closed at once: the client learns it right away and
    /// can go elsewhere, which it could not while it waits in a backlog.
    pub(super) fn connections(self, incoming: TcpIncoming) -> impl Stream<Item = io::Result<Connection>> {
        stream::unfold((self, incoming), async |(keeper, mut incoming)| {
            loop {
                match incoming.next().await? {
                    Ok(stream) => match Arc::clone(&keeper.places).try_acquire_owned() {
                        Ok(place) => {
                            let connection = Connection::new(stream, place, &keeper.cut);
                            return Some((Ok(connection), (keeper, incoming)));
                        }
                        Err(_full) => connection_refused(),
                    },
                    Err(error) => {
                        tracing::warn!(%error, "a connection could not be accepted");
                        tokio::time::sleep(ACCEPT_PAUSE).await;
                    }
                }
            }
        })
    }
}

/// One accepted connection, with its place.
pub(super) struct Connection {
    stream: TcpStream,
    /// The time left for the preface; `None` once it has come.
    preface: Option<Preface>,
    cut: Pin<Box<WaitForCancellationFutureOwned>>,
    _place: OwnedSemaphorePermit,
    _counted: OpenConnection,
}

struct Preface {
    time: Pin<Box<Sleep>>,
    bytes: usize,
}

impl Connection {
    fn new(stream: TcpStream, place: OwnedSemaphorePermit, cut: &CancellationToken) -> Self {
        let preface = Preface { time: Box::pin(tokio::time::sleep(PREFACE_TIME)), bytes: 0 };
        Self {
            stream,
            preface: Some(preface),
            cut: Box::pin(cut.clone().cancelled_owned()),
            _place: place,
            _counted: OpenConnection::begin(),
        }
    }

    /// Fails once the server has lost its patience. Wakes the reader, and HTTP/2 always reads.
    fn poll_alive(&mut self, cx: &mut Context<'_>) -> io::Result<()> {
        if self.cut.as_mut().poll(cx).is_ready() {
            return Err(io::Error::new(io::ErrorKind::ConnectionAborted, "the server has shut down"));
        }
        Ok(())
    }

    fn poll_preface(&mut self, cx: &mut Context<'_>, read: usize) -> io::Result<()> {
        let Some(preface) = &mut self.preface else { return Ok(()) };
        preface.bytes += read;
        if preface.bytes >= PREFACE_BYTES {
            self.preface = None;
        } else if preface.time.as_mut().poll(cx).is_ready() {
            return Err(io::Error::new(io::ErrorKind::TimedOut, "no HTTP/2 preface came in time"));
        }
        Ok(())
    }
}

impl AsyncRead for Connection {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        self.poll_alive(cx)?;
        let before = buffer.filled().len();
        let polled = Pin::new(&mut self.stream).poll_read(cx, buffer)?;
        self.poll_preface(cx, buffer.filled().len() - before)?;
        polled.map(Ok)
    }
}

impl AsyncWrite for Connection {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}

impl Connected for Connection {
    type ConnectInfo = TcpConnectInfo;

    fn connect_info(&self) -> TcpConnectInfo {
        self.stream.connect_info()
    }
}
