//! Adding and changing coupons, using them for orders, and freeing them again.

use std::collections::{BTreeMap, BTreeSet};

use order_core::{
    discount::{Coupon, CouponProblem, Redeemer},
    error::{Refusal, ResourceKind},
    ids::{CouponCode, OrderId},
    order::{Event, EventBody, Order},
};

use super::requests;
use crate::{
    backend::WriteWork,
    error::StoreError,
    request::RequestOutcome,
    rows::{CouponRow, RedemptionRow},
    statements::{Done, Read, Write},
    store::{CouponUse, Mode, PlaceOrder, PricedCoupon, UpsertCoupon},
};

impl WriteWork for UpsertCoupon {
    type Output = Result<Coupon, Refusal>;
    const NAME: &'static str = "upsert_coupon";

    async fn run<T: Write>(&self, tx: &mut T) -> Done<Self::Output> {
        let request = match self.mode {
            Mode::Apply => self.request.as_ref(),
            Mode::Preview => None,
        };
        match requests::claim(tx, request, &RequestOutcome::Done).await? {
            requests::Claim::Ours => {}
            requests::Claim::Replay(RequestOutcome::Refused(refusal)) => return Ok(Err(refusal)),
            requests::Claim::Replay(_done) => {
                let found = look_up(tx, &self.terms.code, None).await?.map(|found| found.coupon);
                return Ok(found.ok_or_else(|| Refusal::not_found(ResourceKind::Coupon, &self.terms.code)));
            }
            requests::Claim::Reused => return Ok(Err(Refusal::RequestIdReused)),
        }
        let result = self.carry_out(tx).await?;
        requests::settle(tx, request, result).await
    }
}

impl UpsertCoupon {
    async fn carry_out<T: Write>(&self, tx: &mut T) -> Done<Result<Coupon, Refusal>> {
        let known = lock(tx, &BTreeSet::from([self.terms.code.clone()])).await?.remove(&self.terms.code);
        let current = known.as_ref().map_or(0, |coupon| coupon.revision);
        let Some(next) = self.terms.upsert(known.as_ref(), self.now) else {
            // As it should be: there is nothing to lose, whatever the caller saw.
            return Ok(Ok(known.expect("only what is there can be as it should be")));
        };
        if self.expected_revision.is_some_and(|expected| expected != current) {
            return Ok(Err(Refusal::EtagMismatch { current }));
        }
        match (self.mode, known) {
            (Mode::Preview, _) => {}
            (Mode::Apply, None) => tx.insert_coupon(&CouponRow::from(&next)).await?,
            (Mode::Apply, Some(_)) => tx.update_coupons(&[CouponRow::from(&next)]).await?,
        }
        Ok(Ok(next))
    }
}

/// A coupon and how often somebody has used it.
pub(super) async fn look_up<T: Read>(
    tx: &mut T,
    code: &CouponCode,
    redeemer: Option<&Redeemer>,
) -> Done<Option<CouponUse>> {
    let Some(row) = tx.coupon(code).await? else { return Ok(None) };
    let used = match redeemer {
        Some(redeemer) => tx.redemption_count(code, redeemer).await?,
        None => 0,
    };
    Ok(Some(CouponUse { coupon: Coupon::try_from(row)?, used }))
}

/// Locks these coupons, in their order, and reads those that exist.
async fn lock<T: Write>(tx: &mut T, codes: &BTreeSet<CouponCode>) -> Done<BTreeMap<CouponCode, Coupon>> {
    if codes.is_empty() {
        return Ok(BTreeMap::new());
    }
    let codes: Vec<_> = codes.iter().cloned().collect();
    let rows = tx.lock_coupons(&codes).await?;
    let coupons = rows.into_iter().map(Coupon::try_from);
    Ok(coupons.map(|coupon| coupon.map(|coupon| (coupon.terms.code.clone(), coupon))).collect::<Result<_, _>>()?)
}

/// The coupons of a batch of orders, locked, and what the batch does to them so far.
#[derive(Debug, Default)]
pub(super) struct Redemptions {
    coupons: BTreeMap<CouponCode, Coupon>,
    /// How often each redeemer has used each coupon.
    used: BTreeMap<(CouponCode, Redeemer), u32>,
    new: Vec<RedemptionRow>,
}

impl Redemptions {
    /// Locks the coupons of these orders and counts what was used before. Without coupons it asks the database nothing.
    pub(super) async fn open<'o, T: Write>(
        tx: &mut T,
        orders: impl Iterator<Item = &'o PlaceOrder> + Send,
    ) -> Done<Self> {
        let asked: BTreeSet<_> =
            orders.filter_map(|order| order.coupon.as_ref()).map(|c| (c.code.clone(), c.redeemer.clone())).collect();
        let coupons = lock(tx, &asked.iter().map(|(code, _)| code.clone()).collect()).await?;
        let mut used = BTreeMap::new();
        for (code, redeemer) in asked {
            if coupons.get(&code).is_some_and(|coupon| coupon.terms.per_customer_limit.is_some()) {
                let count = tx.redemption_count(&code, &redeemer).await?;
                used.insert((code, redeemer), count);
            }
        }
        Ok(Self { coupons, used, new: Vec::new() })
    }

    /// Whether an order may use its coupon, after all orders of the batch before it. `PricingStale` where the coupon is not what was
    /// priced.
    pub(super) fn check(&self, order: &PlaceOrder) -> Result<(), Refusal> {
        let Some(priced) = &order.coupon else { return Ok(()) };
        let coupon = self.coupons.get(&priced.code).filter(|coupon| coupon.revision == priced.revision);
        let Some(coupon) = coupon else { return Err(Refusal::PricingStale) };
        let used = self.used.get(&key(priced)).copied().unwrap_or_default();
        let time = order.placement.order.create_time;
        let found = coupon.check_time(time).and_then(|()| coupon.check_limits(used));
        let refused = |problem: CouponProblem| Refusal::CouponNotApplicable { code: priced.code.clone(), problem };
        found.map_err(refused)
    }

    /// Uses the coupon of an order that was checked.
    pub(super) fn redeem(&mut self, order: &PlaceOrder) {
        let Some(priced) = &order.coupon else { return };
        if let Some(coupon) = self.coupons.get_mut(&priced.code) {
            coupon.redeemed += 1;
        }
        *self.used.entry(key(priced)).or_default() += 1;
        let placed = &order.placement.order;
        self.new.push(RedemptionRow::new((&priced.code, placed.id), &priced.redeemer, placed.create_time));
    }

    /// What is to be written once the orders are there.
    pub(super) fn into_rows(self) -> (Vec<CouponRow>, Vec<RedemptionRow>) {
        let used: BTreeSet<_> = self.new.iter().map(|row| row.coupon_code.as_str()).collect();
        let coupons = self.coupons.values().filter(|coupon| used.contains(coupon.terms.code.as_str()));
        (coupons.map(CouponRow::from).collect(), self.new)
    }
}

fn key(priced: &PricedCoupon) -> (CouponCode, Redeemer) {
    (priced.code.clone(), priced.redeemer.clone())
}

/// The coupons of orders that are called off, locked.
#[derive(Debug, Default)]
pub(super) struct Freeing {
    coupons: BTreeMap<CouponCode, Coupon>,
    /// Whose use of which coupon is given back.
    freed: BTreeMap<OrderId, CouponCode>,
}

impl Freeing {
    /// Locks the coupons that these orders may free.
    pub(super) async fn lock<T: Write>(tx: &mut T, changes: &[(&Order, &[Event])]) -> Done<Self> {
        let codes = changes.iter().filter_map(|(before, events)| freed(before, events)).cloned().collect();
        Ok(Self { coupons: lock(tx, &codes).await?, freed: BTreeMap::new() })
    }

    /// Gives the use of an order back, if these events free it.
    pub(super) fn free(&mut self, before: &Order, events: &[Event]) {
        self.freed.extend(freed(before, events).map(|code| (before.id, code.clone())));
    }

    /// Forgets the uses that were given back, each once, and writes the coupons that are used less now.
    pub(super) async fn write<T: Write>(mut self, tx: &mut T) -> Done {
        if self.freed.is_empty() {
            return Ok(());
        }
        let mut changed = BTreeSet::new();
        for order_id in tx.delete_redemptions(&self.freed.keys().copied().collect::<Vec<_>>()).await? {
            let Some(code) = self.freed.get(&order_id) else { continue };
            let gone = || StoreError::corrupt(format!("coupon {code} of order {order_id} is gone"));
            let coupon = self.coupons.get_mut(code).ok_or_else(gone)?;
            let left = coupon.redeemed.checked_sub(1);
            coupon.redeemed =
                left.ok_or_else(|| StoreError::corrupt(format!("coupon {code} was used less than it was")))?;
            changed.insert(code);
        }
        let rows: Vec<_> = changed.into_iter().filter_map(|code| self.coupons.get(code)).map(CouponRow::from).collect();
        tx.update_coupons(&rows).await
    }
}

/// The coupon that these events free: that of an order which is called off as a whole, of which nothing was shipped.
fn freed<'o>(before: &'o Order, events: &[Event]) -> Option<&'o CouponCode> {
    let called_off = events.iter().any(|event| matches!(event.body, EventBody::Cancelled | EventBody::Expired));
    let untouched = before.lines.iter().all(|line| line.counters.shipped == 0);
    before.coupon_code.as_ref().filter(|_| called_off && untouched)
}
