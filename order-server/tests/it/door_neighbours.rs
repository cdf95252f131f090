//! The services around the order service, and their bad days, at the public door.

mod catalog;
mod database;
mod events;
mod inventory;
mod nats;
mod notification;
mod payment;
mod shipping;
mod tls;
mod together;
mod traces;
mod webhook;

use std::time::Duration;

use neighbour_sim::{Fault, Neighbours};
use order_api::{Money, integrations::v1::CatalogProduct};
use order_store::testing::TestDatabase;

use crate::world::World;

/// What a neighbour may take in these tests.
const TIMEOUT_MS: &str = "300";

/// Every bad day but the one on which the answer is wrong.
const BAD_DAYS: [Fault; 4] = [Fault::Down, Fault::Error, Fault::Slow(Duration::from_millis(900)), Fault::Lost];

async fn neighbours() -> Neighbours {
    Neighbours::start("127.0.0.1:0".parse().unwrap()).await.unwrap()
}

/// A service with these settings, of which the empty ones are the address of the neighbours. Products are on the shelves.
async fn world(database: &TestDatabase, around: &Neighbours, settings: &[(&str, &str)]) -> World {
    let url = around.url();
    let mut all = vec![("NEIGHBOUR_TIMEOUT_MS", TIMEOUT_MS), ("CATALOG_CACHE_MS", "0")];
    all.extend(settings.iter().map(|&(name, value)| (name, if value.is_empty() { url.as_str() } else { value })));
    World::with_products(database, &all).await
}

/// A product of the product service, for sale.
fn product(id: &str, units: i64) -> CatalogProduct {
    CatalogProduct {
        product_id: id.to_owned(),
        sku: id.to_ascii_uppercase(),
        name: format!("The remote {id}"),
        price: Some(Money { currency_code: "USD".to_owned(), units, nanos: 0 }),
        active: true,
        ..Default::default()
    }
}
