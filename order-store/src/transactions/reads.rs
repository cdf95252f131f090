//! Transactions that only look.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use order_core::{
    cart::{Cart, CartOwner, CartState},
    discount::{Coupon, Redeemer},
    error::Refusal,
    ids::{CouponCode, CustomerId, OperationId, OrderId, ProductId},
    order::{Event, Order},
    product::Product,
    stock::{LevelQuery, StockLevel},
    time::Timestamp,
};

use super::{coupons, holds, requests};
use crate::{
    backend::{Backend, PRODUCT_LANES, Path, ReadWork, Room},
    error::StoreError,
    lanes::{Batch, Work},
    query::{
        CouponQuery, CustomerSummary, DeadLetter, DeadLetterQuery, FeedCursor, FeedPage, Movement, MovementQuery,
        OrderFilter, OrderKey, OrderQuery, Page, ProductQuery, Scope, Stats, StatsQuery,
    },
    request::{Request, RequestOutcome},
    rows::{DeadLetterRow, FeedRow, OrderRows, cart_from_rows},
    statements::{Done, Read},
    store::{CouponUse, DueOperation, GatewayRecord, PaymentEvent, UnresolvedOperations, UntoldOperations},
};

/// A reading transaction of one statement: its fields, its name, its result, and the statement.
macro_rules! look {
    ($name:ident { $($field:ident: $type:ty),* }, $label:literal, $output:ty, |$this:ident, $tx:ident| $body:expr) => {
        look!($name { $($field: $type),* }, ($label, Path::ByIndexes), $output, |$this, $tx| $body);
    };
    ($name:ident { $($field:ident: $type:ty),* }, ($label:literal, $path:expr), $output:ty, |$this:ident, $tx:ident| $body:expr) => {
        pub(super) struct $name { $(pub(super) $field: $type),* }

        impl ReadWork for $name {
            type Output = $output;
            const NAME: &'static str = $label;
            const PATH: Path = $path;

            async fn run<T: Read>(&self, $tx: &mut T) -> Done<$output> {
                let $this = self;
                $body
            }
        }
    };
}

look!(Ping {}, "ping", (), |_this, tx| tx.probe().await);

look!(GetOrder { key: OrderKey, scope: Scope }, ("order", Path::ByKey), Option<Order>, |this, tx| {
    Ok(tx.order(&this.key, &this.scope).await?.map(OrderRows::into_order).transpose()?)
});

look!(Recall { request: Request }, "recall", Result<Option<Order>, Refusal>, |this, tx| {
    let Some(row) = tx.request(&this.request.key).await? else { return Ok(Ok(None)) };
    match requests::found(&row, &this.request)? {
        requests::Claim::Replay(RequestOutcome::Order(id)) => {
            let rows = tx.orders_by_id(&[id]).await?.pop();
            Ok(Ok(rows.map(OrderRows::into_order).transpose()?))
        }
        requests::Claim::Replay(RequestOutcome::Refused(refusal)) => Ok(Err(refusal)),
        requests::Claim::Reused => Ok(Err(Refusal::RequestIdReused)),
        requests::Claim::Replay(RequestOutcome::Cart(_) | RequestOutcome::Merged(..) | RequestOutcome::Done)
        | requests::Claim::Ours => Err(StoreError::corrupt("a request's outcome is of another method").into()),
    }
});

look!(ListOrders { query: OrderQuery }, "orders", Page<Order>, |this, tx| {
    page(tx.order_page(&this.query).await?, this.query.size, OrderRows::into_order)
});

look!(CountOrders { filter: OrderFilter, most: u32 }, "count", u32, |this, tx| {
    tx.order_count(&this.filter, this.most).await
});

look!(ListEvents { order_id: OrderId, after: i64, size: u32 }, "events", Page<Event>, |this, tx| {
    page(tx.events(this.order_id, this.after, this.size).await?, this.size, Event::try_from)
});

look!(FeedEnd {}, ("feed_end", Path::AlongAnIndex), FeedCursor, |_this, tx| feed_end(tx).await);

/// The place of the last event that can be told.
pub(super) async fn feed_end<T: Read>(tx: &mut T) -> Done<FeedCursor> {
    let end = tx.feed_end().await?;
    Ok(tx.feed_last(end).await?.unwrap_or(FeedCursor::BEGINNING))
}

/// A part of the feed.
pub(super) struct ReadFeed {
    pub(super) after: FeedCursor,
    pub(super) size: u32,
}

impl ReadWork for ReadFeed {
    type Output = Option<FeedPage>;
    const NAME: &'static str = "feed";
    const PATH: Path = Path::AlongAnIndex;

    async fn run<T: Read>(&self, tx: &mut T) -> Done<Option<FeedPage>> {
        // The end is asked for first: what is read afterwards may see more, but nothing below the end is missing in it.
        let end = tx.feed_end().await?;
        let rows = tx.feed(&self.after, end, self.size).await?;
        let Some(next) = rows.last().map(FeedRow::place) else {
            let last = tx.feed_last(end).await?.unwrap_or(FeedCursor::BEGINNING);
            let page = FeedPage { events: Vec::new(), next: self.after, is_full: false };
            return Ok((self.after <= last).then_some(page));
        };
        let is_full = u32::try_from(rows.len()).unwrap_or(u32::MAX) >= self.size;
        let events = rows.into_iter().filter_map(|row| row.into_event().transpose()).collect::<Result<_, _>>()?;
        Ok(Some(FeedPage { events, next, is_full }))
    }
}

look!(ListDeadLetters { query: DeadLetterQuery }, ("dead_letters", Path::Any), Page<DeadLetter>, |this, tx| {
    page(tx.dead_letters(&this.query).await?, this.query.size, |row| Ok(DeadLetterRow::into_letter(row)))
});

look!(GetStats { query: StatsQuery }, "stats", Stats, |this, tx| tx.stats(&this.query).await);

look!(Summarize { customer: CustomerId, since: Timestamp }, "customer_summary", CustomerSummary, |this, tx| {
    tx.summary(&this.customer, this.since).await
});

look!(GetCart { owner: CartOwner, now: Timestamp }, "cart", Option<Cart>, |this, tx| {
    let cart = tx.cart(&this.owner).await?.map(|(row, items)| cart_from_rows(row, items)).transpose()?;
    Ok(cart.filter(|cart| cart.is_live(this.now) || matches!(cart.state, CartState::Ordered(_))))
});

/// Products by identity, for one of the lanes.
struct GetProducts {
    ids: Vec<ProductId>,
    lane: usize,
}

impl ReadWork for GetProducts {
    type Output = Vec<Product>;
    const NAME: &'static str = "products";

    fn room(&self) -> Room {
        Room::Products(self.lane)
    }

    async fn run<T: Read>(&self, tx: &mut T) -> Done<Vec<Product>> {
        let rows = tx.products(&self.ids).await?;
        Ok(rows.into_iter().map(Product::try_from).collect::<Result<_, _>>()?)
    }
}

/// Looking up products in lanes: every order that is placed asks for its own, and many ask at the same time.
pub(super) struct LookingUp<B>(pub(super) Arc<B>);

impl<B: Backend> Work for LookingUp<B> {
    type Item = Vec<ProductId>;
    type Answer = Vec<Product>;
    type Key = ();
    const NAME: &'static str = "products";
    const LANES: usize = PRODUCT_LANES;
    const OWN_THREADS: bool = B::LANE_THREADS;
    const BATCH: usize = 128;
    const QUEUE: usize = 4096;

    fn keys(_ids: &Vec<ProductId>) -> Vec<()> {
        Vec::new()
    }

    async fn run(&self, batch: Batch<Vec<ProductId>>) -> Result<Vec<Result<Vec<Product>, StoreError>>, StoreError> {
        let wanted: BTreeSet<_> = batch.items().iter().flatten().cloned().collect();
        let found = self.0.read(GetProducts { ids: wanted.into_iter().collect(), lane: batch.lane }).await?;
        let found: BTreeMap<_, _> = found.iter().map(|product| (&product.id, product)).collect();
        let own = |ids: &Vec<ProductId>| {
            let ids: BTreeSet<_> = ids.iter().collect();
            Ok(ids.into_iter().filter_map(|id| found.get(id).copied().cloned()).collect())
        };
        Ok(batch.items().iter().map(own).collect())
    }
}

look!(ListProducts { query: ProductQuery }, ("product_page", Path::Any), Page<Product>, |this, tx| {
    page(tx.product_page(&this.query).await?, this.query.size, Product::try_from)
});

look!(GetCoupon { code: CouponCode, redeemer: Option<Redeemer> }, "coupon", Option<CouponUse>, |this, tx| {
    coupons::look_up(tx, &this.code, this.redeemer.as_ref()).await
});

look!(ListCoupons { query: CouponQuery }, ("coupon_page", Path::Any), Page<Coupon>, |this, tx| {
    page(tx.coupon_page(&this.query).await?, this.query.size, Coupon::try_from)
});

look!(GetLevels { query: LevelQuery }, "levels", Vec<StockLevel>, |this, tx| holds::levels(tx, &this.query).await);

look!(ListMovements { query: MovementQuery }, ("movements", Path::AlongAnIndex), Page<Movement>, |this, tx| {
    page(tx.movement_page(&this.query).await?, this.query.size, Movement::try_from)
});

look!(DueOperations { now: Timestamp, only: Option<OrderId>, most: u32 }, "due_operations", Vec<DueOperation>, |this, tx| {
    let due = match this.only {
        None => tx.due_operations(this.now, this.most).await?,
        Some(order_id) => tx.due_operations_of(order_id, this.now, this.most).await?,
    };
    Ok(due.into_iter().map(|(order_id, operation_id)| DueOperation { order_id, operation_id }).collect())
});

look!(UnresolvedCounts {}, "unresolved_operations", Vec<UnresolvedOperations>, |_this, tx| {
    let rows = tx.unresolved_operations().await?;
    Ok(rows.into_iter().map(UnresolvedOperations::try_from).collect::<Result<_, _>>()?)
});

look!(UntoldCounts {}, ("untold_operations", Path::Any), Vec<UntoldOperations>, |_this, tx| {
    let rows = tx.inventory_counts().await?;
    Ok(rows.into_iter().map(UntoldOperations::try_from).collect::<Result<_, _>>()?)
});

look!(DueExpiries { now: Timestamp, most: u32 }, "due_expiries", Vec<OrderId>, |this, tx| {
    tx.due_expiries(this.now, this.most).await
});

look!(PaymentEvents { order_id: OrderId }, "payment_events", Vec<PaymentEvent>, |this, tx| {
    let rows = tx.payment_events(this.order_id).await?;
    Ok(rows.into_iter().map(PaymentEvent::try_from).collect::<Result<_, _>>()?)
});

look!(GetGateway { key: OperationId }, "gateway_record", Option<GatewayRecord>, |this, tx| {
    Ok(tx.gateway(this.key).await?.map(GatewayRecord::try_from).transpose()?)
});

/// Cuts the one row more that says whether there are more.
fn page<R, T>(mut rows: Vec<R>, size: u32, read: impl Fn(R) -> Result<T, crate::error::StoreError>) -> Done<Page<T>> {
    let size = usize::try_from(size).expect("a page fits into memory");
    let more = rows.len() > size;
    rows.truncate(size);
    Ok(Page { items: rows.into_iter().map(read).collect::<Result<_, _>>()?, more })
}
