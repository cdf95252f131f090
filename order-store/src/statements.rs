//! The statements that transactions are made of: what the two adapters implement, and all that they implement.
//!
//! The design that this service began from wrote the control flow of every transaction once for each engine, because one
//! async body over diesel's own connections does not fit both. With the statements as the seam, it does: a transaction in
//! [`transactions`](crate::transactions) is written once, over this trait. PostgreSQL runs it on the connection's own task; SQLite's
//! statements never wait, so its writer thread runs the same body to the end in one go, which keeps the whole transaction in
//! one blocking closure. What is fast on one engine only hides behind a statement; most take a batch for that reason.
//!
//! Statements that lock do so in the order in which their argument is sorted; callers sort. The order of locks in every
//! transaction: request ids, carts, orders, products, shelves by SKU, and the number counter last.

use order_core::{
    cart::{CartOwner, GuestKey},
    ids::{CustomerId, OperationId, OrderId, ProductId, Sku},
    time::Timestamp,
};

use crate::{
    error::StoreError,
    query::{
        CustomerSummary, MovementQuery, OrderFilter, OrderKey, OrderQuery, ProductQuery, Scope, Stats, StatsQuery,
    },
    rows::{
        CartItemRow, CartRow, EventRow, GatewayRow, MovementRow, OrderRows, ProductRow, RequestRow, SearchRow, StockRow,
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

/// Statements that change something, in a transaction that is open.
pub(crate) trait Write: Read {
    /// Inserts those requests whose keys are free and says which keys were taken. Waits for a twin that is under way.
    /// `rows` are sorted by key.
    fn claim_requests(&mut self, rows: &[RequestRow]) -> impl Future<Output = Done<Vec<RequestRow>>> + Send;
    /// Replaces what became of requests that this transaction claimed.
    fn set_outcomes(&mut self, rows: &[RequestRow]) -> impl Future<Output = Done> + Send;

    /// Forgets at most `most` requests that came before a moment, oldest first; says how many.
    fn forget_requests(&mut self, before: Timestamp, most: u32) -> impl Future<Output = Done<u32>> + Send;

    /// Locks an order's row and reads the order. `None` outside the scope.
    fn lock_order(&mut self, id: OrderId, scope: &Scope) -> impl Future<Output = Done<Option<OrderRows>>> + Send;
    /// Inserts orders with all that hangs on them.
    fn insert_orders(&mut self, orders: &[OrderRows]) -> impl Future<Output = Done> + Send;
    /// Writes what differs between two versions of an order. Only rows that changed or are new are written.
    fn update_order(&mut self, before: &OrderRows, after: &OrderRows) -> impl Future<Output = Done> + Send;
    /// Appends to the history.
    fn insert_events(&mut self, events: &[EventRow]) -> impl Future<Output = Done> + Send;
    /// Inserts or replaces search documents.
    fn put_search(&mut self, documents: &[SearchRow]) -> impl Future<Output = Done> + Send;
    /// Takes `count` numbers of a prefix and year and returns the first of them; `first` is where a year begins. The last
    /// lock of every transaction.
    fn take_numbers(&mut self, range: NumberRange<'_>) -> impl Future<Output = Done<i64>> + Send;

    /// Locks the newest cart of an owner, whatever its state, and reads it with its items by position. An ACTIVE one is always
    /// the newest.
    fn lock_cart(
        &mut self,
        owner: &CartOwner,
    ) -> impl Future<Output = Done<Option<(CartRow, Vec<CartItemRow>)>>> + Send;
    /// Locks the newest cart of a guest whatever its state, and reads it.
    fn lock_guest_cart(
        &mut self,
        guest: GuestKey,
    ) -> impl Future<Output = Done<Option<(CartRow, Vec<CartItemRow>)>>> + Send;
    /// Inserts or replaces a cart with its items. A second ACTIVE cart of one owner is [`Fault::Retry`].
    fn put_cart(&mut self, cart: &CartRow, items: &[CartItemRow]) -> impl Future<Output = Done> + Send;
    /// Marks at most `most` ACTIVE carts EXPIRED whose time is over, skipping those that are locked; returns their ids.
    fn expire_carts(&mut self, now: Timestamp, most: u32) -> impl Future<Output = Done<Vec<uuid::Uuid>>> + Send;

    /// Locks and reads products that have one of these ids or one of these SKUs, by id.
    fn lock_products(&mut self, ids: &[ProductId], skus: &[Sku]) -> impl Future<Output = Done<Vec<ProductRow>>> + Send;
    /// Inserts or replaces products. A SKU that another product took meanwhile is [`Fault::Retry`].
    fn put_products(&mut self, products: &[ProductRow]) -> impl Future<Output = Done> + Send;

    /// Locks and reads shelves, by SKU; `skus` is sorted.
    fn lock_stock(&mut self, skus: &[Sku]) -> impl Future<Output = Done<Vec<StockRow>>> + Send;
    /// Adds shelves that do not exist yet and returns those that were added.
    fn insert_stock(&mut self, rows: &[StockRow]) -> impl Future<Output = Done<Vec<String>>> + Send;
    /// Writes the levels of shelves that this transaction locked.
    fn update_stock(&mut self, rows: &[StockRow]) -> impl Future<Output = Done> + Send;
    /// Appends to the shelves' history.
    fn insert_movements(&mut self, rows: &[MovementRow]) -> impl Future<Output = Done> + Send;

    /// Inserts a record of the simulated gateway unless its key is taken; returns the one that holds.
    fn put_gateway(&mut self, row: &GatewayRow) -> impl Future<Output = Done<GatewayRow>> + Send;
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
    /// Statistics.
    fn stats(&mut self, query: &StatsQuery) -> impl Future<Output = Done<Stats>> + Send;
    /// A customer's summary.
    fn summary(
        &mut self,
        customer: &CustomerId,
        since: Timestamp,
    ) -> impl Future<Output = Done<CustomerSummary>> + Send;

    /// The newest cart of an owner, whatever its state, with its items by position.
    fn cart(&mut self, owner: &CartOwner) -> impl Future<Output = Done<Option<(CartRow, Vec<CartItemRow>)>>> + Send;
    /// A cart by identity.
    fn cart_by_id(&mut self, id: uuid::Uuid) -> impl Future<Output = Done<Option<(CartRow, Vec<CartItemRow>)>>> + Send;

    /// Products of these ids.
    fn products(&mut self, ids: &[ProductId]) -> impl Future<Output = Done<Vec<ProductRow>>> + Send;
    /// At most `query.size + 1` products, by id, behind the cursor.
    fn product_page(&mut self, query: &ProductQuery) -> impl Future<Output = Done<Vec<ProductRow>>> + Send;
    /// Levels of these SKUs.
    fn levels(&mut self, skus: &[Sku]) -> impl Future<Output = Done<Vec<StockRow>>> + Send;
    /// At most `query.size + 1` movements, newest first, behind the cursor.
    fn movement_page(&mut self, query: &MovementQuery) -> impl Future<Output = Done<Vec<MovementRow>>> + Send;

    /// Open operations (INITIAL, SENT, UNKNOWN) due at `now`, oldest first: order and operation.
    fn due_operations(
        &mut self,
        now: Timestamp,
        most: u32,
    ) -> impl Future<Output = Done<Vec<(OrderId, OperationId)>>> + Send;
    /// PENDING orders past `pay_by` for which no money was taken, oldest first.
    fn due_expiries(&mut self, now: Timestamp, most: u32) -> impl Future<Output = Done<Vec<OrderId>>> + Send;
    /// What the simulated gateway did under a key.
    fn gateway(&mut self, key: OperationId) -> impl Future<Output = Done<Option<GatewayRow>>> + Send;
    /// Touches the newest table, so that a database without our schema fails.
    fn probe(&mut self) -> impl Future<Output = Done> + Send;
}
