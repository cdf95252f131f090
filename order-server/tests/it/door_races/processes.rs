//! Two server processes over one PostgreSQL, as behind a load balancer: what happens at one is as if it had happened at the other.

mod crowds;
mod pairs;
mod prices;
mod readers;
mod reconcilers;

use order_api::v1;
use order_store::testing::TestDatabase;
use tonic::{Code, Status};

use super::{call::Desk, kit::reason, process::Process};
use crate::world::product;

/// The two. Killed when they are dropped.
struct Two([Process; 2]);

impl Two {
    /// Starts both at once on an empty database, so that they meet in the migrations already.
    async fn start(database: &TestDatabase, settings: &[(&str, &str)]) -> Self {
        let (one, other) = tokio::join!(Process::start(database, settings), Process::start(database, settings));
        Self([one, other])
    }

    /// The desks of a customer at both doors; every other one meets them the other way round.
    fn desks(&self, (customer, n): (&str, usize)) -> [Desk; 2] {
        let mut desks = self.0.each_ref().map(|process| process.desk(customer));
        desks.rotate_left(n % 2);
        desks
    }

    /// Puts a product on the shelf, at 10.00 USD.
    async fn shelve(&self, id: &str, stock: i64) {
        let products = vec![product(id, ("USD", 10, 0), stock)];
        let request = v1::UpsertProductsRequest { products, ..Default::default() };
        self.0[0].admin().admin.upsert_products(request).await.unwrap();
    }

    /// Units of a SKU on the shelf, and how many of them are promised: the same for both.
    async fn shelf(&self, sku: &str) -> (i64, i64) {
        let mut shelves = Vec::new();
        for process in &self.0 {
            let request = v1::GetStockRequest { sku: sku.to_owned() };
            let stock = process.admin().admin.get_stock(request).await.unwrap().into_inner();
            shelves.push((stock.on_hand, stock.allocated));
        }
        assert_eq!(shelves[0], shelves[1]);
        shelves[0]
    }
}

/// One of the two was carried out, and the other one was told why not with one of these reasons. Whether it was the first.
#[track_caller]
fn one_won<T: std::fmt::Debug>((one, other): (Result<T, Status>, Result<T, Status>), reasons: &[&str]) -> bool {
    let is_first = one.is_ok();
    let (won, lost) = if is_first { (one, other) } else { (other, one) };
    let status = lost.unwrap_err();
    assert!(won.is_ok(), "{won:?} {status:?}");
    assert_eq!(status.code(), Code::FailedPrecondition, "{status:?}");
    assert!(reasons.contains(&reason(&status).as_str()), "{status:?}");
    is_first
}
