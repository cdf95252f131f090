//! NATS JetStream.

use std::time::Duration;

use async_nats::{
    Client, ConnectOptions, HeaderMap,
    connection::State,
    header::NATS_MESSAGE_ID,
    jetstream::{self, context::PublishErrorKind, stream},
};
use async_trait::async_trait;
use order_core::ports::{Health, Lack, Neighbour, Unavailable};
use tokio::sync::OnceCell;

use super::publisher::{Message, NotTaken, Publisher, Taken};
use crate::config::{NatsConfig, Secret};

const NAME: &str = "nats";
/// How long the broker may take to say that a message is safe.
const ACKNOWLEDGED: Duration = Duration::from_secs(2);
/// For how long a stream that is made here tells a message apart from one that it has.
const DUPLICATES: Duration = Duration::from_secs(600);
/// What bodies are.
const CONTENT_TYPE: &str = "application/cloudevents+json";

/// A broker. Connects once it is needed, and again whenever the connection was lost.
pub struct Nats {
    url: Secret,
    subject: String,
    stream: String,
    client: OnceCell<Client>,
}

impl Nats {
    /// The broker that is configured, if there is one.
    #[must_use]
    pub fn new(config: &NatsConfig) -> Option<Self> {
        let NatsConfig { url, subject, stream } = config.clone();
        Some(Self { url: url?, subject, stream, client: OnceCell::new() })
    }

    async fn client(&self) -> Result<&Client, Unavailable> {
        let connect = async || {
            let options = ConnectOptions::new()
                .name("order-server")
                .connection_timeout(ACKNOWLEDGED)
                .event_callback(|event| async move { tracing::info!(%event, "nats") });
            options.connect(self.url.expose()).await
        };
        self.client.get_or_try_init(connect).await.map_err(|error| down(&error))
    }

    /// The client, where it is connected: it would keep for later what is sent while it is not, once for each try.
    async fn connected(&self) -> Result<&Client, Unavailable> {
        let client = self.client().await?;
        match client.connection_state() {
            State::Connected => Ok(client),
            State::Pending | State::Disconnected => Err(down(&"there is no connection")),
        }
    }

    /// A stream for our subjects, where nobody has made one.
    async fn make_stream(&self, context: &jetstream::Context) -> Result<(), Unavailable> {
        let config = stream::Config {
            name: self.stream.clone(),
            description: Some("What happens to orders.".to_owned()),
            subjects: vec![format!("{}.>", self.subject)],
            duplicate_window: DUPLICATES,
            ..Default::default()
        };
        let wanted = config.subjects.clone();
        let stream = context.get_or_create_stream(config).await.map_err(|error| down(&error))?;
        if stream.cached_info().config.subjects != wanted {
            return Err(down(&format!("the stream {} is there and takes other subjects", self.stream)));
        }
        tracing::info!(stream = self.stream, "there is a stream for events now");
        Ok(())
    }

    async fn send(
        &self,
        context: &jetstream::Context,
        message: &Message,
    ) -> Result<Taken, jetstream::context::PublishError> {
        let mut headers = HeaderMap::new();
        headers.insert(NATS_MESSAGE_ID, message.id.as_str());
        headers.insert("content-type", CONTENT_TYPE);
        let subject = format!("{}.{}", self.subject, message.kind);
        let safe = context.publish_with_headers(subject, headers, message.body.clone()).await?.await?;
        Ok(if safe.duplicate { Taken::Before } else { Taken::Now })
    }
}

fn down(error: &dyn std::fmt::Display) -> Unavailable {
    Unavailable { neighbour: NAME, lack: Lack::Down, detail: error.to_string() }
}

#[async_trait]
impl Neighbour for Nats {
    fn name(&self) -> &'static str {
        NAME
    }

    async fn check(&self) -> Result<Health, Unavailable> {
        let client = self.connected().await?;
        client.flush().await.map_err(|error| down(&error))?;
        Ok(Health::Connected)
    }
}

#[async_trait]
impl Publisher for Nats {
    async fn publish(&self, message: &Message) -> Result<Taken, NotTaken> {
        let client = self.connected().await.map_err(NotTaken::Unavailable)?;
        let mut context = jetstream::new(client.clone());
        context.set_timeout(ACKNOWLEDGED);
        let sent = match self.send(&context, message).await {
            // The next try finds it.
            Err(error) if error.kind() == PublishErrorKind::StreamNotFound => {
                self.make_stream(&context).await.map_err(NotTaken::Unavailable)?;
                self.send(&context, message).await
            }
            sent => sent,
        };
        sent.map_err(|error| match error.kind() {
            PublishErrorKind::MaxPayloadExceeded => NotTaken::Refused(error.to_string()),
            PublishErrorKind::StreamNotFound
            | PublishErrorKind::WrongLastMessageId
            | PublishErrorKind::WrongLastSequence
            | PublishErrorKind::TimedOut
            | PublishErrorKind::BrokenPipe
            | PublishErrorKind::MaxAckPending
            | PublishErrorKind::Other => NotTaken::Unavailable(down(&error)),
        })
    }
}
