//! The connections of the gRPC port: how many, and how patiently we wait for their first words.

use std::{
    io,
    net::IpAddr,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};

use futures_util::{Stream as Sequence, StreamExt, stream};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
    sync::{OwnedSemaphorePermit, Semaphore},
    time::Sleep,
};
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};
use tonic::transport::server::{Connected, TcpConnectInfo, TcpIncoming};

use super::stream::Stream;
use crate::{
    config::home,
    crowd::{Crowd, Place},
    telemetry::metrics::{HandshakeFailure, OpenConnection, RefusedConnection, connection_refused, handshake_failed},
    tls::{Door, Kept},
};

/// A client gets this long for the TLS handshake, where there is one, and the HTTP/2 preface; one that connects and stays silent
/// only takes a place.
const PREFACE_TIME: Duration = Duration::from_secs(5);
/// `PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n`.
const PREFACE_BYTES: usize = 24;
/// After a failed accept, usually for want of file descriptors, which only time gives back. tonic would try again at
/// once and spin.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// How many connections there may be.
#[derive(Debug, Clone)]
pub(super) struct Places {
    pub(super) all: usize,
    /// From one address, as [`home`] tells them apart.
    pub(super) of_an_address: usize,
}

/// What the connections of a server share.
#[derive(Debug, Clone)]
pub(super) struct Gatekeeper {
    places: Arc<Semaphore>,
    of_addresses: Crowd<IpAddr>,
    /// Ends every connection, when patience with the last calls is over.
    cut: CancellationToken,
    /// Without it they speak plain text.
    tls: Option<Arc<Kept<Door>>>,
}

impl Gatekeeper {
    pub(super) fn new(places: Places, cut: CancellationToken, tls: Option<Arc<Kept<Door>>>) -> Self {
        let places_of_all = Arc::new(Semaphore::new(places.all));
        Self { places: places_of_all, of_addresses: Crowd::new(places.of_an_address), cut, tls }
    }

    /// Accepted connections. Those for which there is no place are closed at once: the client learns it right away and
    /// can go elsewhere, which it could not while it waits in a backlog.
    pub(super) fn connections(self, incoming: TcpIncoming) -> impl Sequence<Item = io::Result<Connection>> {
        stream::unfold((self, incoming), async |(keeper, mut incoming)| {
            loop {
                match incoming.next().await? {
                    Ok(stream) => match keeper.admit(&stream) {
                        Ok(admitted) => {
                            let connection = keeper.connection(stream, admitted);
                            return Some((Ok(connection), (keeper, incoming)));
                        }
                        Err(why) => connection_refused(why),
                    },
                    Err(error) => {
                        tracing::warn!(%error, "a connection could not be accepted");
                        tokio::time::sleep(ACCEPT_PAUSE).await;
                    }
                }
            }
        })
    }

    fn admit(&self, stream: &TcpStream) -> Result<Admitted, RefusedConnection> {
        // One that is gone already has no address, and closes by itself.
        let own = match stream.peer_addr() {
            Ok(peer) => Some(self.of_addresses.enter(&home(peer.ip())).ok_or(RefusedConnection::Address)?),
            Err(_gone) => None,
        };
        let place = Arc::clone(&self.places).try_acquire_owned().map_err(|_none_left| RefusedConnection::Full)?;
        Ok(Admitted { _place: place, _own: own })
    }

    fn connection(&self, stream: TcpStream, admitted: Admitted) -> Connection {
        let info = stream.connect_info();
        let preface = Preface { time: Box::pin(tokio::time::sleep(PREFACE_TIME)), bytes: 0 };
        Connection {
            admitted: Some(admitted),
            stream: Stream::new(stream, self.tls.as_ref().map(|kept| kept.current())),
            info,
            preface: Some(preface),
            cut: Box::pin(self.cut.clone().cancelled_owned()),
            _counted: OpenConnection::begin(),
        }
    }
}

/// One accepted connection, with its place.
pub(super) struct Connection {
    /// Given back before the socket is dropped, and so above the stream: a client whose handshake failed, or who was cut, and who comes
    /// again at once, finds the place that it had. `None` once the handshake has failed.
    admitted: Option<Admitted>,
    stream: Stream,
    info: TcpConnectInfo,
    /// The time left for the preface; `None` once it has come.
    preface: Option<Preface>,
    cut: Pin<Box<WaitForCancellationFutureOwned>>,
    _counted: OpenConnection,
}

/// A place among all connections, and one among those from the same address.
struct Admitted {
    _place: OwnedSemaphorePermit,
    _own: Option<Place<IpAddr>>,
}

struct Preface {
    time: Pin<Box<Sleep>>,
    bytes: usize,
}

impl Connection {
    /// Waits until what was said can be understood. Whoever writes first, as HTTP/2 does, waits here too: patience ends for them
    /// as for readers.
    fn poll_open(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let (failure, error, socket) = match self.stream.poll_open(cx) {
            Poll::Ready(Ok(())) => return Poll::Ready(Ok(())),
            Poll::Ready(Err((error, socket))) => (HandshakeFailure::Failed, error, Some(socket)),
            Poll::Pending => {
                self.poll_alive(cx)?;
                match self.poll_preface(cx, 0) {
                    Ok(()) => return Poll::Pending,
                    Err(error) => (HandshakeFailure::Late, error, None),
                }
            }
        };
        handshake_failed(failure);
        self.admitted = None;
        drop(socket);
        self.stream.fail();
        tracing::debug!(peer = ?self.info.remote_addr(), %error, "a TLS handshake came to nothing");
        Poll::Ready(Err(error))
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
        ready!(self.poll_open(cx))?;
        self.poll_alive(cx)?;
        let before = buffer.filled().len();
        let polled = self.stream.open()?.poll_read(cx, buffer)?;
        self.poll_preface(cx, buffer.filled().len() - before)?;
        polled.map(Ok)
    }
}

impl AsyncWrite for Connection {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        ready!(self.poll_open(cx))?;
        self.stream.open()?.poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_open(cx))?;
        self.stream.open()?.poll_flush(cx)
    }

    /// Where nothing was agreed on there is nothing to say goodbye with.
    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.stream.open() {
            Ok(stream) => stream.poll_shutdown(cx),
            Err(_not_open) => Poll::Ready(Ok(())),
        }
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        ready!(self.poll_open(cx))?;
        self.stream.open()?.poll_write_vectored(cx, slices)
    }

    /// Asked before there is a handshake, and true of TCP and TLS alike.
    fn is_write_vectored(&self) -> bool {
        true
    }
}

impl Connected for Connection {
    type ConnectInfo = TcpConnectInfo;

    fn connect_info(&self) -> TcpConnectInfo {
        self.info.clone()
    }
}
