//! Calls over HTTP to whoever is no gRPC service: endpoints that events are posted to, and addresses that keys are read from.

use std::time::Duration;

use http::{Request, Response, Uri};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::{TokioExecutor, TokioTimer},
};
use prost::bytes::Bytes;

use crate::tls;

/// How long a connection may take to come about.
const CONNECT: Duration = Duration::from_secs(2);
/// For how long a connection without use is kept.
const IDLE: Duration = Duration::from_secs(30);

/// A client. Follows no redirection, and trusts whom the system trusts.
#[derive(Debug, Clone)]
pub(crate) struct Http(Client<HttpsConnector<HttpConnector>, Full<Bytes>>);

impl Http {
    /// Must be called inside the runtime.
    pub(crate) fn new() -> Self {
        let mut connector = HttpConnector::new();
        connector.set_connect_timeout(Some(CONNECT));
        connector.enforce_http(false);
        let connector = HttpsConnectorBuilder::new()
            .with_tls_config(tls::of_the_system())
            .https_or_http()
            .enable_http1()
            .wrap_connector(connector);
        let client = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(IDLE)
            .build(connector);
        Self(client)
    }

    /// Sends a request and returns the head of the answer.
    ///
    /// # Errors
    /// Why there is none, within this time.
    pub(crate) async fn send(
        &self,
        request: Request<Full<Bytes>>,
        within: Duration,
    ) -> Result<Response<hyper::body::Incoming>, String> {
        match tokio::time::timeout(within, self.0.request(request)).await {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(error)) => Err(whole(&error)),
            Err(_elapsed) => Err("it did not answer in time".to_owned()),
        }
    }

    /// Reads a small text.
    ///
    /// # Errors
    /// Why it cannot be had within this time; also where it is larger than `most` bytes.
    pub(crate) async fn text(&self, address: &Uri, most: usize, within: Duration) -> Result<String, String> {
        let mut request = Request::new(Full::default());
        *request.uri_mut() = address.clone();
        let answer = self.send(request, within).await?;
        if !answer.status().is_success() {
            return Err(format!("it answered {}", answer.status()));
        }
        let body = tokio::time::timeout(within, Limited::new(answer.into_body(), most).collect()).await;
        let body =
            body.map_err(|_elapsed| "it did not finish in time".to_owned())?.map_err(|error| error.to_string())?;
        String::from_utf8(body.to_bytes().into()).map_err(|error| error.to_string())
    }
}

/// An error with what is behind it: the library's own texts stop at the first.
fn whole(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(error.source(), |cause| cause.source());
    causes.fold(error.to_string(), |text, cause| format!("{text}: {cause}"))
}
