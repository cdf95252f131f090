//! A shop for the tests of use cases: an app over an SQLite database of its own, without a server around it.

use std::{
    collections::BTreeMap,
    sync::{Arc, Weak},
};

use async_trait::async_trait;
use order_api::v1;
use order_core::{
    currency::Currency,
    ids::{CustomerId, ProductId, Sku},
    policy::Policy,
    ports::{Catalog, Health, Inventory, Lack, Neighbour, Unavailable},
    product::Product,
    rules::Rules,
    stock::LevelQuery,
    time::Timestamp,
};
use order_store::{Numbering, testing::TestDatabase};
use tokio::sync::Notify;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    app::{App, GuestPolicy},
    auth::Principal,
    clock::{ManualClock, RandomIds},
    feed::Feed,
    gateways::{EmbeddedCatalog, EmbeddedInventory, EmbeddedShipping, Mail, NoNotifier, SimulatedGateway},
};

/// When every shop opens.
const OPENING: Timestamp = Timestamp::from_micros(1_772_366_400_000_000);

/// A shop with a few products: `costume` (49.99 USD, 10 on the shelf), `cape` (30.00 USD, 1), `retired` (5.00 USD, not for
/// sale) and `kimono` (4 000 JPY, 10). SKUs are the ids in capitals.
pub(crate) struct Shop {
    pub(crate) app: App,
    pub(crate) clock: Arc<ManualClock>,
    /// Removed with the shop.
    _database: TestDatabase,
}

impl Shop {
    pub(crate) async fn open() -> Self {
        let database = TestDatabase::sqlite().await;
        let store = database.connect().await;
        let clock = Arc::new(ManualClock::at(OPENING));
        let app = App {
            catalog: Arc::new(EmbeddedCatalog::new(Arc::clone(&store))),
            inventory: Arc::new(EmbeddedInventory(Arc::clone(&store))),
            warehouse: None,
            untold: Notify::new(),
            // Nobody listens to its events.
            payments: Arc::new(SimulatedGateway::new(
                Arc::clone(&store),
                Mail::new(Weak::<App>::new(), TaskTracker::new(), CancellationToken::new()),
            )),
            shipping: Arc::new(EmbeddedShipping),
            notifier: Arc::new(NoNotifier),
            publishers: Vec::new(),
            shared_limits: None,
            feed: Feed::new(Arc::clone(&store)),
            rules: Arc::new(Rules::builtin()),
            policy: Policy::default(),
            numbering: Numbering { prefix: "SPK".to_owned(), first: 1001 },
            guests: GuestPolicy::Allowed,
            currency: Currency::parse("USD").unwrap(),
            clock: Arc::clone(&clock) as _,
            ids: Arc::new(RandomIds),
            tasks: TaskTracker::new(),
            draining: CancellationToken::new(),
            store,
        };
        let shop = Self { app, clock, _database: database };
        shop.upsert(vec![
            product("costume", ("USD", 49, 990_000_000), 10),
            product("cape", ("USD", 30, 0), 1),
            inactive(product("retired", ("USD", 5, 0), 10)),
            product("kimono", ("JPY", 4_000, 0), 10),
        ])
        .await;
        shop
    }

    /// Adds or changes products.
    pub(crate) async fn upsert(&self, products: Vec<v1::ProductUpsert>) -> Vec<v1::ProductUpsertResult> {
        let request = v1::UpsertProductsRequest { products, ..Default::default() };
        super::admin::upsert_products(&self.app, &admin(), request).await.unwrap().results
    }
}

/// A customer.
pub(crate) fn customer() -> Principal {
    Principal::Customer { id: CustomerId::parse("42").unwrap(), email: None, name: None }
}

/// An administrator.
pub(crate) fn admin() -> Principal {
    Principal::Admin { id: "kim".to_owned() }
}

/// A product with so many units on its shelf.
pub(crate) fn product(id: &str, (currency_code, units, nanos): (&str, i64, i32), stock: i64) -> v1::ProductUpsert {
    let price = Some(order_api::Money { currency_code: currency_code.to_owned(), units, nanos });
    let (product_id, sku, name) = (id.to_owned(), id.to_uppercase(), format!("The {id}"));
    let product = v1::Product { product_id, sku, name, price, active: true, ..Default::default() };
    v1::ProductUpsert { product: Some(product), initial_stock: Some(stock) }
}

/// The same product, not for sale.
pub(crate) fn inactive(upsert: v1::ProductUpsert) -> v1::ProductUpsert {
    v1::ProductUpsert { product: upsert.product.map(|product| v1::Product { active: false, ..product }), ..upsert }
}

/// A neighbour that does not answer.
pub(crate) struct Down(pub(crate) &'static str);

impl Down {
    fn error(&self) -> Unavailable {
        Unavailable { neighbour: self.0, lack: Lack::Down, detail: "tcp://10.0.0.7 refused".to_owned() }
    }
}

#[async_trait]
impl Neighbour for Down {
    fn name(&self) -> &'static str {
        self.0
    }

    async fn check(&self) -> Result<Health, Unavailable> {
        Err(self.error())
    }
}

#[async_trait]
impl Catalog for Down {
    async fn batch_get(&self, _ids: &[ProductId]) -> Result<Vec<Product>, Unavailable> {
        Err(self.error())
    }
}

#[async_trait]
impl Inventory for Down {
    async fn available(&self, _query: LevelQuery) -> Result<BTreeMap<Sku, i64>, Unavailable> {
        Err(self.error())
    }
}
