//! `serve`: puts the process together, and takes it apart again in order.

use std::{io::Write, sync::Arc, time::Duration};

use super::{Failure, welcome};
use crate::{
    auth::verify::Tokens,
    compose::{self, Sources, StoreProbe},
    config::{Config, Environment, Purpose, Raw},
    server::{self, Parts},
    service,
    shutdown::{self, Lifecycle},
    telemetry::{self, traces::Traces},
    workers,
};

pub(super) fn run(settings: &Raw) -> Result<(), Failure> {
    let config = Config::resolve(settings, Purpose::Serve)?;
    telemetry::logging::init(&config.log);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let served = runtime.block_on(serve(config));
    // What is left waits for a file or a name that may never be read: whoever waits for it would keep the process for ever.
    runtime.shutdown_background();
    served
}

/// How long the store may take to end. Everything that was acknowledged is in the database by then; a database that says nothing would keep
/// the process for ever.
const CLOSING: Duration = Duration::from_secs(2);

async fn serve(config: Config) -> Result<(), Failure> {
    telemetry::metrics::init();
    let traces = Traces::start(&config.traces);
    let tokens = Arc::new(Tokens::load(&config.identity)?);
    let lifecycle = Lifecycle::new();
    let store = compose::connect(&config.database).await?;
    let app = compose::app(&config, &store, &lifecycle, Sources::default());
    if config.shop.demo_catalog.is_on() {
        crate::demo::seed(store.as_ref(), app.clock.now(), app.ids.seed()).await?;
    }
    let parts = Parts {
        routes: service::routes(&app),
        probe: Arc::new(StoreProbe::new(Arc::clone(&store))),
        tokens: Arc::clone(&tokens),
        shared_limits: app.shared_limits.clone(),
        lifecycle: lifecycle.clone(),
    };
    let server = server::bind(&config, parts).await?;
    workers::start(&app, lifecycle.closing());
    if let Some(set) = tokens.set() {
        let closing = lifecycle.closing().clone();
        lifecycle.tasks().spawn(async move { closing.run_until_cancelled(set.keep_fresh()).await });
    }
    tracing::info!(grpc = %server.grpc_addr(), ops = %server.ops_addr(), engine = store.engine(), "listening");
    if config.environment == Environment::Development {
        // Nobody here knows which authority our certificate is of.
        let option = if config.tls.is_some() { "-insecure" } else { "-plaintext" };
        let place = welcome::Place { grpc: server.grpc_addr(), ops: server.ops_addr(), option };
        let greeting = welcome::text(&place, &tokens);
        // Not `println!`, which would end the server when nobody reads its greeting.
        let _unread = writeln!(std::io::stdout(), "{greeting}");
    }
    server.run(stop_signal()).await?;
    if tokio::time::timeout(CLOSING, store.close()).await.is_err() {
        tracing::warn!("the database does not answer; what it was doing is left to it");
    }
    traces.finish().await;
    Ok(())
}

async fn stop_signal() {
    if let Err(error) = shutdown::signal().await {
        // Without signals an orderly end is not possible; better now than never.
        tracing::error!(%error, "signals cannot be listened for");
    }
}
