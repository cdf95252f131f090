//! The statements that a batch of placements is made of, with their arguments.

use diesel::sql_types::{Array, BigInt, Integer, Text};
use diesel_async::AsyncPgConnection;
use order_core::ids::{ProductId, Sku};

use super::{
    pipe::Pipe,
    sql::{Bound, statement},
};
use crate::{
    rows::{RequestRow, ReservationRow, StockRow},
    schema::stock,
    sql_types::Uuid,
    statements::{Placed, Series},
};

statement! {
    /// Replaces what became of requests.
    SetOutcomes -> ():
    "UPDATE request SET outcome = new.outcome \
     FROM unnest(?, ?, ?, ?) AS new (principal, method, request_id, outcome) \
     WHERE request.principal = new.principal AND request.method = new.method AND request.request_id = new.request_id"
}

statement! {
    /// Gives up claims.
    Unclaim -> ():
    "DELETE FROM request USING unnest(?, ?, ?) AS gone (principal, method, request_id) \
     WHERE request.principal = gone.principal AND request.method = gone.method AND request.request_id = gone.request_id"
}

statement! {
    /// Counters, locked in the order of their keys.
    LockCounters -> (Text, Integer, BigInt):
    "SELECT counter.prefix, counter.year, counter.value FROM unnest(?, ?) AS wanted (prefix, year) \
     JOIN order_counter AS counter USING (prefix, year) ORDER BY counter.prefix, counter.year FOR NO KEY UPDATE OF counter"
}

statement! {
    /// Moves counters that are locked.
    MoveCounters -> ():
    "UPDATE order_counter AS counter SET value = counter.value + taken.count \
     FROM unnest(?, ?, ?) AS taken (prefix, year, count) \
     WHERE counter.prefix = taken.prefix AND counter.year = taken.year"
}

statement! {
    /// Shelves, locked in the order of their SKUs.
    LockStock -> diesel::dsl::SqlTypeOf<<stock::table as diesel::Table>::AllColumns>:
    "SELECT stock.sku, stock.on_hand, stock.reserved, stock.allocated, stock.backorder_limit \
     FROM unnest(?) AS wanted (sku) JOIN stock USING (sku) ORDER BY stock.sku FOR NO KEY UPDATE OF stock"
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
     backorder_limit = new.backorder_limit \
     FROM unnest(?, ?, ?, ?, ?) AS new (sku, on_hand, reserved, allocated, backorder_limit) WHERE stock.sku = new.sku"
}

statement! {
    /// Takes out what carts held.
    DropReservations -> ():
    "DELETE FROM reservation USING unnest(?, ?) AS gone (cart_id, sku) \
     WHERE reservation.cart_id = gone.cart_id AND reservation.sku = gone.sku"
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
}

pub(super) fn dropped(rows: &[ReservationRow]) -> Bound<'_, DropReservations> {
    Bound::<DropReservations>::new()
        .bind::<Array<Uuid>>(rows.iter().map(|row| row.cart_id).collect::<Vec<_>>())
        .bind::<Array<Text>>(rows.iter().map(|row| row.sku.as_str()).collect::<Vec<_>>())
}

pub(super) fn locked_stock(skus: &[Sku]) -> Bound<'_, LockStock> {
    Bound::<LockStock>::new().bind::<Array<Text>>(skus.iter().map(Sku::as_str).collect::<Vec<_>>())
}

pub(super) fn revisions(products: &[ProductId]) -> Bound<'_, ProductRevisions> {
    Bound::<ProductRevisions>::new().bind::<Array<Text>>(products.iter().map(ProductId::as_str).collect::<Vec<_>>())
}

pub(super) fn locked_counters(series: &[Series]) -> Bound<'_, LockCounters> {
    Bound::<LockCounters>::new()
        .bind::<Array<Text>>(series.iter().map(|(prefix, _)| prefix.as_str()).collect::<Vec<_>>())
        .bind::<Array<Integer>>(series.iter().map(|(_, year)| i32::from(*year)).collect::<Vec<_>>())
}

pub(super) fn moved_counters(taken: &[(Series, i64)]) -> Bound<'_, MoveCounters> {
    Bound::<MoveCounters>::new()
        .bind::<Array<Text>>(taken.iter().map(|((prefix, _), _)| prefix.as_str()).collect::<Vec<_>>())
        .bind::<Array<Integer>>(taken.iter().map(|((_, year), _)| i32::from(*year)).collect::<Vec<_>>())
        .bind::<Array<BigInt>>(taken.iter().map(|(_, count)| *count).collect::<Vec<_>>())
}

/// All that is written of a batch of orders, in this order.
pub(super) fn pipe<'c>(connection: &'c AsyncPgConnection, placed: &Placed) -> Pipe<'c> {
    let (orders, shelves) = (&placed.orders, &placed.shelves);
    let mut pipe = Pipe::new(connection);
    pipe.insert(orders.iter().map(|order| &order.order).collect());
    pipe.insert(orders.iter().flat_map(|order| &order.lines).collect());
    pipe.insert(orders.iter().flat_map(|order| &order.payments).collect());
    pipe.insert(orders.iter().flat_map(|order| &order.operations).collect());
    pipe.insert(orders.iter().flat_map(|order| &order.shipments).collect());
    pipe.insert(orders.iter().flat_map(|order| &order.returns).collect());
    pipe.insert(placed.events.iter().collect());
    pipe.insert(placed.search.iter().collect());
    pipe.replace(placed.carts.iter().collect());
    pipe.push(shelves.levels.len(), new_levels(&shelves.levels));
    pipe.insert(shelves.movements.iter().collect());
    pipe.push(shelves.dropped.len(), dropped(&shelves.dropped));
    pipe.replace(shelves.put.iter().collect());
    pipe.replace(placed.coupons.iter().collect());
    pipe.insert(placed.redemptions.iter().collect());
    pipe.push(placed.outcomes.len(), outcomes(&placed.outcomes));
    pipe.push(placed.unclaimed.len(), unclaimed(&placed.unclaimed));
    pipe.push(placed.numbers.len(), moved_counters(&placed.numbers));
    pipe.accumulate(placed.order_rollups.iter().collect());
    pipe.accumulate(placed.customer_rollups.iter().collect());
    pipe
}
