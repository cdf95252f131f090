//! The statements that look.

use std::any::TypeId;

use diesel::{
    ExpressionMethods as _, QueryDsl as _, QueryResult, SelectableHelper as _, TextExpressionMethods as _,
    dsl::{count_star, sql},
    pg::Pg,
    sql_types::{Array, BigInt, Bool, Nullable, Text},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl as _};
use futures_util::future::{join, join5};
use order_core::{
    cart::CartOwner,
    discount::Redeemer,
    ids::{CartId, CouponCode, CustomerId, OperationId, OrderId, ProductId, Sku},
    time::Timestamp,
};

use super::{
    migrate,
    order_lists::{filtered, fitting, listed},
    queries::{
        Applied, BlockSums, DeadLetters, DueExpiries, DueOperations, DueReservations, ExpiredReservations, Feed,
        FeedEnd, FeedLast, History, Lines, Operations, Orders, OwnOrders, Payments, RedemptionCount, Requests, Returns,
        RolledUp, Shipments, Sums,
    },
    sql::{Bound, One, Several},
    together::Shape,
    tx::{PgTx, run},
};
use crate::{
    assemble::{self, BlockRow, Blocks, Children, SumRow},
    error::StoreError,
    fields::{At, Id},
    fragments::{Counted, SAME_EMAIL, expiring, like_pattern},
    migrate::ensure_current,
    query::{
        CouponQuery, CustomerSummary, DeadLetterQuery, FeedCursor, MovementQuery, OrderFilter, OrderKey, OrderQuery,
        ProductQuery, Scope, Stats, StatsQuery,
    },
    request::RequestKey,
    rows::{
        CartItemRow, CartRow, CartRows, CouponRow, CustomerRollupRow, DeadLetterRow, EventRow, FeedRow, GatewayRow,
        InventoryCountRow, MovementRow, OrderRow, OrderRows, PaymentEventRow, ProductRow, RequestRow, ReservationRow,
        StockRow, UnresolvedRow,
    },
    schema::{
        cart, cart_item, coupon, customer_rollup, gateway_operation, inventory_operation, order_event, orders,
        payment_event, payment_operation, product, reservation, stock, stock_movement,
    },
    sql_types::{Instant, Uuid},
    statements::{Done, Read},
};

diesel::define_sql_function! {
    /// Lower case, by the rules of its argument's collation.
    fn lower(text: Text) -> Text;
}

// The rules of all alphabets, whatever the database's own collation knows of them.
diesel::postfix_operator!(AllAlphabets, " COLLATE \"und-x-icu\"", Text, backend: Pg);

impl PgTx {
    /// Reads what hangs on orders.
    pub(super) async fn with_children(&mut self, found: Vec<OrderRow>) -> Done<Vec<OrderRows>> {
        if found.is_empty() {
            return Ok(Vec::new());
        }
        let ids: Vec<_> = found.iter().map(|order| order.order_id).collect();
        let result = children(self.connection().await?, Whose::These(&ids)).await;
        Ok(assemble::orders(found, self.done((Ok(()), result))?))
    }

    /// Reads the items of a cart.
    pub(super) async fn with_items(&mut self, found: Option<CartRow>) -> Done<Option<CartRows>> {
        let Some(row) = found else { return Ok(None) };
        let items = cart_item::table
            .filter(cart_item::cart_id.eq(row.cart_id))
            .order((cart_item::position, cart_item::item_id))
            .select(CartItemRow::as_select());
        let items = run!(self, load(items))?;
        Ok(Some((row, items)))
    }
}

/// Whose rows.
#[derive(Debug, Clone, Copy)]
enum Whose<'a> {
    /// Of one order. Only in transactions that find everything by a key: the plan that is made first is kept.
    One(Id),
    /// Of some orders.
    These(&'a [Id]),
}

/// Loads rows of orders. A macro, because diesel keeps to itself what can be loaded from what.
macro_rules! rows {
    ($what:ty, $connection:expr, $whose:expr) => {{
        let mut connection: &AsyncPgConnection = $connection;
        async move {
            match $whose {
                Whose::One(id) => Bound::<One<$what>>::new().bind::<Uuid>(id).load(&mut connection).await,
                Whose::These(ids) => {
                    Bound::<Several<$what>>::new().bind::<Array<Uuid>>(ids).load(&mut connection).await
                }
            }
        }
    }};
}

/// What hangs on orders: five statements, sent together. All of them are waited for: what is said of the first that failed is the cause,
/// and of those behind it only that the transaction is broken.
async fn children(connection: &AsyncPgConnection, whose: Whose<'_>) -> QueryResult<Children> {
    let (lines, payments, operations, shipments, returns) = join5(
        rows!(Lines, connection, whose),
        rows!(Payments, connection, whose),
        rows!(Operations, connection, whose),
        rows!(Shipments, connection, whose),
        rows!(Returns, connection, whose),
    )
    .await;
    let (lines, payments, operations) = (lines?, payments?, operations?);
    Ok(Children { lines, payments, operations, shipments: shipments?, returns: returns? })
}

/// What finds an order that is in a scope, and what hangs on it, is prepared once; `None` where the server is to forget it each time,
/// as it is with all that diesel has no word for.
fn shape(scope: &Scope) -> Option<Shape> {
    match scope {
        Scope::All => Some(vec![TypeId::of::<Children>(), TypeId::of::<Orders>()]),
        Scope::Customer(_) => Some(vec![TypeId::of::<Children>(), TypeId::of::<OwnOrders>()]),
        Scope::Guest(_) => None,
    }
}

/// An order, if it is in a scope.
async fn in_scope(mut connection: &AsyncPgConnection, (id, scope): (Id, &Scope)) -> QueryResult<Vec<OrderRow>> {
    match scope {
        Scope::All => Bound::<One<Orders>>::new().bind::<Uuid>(id).load(&mut connection).await,
        Scope::Customer(customer) => {
            let own = Bound::<One<OwnOrders>>::new().bind::<Uuid>(id).bind::<Text>(customer.as_str());
            own.load(&mut connection).await
        }
        Scope::Guest(_) => {
            let filter = OrderFilter::of(scope.clone());
            let query = filtered(&filter).filter(orders::order_id.eq(id));
            query.select(OrderRow::as_select()).load(&mut connection).await
        }
    }
}

/// The carts of an owner, newest first. A macro, because the type of such a query is
/// nothing to write down.
macro_rules! newest_cart {
    ($owner:expr) => {
        cart::table
            .filter($owner)
            .order((cart::create_time.desc(), cart::state.asc(), cart::cart_id.desc()))
            .select(CartRow::as_select())
            .limit(1)
    };
}
pub(super) use newest_cart;

impl Read for PgTx {
    async fn order(&mut self, key: &OrderKey, scope: &Scope) -> Done<Option<OrderRows>> {
        match key {
            OrderKey::Id(id) => {
                let (id, shape) = (Id(id.uuid()), shape(scope));
                self.flush().await?;
                let begin = self.take_begin()?;
                // One round trip: what hangs on an order that is not in the scope is not shown.
                let both = async {
                    let (found, children) =
                        join(in_scope(self.raw(), (id, scope)), children(self.raw(), Whose::One(id))).await;
                    Ok((found?, children?))
                };
                let result = self.look((begin, shape.as_ref()), both).await;
                let (found, children) = self.looked(result, shape)?;
                Ok(assemble::orders(found, children).pop())
            }
            OrderKey::NumberAndEmail(number, email) => {
                let filter = OrderFilter::of(scope.clone());
                let query = filtered(&filter)
                    .filter(orders::order_number.eq(number))
                    .filter(sql::<Bool>(SAME_EMAIL).bind::<Text, _>(email.to_ascii_lowercase()))
                    .filter(orders::customer_id.is_null());
                let found = run!(self, load(query.select(OrderRow::as_select())))?;
                Ok(self.with_children(found).await?.pop())
            }
        }
    }

    async fn orders_by_id(&mut self, ids: &[OrderId]) -> Done<Vec<OrderRows>> {
        let ids: Vec<_> = ids.iter().map(|id| Id(id.uuid())).collect();
        let found = run!(self, load(Bound::<Several<Orders>>::new().bind::<Array<Uuid>>(ids)))?;
        self.with_children(found).await
    }

    async fn orders_by_import(&mut self, source: &str, external_ids: &[String]) -> Done<Vec<OrderRows>> {
        let query = orders::table
            .filter(orders::import_source.eq(source))
            .filter(orders::import_external_id.eq_any(external_ids))
            .select(OrderRow::as_select());
        let found = run!(self, load(query))?;
        self.with_children(found).await
    }

    async fn order_page(&mut self, query: &OrderQuery) -> Done<Vec<OrderRows>> {
        let held = self.held(&query.filter).await?;
        let found = run!(self, load(listed(query, &held).select(OrderRow::as_select())))?;
        self.with_children(found).await
    }

    async fn order_count(&mut self, filter: &OrderFilter, most: u32) -> Done<u32> {
        let held = self.held(filter).await?;
        let query = fitting(filter, &held).select(orders::order_id).limit(i64::from(most));
        let count: i64 = run!(self, get_result(Counted(query)))?;
        Ok(u32::try_from(count).map_err(StoreError::corrupt)?)
    }

    async fn events(&mut self, id: OrderId, after: i64, size: u32) -> Done<Vec<EventRow>> {
        let query = order_event::table
            .filter(order_event::order_id.eq(Id(id.uuid())))
            .filter(order_event::revision.gt(after))
            .order(order_event::revision)
            .limit(i64::from(size) + 1)
            .select(EventRow::as_select());
        run!(self, load(query))
    }

    async fn feed_end(&mut self) -> Done<i64> {
        run!(self, get_result(Bound::<FeedEnd>::new()))
    }

    async fn feed_last(&mut self, end: i64) -> Done<Option<FeedCursor>> {
        let last: Vec<(i64, Id, i64)> = run!(self, load(Bound::<FeedLast>::new().bind::<BigInt>(end)))?;
        let place =
            |(position, id, revision): (i64, Id, i64)| FeedCursor { position, order_id: OrderId::new(id.0), revision };
        Ok(last.into_iter().next().map(place))
    }

    async fn feed(&mut self, after: &FeedCursor, end: i64, size: u32) -> Done<Vec<FeedRow>> {
        let query = Bound::<Feed>::new()
            .bind::<BigInt>(after.position)
            .bind::<Uuid>(Id(after.order_id.uuid()))
            .bind::<BigInt>(after.revision)
            .bind::<BigInt>(end)
            .bind::<BigInt>(i64::from(size));
        run!(self, load(query))
    }

    async fn dead_letters(&mut self, query: &DeadLetterQuery) -> Done<Vec<DeadLetterRow>> {
        let after = query.after.unwrap_or(FeedCursor::BEGINNING);
        let found = Bound::<DeadLetters>::new()
            .bind::<Text>(&query.consumer)
            .bind::<BigInt>(after.position)
            .bind::<Uuid>(Id(after.order_id.uuid()))
            .bind::<BigInt>(after.revision)
            .bind::<BigInt>(i64::from(query.size) + 1);
        run!(self, load(found))
    }

    async fn stats(&mut self, query: &StatsQuery) -> Done<Stats> {
        let blocks = Blocks::of(query);
        let origin = At(blocks.origin);
        let sums: Vec<SumRow> = run!(self, load(Bound::<Sums>::new()))?;
        let rows: Vec<BlockRow> = match blocks.grain {
            Some(grain) => {
                let series = Bound::<RolledUp>::new()
                    .bind::<Instant>(origin)
                    .bind::<BigInt>(blocks.micros)
                    .bind::<Text>(grain.as_str())
                    .bind::<Instant>(origin);
                run!(self, load(series))?
            }
            None => {
                let series = Bound::<BlockSums>::new()
                    .bind::<Instant>(origin)
                    .bind::<BigInt>(blocks.micros)
                    .bind::<BigInt>(blocks.micros)
                    .bind::<Instant>(origin)
                    .bind::<Instant>(origin);
                run!(self, load(series))?
            }
        };
        Ok(assemble::stats(query, sums, rows)?)
    }

    async fn summary(&mut self, customer: &CustomerId, since: Timestamp) -> Done<CustomerSummary> {
        let customer = customer.as_str();
        let own = customer_rollup::table.filter(customer_rollup::customer_id.eq(customer));
        let sums: Vec<CustomerRollupRow> = run!(self, load(own.select(CustomerRollupRow::as_select())))?;
        let lately = orders::table.filter(orders::customer_id.eq(customer)).filter(orders::create_time.ge(At(since)));
        let recent: i64 = run!(self, get_result(lately.count()))?;
        let newest = orders::table
            .filter(orders::customer_id.eq(customer))
            .order((orders::create_time.desc(), orders::order_id.desc()))
            .select((orders::order_id, orders::create_time))
            .limit(1);
        let last: Vec<(Id, At)> = run!(self, load(newest))?;
        let last = last.into_iter().next().map(|(id, at)| (OrderId::new(id.0), at.0));
        Ok(assemble::summary(sums, recent, last)?)
    }

    async fn cart(&mut self, owner: &CartOwner) -> Done<Option<CartRows>> {
        let found: Vec<CartRow> = match owner {
            CartOwner::Customer(id) => run!(self, load(newest_cart!(cart::customer_id.eq(id.as_str()))))?,
            CartOwner::Guest(key) => run!(self, load(newest_cart!(cart::guest_key.eq(key.0.as_slice()))))?,
        };
        self.with_items(found.into_iter().next()).await
    }

    async fn cart_by_id(&mut self, id: uuid::Uuid) -> Done<Option<CartRows>> {
        let found = run!(self, load(cart::table.filter(cart::cart_id.eq(Id(id))).select(CartRow::as_select())))?;
        self.with_items(found.into_iter().next()).await
    }

    async fn products(&mut self, ids: &[ProductId]) -> Done<Vec<ProductRow>> {
        let ids: Vec<_> = ids.iter().map(ProductId::as_str).collect();
        run!(self, load(product::table.filter(product::product_id.eq_any(ids)).select(ProductRow::as_select())))
    }

    async fn product_page(&mut self, query: &ProductQuery) -> Done<Vec<ProductRow>> {
        let mut page = product::table.into_boxed::<Pg>();
        if let Some(active) = query.active {
            page = page.filter(product::active.eq(active));
        }
        if let Some(after) = &query.after {
            page = page.filter(product::product_id.gt(after.as_str()));
        }
        for word in &query.words {
            let text = product::product_id.concat(" ").concat(product::sku).concat(" ").concat(product::name);
            page = page.filter(lower(AllAlphabets::new(text)).like(like_pattern(word)));
        }
        let page = page.order(product::product_id).limit(i64::from(query.size) + 1).select(ProductRow::as_select());
        run!(self, load(page))
    }

    async fn coupon(&mut self, code: &CouponCode) -> Done<Option<CouponRow>> {
        let query = coupon::table.filter(coupon::coupon_code.eq(code.as_str())).select(CouponRow::as_select());
        Ok(run!(self, load(query))?.pop())
    }

    async fn coupon_page(&mut self, query: &CouponQuery) -> Done<Vec<CouponRow>> {
        let mut page = coupon::table.into_boxed::<Pg>();
        if let Some(active) = query.active {
            page = page.filter(coupon::active.eq(active));
        }
        if let Some(after) = &query.after {
            page = page.filter(coupon::coupon_code.gt(after.as_str()));
        }
        let page = page.order(coupon::coupon_code).limit(i64::from(query.size) + 1).select(CouponRow::as_select());
        run!(self, load(page))
    }

    async fn redemption_count(&mut self, code: &CouponCode, redeemer: &Redeemer) -> Done<u32> {
        let query = Bound::<RedemptionCount>::new().bind::<Text>(code.as_str()).bind::<Text>(redeemer.as_str());
        let used: i64 = run!(self, get_result(query))?;
        Ok(u32::try_from(used).map_err(StoreError::corrupt)?)
    }

    async fn levels(&mut self, skus: &[Sku]) -> Done<Vec<StockRow>> {
        let skus: Vec<_> = skus.iter().map(Sku::as_str).collect();
        run!(self, load(stock::table.filter(stock::sku.eq_any(skus)).select(StockRow::as_select())))
    }

    async fn expired_reservations(&mut self, skus: &[Sku], now: Timestamp, most: u32) -> Done<Vec<ReservationRow>> {
        let expired = Bound::<ExpiredReservations>::new()
            .bind::<Array<Text>>(skus.iter().map(Sku::as_str).collect::<Vec<_>>())
            .bind::<Instant>(At(now))
            .bind::<BigInt>(i64::from(most));
        run!(self, load(expired))
    }

    async fn reservations_of(&mut self, carts: &[CartId]) -> Done<Vec<ReservationRow>> {
        let carts: Vec<_> = carts.iter().map(|cart| Id(cart.uuid())).collect();
        run!(
            self,
            load(reservation::table.filter(reservation::cart_id.eq_any(carts)).select(ReservationRow::as_select()))
        )
    }

    async fn due_reservations(&mut self, now: Timestamp, most: u32) -> Done<Vec<String>> {
        run!(self, load(Bound::<DueReservations>::new().bind::<Instant>(At(now)).bind::<BigInt>(i64::from(most))))
    }

    async fn movement_page(&mut self, query: &MovementQuery) -> Done<Vec<MovementRow>> {
        let rows = i64::from(query.size) + 1;
        let Some(sku) = &query.sku else {
            let mut page = stock_movement::table.into_boxed::<Pg>();
            if let Some(after) = query.after {
                page = page.filter(stock_movement::movement_id.lt(Id(after)));
            }
            let page = page.order(stock_movement::movement_id.desc()).limit(rows);
            return run!(self, load(page.select(MovementRow::as_select())));
        };
        let first: Vec<Option<Id>> = match query.after {
            None => run!(self, load(stock::table.find(sku.as_str()).select(stock::last_movement_id)))?,
            Some(after) => {
                let same = stock_movement::table.find(Id(after)).filter(stock_movement::sku.eq(sku.as_str()));
                run!(self, load(same.select(stock_movement::previous_movement_id)))?
            }
        };
        let Some(first) = first.into_iter().flatten().next() else { return Ok(Vec::new()) };
        let ids: Vec<Id> = run!(self, load(Bound::<History>::new().bind::<Uuid>(first).bind::<BigInt>(rows)))?;
        let found = stock_movement::table.filter(stock_movement::movement_id.eq_any(&ids));
        Ok(assemble::history(&ids, run!(self, load(found.select(MovementRow::as_select())))?))
    }

    async fn due_operations(&mut self, now: Timestamp, most: u32) -> Done<Vec<(OrderId, OperationId)>> {
        let due = Bound::<DueOperations>::new().bind::<Instant>(At(now)).bind::<BigInt>(i64::from(most));
        let due: Vec<(Id, Id)> = run!(self, load(due))?;
        Ok(due.into_iter().map(|(order, operation)| (OrderId::new(order.0), OperationId::new(operation.0))).collect())
    }

    async fn due_operations_of(&mut self, id: OrderId, now: Timestamp, most: u32) -> Done<Vec<(OrderId, OperationId)>> {
        let query = payment_operation::table
            .filter(payment_operation::order_id.eq(Id(id.uuid())))
            .filter(sql::<Bool>("state IN ('INITIAL', 'SENT', 'UNKNOWN')"))
            .filter(payment_operation::next_attempt_at.le(At(now)))
            .order((payment_operation::next_attempt_at, payment_operation::operation_id))
            .select(payment_operation::operation_id)
            .limit(i64::from(most));
        let due: Vec<Id> = run!(self, load(query))?;
        Ok(due.into_iter().map(|operation| (id, OperationId::new(operation.0))).collect())
    }

    async fn unresolved_operations(&mut self) -> Done<Vec<UnresolvedRow>> {
        use payment_operation::state;

        let query = payment_operation::table
            .filter(sql::<Bool>("state IN ('INITIAL', 'SENT', 'UNKNOWN')"))
            .group_by(state)
            .select((state, count_star(), sql::<Nullable<Instant>>("min(payment_operation.create_time)")));
        run!(self, load(query))
    }

    async fn has_claims(&mut self, claimant: Id) -> Done<bool> {
        let found = inventory_operation::table.filter(inventory_operation::claimant.eq(claimant));
        run!(self, get_result(diesel::select(diesel::dsl::exists(found))))
    }

    async fn inventory_counts(&mut self) -> Done<Vec<InventoryCountRow>> {
        use inventory_operation::kind;

        let query = inventory_operation::table.group_by(kind).select((
            kind,
            count_star(),
            sql::<Instant>("min(inventory_operation.create_time)"),
        ));
        run!(self, load(query))
    }

    async fn due_expiries(&mut self, now: Timestamp, most: u32) -> Done<Vec<OrderId>> {
        let due = Bound::<DueExpiries>::new()
            .bind::<Instant>(At(now))
            .bind::<Array<Text>>(expiring())
            .bind::<BigInt>(i64::from(most));
        let due: Vec<Id> = run!(self, load(due))?;
        Ok(due.into_iter().map(|id| OrderId::new(id.0)).collect())
    }

    async fn request(&mut self, key: &RequestKey) -> Done<Option<RequestRow>> {
        let id = Id(key.request_id.uuid());
        Ok(self.requests_of(vec![&key.principal], vec![key.method], vec![id]).await?.pop())
    }

    async fn order_of_operation(&mut self, id: OperationId) -> Done<Option<OrderId>> {
        let query = payment_operation::table
            .filter(payment_operation::operation_id.eq(Id(id.uuid())))
            .select(payment_operation::order_id);
        let found: Vec<Id> = run!(self, load(query))?;
        Ok(found.into_iter().next().map(|id| OrderId::new(id.0)))
    }

    async fn payment_events(&mut self, id: OrderId) -> Done<Vec<PaymentEventRow>> {
        let query = payment_event::table
            .filter(payment_event::order_id.eq(Id(id.uuid())))
            .order((payment_event::create_time, payment_event::event_id))
            .select(PaymentEventRow::as_select());
        run!(self, load(query))
    }

    async fn gateway(&mut self, key: OperationId) -> Done<Option<GatewayRow>> {
        let query =
            gateway_operation::table.filter(gateway_operation::key.eq(Id(key.uuid()))).select(GatewayRow::as_select());
        Ok(run!(self, load(query))?.pop())
    }

    async fn probe(&mut self) -> Done {
        let applied: Vec<String> = run!(self, load(Bound::<Applied>::new()))?;
        Ok(ensure_current(&migrate::versions(), &applied)?)
    }
}

impl PgTx {
    /// Reads requests by the three columns of their keys.
    pub(super) async fn requests_of(
        &mut self,
        principals: Vec<&str>,
        methods: Vec<&str>,
        ids: Vec<Id>,
    ) -> Done<Vec<RequestRow>> {
        let query = Bound::<Requests>::new()
            .bind::<Array<Text>>(principals)
            .bind::<Array<Text>>(methods)
            .bind::<Array<Uuid>>(ids);
        run!(self, load(query))
    }
}
