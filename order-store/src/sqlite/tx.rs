//! The statements over one open transaction of SQLite. None of them ever waits.

use diesel::SqliteConnection;
use order_core::{
    cart::{CartOwner, GuestKey},
    discount::Redeemer,
    ids::{CartId, CouponCode, CustomerId, OperationId, OrderId, ProductId, Sku},
    time::Timestamp,
};

use super::{carts, catalog, coupons, feed, holds, inventory, ledger, many, numbers, order_lists, orders, requests};
use crate::{
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
    statements::{Claimed, Done, Locked, NumberRange, Read, Write},
};

/// A connection inside a transaction. It holds the only write lock there is, so that statements that lock just read.
pub(super) struct SqliteTx<'c> {
    pub(super) connection: &'c mut SqliteConnection,
}

impl Write for SqliteTx<'_> {
    async fn claim_requests(&mut self, rows: &[RequestRow]) -> Done<Vec<RequestRow>> {
        requests::claim(self.connection, rows)
    }

    async fn unclaim_requests(&mut self, rows: &[RequestRow]) -> Done {
        requests::unclaim(self.connection, rows)
    }

    async fn set_outcomes(&mut self, rows: &[RequestRow]) -> Done {
        requests::set_outcomes(self.connection, rows)
    }

    async fn forget_requests(&mut self, before: Timestamp, most: u32) -> Done<u32> {
        requests::forget(self.connection, before, most)
    }

    async fn lock_orders(&mut self, ids: &[OrderId], _nobody_else_has_any: Locked) -> Done<Vec<OrderRows>> {
        orders::each(self.connection, ids)
    }

    async fn insert_orders(&mut self, orders: &[OrderRows]) -> Done {
        orders::insert(self.connection, orders)
    }

    async fn update_orders(&mut self, changed: &[(&OrderRows, OrderRows)]) -> Done {
        changed.iter().try_for_each(|(before, after)| orders::update(self.connection, before, after))
    }

    async fn insert_events(&mut self, events: &[EventRow]) -> Done {
        orders::insert_events(self.connection, events)
    }

    async fn put_search(&mut self, documents: &[SearchRow]) -> Done {
        many::put_search(self.connection, documents)
    }

    async fn add_rollups(&mut self, orders: &[OrderRollupRow], customers: &[CustomerRollupRow]) -> Done {
        many::add_order_rollups(self.connection, orders)?;
        many::add_customer_rollups(self.connection, customers)
    }

    async fn take_numbers(&mut self, range: NumberRange<'_>) -> Done<i64> {
        numbers::take(self.connection, range)
    }

    async fn lock_cart(&mut self, owner: &CartOwner) -> Done<Option<CartRows>> {
        carts::newest(self.connection, owner)
    }

    async fn lock_guest_cart(&mut self, guest: GuestKey) -> Done<Option<CartRows>> {
        carts::newest_of_guest(self.connection, guest)
    }

    async fn put_carts(&mut self, rows: &[CartRow]) -> Done {
        carts::replace(self.connection, rows)
    }

    async fn put_cart(&mut self, cart: &CartRow, items: &[CartItemRow]) -> Done {
        carts::put(self.connection, cart, items)
    }

    async fn expire_carts(&mut self, now: Timestamp, most: u32) -> Done<Vec<uuid::Uuid>> {
        carts::expire(self.connection, now, most)
    }

    async fn lock_products(&mut self, ids: &[ProductId], skus: &[Sku]) -> Done<Vec<ProductRow>> {
        catalog::products_by_id_or_sku(self.connection, ids, skus)
    }

    async fn put_products(&mut self, products: &[ProductRow]) -> Done {
        catalog::put_products(self.connection, products)
    }

    async fn lock_coupons(&mut self, codes: &[CouponCode]) -> Done<Vec<CouponRow>> {
        coupons::by_code(self.connection, codes)
    }

    async fn insert_coupon(&mut self, row: &CouponRow) -> Done {
        coupons::insert(self.connection, row)
    }

    async fn update_coupons(&mut self, rows: &[CouponRow]) -> Done {
        coupons::update(self.connection, rows)
    }

    async fn insert_redemptions(&mut self, rows: &[RedemptionRow]) -> Done {
        coupons::insert_redemptions(self.connection, rows)
    }

    async fn delete_redemptions(&mut self, orders: &[OrderId]) -> Done<Vec<OrderId>> {
        let used = orders.iter().map(|id| Ok((*id, coupons::delete_redemption(self.connection, *id)?)));
        used.filter_map(|used| used.map(|(id, gone)| (gone > 0).then_some(id)).transpose()).collect()
    }

    async fn product_revisions(&mut self, ids: &[ProductId]) -> Done<Vec<(String, i64)>> {
        catalog::revisions(self.connection, ids)
    }

    async fn lock_stock(&mut self, skus: &[Sku]) -> Done<Vec<StockRow>> {
        catalog::levels(self.connection, skus)
    }

    async fn insert_stock(&mut self, rows: &[StockRow]) -> Done<Vec<String>> {
        catalog::insert_stock(self.connection, rows)
    }

    async fn update_stock(&mut self, rows: &[StockRow]) -> Done {
        catalog::update_stock(self.connection, rows)
    }

    async fn insert_movements(&mut self, rows: &[MovementRow]) -> Done {
        catalog::insert_movements(self.connection, rows)
    }

    async fn claim_payment_event(&mut self, row: &PaymentEventRow) -> Done<Claimed> {
        ledger::claim_payment_event(self.connection, row)
    }

    async fn put_reservations(&mut self, rows: &[ReservationRow]) -> Done {
        holds::put(self.connection, rows)
    }

    async fn drop_reservations(&mut self, rows: &[ReservationRow]) -> Done {
        holds::take_out(self.connection, rows)
    }

    async fn lock_consumer(&mut self, name: &str) -> Done<Option<ConsumerRow>> {
        feed::consumer(self.connection, name)
    }

    async fn add_consumer(&mut self, row: &ConsumerRow) -> Done {
        feed::put_consumer(self.connection, row)
    }

    async fn put_consumer(&mut self, row: &ConsumerRow) -> Done {
        feed::put_consumer(self.connection, row)
    }

    async fn put_dead_letter(&mut self, row: &DeadLetterRow) -> Done {
        feed::put_dead_letter(self.connection, row)
    }

    async fn drop_dead_letter(&mut self, consumer: &str, event: &FeedCursor) -> Done {
        feed::drop_dead_letter(self.connection, consumer, event)
    }

    async fn lock_inventory(&mut self, ids: &[Id]) -> Done<Vec<InventoryRow>> {
        inventory::get(self.connection, ids)
    }

    async fn lock_due_inventory(&mut self, now: Timestamp, most: u32) -> Done<Vec<InventoryRow>> {
        inventory::due(self.connection, now, most)
    }

    async fn put_inventory(&mut self, rows: &[InventoryRow]) -> Done {
        inventory::put(self.connection, rows)
    }

    async fn drop_inventory(&mut self, ids: &[Id]) -> Done {
        inventory::drop(self.connection, ids)
    }

    async fn put_gateway(&mut self, rows: &[GatewayRow]) -> Done<Vec<GatewayRow>> {
        rows.iter().map(|row| ledger::put_gateway(self.connection, row)).collect()
    }
}

impl Read for SqliteTx<'_> {
    async fn order(&mut self, key: &OrderKey, scope: &Scope) -> Done<Option<OrderRows>> {
        orders::get(self.connection, key, scope)
    }

    async fn orders_by_id(&mut self, ids: &[OrderId]) -> Done<Vec<OrderRows>> {
        orders::by_id(self.connection, ids)
    }

    async fn orders_by_import(&mut self, source: &str, external_ids: &[String]) -> Done<Vec<OrderRows>> {
        orders::by_import(self.connection, source, external_ids)
    }

    async fn order_page(&mut self, query: &OrderQuery) -> Done<Vec<OrderRows>> {
        order_lists::page(self.connection, query)
    }

    async fn order_count(&mut self, filter: &OrderFilter, most: u32) -> Done<u32> {
        order_lists::count(self.connection, filter, most)
    }

    async fn events(&mut self, id: OrderId, after: i64, size: u32) -> Done<Vec<EventRow>> {
        orders::events(self.connection, id, (after, size))
    }

    async fn feed_end(&mut self) -> Done<i64> {
        feed::end(self.connection)
    }

    async fn feed_last(&mut self, end: i64) -> Done<Option<FeedCursor>> {
        feed::last(self.connection, end)
    }

    async fn feed(&mut self, after: &FeedCursor, end: i64, size: u32) -> Done<Vec<FeedRow>> {
        feed::page(self.connection, after, (end, size))
    }

    async fn dead_letters(&mut self, query: &DeadLetterQuery) -> Done<Vec<DeadLetterRow>> {
        feed::dead_letters(self.connection, query)
    }

    async fn stats(&mut self, query: &StatsQuery) -> Done<Stats> {
        order_lists::stats(self.connection, query)
    }

    async fn summary(&mut self, customer: &CustomerId, since: Timestamp) -> Done<CustomerSummary> {
        order_lists::summary(self.connection, customer, since)
    }

    async fn cart(&mut self, owner: &CartOwner) -> Done<Option<CartRows>> {
        carts::newest(self.connection, owner)
    }

    async fn cart_by_id(&mut self, id: uuid::Uuid) -> Done<Option<CartRows>> {
        carts::by_id(self.connection, id)
    }

    async fn products(&mut self, ids: &[ProductId]) -> Done<Vec<ProductRow>> {
        catalog::products(self.connection, ids)
    }

    async fn product_page(&mut self, query: &ProductQuery) -> Done<Vec<ProductRow>> {
        catalog::product_page(self.connection, query)
    }

    async fn coupon(&mut self, code: &CouponCode) -> Done<Option<CouponRow>> {
        coupons::get(self.connection, code)
    }

    async fn coupon_page(&mut self, query: &CouponQuery) -> Done<Vec<CouponRow>> {
        coupons::page(self.connection, query)
    }

    async fn redemption_count(&mut self, code: &CouponCode, redeemer: &Redeemer) -> Done<u32> {
        coupons::redemption_count(self.connection, code, redeemer)
    }

    async fn levels(&mut self, skus: &[Sku]) -> Done<Vec<StockRow>> {
        catalog::levels(self.connection, skus)
    }

    async fn expired_reservations(&mut self, skus: &[Sku], now: Timestamp, most: u32) -> Done<Vec<ReservationRow>> {
        holds::expired(self.connection, skus, (now, most))
    }

    async fn reservations_of(&mut self, carts: &[CartId]) -> Done<Vec<ReservationRow>> {
        holds::of_carts(self.connection, carts)
    }

    async fn due_reservations(&mut self, now: Timestamp, most: u32) -> Done<Vec<String>> {
        holds::due(self.connection, now, most)
    }

    async fn movement_page(&mut self, query: &MovementQuery) -> Done<Vec<MovementRow>> {
        catalog::movement_page(self.connection, query)
    }

    async fn due_operations(&mut self, now: Timestamp, most: u32) -> Done<Vec<(OrderId, OperationId)>> {
        ledger::due_operations(self.connection, now, most)
    }

    async fn due_operations_of(&mut self, id: OrderId, now: Timestamp, most: u32) -> Done<Vec<(OrderId, OperationId)>> {
        ledger::due_operations_of(self.connection, id, (now, most))
    }

    async fn has_claims(&mut self, claimant: Id) -> Done<bool> {
        inventory::has_claims(self.connection, claimant)
    }

    async fn inventory_counts(&mut self) -> Done<Vec<InventoryCountRow>> {
        inventory::counts(self.connection)
    }

    async fn unresolved_operations(&mut self) -> Done<Vec<UnresolvedRow>> {
        ledger::unresolved_operations(self.connection)
    }

    async fn due_expiries(&mut self, now: Timestamp, most: u32) -> Done<Vec<OrderId>> {
        ledger::due_expiries(self.connection, now, most)
    }

    async fn request(&mut self, key: &RequestKey) -> Done<Option<RequestRow>> {
        requests::get(self.connection, (&key.principal, key.method, Id(key.request_id.uuid())))
    }

    async fn order_of_operation(&mut self, id: OperationId) -> Done<Option<OrderId>> {
        ledger::order_of_operation(self.connection, id)
    }

    async fn payment_events(&mut self, id: OrderId) -> Done<Vec<PaymentEventRow>> {
        ledger::payment_events(self.connection, id)
    }

    async fn gateway(&mut self, key: OperationId) -> Done<Option<GatewayRow>> {
        ledger::gateway(self.connection, key)
    }

    async fn probe(&mut self) -> Done {
        Ok(crate::migrate::check_sqlite(self.connection)?)
    }
}
