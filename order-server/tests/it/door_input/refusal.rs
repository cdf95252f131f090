//! What a caller is told when something is refused, and that a refusal leaves nothing behind.

use std::{
    collections::{BTreeSet, HashMap},
    fmt::Debug,
    sync::Arc,
};

use order_api::v1;
use order_store::testing::TestDatabase;
use tonic::{Code, Response, Status};
use tonic_types::{ErrorDetails, StatusExt as _};

use crate::world::World;

/// A refusal, taken apart.
#[derive(Debug, PartialEq)]
pub(crate) struct Refusal {
    pub(crate) code: Code,
    pub(crate) reason: String,
    pub(crate) metadata: HashMap<String, String>,
    /// The violated fields, each path once.
    pub(crate) fields: BTreeSet<String>,
    pub(crate) message: String,
    pub(crate) details: Details,
}

/// The details, comparable.
#[derive(Debug)]
pub(crate) struct Details(pub(crate) ErrorDetails);

impl PartialEq for Details {
    fn eq(&self, other: &Self) -> bool {
        format!("{:?}", self.0) == format!("{:?}", other.0)
    }
}

impl Refusal {
    /// Takes an answer apart that must be a refusal: of our domain, with a reason, and never a fault of ours.
    pub(crate) fn of<T: Debug>(answer: Result<Response<T>, Status>) -> Self {
        Self::from(answer.map(Response::into_inner).expect_err("it has to be refused"))
    }

    /// The conditions that do not hold, as kind and subject.
    pub(crate) fn conditions(&self) -> Vec<(&str, &str)> {
        let failure = self.details.0.precondition_failure();
        let violations = failure.into_iter().flat_map(|failure| &failure.violations);
        violations.map(|violation| (violation.r#type.as_str(), violation.subject.as_str())).collect()
    }

    /// The facts for programs, in order.
    pub(crate) fn facts<const N: usize>(&self, names: [&str; N]) -> [&str; N] {
        names.map(|name| self.metadata.get(name).unwrap_or_else(|| panic!("no {name} in {self:?}")).as_str())
    }
}

impl From<Status> for Refusal {
    fn from(status: Status) -> Self {
        let details = status.get_error_details();
        let info = details.error_info().unwrap_or_else(|| panic!("no ErrorInfo in {status:?}"));
        assert_eq!(info.domain, "orders.v1", "{status:?}");
        assert!(!matches!(status.code(), Code::Internal | Code::Unknown), "{status:?}");
        let fields = details.bad_request().into_iter().flat_map(|bad| &bad.field_violations);
        Self {
            code: status.code(),
            reason: info.reason.clone(),
            metadata: info.metadata.clone(),
            fields: fields.map(|violation| violation.field.clone()).collect(),
            message: status.message().to_owned(),
            details: Details(details),
        }
    }
}

/// Asserts bad input: code, reason, and exactly these paths.
#[track_caller]
pub(crate) fn assert_invalid<T: Debug>(answer: Result<Response<T>, Status>, paths: &[&str]) {
    let told = Refusal::of(answer);
    assert_eq!((told.code, told.reason.as_str()), (Code::InvalidArgument, "INVALID_FIELD"), "{told:?}");
    assert_eq!(told.fields, paths.iter().map(|path| (*path).to_owned()).collect(), "{told:?}");
}

/// Asserts code and reason of a refusal, and returns the rest.
#[track_caller]
pub(crate) fn assert_refused<T: Debug>(answer: Result<Response<T>, Status>, code: Code, reason: &str) -> Refusal {
    let told = Refusal::of(answer);
    assert_eq!((told.code, told.reason.as_str()), (code, reason), "{told:?}");
    told
}

/// A running service whose database can be looked into past it.
pub(crate) struct Door {
    pub(crate) world: World,
    pub(crate) database: Arc<TestDatabase>,
}

impl Door {
    /// A service with the products of [`World::with_products`], and something in Ada's cart.
    pub(crate) async fn open(database: Arc<TestDatabase>) -> Self {
        let world = World::with_products(&database, &[]).await;
        let request = v1::AddCartItemRequest { product_id: "costume".into(), quantity: 2, ..Default::default() };
        world.customer("ada").carts.add_cart_item(request).await.unwrap();
        Self { world, database }
    }

    /// Carries out what must be refused as bad input with exactly these paths, and must leave nothing behind.
    pub(crate) async fn rejects<T: Debug>(
        &self,
        call: impl Future<Output = Result<Response<T>, Status>>,
        paths: &[&str],
    ) {
        let before = self.footprint().await;
        let answer = call.await;
        assert_eq!(self.footprint().await, before, "a refused request wrote something: {answer:?}");
        assert_invalid(answer, paths);
    }

    /// Carries out what must be refused with this code and reason, and must leave nothing behind.
    pub(crate) async fn refuses<T: Debug>(
        &self,
        call: impl Future<Output = Result<Response<T>, Status>>,
        (code, reason): (Code, &str),
    ) -> Refusal {
        let before = self.footprint().await;
        let answer = call.await;
        assert_eq!(self.footprint().await, before, "a refused request wrote something: {answer:?}");
        assert_refused(answer, code, reason)
    }

    /// Orders, carts, shelves, products and histories as the tables hold them.
    pub(crate) async fn footprint(&self) -> BTreeSet<String> {
        self.database.texts(FOOTPRINT).await.into_iter().collect()
    }
}

/// Everything that a request could write, apart from the memory of request ids, which keeps refusals on purpose.
const FOOTPRINT: &str =
    "SELECT 'order ' || order_number || ' ' || status || ' ' || revision || ' ' || notes FROM orders
    UNION ALL SELECT 'stock ' || sku || ' ' || on_hand || ' ' || reserved || ' ' || allocated FROM stock
    UNION ALL SELECT 'cart ' || COALESCE(customer_id, '') || ' ' || state || ' ' || revision FROM cart
    UNION ALL SELECT 'item ' || product_id || ' ' || quantity FROM cart_item
    UNION ALL SELECT 'product ' || product_id || ' ' || revision FROM product
    UNION ALL SELECT 'coupon ' || coupon_code || ' ' || revision || ' ' || redeemed FROM coupon
    UNION ALL SELECT 'coupon of ' || redeemer FROM coupon_redemption
    UNION ALL SELECT 'events ' || COUNT(*) FROM order_event
    UNION ALL SELECT 'lines ' || COUNT(*) FROM order_line
    UNION ALL SELECT 'movements ' || COUNT(*) FROM stock_movement
    UNION ALL SELECT 'operations ' || COUNT(*) FROM payment_operation";
