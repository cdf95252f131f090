//! The port: all that the service asks of its database. Each method is one transaction.
//!
//! Common to all methods:
//! - A method that changes something runs to its end even if the caller goes away, and leaves nothing half done.
//! - Where a method takes a [`Request`](crate::request::Request), the same request again has no second effect and gets the
//!   same answer; another body under the same id is refused with
//!   [`RequestIdReused`](order_core::error::Refusal::RequestIdReused). A twin that comes while the first is under way waits.
//! - Refusals come as [`StoreError::Refused`]; every other error says nothing about the request itself.

mod audit;
mod carts;
mod catalog;
mod coupons;
mod export;
mod feed;
mod inventory;
mod ledger;
mod orders;

use async_trait::async_trait;
pub use audit::{AuditProgress, AuditReports, AuditStore, AuditSummary, AuditWatch, audit_reports};
pub use carts::{CartChange, CartStore, MergeCarts, Merged, SweepReservations};
pub use catalog::{AdjustStock, CatalogStore, UpsertOutcome, UpsertProducts, Upserted};
pub use coupons::{CouponStore, CouponUse, PricedCoupon, UpsertCoupon};
pub use export::ExportStore;
pub use feed::{ConsumerLease, FeedStore};
pub use inventory::{IntendReservation, InventoryStore, Shortfall, UntoldOperations};
pub use ledger::{DueOperation, GatewayRecord, LedgerStore, PaymentEvent, PaymentEventOutcome, UnresolvedOperations};
pub use orders::{
    ChangeOrder, Effect, ImportOrder, Imported, Mode, Numbering, OrderStore, PlaceOrder, PricedCart, PricedProduct,
};

use order_core::time::Timestamp;

use crate::error::StoreError;

/// The whole port.
#[async_trait]
pub trait Store:
    OrderStore
    + CartStore
    + CatalogStore
    + CouponStore
    + FeedStore
    + InventoryStore
    + LedgerStore
    + AuditStore
    + ExportStore
{
    /// `sqlite` or `postgresql`, for people.
    fn engine(&self) -> &'static str;

    /// Answers if the database does and its schema is the one that this program was built for.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    async fn ping(&self) -> Result<(), StoreError>;

    /// Forgets at most `most` request ids that were used before a moment, about the oldest first; says how many. None, where there are
    /// none, or where too many younger ones were written before them by a clock that was ahead.
    ///
    /// # Errors
    /// None of its own.
    async fn forget_requests(&self, before: Timestamp, most: u32) -> Result<u32, StoreError>;

    /// Waits until all writes that were begun have ended, and takes no new ones. For shutting down.
    async fn close(&self);
}
