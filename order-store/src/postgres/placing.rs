//! The statements that a batch of placements is made of, with their arguments.

use std::any::TypeId;

use diesel::{
    QueryResult,
    pg::Pg,
    query_builder::{AstPass, Query, QueryFragment, QueryId},
    sql_types::{Array, BigInt, Integer, Nullable, Record, Text},
};
use order_core::ids::{ProductId, Sku};

use super::{
    sql::{Add, Arguments, Bound, Fail, Insert, Replace, Skip, Table as _, statement},
    together::{Shape, Writes},
};
use crate::{
    fields::Id,
    rows::{
        CustomerRollupRow, EventRow, InventoryRow, OrderRollupRow, OrderRows, RequestRow, ReservationRow, StockRow,
    },
    schema::stock,
    sql_types::Uuid,
    statements::{Opening, Placed, Series, ShelfRows},
};

/// What a batch of orders begins with, as one statement for the same reason as [`Writes`]. Claims come first, then shelves, then
/// counters: the server works the columns off in their order. It sees products as they were when it began, and so does not see
/// what is changed while it waits for a lock.
pub(super) struct Open<'a> {
    claim: Insert<'a, RequestRow, Skip>,
    wanted: Arguments<'a>,
}

impl<'a> Open<'a> {
    /// What the server has a plan for.
    pub(super) fn shape() -> Shape {
        vec![TypeId::of::<Open<'static>>()]
    }

    pub(super) fn new(opening: &Opening<'a>) -> Self {
        let Opening { claims, products, skus, series } = opening;
        let mut wanted = Arguments::default();
        wanted.push::<Array<Text>, _>(skus.iter().map(Sku::as_str).collect::<Vec<_>>());
        wanted.push::<Array<Text>, _>(series.iter().map(|(prefix, _)| prefix.as_str()).collect::<Vec<_>>());
        wanted.push::<Array<Integer>, _>(series.iter().map(|(_, year)| i32::from(*year)).collect::<Vec<_>>());
        wanted.push::<Array<Text>, _>(products.iter().map(ProductId::as_str).collect::<Vec<_>>());
        Self { claim: Insert::new(&claims.iter().collect::<Vec<_>>()), wanted }
    }
}

impl QueryFragment<Pg> for Open<'_> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql("WITH claim AS (");
        self.claim.walk_ast(out.reborrow())?;
        self.wanted.push_into(
            ") SELECT ARRAY(SELECT ROW(principal, method, request_id) FROM claim), \
             ARRAY(SELECT ROW(stock.sku, stock.on_hand, stock.reserved, stock.allocated, stock.backorder_limit, \
                     stock.last_movement_id) \
                 FROM (SELECT unnest(?) AS sku) AS wanted JOIN stock USING (sku) \
                 ORDER BY stock.sku FOR NO KEY UPDATE OF stock), \
             ARRAY(SELECT ROW(counter.prefix, counter.year, counter.value) \
                 FROM (SELECT unnest(?) AS prefix, unnest(?) AS year) AS wanted \
                 JOIN order_counter AS counter USING (prefix, year) \
                 ORDER BY counter.prefix, counter.year FOR NO KEY UPDATE OF counter), \
             ARRAY(SELECT ROW(product_id, revision) FROM product WHERE product_id = ANY (?))",
            &mut out,
        )
    }
}

impl QueryId for Open<'_> {
    type QueryId = Open<'static>;
    const HAS_STATIC_QUERY_ID: bool = true;
}

impl Query for Open<'_> {
    type SqlType = (
        Array<Record<(Text, Text, Uuid)>>,
        Array<Record<(Text, BigInt, BigInt, BigInt, BigInt, Nullable<Uuid>)>>,
        Array<Record<(Text, Integer, BigInt)>>,
        Array<Record<(Text, BigInt)>>,
    );
}

statement! {
    /// Replaces what became of requests.
    SetOutcomes -> ():
    "UPDATE request SET outcome = new.outcome \
     FROM (SELECT unnest(?) AS principal, unnest(?) AS method, unnest(?) AS request_id, unnest(?) AS outcome) AS new \
     WHERE request.principal = new.principal AND request.method = new.method AND request.request_id = new.request_id"
}

statement! {
    /// Gives up claims.
    Unclaim -> ():
    "DELETE FROM request USING (SELECT unnest(?) AS principal, unnest(?) AS method, unnest(?) AS request_id) AS gone \
     WHERE request.principal = gone.principal AND request.method = gone.method AND request.request_id = gone.request_id"
}

statement! {
    /// Moves counters that are locked.
    MoveCounters -> ():
    "UPDATE order_counter AS counter SET value = counter.value + taken.count \
     FROM (SELECT unnest(?) AS prefix, unnest(?) AS year, unnest(?) AS count) AS taken \
     WHERE counter.prefix = taken.prefix AND counter.year = taken.year"
}

statement! {
    /// Shelves, locked in the order of their SKUs.
    LockStock -> diesel::dsl::SqlTypeOf<<stock::table as diesel::Table>::AllColumns>:
    "SELECT stock.sku, stock.on_hand, stock.reserved, stock.allocated, stock.backorder_limit, stock.last_movement_id \
     FROM (SELECT unnest(?) AS sku) AS wanted JOIN stock USING (sku) ORDER BY stock.sku FOR NO KEY UPDATE OF stock"
}

statement! {
    /// Takes out what an inventory service was to be asked or told.
    DropInventory -> ():
    "DELETE FROM inventory_operation USING (SELECT unnest(?) AS operation_id) AS told \
     WHERE inventory_operation.operation_id = told.operation_id"
}

statement! {
    /// The revisions of products. `ANY` is planned once here, as everything is in transactions that write.
    ProductRevisions -> (Text, BigInt):
    "SELECT product_id, revision FROM product WHERE product_id = ANY (?)"
}

statement! {
    /// Writes levels of shelves that are locked.
    UpdateStock -> ():
    "UPDATE stock SET on_hand = new.on_hand, reserved = new.reserved, allocated = new.allocated, \
     backorder_limit = new.backorder_limit, last_movement_id = new.last_movement_id \
     FROM (SELECT unnest(?) AS sku, unnest(?) AS on_hand, unnest(?) AS reserved, unnest(?) AS allocated, \
         unnest(?) AS backorder_limit, unnest(?) AS last_movement_id) AS new WHERE stock.sku = new.sku"
}

statement! {
    /// Takes out what carts held.
    DropReservations -> ():
    "DELETE FROM reservation USING (SELECT unnest(?) AS cart_id, unnest(?) AS sku) AS gone \
     WHERE reservation.cart_id = gone.cart_id AND reservation.sku = gone.sku"
}

statement! {
    /// Appends events to orders that are locked. The transaction may have begun before the one that wrote the last event of its order,
    /// and waited for it; in the feed it must not stand before it.
    Append -> ():
    "INSERT INTO order_event (order_id, revision, kind, actor_kind, actor_id, request_id, reason, create_time, \
         status_after, payload, feed_position) \
     SELECT new.*, GREATEST(feed_origin() + pg_current_xact_id()::text::bigint, ( \
         SELECT last.feed_position FROM order_event AS last \
         WHERE last.order_id = new.order_id AND last.revision < new.revision ORDER BY last.revision DESC LIMIT 1 \
     )) \
     FROM (SELECT unnest(?) AS order_id, unnest(?) AS revision, unnest(?) AS kind, unnest(?) AS actor_kind, \
         unnest(?) AS actor_id, unnest(?) AS request_id, unnest(?) AS reason, unnest(?) AS create_time, \
         unnest(?) AS status_after, unnest(?) AS payload) AS new"
}

pub(super) fn appended(rows: &[EventRow]) -> Bound<'_, Append> {
    Bound::<Append>::of_rows(rows)
}

pub(super) fn outcomes(rows: &[RequestRow]) -> Bound<'_, SetOutcomes> {
    let column = |of: fn(&RequestRow) -> &str| rows.iter().map(of).collect::<Vec<_>>();
    Bound::<SetOutcomes>::new()
        .bind::<Array<Text>>(column(|row| &row.principal))
        .bind::<Array<Text>>(column(|row| &row.method))
        .bind::<Array<Uuid>>(rows.iter().map(|row| row.request_id).collect::<Vec<_>>())
        .bind::<Array<Text>>(column(|row| &row.outcome))
}

pub(super) fn unclaimed(rows: &[RequestRow]) -> Bound<'_, Unclaim> {
    let column = |of: fn(&RequestRow) -> &str| rows.iter().map(of).collect::<Vec<_>>();
    Bound::<Unclaim>::new()
        .bind::<Array<Text>>(column(|row| &row.principal))
        .bind::<Array<Text>>(column(|row| &row.method))
        .bind::<Array<Uuid>>(rows.iter().map(|row| row.request_id).collect::<Vec<_>>())
}

pub(super) fn new_levels(rows: &[StockRow]) -> Bound<'_, UpdateStock> {
    let column = |of: fn(&StockRow) -> i64| rows.iter().map(of).collect::<Vec<_>>();
    Bound::<UpdateStock>::new()
        .bind::<Array<Text>>(rows.iter().map(|row| row.sku.as_str()).collect::<Vec<_>>())
        .bind::<Array<BigInt>>(column(|row| row.on_hand))
        .bind::<Array<BigInt>>(column(|row| row.reserved))
        .bind::<Array<BigInt>>(column(|row| row.allocated))
        .bind::<Array<BigInt>>(column(|row| row.backorder_limit))
        .bind::<Array<Nullable<Uuid>>>(rows.iter().map(|row| row.last_movement_id).collect::<Vec<_>>())
}

pub(super) fn dropped(rows: &[ReservationRow]) -> Bound<'_, DropReservations> {
    Bound::<DropReservations>::new()
        .bind::<Array<Uuid>>(rows.iter().map(|row| row.cart_id).collect::<Vec<_>>())
        .bind::<Array<Text>>(rows.iter().map(|row| row.sku.as_str()).collect::<Vec<_>>())
}

pub(super) fn told(ids: &[Id]) -> Bound<'_, DropInventory> {
    Bound::<DropInventory>::new().bind::<Array<Uuid>>(ids.to_vec())
}

pub(super) fn locked_stock(skus: &[Sku]) -> Bound<'_, LockStock> {
    Bound::<LockStock>::new().bind::<Array<Text>>(skus.iter().map(Sku::as_str).collect::<Vec<_>>())
}

pub(super) fn revisions(products: &[ProductId]) -> Bound<'_, ProductRevisions> {
    Bound::<ProductRevisions>::new().bind::<Array<Text>>(products.iter().map(ProductId::as_str).collect::<Vec<_>>())
}

pub(super) fn moved_counters(taken: &[(Series, i64)]) -> Bound<'_, MoveCounters> {
    Bound::<MoveCounters>::new()
        .bind::<Array<Text>>(taken.iter().map(|((prefix, _), _)| prefix.as_str()).collect::<Vec<_>>())
        .bind::<Array<Integer>>(taken.iter().map(|((_, year), _)| i32::from(*year)).collect::<Vec<_>>())
        .bind::<Array<BigInt>>(taken.iter().map(|(_, count)| *count).collect::<Vec<_>>())
}

/// All that is written of a batch of orders.
pub(super) fn placed_orders(placed: Placed) -> Writes {
    let mut writes = new_orders(placed.orders);
    writes.insert::<_, Fail>(placed.events);
    writes.insert::<_, Fail>(placed.search);
    writes.insert::<_, Replace>(placed.carts);
    writes.change(InventoryRow::NAME, placed.taken_over, told);
    writes.append(shelves(placed.shelves));
    writes.insert::<_, Replace>(placed.coupons);
    writes.insert::<_, Fail>(placed.redemptions);
    writes.change(RequestRow::NAME, placed.outcomes, outcomes);
    writes.change(RequestRow::NAME, placed.unclaimed, unclaimed);
    writes.change("order_counter", placed.numbers, moved_counters);
    writes.append(sums(placed.order_rollups, placed.customer_rollups));
    writes
}

/// Orders with all that hangs on them.
pub(super) fn new_orders(orders: Vec<OrderRows>) -> Writes {
    let mut writes = Writes::default();
    let (mut heads, mut lines, mut payments, mut operations) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    let (mut shipments, mut returns) = (Vec::new(), Vec::new());
    for order in orders {
        heads.push(order.order);
        lines.extend(order.lines);
        payments.extend(order.payments);
        operations.extend(order.operations);
        shipments.extend(order.shipments);
        returns.extend(order.returns);
    }
    writes.insert::<_, Fail>(heads);
    writes.insert::<_, Fail>(lines);
    writes.insert::<_, Fail>(payments);
    writes.insert::<_, Fail>(operations);
    writes.insert::<_, Fail>(shipments);
    writes.insert::<_, Fail>(returns);
    writes
}

/// What becomes of shelves. What is dropped is not put.
pub(super) fn shelves(rows: ShelfRows) -> Writes {
    let mut writes = Writes::default();
    writes.change(StockRow::NAME, rows.levels, new_levels);
    writes.insert::<_, Fail>(rows.movements);
    writes.change(ReservationRow::NAME, rows.dropped, dropped);
    writes.insert::<_, Replace>(rows.put);
    writes
}

/// What is added to sums.
pub(super) fn sums(orders: Vec<OrderRollupRow>, customers: Vec<CustomerRollupRow>) -> Writes {
    let mut writes = Writes::default();
    writes.insert::<_, Add>(orders);
    writes.insert::<_, Add>(customers);
    writes
}
