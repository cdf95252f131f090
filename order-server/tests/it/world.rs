//! The whole service on a database of its own, behind its public door: what every test at that door begins with.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use order_api::v1::{
    self, admin_service_client::AdminServiceClient, cart_service_client::CartServiceClient,
    order_service_client::OrderServiceClient,
};
use order_core::time::Timestamp;
use order_server::{
    app::App,
    auth::{
        Role,
        verify::{Subject, Tokens},
    },
    clock::{ManualClock, RandomIds},
    compose::{self, Sources, StoreProbe},
    config::{Config, Purpose, Raw, Secret},
    server::{self, Parts},
    service,
    shutdown::Lifecycle,
};
use order_store::{Store, testing::TestDatabase};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tonic::{
    Request, Status,
    metadata::{Ascii, MetadataValue},
    service::{Interceptor, interceptor::InterceptedService},
    transport::{Channel, Endpoint},
};

/// The key of all worlds, so that a token outlives a restart.
pub(crate) const KEY: &str = "a key of at least thirty-two bytes, for worlds";

/// When every world begins: 2026-03-01 12:00:00 UTC.
pub(crate) const START: Timestamp = Timestamp::from_micros(1_772_366_400_000_000);

/// A running service. Time stands still in it until the test moves it; no worker runs unless the test calls it.
pub(crate) struct World {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) app: Arc<App>,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) grpc: SocketAddr,
    channel: Channel,
    tokens: Arc<Tokens>,
    stop: CancellationToken,
    running: JoinHandle<()>,
}

impl World {
    /// A service on this database, with these settings on top of: development, guests allowed, no rate limit.
    pub(crate) async fn start(database: &TestDatabase, settings: &[(&str, &str)]) -> Self {
        Self::start_with(database, settings, std::convert::identity).await
    }

    /// The same, after somebody has changed what it is made of.
    pub(crate) async fn start_with(
        database: &TestDatabase,
        settings: &[(&str, &str)],
        change: impl FnOnce(Arc<App>) -> Arc<App>,
    ) -> Self {
        let given = settings.iter().map(|(name, value)| (*name, (*value).to_owned()));
        let raw = Raw::of([
            ("LISTEN_ADDR", "127.0.0.1:0".to_owned()),
            ("OPS_ADDR", "127.0.0.1:0".to_owned()),
            ("JWT_SECRET", KEY.to_owned()),
            ("GUEST_CHECKOUT", "on".to_owned()),
            ("RATE_LIMIT_PER_SECOND", "0".to_owned()),
        ]);
        let config = Config::resolve(&raw.with(given), Purpose::Serve).unwrap();
        let clock = Arc::new(ManualClock::at(START));
        let (lifecycle, stop) = (Lifecycle::new(), CancellationToken::new());
        let store = database.connect().await;
        let sources = Sources { clock: Arc::clone(&clock) as _, ids: Arc::new(RandomIds) };
        let app = change(compose::app(&config, &store, &lifecycle, sources));
        let tokens = Arc::new(Tokens::new(&config.identity, &Secret::new(KEY.to_owned())));
        let parts = Parts {
            routes: service::routes(&app),
            probe: Arc::new(StoreProbe::new(Arc::clone(&store))),
            tokens: Arc::clone(&tokens),
            shared_limits: app.shared_limits.clone(),
            lifecycle,
        };
        let server = server::bind(&config, parts).await.unwrap();
        let grpc = server.grpc_addr();
        let stopped = stop.clone().cancelled_owned();
        let running = tokio::spawn(async move { server.run(stopped).await.unwrap() });
        let channel = Endpoint::from_shared(format!("http://{grpc}")).unwrap().connect().await.unwrap();
        Self { store, app, clock, grpc, channel, tokens, stop, running }
    }

    /// A service on this database with a few products: `costume` (49.99 USD, 100 on the shelf), `fangs` (12.50 USD, 100),
    /// `cape` (30.00 USD, 1), `retired` (5.00 USD, not for sale) and `kimono` (4 000 JPY, 100). SKUs are the ids in capitals.
    pub(crate) async fn with_products(database: &TestDatabase, settings: &[(&str, &str)]) -> Self {
        let world = Self::start(database, settings).await;
        let products = [
            product("costume", ("USD", 49, 990_000_000), 100),
            product("fangs", ("USD", 12, 500_000_000), 100),
            product("cape", ("USD", 30, 0), 1),
            v1::ProductUpsert {
                product: product("retired", ("USD", 5, 0), 100).product.map(|p| v1::Product { active: false, ..p }),
                initial_stock: Some(100),
            },
            product("kimono", ("JPY", 4000, 0), 100),
        ];
        let request = v1::UpsertProductsRequest { products: products.into(), ..Default::default() };
        world.admin().admin.upsert_products(request).await.unwrap();
        world
    }

    /// A customer's clients.
    pub(crate) fn customer(&self, id: &str) -> Caller {
        self.caller(Some((id, Role::Customer)))
    }

    /// An administrator's clients.
    pub(crate) fn admin(&self) -> Caller {
        self.caller(Some(("kim", Role::Admin)))
    }

    /// Another service's clients.
    pub(crate) fn service(&self) -> Caller {
        self.caller(Some(("checkout-bff", Role::Service)))
    }

    /// Clients without a token.
    pub(crate) fn guest(&self) -> Caller {
        self.caller(None)
    }

    /// A good token.
    pub(crate) fn token(&self, id: &str, role: Role) -> String {
        let ttl = Duration::from_secs(3600);
        self.tokens.issue(&Subject { id: id.to_owned(), role, email: None, name: None, ttl }).unwrap()
    }

    fn caller(&self, who: Option<(&str, Role)>) -> Caller {
        let token = who.map(|(id, role)| self.token(id, role));
        Caller::over(&self.channel, token.as_deref())
    }

    /// Units of a SKU on the shelf, and how many of them are promised.
    pub(crate) async fn shelf(&self, sku: &str) -> (i64, i64) {
        let request = v1::GetStockRequest { sku: sku.to_owned() };
        let stock = self.admin().admin.get_stock(request).await.unwrap().into_inner();
        (stock.on_hand, stock.allocated)
    }

    /// Ends the service in an orderly way; the database stays.
    pub(crate) async fn stop(self) {
        self.stop.cancel();
        self.running.await.unwrap();
        self.store.close().await;
    }
}

type Client = InterceptedService<Channel, Bearer>;

/// The clients of somebody.
#[derive(Clone)]
pub(crate) struct Caller {
    pub(crate) orders: OrderServiceClient<Client>,
    pub(crate) carts: CartServiceClient<Client>,
    pub(crate) admin: AdminServiceClient<Client>,
}

impl Caller {
    /// The clients of somebody with this token, or with none, over this connection.
    pub(crate) fn over(channel: &Channel, token: Option<&str>) -> Self {
        let header = token.map(|token| format!("Bearer {token}").parse().unwrap());
        let client = || (channel.clone(), Bearer(header.clone()));
        let ((a, b), (c, d), (e, f)) = (client(), client(), client());
        Self {
            orders: OrderServiceClient::with_interceptor(a, b),
            carts: CartServiceClient::with_interceptor(c, d),
            admin: AdminServiceClient::with_interceptor(e, f),
        }
    }
}

/// Puts a token on every call, if there is one.
#[derive(Clone)]
pub(crate) struct Bearer(Option<MetadataValue<Ascii>>);

impl Interceptor for Bearer {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        if let Some(header) = &self.0 {
            request.metadata_mut().insert("authorization", header.clone());
        }
        Ok(request)
    }
}

/// An amount.
pub(crate) fn money((currency, units, nanos): (&str, i64, i32)) -> order_api::Money {
    order_api::Money { currency_code: currency.to_owned(), units, nanos }
}

/// A product that is for sale, with its stock.
pub(crate) fn product(id: &str, price: (&str, i64, i32), stock: i64) -> v1::ProductUpsert {
    v1::ProductUpsert {
        product: Some(v1::Product {
            product_id: id.to_owned(),
            sku: id.to_ascii_uppercase(),
            name: format!("The {id}"),
            price: Some(money(price)),
            tax_class: "standard".to_owned(),
            active: true,
            ..Default::default()
        }),
        initial_stock: Some(stock),
    }
}

/// Somebody to write to.
pub(crate) fn contact() -> v1::Contact {
    v1::Contact { name: "Ada Example".to_owned(), email: "ada@example.com".to_owned(), ..Default::default() }
}

/// A good address.
pub(crate) fn address() -> v1::Address {
    v1::Address {
        recipient: "Ada Example".to_owned(),
        line1: "1 Main Street".to_owned(),
        city: "Oakland".to_owned(),
        region: "CA".to_owned(),
        postal_code: "94607".to_owned(),
        country_code: "US".to_owned(),
        ..Default::default()
    }
}

/// A card that the simulated gateway knows by this token.
pub(crate) fn card(token: &str) -> v1::PaymentInstrument {
    v1::PaymentInstrument { method: v1::PaymentMethod::CreditCard.into(), token: token.to_owned() }
}

/// Cash at the door.
pub(crate) fn cash() -> v1::PaymentInstrument {
    v1::PaymentInstrument { method: v1::PaymentMethod::CashOnDelivery.into(), token: String::new() }
}

/// An order of some products, to be paid as said.
pub(crate) fn order_of(lines: &[(&str, i64)], payment: Option<v1::PaymentInstrument>) -> v1::CreateOrderRequest {
    v1::CreateOrderRequest {
        lines: lines.iter().map(|(id, quantity)| line(id, *quantity)).collect(),
        contact: Some(contact()),
        shipping_address: Some(address()),
        payment,
        ..Default::default()
    }
}

/// A line of an order.
pub(crate) fn line(id: &str, quantity: i64) -> v1::OrderLineInput {
    v1::OrderLineInput { product_id: id.to_owned(), quantity: quantity.try_into().unwrap(), ..Default::default() }
}

/// A new request id.
pub(crate) fn request_id() -> String {
    use order_server::clock::IdSource as _;
    RandomIds.seed().nth(0).to_string()
}
