//! Changing and merging carts.

use order_core::{
    cart::{Cart, CartCommand, CartOwner, CartState, Merge},
    error::{Refusal, ResourceKind},
    ids::CartId,
    time::Timestamp,
};

use super::{holds::Holding, requests, shelf::Shelves};
use crate::{
    backend::WriteWork,
    error::StoreError,
    request::RequestOutcome,
    rows::{cart_from_rows, cart_rows},
    statements::{Done, Read, Write},
    store::{CartChange, MergeCarts, Merged},
};

impl WriteWork for CartChange {
    type Output = Result<Cart, Refusal>;
    const NAME: &'static str = "change_cart";

    async fn run<T: Write>(&self, tx: &mut T) -> Done<Self::Output> {
        let request = self.request.as_ref();
        // Which cart it will be is not known yet: the outcome is written again once it is.
        match requests::claim(tx, request, &RequestOutcome::Done).await? {
            requests::Claim::Ours => {}
            requests::Claim::Replay(RequestOutcome::Cart(id)) => return Ok(Ok(by_id(tx, id).await?)),
            requests::Claim::Replay(RequestOutcome::Refused(refusal)) => return Ok(Err(refusal)),
            requests::Claim::Replay(_other) => return Err(foreign_outcome().into()),
            requests::Claim::Reused => return Ok(Err(Refusal::RequestIdReused)),
        }
        let result = self.carry_out(tx).await?;
        if let Ok(cart) = &result {
            requests::keep(tx, request, &RequestOutcome::Cart(cart.id)).await?;
        }
        requests::settle(tx, request, result).await
    }
}

impl CartChange {
    async fn carry_out<T: Write>(&self, tx: &mut T) -> Done<Result<Cart, Refusal>> {
        let opens = matches!(self.command, CartCommand::Add(..));
        let cart = match live(tx, &self.owner, self.now).await? {
            Some(cart) => cart,
            None if opens => Cart::open(CartId::new(self.ids.nth(0)), self.owner.clone(), self.now),
            None => return Ok(Err(Refusal::not_found(ResourceKind::Cart, "active"))),
        };
        if self.expected_revision.is_some_and(|expected| expected != cart.revision) {
            return Ok(Err(Refusal::EtagMismatch { current: cart.revision }));
        }
        let next = match cart.change(&self.command, self.now, self.ids) {
            Ok(next) => next,
            Err(refusal) => return Ok(Err(refusal)),
        };
        let shelves = match self.hold(tx, (&cart, &next)).await? {
            Ok(shelves) => shelves,
            Err(refusal) => return Ok(Err(refusal)),
        };
        let next = put(tx, next).await?;
        shelves.write(tx).await?;
        Ok(Ok(next))
    }

    async fn hold<T: Write>(&self, tx: &mut T, (before, after): (&Cart, &Cart)) -> Done<Result<Shelves, Refusal>> {
        let Some(until) = self.hold_until else { return Ok(Ok(Shelves::default())) };
        Holding { before: &[before], after, until, now: self.now, ids: self.ids }.decide(tx).await
    }
}

impl WriteWork for MergeCarts {
    type Output = Result<Merged, Refusal>;
    const NAME: &'static str = "merge_carts";

    async fn run<T: Write>(&self, tx: &mut T) -> Done<Self::Output> {
        let request = self.request.as_ref();
        match requests::claim(tx, request, &RequestOutcome::Done).await? {
            requests::Claim::Ours => {}
            requests::Claim::Replay(RequestOutcome::Merged(id, report)) => {
                let cart = Some(by_id(tx, id).await?);
                return Ok(Ok(Merged { cart, report }));
            }
            requests::Claim::Replay(RequestOutcome::Done) => return Ok(Ok(Merged { cart: None, report: Vec::new() })),
            requests::Claim::Replay(RequestOutcome::Refused(refusal)) => return Ok(Err(refusal)),
            requests::Claim::Replay(RequestOutcome::Order(_) | RequestOutcome::Cart(_)) => {
                return Err(foreign_outcome().into());
            }
            requests::Claim::Reused => return Ok(Err(Refusal::RequestIdReused)),
        }
        let result = self.carry_out(tx).await?;
        if let Ok(Merged { cart: Some(cart), report }) = &result {
            requests::keep(tx, request, &RequestOutcome::Merged(cart.id, report.clone())).await?;
        }
        requests::settle(tx, request, result).await
    }
}

impl MergeCarts {
    async fn carry_out<T: Write>(&self, tx: &mut T) -> Done<Result<Merged, Refusal>> {
        let Some((row, items)) = tx.lock_guest_cart(self.guest).await? else {
            return Ok(Err(Refusal::not_found(ResourceKind::Cart, "guest")));
        };
        let source = cart_from_rows(row, items)?;
        let owner = CartOwner::Customer(self.customer.clone());
        if let CartState::Merged(into) = source.state {
            let cart = by_id(tx, into).await?;
            let own = cart.owner == owner;
            let merged = Merged { cart: Some(cart), report: Vec::new() };
            return Ok(if own { Ok(merged) } else { Err(Refusal::not_found(ResourceKind::Cart, "guest")) });
        }
        if source.state == CartState::Active && !source.is_live(self.now) {
            return Ok(Err(Refusal::CartClosed { state: CartState::Expired.as_str().to_owned() }));
        }
        let target = live(tx, &owner, self.now).await?;
        let before = target.unwrap_or_else(|| Cart::open(CartId::new(self.ids.nth(0)), owner, self.now));
        let Merge { source: closed, target, report } = match source.merge_into(&before, self.now) {
            Ok(merge) => merge,
            Err(refusal) => return Ok(Err(refusal)),
        };
        if closed != source
            && let Err(refusal) = self.take_over(tx, (&source, &before), (closed, &target)).await?
        {
            return Ok(Err(refusal));
        }
        let cart = (target.revision > 0).then_some(target);
        Ok(Ok(Merged { cart, report }))
    }

    /// Writes both carts as they are afterwards, and moves what was held for the lines.
    async fn take_over<T: Write>(
        &self,
        tx: &mut T,
        (source, target): (&Cart, &Cart),
        (closed, after): (Cart, &Cart),
    ) -> Done<Result<(), Refusal>> {
        let decided = match self.hold_until {
            None => Ok(Shelves::default()),
            Some(until) => {
                let (now, ids) = (self.now, self.ids);
                Holding { before: &[source, target], after, until, now, ids }.decide(tx).await?
            }
        };
        let shelves = match decided {
            Ok(shelves) => shelves,
            Err(refusal) => return Ok(Err(refusal)),
        };
        put(tx, closed).await?;
        put(tx, after.clone()).await?;
        shelves.write(tx).await?;
        Ok(Ok(()))
    }
}

/// The owner's cart if it can still be changed; one whose time is over is closed on the way.
async fn live<T: Write>(tx: &mut T, owner: &CartOwner, now: Timestamp) -> Done<Option<Cart>> {
    let Some((row, items)) = tx.lock_cart(owner).await? else { return Ok(None) };
    let cart = cart_from_rows(row, items)?;
    if cart.is_live(now) {
        return Ok(Some(cart));
    }
    if cart.state == CartState::Active {
        put(tx, Cart { state: CartState::Expired, ..cart }).await?;
    }
    Ok(None)
}

async fn put<T: Write>(tx: &mut T, cart: Cart) -> Done<Cart> {
    let (row, items) = cart_rows(&cart);
    tx.put_cart(&row, &items).await?;
    Ok(cart)
}

async fn by_id<T: Read>(tx: &mut T, id: CartId) -> Done<Cart> {
    let found = tx.cart_by_id(id.uuid()).await?;
    let (row, items) = found.ok_or_else(|| StoreError::corrupt(format!("cart {id} of a request is gone")))?;
    Ok(cart_from_rows(row, items)?)
}

fn foreign_outcome() -> StoreError {
    StoreError::corrupt("a request's outcome is of another method")
}

/// Marking carts expired, for tidiness.
pub(super) struct ExpireCarts {
    pub(super) now: Timestamp,
    pub(super) most: u32,
}

impl WriteWork for ExpireCarts {
    type Output = Vec<CartId>;
    const NAME: &'static str = "expire_carts";

    async fn run<T: Write>(&self, tx: &mut T) -> Done<Self::Output> {
        let ids = tx.expire_carts(self.now, self.most).await?;
        Ok(ids.into_iter().map(CartId::new).collect())
    }
}
