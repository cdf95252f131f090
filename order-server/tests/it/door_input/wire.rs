//! Messages as bytes, past the generated clients: what a client in another language, or a broken one, may send.

use std::time::Duration;

use order_api::prost::bytes::{Buf as _, BufMut as _, Bytes};
use order_server::auth::Role;
use tonic::{
    Request, Response, Status,
    client::Grpc,
    codec::{BufferSettings, Codec, DecodeBuf, Decoder, EncodeBuf, Encoder},
    codegen::http::uri::PathAndQuery,
    transport::{Channel, Endpoint},
};

use crate::world::World;

/// Sends bytes, receives bytes.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Raw;

impl Codec for Raw {
    type Encode = Bytes;
    type Decode = Bytes;
    type Encoder = Self;
    type Decoder = Self;

    fn encoder(&mut self) -> Self {
        Self
    }

    fn decoder(&mut self) -> Self {
        Self
    }
}

impl Encoder for Raw {
    type Item = Bytes;
    type Error = Status;

    fn encode(&mut self, item: Bytes, into: &mut EncodeBuf<'_>) -> Result<(), Status> {
        into.put(item);
        Ok(())
    }

    fn buffer_settings(&self) -> BufferSettings {
        BufferSettings::default()
    }
}

impl Decoder for Raw {
    type Item = Bytes;
    type Error = Status;

    fn decode(&mut self, from: &mut DecodeBuf<'_>) -> Result<Option<Bytes>, Status> {
        Ok(Some(from.copy_to_bytes(from.remaining())))
    }

    fn buffer_settings(&self) -> BufferSettings {
        BufferSettings::default()
    }
}

/// How long a stream without an end is listened to.
const A_WHILE: Duration = Duration::from_millis(200);

/// A connection of its own to a service.
pub(crate) async fn connect(world: &World) -> Channel {
    Endpoint::from_shared(format!("http://{}", world.grpc)).unwrap().connect().await.unwrap()
}

/// Somebody, `None` for a guest, and what they send where.
type Sent<'a> = (Option<(&'a str, Role)>, (&'a str, Bytes));

/// Calls a unary method as somebody; `None` for a guest.
pub(crate) async fn call(
    to: (&World, &Channel),
    who: Option<(&str, Role)>,
    message: (&str, Bytes),
) -> Result<Response<Bytes>, Status> {
    let (mut grpc, request, path) = prepared(to, (who, message)).await;
    grpc.unary(request, path, Raw).await
}

/// Calls a method that answers with a stream, and hears it to its end, or, where it has none, for a while.
pub(crate) async fn hear(
    to: (&World, &Channel),
    who: Option<(&str, Role)>,
    message: (&str, Bytes),
    ends: bool,
) -> Result<(), Status> {
    let (mut grpc, request, path) = prepared(to, (who, message)).await;
    let mut stream = grpc.server_streaming(request, path, Raw).await?.into_inner();
    let all = async {
        while stream.message().await?.is_some() {}
        Ok(())
    };
    if ends { all.await } else { tokio::time::timeout(A_WHILE, all).await.unwrap_or(Ok(())) }
}

async fn prepared(
    (world, channel): (&World, &Channel),
    (who, (path, message)): Sent<'_>,
) -> (Grpc<Channel>, Request<Bytes>, PathAndQuery) {
    let mut request = Request::new(message);
    if let Some((id, role)) = who {
        let header = format!("Bearer {}", world.token(id, role));
        request.metadata_mut().insert("authorization", header.parse().unwrap());
    }
    let mut grpc = Grpc::new(channel.clone());
    grpc.ready().await.expect("the service is up");
    (grpc, request, path.parse().unwrap())
}
