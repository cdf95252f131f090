//! The services around the order service (`proto/integrations/v1`), in memory, for tests and demonstrations. Each can be made to fail
//! in the ways in which services fail.

mod catalog;
mod fault;
mod inventory;
mod notification;
mod payment;
mod shipping;
mod tls;

use std::{
    collections::BTreeMap,
    io,
    net::SocketAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use order_api::integrations::v1::{
    CatalogProduct, NotifyRequest, ParcelTracking, PaymentOperation, catalog_service_server::CatalogServiceServer,
    inventory_service_server::InventoryServiceServer, notification_service_server::NotificationServiceServer,
    payment_service_server::PaymentServiceServer, shipping_service_server::ShippingServiceServer,
};
use rustls::ServerConfig;
use tokio::{
    net::TcpListener,
    runtime::{Builder, Runtime},
};
use tokio_stream::wrappers::TcpListenerStream;
use tonic::{
    Request,
    service::{InterceptorLayer, Routes},
    transport::Server,
};

pub use self::{
    fault::{Fault, Service},
    tls::Tls,
};

/// All of them behind one port.
#[derive(Debug)]
pub struct Neighbours {
    state: Shared,
    address: SocketAddr,
    /// Without it they speak plain text.
    tls: Option<Arc<ServerConfig>>,
    /// Their own: with it goes everything that they have under way.
    runtime: Option<Runtime>,
}

/// What they know and what befalls them.
#[derive(Debug, Default)]
pub(crate) struct State {
    products: BTreeMap<String, CatalogProduct>,
    shelves: inventory::Shelves,
    parcels: BTreeMap<String, ParcelTracking>,
    operations: BTreeMap<String, payment::Record>,
    news: Vec<NotifyRequest>,
    faults: BTreeMap<Service, Fault>,
    calls: BTreeMap<Service, usize>,
    traceparents: Vec<String>,
}

/// Handed to each service.
#[derive(Debug, Clone, Default)]
pub(crate) struct Shared(Arc<Mutex<State>>);

impl Shared {
    pub(crate) fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Neighbours {
    /// Starts them. Port 0 takes a free one.
    ///
    /// # Errors
    /// The address cannot be had.
    pub async fn start(address: SocketAddr) -> io::Result<Self> {
        Self::over(Shared::default(), address, None).await
    }

    /// Starts them behind TLS.
    ///
    /// # Errors
    /// The address cannot be had, or the certificates make no sense.
    pub async fn start_over_tls(address: SocketAddr, tls: &Tls) -> io::Result<Self> {
        Self::over(Shared::default(), address, Some(Arc::new(tls.config()?))).await
    }

    async fn over(state: Shared, address: SocketAddr, tls: Option<Arc<ServerConfig>>) -> io::Result<Self> {
        let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
        let (routes, secured) = (routes(&state), tls.clone());
        let heard = state.clone();
        let listening = move |request: Request<()>| {
            let parent = request.metadata().get("traceparent").and_then(|parent| parent.to_str().ok());
            heard.lock().traceparents.extend(parent.map(str::to_owned));
            Ok(request)
        };
        let starting = runtime.spawn(async move {
            let listener = TcpListener::bind(address).await?;
            let address = listener.local_addr()?;
            match secured {
                Some(config) => drop(tokio::spawn(tls::serve(listener, config, routes))),
                None => {
                    let server = Server::builder().layer(InterceptorLayer::new(listening)).add_routes(routes);
                    drop(tokio::spawn(server.serve_with_incoming(TcpListenerStream::new(listener))));
                }
            }
            Ok::<_, io::Error>(address)
        });
        let address = starting.await.map_err(io::Error::other)??;
        Ok(Self { state, address, tls, runtime: Some(runtime) })
    }

    /// Where they are, as the order service's settings want it.
    #[must_use]
    pub fn url(&self) -> String {
        let scheme = if self.tls.is_some() { "https" } else { "http" };
        format!("{scheme}://{}", self.address)
    }

    /// Goes away, connections and all, and comes back at the same address with what it knew.
    ///
    /// # Errors
    /// Somebody else took the address meanwhile.
    pub async fn restart(mut self, meanwhile: impl Future<Output = ()>) -> io::Result<Self> {
        self.end();
        meanwhile.await;
        Self::over(self.state.clone(), self.address, self.tls.clone()).await
    }

    /// Cut, not drained: connections are lost as they are when a machine is.
    fn end(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }

    /// Adds a product, or changes it.
    pub fn put_product(&self, product: CatalogProduct) {
        self.state.lock().products.insert(product.product_id.clone(), product);
    }

    /// Puts so many units of a SKU on its shelf, in place of what is there.
    pub fn put_stock(&self, sku: &str, on_hand: i64) {
        self.state.lock().shelves.on_hand.insert(sku.to_owned(), on_hand);
    }

    /// Units of a SKU in the house, and how many of them are promised to orders.
    #[must_use]
    pub fn stock(&self, sku: &str) -> (i64, i64) {
        let state = self.state.lock();
        let units = |of: &BTreeMap<String, i64>| of.get(sku).copied().unwrap_or_default();
        (units(&state.shelves.on_hand), units(&state.shelves.promised_of))
    }

    /// What was told of the goods of an order, in the order in which it was: `RELEASE`, `COMMIT`, `RESTOCK` and `WITHDRAW`.
    #[must_use]
    pub fn told(&self, order_id: &str) -> Vec<&'static str> {
        self.state.lock().shelves.told(order_id)
    }

    /// What is promised to whom: units by order and SKU. A negative number is a mistake of whoever was promised them.
    #[must_use]
    pub fn promised(&self) -> BTreeMap<(String, String), i64> {
        self.state.lock().shelves.promised.clone()
    }

    /// Says what is known of a parcel.
    pub fn put_parcel(&self, shipment_id: &str, parcel: ParcelTracking) {
        self.state.lock().parcels.insert(shipment_id.to_owned(), parcel);
    }

    /// From now on this befalls every call to a service.
    pub fn befall(&self, service: Service, fault: Fault) {
        self.state.lock().faults.insert(service, fault);
    }

    /// From now on it is well again.
    pub fn heal(&self, service: Service) {
        self.state.lock().faults.remove(&service);
    }

    /// How many calls came in.
    #[must_use]
    pub fn calls(&self, service: Service) -> usize {
        self.state.lock().calls.get(&service).copied().unwrap_or_default()
    }

    /// Which calls of others the calls were made from, as `traceparent` had it, in their order. Of calls that come without TLS.
    #[must_use]
    pub fn traceparents(&self) -> Vec<String> {
        self.state.lock().traceparents.clone()
    }

    /// Every request to move money that was carried out, with what it was about: once for each key.
    #[must_use]
    pub fn payments(&self) -> Vec<(&'static str, PaymentOperation)> {
        self.state.lock().operations.values().map(|record| (record.kind, record.operation.clone())).collect()
    }

    /// All news that came, in their order, those that came twice among them.
    #[must_use]
    pub fn news(&self) -> Vec<NotifyRequest> {
        self.state.lock().news.clone()
    }
}

fn routes(state: &Shared) -> Routes {
    let (_, health) = tonic_health::server::health_reporter();
    Routes::new(health)
        .add_service(CatalogServiceServer::new(catalog::Catalog(state.clone())))
        .add_service(InventoryServiceServer::new(inventory::Inventory(state.clone())))
        .add_service(NotificationServiceServer::new(notification::Notification(state.clone())))
        .add_service(PaymentServiceServer::new(payment::Payments(state.clone())))
        .add_service(ShippingServiceServer::new(shipping::Shipping(state.clone())))
}

impl Drop for Neighbours {
    fn drop(&mut self) {
        self.end();
    }
}
