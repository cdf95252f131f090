//! Carts.

use async_trait::async_trait;
use order_core::{
    cart::{Cart, CartCommand, CartOwner, GuestKey, MergedLine},
    ids::{CartId, CustomerId, IdSeed},
    time::Timestamp,
};

use crate::{error::StoreError, request::Request};

/// A change to the active cart of an owner. The first product that is put in opens a cart.
#[derive(Debug, Clone)]
pub struct CartChange {
    /// Idempotency, where the caller asked for it.
    pub request: Option<Request>,
    /// Whose.
    pub owner: CartOwner,
    /// The revision that the caller has seen, if it must not have changed since.
    pub expected_revision: Option<i64>,
    /// The change.
    pub command: CartCommand,
    /// When.
    pub now: Timestamp,
    /// Where new identities come from.
    pub ids: IdSeed,
}

/// A guest's cart to be merged into a customer's.
#[derive(Debug, Clone)]
pub struct MergeCarts {
    /// Idempotency, where the caller asked for it.
    pub request: Option<Request>,
    /// The guest's.
    pub guest: GuestKey,
    /// The customer, whose cart is opened if there is none.
    pub customer: CustomerId,
    /// When.
    pub now: Timestamp,
    /// Where new identities come from.
    pub ids: IdSeed,
}

/// What became of a merge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Merged {
    /// The customer's cart; `None` if neither had anything in it.
    pub cart: Option<Cart>,
    /// What became of each line of the guest's cart.
    pub report: Vec<MergedLine>,
}

/// Carts.
#[async_trait]
pub trait CartStore: Send + Sync {
    /// Changes the owner's active cart. Each change counts once and bumps the revision by one.
    ///
    /// # Errors
    /// Refused with `NotFound`, `EtagMismatch`, `RequestIdReused`, or as the cart's own rules say.
    async fn change_cart(&self, change: CartChange) -> Result<Cart, StoreError>;

    /// Moves a guest's lines into a customer's cart. A guest cart that was merged into the same customer before gives that
    /// cart and an empty report.
    ///
    /// # Errors
    /// Refused with `NotFound` (no such guest cart), `CartClosed`, `RequestIdReused`.
    async fn merge_carts(&self, merge: MergeCarts) -> Result<Merged, StoreError>;

    /// The owner's newest cart that is live at `now` or was ordered.
    ///
    /// # Errors
    /// None of its own.
    async fn cart(&self, owner: CartOwner, now: Timestamp) -> Result<Option<Cart>, StoreError>;

    /// Marks carts expired whose time is over, at most `most` of them; returns their ids. For tidiness only: such a cart is as
    /// good as gone before.
    ///
    /// # Errors
    /// None of its own.
    async fn expire_carts(&self, now: Timestamp, most: u32) -> Result<Vec<CartId>, StoreError>;
}
