//! An endpoint that events are posted to, signed as [Standard Webhooks](https://www.standardwebhooks.com) has it.

use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use base64::{Engine as _, prelude::BASE64_STANDARD};
use hmac::{Hmac, Mac as _};
use http::{Method, Request, StatusCode, header::CONTENT_TYPE};
use http_body_util::Full;
use order_core::ports::{Health, Lack, Neighbour, Unavailable};
use prost::bytes::Bytes;
use sha2::Sha256;

use super::publisher::{Message, NotTaken, Publisher, Taken};
use crate::{
    clock::{Clock, SystemClock},
    config::{SigningKey, WebhookConfig},
    outbound::Http,
};

const NAME: &str = "webhook";
/// How long the endpoint may take to answer.
const ANSWER: Duration = Duration::from_secs(10);

/// An endpoint. Redirections are not followed: they count as failures.
pub struct Webhook {
    config: WebhookConfig,
    http: Http,
    /// What was the matter with the last message, if anything.
    last: Mutex<Option<Unavailable>>,
}

impl Webhook {
    /// The endpoint that is configured. Must be called inside the runtime.
    #[must_use]
    pub fn new(config: WebhookConfig) -> Self {
        Self { config, http: Http::new(), last: Mutex::new(None) }
    }

    fn request(&self, message: &Message) -> Request<Full<Bytes>> {
        let seconds = SystemClock.now().micros() / 1_000_000;
        let mut request = Request::new(Full::new(message.body.clone()));
        *request.method_mut() = Method::POST;
        *request.uri_mut() = self.config.url.clone();
        let headers = [
            (CONTENT_TYPE.as_str(), "application/cloudevents+json".to_owned()),
            ("user-agent", concat!("order-server/", env!("CARGO_PKG_VERSION")).to_owned()),
            ("webhook-id", message.id.clone()),
            ("webhook-timestamp", seconds.to_string()),
            ("webhook-signature", signatures(&self.config.keys, &message.id, seconds, &message.body)),
        ];
        for (name, value) in headers {
            let value = http::HeaderValue::from_str(&value).expect("ids, numbers and base64 fit into a header");
            request.headers_mut().insert(http::HeaderName::from_static(name), value);
        }
        request
    }

    async fn post(&self, message: &Message) -> Result<(), NotTaken> {
        let status = self.http.send(self.request(message), ANSWER).await.map_err(down)?.status();
        match status {
            status if status.is_success() => Ok(()),
            // Nothing about this message: the endpoint is busy, or away behind somebody who says so.
            StatusCode::REQUEST_TIMEOUT
            | StatusCode::TOO_EARLY
            | StatusCode::TOO_MANY_REQUESTS
            | StatusCode::BAD_GATEWAY
            | StatusCode::SERVICE_UNAVAILABLE
            | StatusCode::GATEWAY_TIMEOUT => Err(down(format!("it answered {status}"))),
            // What these say they say of the message.
            StatusCode::BAD_REQUEST
            | StatusCode::CONFLICT
            | StatusCode::GONE
            | StatusCode::PAYLOAD_TOO_LARGE
            | StatusCode::UNSUPPORTED_MEDIA_TYPE
            | StatusCode::UNPROCESSABLE_ENTITY => Err(NotTaken::Refused(format!("it answered {status}"))),
            // A wrong path or key, or a bug.
            status => Err(NotTaken::Failed(format!("it answered {status}"))),
        }
    }
}

const fn unavailable(detail: String) -> Unavailable {
    Unavailable { neighbour: NAME, lack: Lack::Down, detail }
}

const fn down(detail: String) -> NotTaken {
    NotTaken::Unavailable(unavailable(detail))
}

/// One signature for each key, over the message's id, the time and the body.
fn signatures(keys: &[SigningKey], id: &str, seconds: i64, body: &[u8]) -> String {
    let signature = |key: &SigningKey| {
        let mut mac = Hmac::<Sha256>::new_from_slice(key.bytes()).expect("any length will do");
        mac.update(format!("{id}.{seconds}.").as_bytes());
        mac.update(body);
        format!("v1,{}", BASE64_STANDARD.encode(mac.finalize().into_bytes()))
    };
    keys.iter().map(signature).collect::<Vec<_>>().join(" ")
}

#[async_trait]
impl Neighbour for Webhook {
    fn name(&self) -> &'static str {
        NAME
    }

    /// What became of the last message: there is nothing harmless that every endpoint could be asked.
    async fn check(&self) -> Result<Health, Unavailable> {
        let last = self.last.lock().unwrap_or_else(PoisonError::into_inner).clone();
        last.map_or(Ok(Health::Connected), Err)
    }
}

#[async_trait]
impl Publisher for Webhook {
    async fn publish(&self, message: &Message) -> Result<Taken, NotTaken> {
        let posted = self.post(message).await;
        let matter = match &posted {
            Err(NotTaken::Unavailable(unavailable)) => Some(unavailable.clone()),
            Err(NotTaken::Failed(reason)) => Some(unavailable(reason.clone())),
            Ok(()) | Err(NotTaken::Refused(_)) => None,
        };
        *self.last.lock().unwrap_or_else(PoisonError::into_inner) = matter;
        posted.map(|()| Taken::Now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Worked out with another implementation: `printf 'msg_1.1700000000.{}' | openssl dgst -sha256 -mac HMAC -macopt hexkey:... | base64`.
    #[test]
    fn messages_are_signed_with_every_key_over_id_time_and_body() {
        let keys = ["whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIz", "whsec_YWJjZGVmZ2hpamtsbW5vcHFyc3R1dnd4"];
        let keys = keys.map(|text| SigningKey::parse(text).unwrap());
        let both = signatures(&keys, "msg_1", 1_700_000_000, b"{}");
        assert_eq!(
            both,
            "v1,hmXGLnNyF9xj0t3bu2NbHtTjiBY8aTGhgmj3SmIHdd8= v1,a164pgeDueeNhgi2HpUGVEXgDLLWFibOv1GfU3PvUtY="
        );
    }
}
