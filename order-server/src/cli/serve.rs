//! `serve`: puts the process together, and takes it apart again in order.

use std::{io::Write, sync::Arc};

use super::{Failure, welcome};
use crate::{
    auth::{key, verify::Tokens},
    compose::{self, Sources, StoreProbe},
    config::{Config, Environment, Purpose, Raw},
    server::{self, Parts},
    service,
    shutdown::{self, Lifecycle},
    telemetry, workers,
};

pub(super) fn run(settings: &Raw) -> Result<(), Failure> {
    let config = Config::resolve(settings, Purpose::Serve)?;
    telemetry::logging::init(&config.log);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(serve(config))
}

async fn serve(config: Config) -> Result<(), Failure> {
    telemetry::metrics::init();
    let tokens = Arc::new(Tokens::new(&config.identity, &key::load(&config.identity.key)?));
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
        lifecycle: lifecycle.clone(),
    };
    let server = server::bind(&config, parts).await?;
    workers::start(&app, lifecycle.closing());
    tracing::info!(grpc = %server.grpc_addr(), ops = %server.ops_addr(), engine = store.engine(), "listening");
    if config.environment == Environment::Development {
        let greeting = welcome::text(server.grpc_addr(), server.ops_addr(), &tokens);
        // Not `println!`, which would end the server when nobody reads its greeting.
        let _unread = writeln!(std::io::stdout(), "{greeting}");
    }
    server.run(stop_signal()).await?;
    store.close().await;
    Ok(())
}

async fn stop_signal() {
    if let Err(error) = shutdown::signal().await {
        // Without signals an orderly end is not possible; better now than never.
        tracing::error!(%error, "signals cannot be listened for");
    }
}
