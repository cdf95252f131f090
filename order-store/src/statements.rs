//! The statements that transactions are made of: what the two adapters implement, and all that they implement.
//!
//! The design that this service began from wrote the control flow of every transaction once for each engine, because one
//! async body over diesel's own connections does not fit both. With the statements as the seam, it does: a transaction in
//! [`transactions`](crate::transactions) is written once, over this trait. PostgreSQL runs it on the connection's own task; SQLite's
//! statements never wait, so its writer thread runs the same body to the end in one go, which keeps the whole transaction in
//! one blocking closure. What is fast on one engine only hides behind a statement; most take a batch for that reason.
//!
//! Statements that lock do so in the order in which their argument is sorted; callers sort. The order of locks in every
//! transaction: request ids, carts (guests' first), orders, products, coupons by code, shelves by SKU, the number counter, and rollups last;
//! on PostgreSQL the table of lines behind them. A change that waits for its order locks that before its request id; a change that has claimed
//! one waits for no order.
//! Reservations have no lock of their own: they are read and written under the lock of their shelf. A cart that is opened by the
//! same call is inserted after its shelves were locked; nothing is locked behind it, so that it cannot close a circle.

use order_core::{
    cart::{CartOwner, GuestKey},
    discount::Redeemer,
    ids::{CartId, CouponCode, CustomerId, OperationId, OrderId, ProductId, Sku},
    time::Timestamp,
};

use tokio::sync::mpsc;

use crate::{
    error::StoreError,
    fields::Id,
    query::{
        CouponQuery, CustomerSummary, DeadLetterQuery, FeedCursor, MovementQuery, OrderFilter, OrderKey, OrderQuery,
        ProductQuery, Scope, Stats, StatsQuery,
    },
    request::RequestKey,
    rows::{
        CartItemRow, CartRow, CartRows, ConsumerRow, CouponRow, CustomerRollupRow, DeadLetterRow, EventRow, FeedRow,
        GatewayRow, InventoryCountRow, InventoryRow, MovementRow, OrderRollupRow, OrderRows, PaymentEventRow,
        ProductRow, RedemptionRow, RequestRow, ReservationRow, SearchRow, StockRow, UnresolvedRow,
    },
};

/// The result of a statement.
pub(crate) type Done<T = ()> = Result<T, Fault>;

/// Why a statement failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Fault {
    /// The whole transaction may be tried again: a serialization failure, a deadlock, a lock timeout, a race for a unique
    /// key that the next try will see settled.
    Retry(String),
    /// It makes no sense to try again.
    Fatal(StoreError),
}

impl From<StoreError> for Fault {
    fn from(error: StoreError) -> Self {
        Self::Fatal(error)
    }
}

/// Statements that change something, in a transaction that is open. Nothing is sent for no rows, but for a batch of placements. What
/// answers nothing may be kept until something is read or the transaction ends, and fail only then.
pub(crate) trait Write: Read {
    /// Inserts those requests whose keys are free and says which keys were taken. Waits for a twin that is under way.
    /// `rows` are sorted by key.
    fn claim_requests(&mut self, rows: &[RequestRow]) -> impl Future<Output = Done<Vec<RequestRow>>> + Send;
    /// Gives up claims of this transaction. Of the rows only the keys count.
    fn unclaim_requests(&mut self, rows: &[RequestRow]) -> impl Future<Output = Done> + Send;
    /// Replaces what became of requests that this transaction claimed.
    fn set_outcomes(&mut self, rows: &[RequestRow]) -> impl Future<Output = Done> + Send;

    /// Forgets at most `most` requests that came before a moment, oldest first; says how many.
    fn forget_requests(&mut self, before: Timestamp, most: u32) -> impl Future<Output = Done<u32>> + Send;

    /// Locks orders and reads those that are there, by identity; `ids` are sorted. Those that somebody else has locked are waited for or
    /// left out.
    fn lock_orders(&mut self, ids: &[OrderId], locked: Locked) -> impl Future<Output = Done<Vec<OrderRows>>> + Send;
    /// Inserts orders with all that hangs on them.
    fn insert_orders(&mut self, orders: &[OrderRows]) -> impl Future<Output = Done> + Send;
    /// Opens a batch of placements: claims its requests, locks its shelves, and then, on an engine where that saves a round trip,
    /// its counters. What is not asked for is left out.
    fn open_placing(&mut self, opening: Opening<'_>) -> impl Future<Output = Done<Opened>> + Send {
        async move {
            let taken = self.claim_requests(opening.claims).await?;
            let levels = self.lock_stock(opening.skus).await?;
            let products = self.product_revisions(opening.products).await?;
            Ok(Opened { taken, products, levels, counters: Vec::new() })
        }
    }
    /// Writes a batch of placements.
    fn finish_placing(&mut self, placed: Placed) -> impl Future<Output = Done> + Send {
        async move {
            self.insert_orders(&placed.orders).await?;
            self.insert_events(&placed.events).await?;
            self.put_search(&placed.search).await?;
            self.put_carts(&placed.carts).await?;
            self.drop_inventory(&placed.taken_over).await?;
            self.write_shelves(&placed.shelves).await?;
            self.update_coupons(&placed.coupons).await?;
            self.insert_redemptions(&placed.redemptions).await?;
            self.set_outcomes(&placed.outcomes).await?;
            self.unclaim_requests(&placed.unclaimed).await?;
            self.add_rollups(&placed.order_rollups, &placed.customer_rollups).await
        }
    }
    /// Writes what differs between two versions of orders, each as it was and as it is. Only rows that changed or are new are written.
    fn update_orders(&mut self, changed: &[(&OrderRows, OrderRows)]) -> impl Future<Output = Done> + Send;
    /// Appends to the history of orders that this transaction locked.
    fn insert_events(&mut self, events: &[EventRow]) -> impl Future<Output = Done> + Send;
    /// Inserts or replaces search documents.
    fn put_search(&mut self, documents: &[SearchRow]) -> impl Future<Output = Done> + Send;
    /// Adds differences to sums that are kept with the orders; rows that are not there begin with them. Sorted. The last locks of
    /// every transaction, with the counters before them.
    fn add_rollups(
        &mut self,
        orders: &[OrderRollupRow],
        customers: &[CustomerRollupRow],
    ) -> impl Future<Output = Done> + Send;
    /// Takes `count` numbers of a prefix and year and returns the first of them; `first` is where a year begins. The last
    /// lock of every transaction but for rollups.
    fn take_numbers(&mut self, range: NumberRange<'_>) -> impl Future<Output = Done<i64>> + Send;

    /// Locks the newest cart of an owner, whatever its state, and reads it with its items by position. An ACTIVE one is always
    /// the newest.
    fn lock_cart(&mut self, owner: &CartOwner) -> impl Future<Output = Done<Option<CartRows>>> + Send;
    /// The same for several owners, in their order; `owners` are sorted.
    fn lock_carts(&mut self, owners: &[&CartOwner]) -> impl Future<Output = Done<Vec<Option<CartRows>>>> + Send {
        async move {
            let mut found = Vec::with_capacity(owners.len());
            for owner in owners {
                found.push(self.lock_cart(owner).await?);
            }
            Ok(found)
        }
    }
    /// Locks the newest cart of a guest whatever its state, and reads it.
    fn lock_guest_cart(&mut self, guest: GuestKey) -> impl Future<Output = Done<Option<CartRows>>> + Send;
    /// Replaces carts that this transaction locked, but not their items.
    fn put_carts(&mut self, carts: &[CartRow]) -> impl Future<Output = Done> + Send;
    /// Inserts or replaces a cart with its items. A second ACTIVE cart of one owner is [`Fault::Retry`].
    fn put_cart(&mut self, cart: &CartRow, items: &[CartItemRow]) -> impl Future<Output = Done> + Send;
    /// Marks at most `most` ACTIVE carts EXPIRED whose time is over, skipping those that are locked; returns their ids.
    fn expire_carts(&mut self, now: Timestamp, most: u32) -> impl Future<Output = Done<Vec<uuid::Uuid>>> + Send;

    /// Locks and reads products that have one of these ids or one of these SKUs, by id.
    fn lock_products(&mut self, ids: &[ProductId], skus: &[Sku]) -> impl Future<Output = Done<Vec<ProductRow>>> + Send;
    /// Inserts or replaces products. A SKU that another product took meanwhile is [`Fault::Retry`].
    fn put_products(&mut self, products: &[ProductRow]) -> impl Future<Output = Done> + Send;

    /// Locks and reads coupons, by code; `codes` is sorted.
    fn lock_coupons(&mut self, codes: &[CouponCode]) -> impl Future<Output = Done<Vec<CouponRow>>> + Send;
    /// Inserts a coupon. A code that somebody else took meanwhile is [`Fault::Retry`].
    fn insert_coupon(&mut self, row: &CouponRow) -> impl Future<Output = Done> + Send;
    /// Writes coupons that this transaction locked.
    fn update_coupons(&mut self, rows: &[CouponRow]) -> impl Future<Output = Done> + Send;
    /// Notes which orders use coupons.
    fn insert_redemptions(&mut self, rows: &[RedemptionRow]) -> impl Future<Output = Done> + Send;
    /// Forgets that orders use coupons; says which of them used one, in any order.
    fn delete_redemptions(&mut self, orders: &[OrderId]) -> impl Future<Output = Done<Vec<OrderId>>> + Send;

    /// The revisions of those products that there are, by id.
    fn product_revisions(&mut self, ids: &[ProductId]) -> impl Future<Output = Done<Vec<(String, i64)>>> + Send;
    /// Locks and reads shelves, by SKU; `skus` is sorted.
    fn lock_stock(&mut self, skus: &[Sku]) -> impl Future<Output = Done<Vec<StockRow>>> + Send;
    /// Adds shelves that do not exist yet and returns those that were added.
    fn insert_stock(&mut self, rows: &[StockRow]) -> impl Future<Output = Done<Vec<String>>> + Send;
    /// Writes the levels of shelves that this transaction locked.
    fn update_stock(&mut self, rows: &[StockRow]) -> impl Future<Output = Done> + Send;
    /// Appends to the shelves' history.
    fn insert_movements(&mut self, rows: &[MovementRow]) -> impl Future<Output = Done> + Send;
    /// Inserts or replaces what carts hold of shelves that this transaction locked.
    fn put_reservations(&mut self, rows: &[ReservationRow]) -> impl Future<Output = Done> + Send;
    /// Takes out what carts held of shelves that this transaction locked.
    fn drop_reservations(&mut self, rows: &[ReservationRow]) -> impl Future<Output = Done> + Send;
    /// Writes what is to become of shelves that this transaction locked, with their history.
    fn write_shelves(&mut self, shelves: &ShelfRows) -> impl Future<Output = Done> + Send {
        async move {
            self.update_stock(&shelves.levels).await?;
            self.insert_movements(&shelves.movements).await?;
            self.drop_reservations(&shelves.dropped).await?;
            self.put_reservations(&shelves.put).await
        }
    }

    /// Keeps a gateway's message, unless one of its name about the same operation was kept before.
    fn claim_payment_event(&mut self, row: &PaymentEventRow) -> impl Future<Output = Done<Claimed>> + Send;
    /// Locks and reads one who passes the feed on.
    fn lock_consumer(&mut self, name: &str) -> impl Future<Output = Done<Option<ConsumerRow>>> + Send;
    /// Adds one who passes the feed on, unless there is one of that name; waits for a twin that is under way.
    fn add_consumer(&mut self, row: &ConsumerRow) -> impl Future<Output = Done> + Send;
    /// Writes one who passes the feed on, locked by this transaction.
    fn put_consumer(&mut self, row: &ConsumerRow) -> impl Future<Output = Done> + Send;
    /// Inserts or replaces an event that was put aside.
    fn put_dead_letter(&mut self, row: &DeadLetterRow) -> impl Future<Output = Done> + Send;
    /// Takes out an event that was put aside, if it is there.
    fn drop_dead_letter(&mut self, consumer: &str, event: &FeedCursor) -> impl Future<Output = Done> + Send;

    /// Locks and reads what an inventory service is to be asked or told, by identity; `ids` are sorted. They are locked before everything
    /// else, but for the request ids and orders of a change: whoever holds one of them waits for neither.
    fn lock_inventory(&mut self, ids: &[Id]) -> impl Future<Output = Done<Vec<InventoryRow>>> + Send;
    /// Locks and reads at most `most` of those that are due, the longest due first, and of each order only the oldest; skips what is locked.
    fn lock_due_inventory(&mut self, now: Timestamp, most: u32)
    -> impl Future<Output = Done<Vec<InventoryRow>>> + Send;
    /// Inserts or replaces what is to be asked or told.
    fn put_inventory(&mut self, rows: &[InventoryRow]) -> impl Future<Output = Done> + Send;
    /// Takes out what this transaction has locked of it.
    fn drop_inventory(&mut self, ids: &[Id]) -> impl Future<Output = Done> + Send;

    /// Inserts records of the simulated gateway unless their keys are taken; returns those that hold, in the same order.
    fn put_gateway(&mut self, rows: &[GatewayRow]) -> impl Future<Output = Done<Vec<GatewayRow>>> + Send;
}

/// What to do about an order that somebody else has locked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Locked {
    /// Wait for it.
    Await,
    /// Leave it out.
    Skip,
}

/// A prefix and a year, whose orders are numbered together.
pub(crate) type Series = (String, i16);

/// What a batch of placements claims and locks, in this order, each part sorted.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Opening<'a> {
    /// Requests.
    pub(crate) claims: &'a [RequestRow],
    /// Products whose revisions are to be looked at; they are not locked.
    pub(crate) products: &'a [ProductId],
    /// Shelves.
    pub(crate) skus: &'a [Sku],
    /// Counters.
    pub(crate) series: &'a [Series],
}

/// What it found.
#[derive(Debug, Default)]
pub(crate) struct Opened {
    /// Requests that were there.
    pub(crate) taken: Vec<RequestRow>,
    /// The revisions of those products that there are, by id.
    pub(crate) products: Vec<(String, i64)>,
    /// Levels of the shelves that there are.
    pub(crate) levels: Vec<StockRow>,
    /// The last numbers of those counters that are locked now. All others are to be drawn with
    /// [`take_numbers`](Write::take_numbers).
    pub(crate) counters: Vec<(Series, i64)>,
}

/// What is to become of shelves that are locked.
#[derive(Debug, Clone, Default)]
pub(crate) struct ShelfRows {
    /// Levels that moved.
    pub(crate) levels: Vec<StockRow>,
    /// Why: appended to the shelves' history.
    pub(crate) movements: Vec<MovementRow>,
    /// What carts no longer hold.
    pub(crate) dropped: Vec<ReservationRow>,
    /// What carts hold from now on.
    pub(crate) put: Vec<ReservationRow>,
}

/// All that placing a batch of orders writes once it is decided.
#[derive(Debug, Default)]
pub(crate) struct Placed {
    /// New orders with all that hangs on them.
    pub(crate) orders: Vec<OrderRows>,
    /// Their histories.
    pub(crate) events: Vec<EventRow>,
    /// What they are found by.
    pub(crate) search: Vec<SearchRow>,
    /// The carts that they consume, locked; their items stay as they are.
    pub(crate) carts: Vec<CartRow>,
    /// Reservations elsewhere that its orders take over, locked.
    pub(crate) taken_over: Vec<Id>,
    /// The shelves.
    pub(crate) shelves: ShelfRows,
    /// Coupons that are used, locked.
    pub(crate) coupons: Vec<CouponRow>,
    /// By which orders.
    pub(crate) redemptions: Vec<RedemptionRow>,
    /// What became of requests that this transaction claimed, where that is not what was hoped for.
    pub(crate) outcomes: Vec<RequestRow>,
    /// Claims that are given up.
    pub(crate) unclaimed: Vec<RequestRow>,
    /// How many numbers it took of counters that [`open_placing`](Write::open_placing) has locked.
    pub(crate) numbers: Vec<(Series, i64)>,
    /// What it adds to the sums over orders.
    pub(crate) order_rollups: Vec<OrderRollupRow>,
    /// What it adds to the sums of customers.
    pub(crate) customer_rollups: Vec<CustomerRollupRow>,
}

/// Whether something that counts once was there before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Claimed {
    /// It is kept now.
    Now,
    /// It was there.
    Before,
}

/// Numbers to be taken.
#[derive(Debug, Clone, Copy)]
pub(crate) struct NumberRange<'a> {
    pub(crate) prefix: &'a str,
    pub(crate) year: i16,
    pub(crate) first: i64,
    pub(crate) count: i64,
}

/// Statements that only look. In a read-only transaction they all see one snapshot.
pub(crate) trait Read: Send {
    /// An order.
    fn order(&mut self, key: &OrderKey, scope: &Scope) -> impl Future<Output = Done<Option<OrderRows>>> + Send;
    /// These orders, in any order.
    fn orders_by_id(&mut self, ids: &[OrderId]) -> impl Future<Output = Done<Vec<OrderRows>>> + Send;
    /// Orders that were imported from a source under these names.
    fn orders_by_import(
        &mut self,
        source: &str,
        external_ids: &[String],
    ) -> impl Future<Output = Done<Vec<OrderRows>>> + Send;
    /// At most `query.size + 1` orders, sorted, behind the cursor.
    fn order_page(&mut self, query: &OrderQuery) -> impl Future<Output = Done<Vec<OrderRows>>> + Send;
    /// How many orders fit, counted up to `most`.
    fn order_count(&mut self, filter: &OrderFilter, most: u32) -> impl Future<Output = Done<u32>> + Send;
    /// At most `size + 1` events of an order behind a revision, by revision.
    fn events(&mut self, id: OrderId, after: i64, size: u32) -> impl Future<Output = Done<Vec<EventRow>>> + Send;
    /// The position at which the feed ends: no event below it is still to come.
    fn feed_end(&mut self) -> impl Future<Output = Done<i64>> + Send;
    /// The place of the last event below a position.
    fn feed_last(&mut self, end: i64) -> impl Future<Output = Done<Option<FeedCursor>>> + Send;
    /// At most `size` events of all orders behind a place in the feed and below the position `end`, in their order.
    fn feed(&mut self, after: &FeedCursor, end: i64, size: u32) -> impl Future<Output = Done<Vec<FeedRow>>> + Send;
    /// At most one row more than asked for.
    fn dead_letters(&mut self, query: &DeadLetterQuery) -> impl Future<Output = Done<Vec<DeadLetterRow>>> + Send;
    /// Statistics.
    fn stats(&mut self, query: &StatsQuery) -> impl Future<Output = Done<Stats>> + Send;
    /// A customer's summary.
    fn summary(
        &mut self,
        customer: &CustomerId,
        since: Timestamp,
    ) -> impl Future<Output = Done<CustomerSummary>> + Send;

    /// The newest cart of an owner, whatever its state, with its items by position.
    fn cart(&mut self, owner: &CartOwner) -> impl Future<Output = Done<Option<CartRows>>> + Send;
    /// A cart by identity.
    fn cart_by_id(&mut self, id: uuid::Uuid) -> impl Future<Output = Done<Option<CartRows>>> + Send;

    /// Products of these ids.
    fn products(&mut self, ids: &[ProductId]) -> impl Future<Output = Done<Vec<ProductRow>>> + Send;
    /// At most `query.size + 1` products, by id, behind the cursor.
    fn product_page(&mut self, query: &ProductQuery) -> impl Future<Output = Done<Vec<ProductRow>>> + Send;
    /// A coupon.
    fn coupon(&mut self, code: &CouponCode) -> impl Future<Output = Done<Option<CouponRow>>> + Send;
    /// At most `query.size + 1` coupons, by code, behind the cursor.
    fn coupon_page(&mut self, query: &CouponQuery) -> impl Future<Output = Done<Vec<CouponRow>>> + Send;
    /// For how many orders somebody uses a coupon.
    fn redemption_count(&mut self, code: &CouponCode, redeemer: &Redeemer) -> impl Future<Output = Done<u32>> + Send;

    /// Levels of these SKUs.
    fn levels(&mut self, skus: &[Sku]) -> impl Future<Output = Done<Vec<StockRow>>> + Send;
    /// At most `most` reservations of these SKUs that expired by `now`, the earliest first.
    fn expired_reservations(
        &mut self,
        skus: &[Sku],
        now: Timestamp,
        most: u32,
    ) -> impl Future<Output = Done<Vec<ReservationRow>>> + Send;
    /// All reservations of these carts, expired or not.
    fn reservations_of(&mut self, carts: &[CartId]) -> impl Future<Output = Done<Vec<ReservationRow>>> + Send;
    /// The SKUs of the `most` reservations that expired by `now` the earliest; one SKU may come several times.
    fn due_reservations(&mut self, now: Timestamp, most: u32) -> impl Future<Output = Done<Vec<String>>> + Send;
    /// At most `query.size + 1` movements, newest first, behind the cursor.
    fn movement_page(&mut self, query: &MovementQuery) -> impl Future<Output = Done<Vec<MovementRow>>> + Send;

    /// Open operations (INITIAL, SENT, UNKNOWN) due at `now`, oldest first: order and operation.
    fn due_operations(
        &mut self,
        now: Timestamp,
        most: u32,
    ) -> impl Future<Output = Done<Vec<(OrderId, OperationId)>>> + Send;
    /// The same, of one order.
    fn due_operations_of(
        &mut self,
        id: OrderId,
        now: Timestamp,
        most: u32,
    ) -> impl Future<Output = Done<Vec<(OrderId, OperationId)>>> + Send;
    /// Open operations, counted by state, each with the time of the oldest.
    fn unresolved_operations(&mut self) -> impl Future<Output = Done<Vec<UnresolvedRow>>> + Send;
    /// PENDING orders past `pay_by` for which no money was taken, oldest first.
    fn due_expiries(&mut self, now: Timestamp, most: u32) -> impl Future<Output = Done<Vec<OrderId>>> + Send;
    /// What became of a request, if it came before.
    fn request(&mut self, key: &RequestKey) -> impl Future<Output = Done<Option<RequestRow>>> + Send;
    /// The order that an operation belongs to.
    fn order_of_operation(&mut self, id: OperationId) -> impl Future<Output = Done<Option<OrderId>>> + Send;
    /// What gateways told us about an order, oldest first.
    fn payment_events(&mut self, id: OrderId) -> impl Future<Output = Done<Vec<PaymentEventRow>>> + Send;
    /// Whether there is anything of a claimant's that an inventory service is to be asked or told.
    fn has_claims(&mut self, claimant: Id) -> impl Future<Output = Done<bool>> + Send;
    /// What an inventory service is to be asked or told, counted by kind.
    fn inventory_counts(&mut self) -> impl Future<Output = Done<Vec<InventoryCountRow>>> + Send;
    /// What the simulated gateway did under a key.
    fn gateway(&mut self, key: OperationId) -> impl Future<Output = Done<Option<GatewayRow>>> + Send;
    /// Touches the newest table, so that a database without our schema fails.
    fn probe(&mut self) -> impl Future<Output = Done> + Send;
}

/// What a statement that looks for contradictions found: one row of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Odd {
    /// What it is about: an identity or a text.
    pub(crate) subject: String,
    /// What should be there.
    pub(crate) expected: Option<i64>,
    /// What is there.
    pub(crate) actual: Option<i64>,
    /// Rows in all, those included that were not asked for.
    pub(crate) found: i64,
}

/// By what the subject of a statement that looks for contradictions is named.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Named {
    /// An identity.
    ById,
    /// A text, such as a SKU.
    ByText,
}

/// Why a survey ends whose caller is gone.
pub(crate) fn nobody_listens() -> Fault {
    StoreError::Unavailable("nobody takes what was asked for".to_owned()).into()
}

/// The statements of a verification: pages of everything, and aggregates. All of one transaction see one snapshot.
pub(crate) trait Survey: Read {
    /// Hands something on, and waits until there is room for it; fails where nobody takes it any more.
    fn hand_on<V: Send + 'static>(&mut self, to: &mpsc::Sender<V>, what: V) -> impl Future<Output = Done> + Send;
    /// How many rows a table has.
    fn rows_of(&mut self, table: &'static str) -> impl Future<Output = Done<i64>> + Send;
    /// At most `size` orders behind an identity, by identity.
    fn orders_behind(&mut self, after: Option<OrderId>, size: u32)
    -> impl Future<Output = Done<Vec<OrderRows>>> + Send;
    /// The whole histories of orders, each by revision.
    fn histories(&mut self, ids: &[OrderId]) -> impl Future<Output = Done<Vec<EventRow>>> + Send;
    /// The search documents of orders, in any order; without those by which an order is not found by all that it holds.
    fn documents(&mut self, ids: &[OrderId]) -> impl Future<Output = Done<Vec<SearchRow>>> + Send;
    /// What the simulated gateway did under keys, in any order.
    fn gateway_log(&mut self, keys: &[OperationId]) -> impl Future<Output = Done<Vec<GatewayRow>>> + Send;
    /// At most `size` requests behind another one, by key.
    fn requests_behind(
        &mut self,
        after: Option<&RequestRow>,
        size: u32,
    ) -> impl Future<Output = Done<Vec<RequestRow>>> + Send;
    /// Those of these orders that are there.
    fn existing(&mut self, ids: &[OrderId]) -> impl Future<Output = Done<Vec<OrderId>>> + Send;
    /// Runs a statement that both engines understand and whose rows (`subject`, `expected`, `actual`) should not be; the first
    /// `most` of them, by subject.
    fn odd(&mut self, sql: &'static str, named: Named, most: u64) -> impl Future<Output = Done<Vec<Odd>>> + Send;
}
