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
    /// Until when the cart holds what is then in it; `None` where carts hold nothing.
    pub hold_until: Option<Timestamp>,
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
    /// Until when the customer's cart holds what is then in it; `None` where carts hold nothing.
    pub hold_until: Option<Timestamp>,
    /// When.
    pub now: Timestamp,
    /// Where new identities come from.
    pub ids: IdSeed,
}

/// Holds that have expired, to be given back.
#[derive(Debug, Clone, Copy)]
pub struct SweepReservations {
    /// When.
    pub now: Timestamp,
    /// How many of them are looked for at a time. All that have expired on the same shelves go with them.
    pub most: u32,
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
    /// Changes the owner's active cart. Each change counts once and bumps the revision by one. Where carts hold their goods, the
    /// cart then holds all that is in it, anew; a cart that asks for no more than before keeps what it can.
    ///
    /// # Errors
    /// Refused with `NotFound`, `EtagMismatch`, `InsufficientStock` (more than can be held; the cart and its holds stay as they
    /// were), `RequestIdReused`, or as the cart's own rules say.
    async fn change_cart(&self, change: CartChange) -> Result<Cart, StoreError>;

    /// Moves a guest's lines into a customer's cart, and what was held for them. A guest cart that was merged into the same customer before gives that
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

    /// Gives back holds that have expired; says how many, 0 once there are none left. For tidiness only: whoever claims stock
    /// gives them back first, and nobody who looks counts them.
    ///
    /// # Errors
    /// None of its own.
    async fn sweep_reservations(&self, sweep: SweepReservations) -> Result<u32, StoreError>;
}
