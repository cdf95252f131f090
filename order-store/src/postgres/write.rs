//! The statements that change something.
//!
//! Locks are `FOR NO KEY UPDATE`: they exclude each other, but not the foreign keys of rows that are being inserted.

use diesel::{
    BoolExpressionMethods as _, ExpressionMethods as _, QueryDsl as _, SelectableHelper as _,
    sql_types::{Array, BigInt, Integer, Text},
};
use order_core::{
    cart::{CartOwner, GuestKey},
    ids::{CouponCode, OperationId, OrderId, ProductId, Sku},
    time::Timestamp,
};

use super::{
    placing::{
        Open, appended, dropped, locked_stock, new_levels, new_orders, outcomes, placed_orders, revisions, shelves,
        sums, told, unclaimed,
    },
    read::newest_cart,
    sql::{Bound, Fail, Insert, Replace, Skip, Table, statement},
    together::Writes,
    tx::{PgTx, run},
};
use crate::{
    error::StoreError,
    fields::{At, Id},
    fragments::{Difference, difference, is_oldest_to_tell},
    query::FeedCursor,
    rows::{
        CartItemRow, CartRow, CartRows, ConsumerRow, CouponRow, CustomerRollupRow, DeadLetterRow, EventRow, GatewayRow,
        InventoryRow, MovementRow, OrderRollupRow, OrderRow, OrderRows, PaymentEventRow, ProductRow, RedemptionRow,
        RequestRow, ReservationRow, SearchRow, StockRow,
    },
    schema::{cart, coupon, dead_letter, feed_consumer, inventory_operation, orders, product},
    sql_types::{Instant, Uuid},
    statements::{Claimed, Done, Fault, Locked, NumberRange, Opened, Opening, Placed, Read as _, ShelfRows, Write},
};

/// What a request is found by.
type RequestName = (String, String, Id);

/// A counter: prefix, year and last number.
type CounterRow = (String, i32, i64);

/// A shelf: SKU, on hand, reserved, allocated, how far it may be backordered, and its last movement.
type LevelRow = (String, i64, i64, i64, i64, Option<Id>);

/// What opens a batch: requests that were free, shelves, counters, and the revisions of products.
type OpeningRows = (Vec<RequestName>, Vec<LevelRow>, Vec<CounterRow>, Vec<(String, i64)>);

statement! {
    /// Takes numbers and returns the last of them.
    TakeNumbers -> BigInt:
    "INSERT INTO order_counter AS counter (prefix, year, value) VALUES (?, ?, ?) \
     ON CONFLICT (prefix, year) DO UPDATE SET value = counter.value + ? RETURNING value"
}

statement! {
    /// Takes out what is no longer in a cart.
    DropItems -> ():
    "DELETE FROM cart_item WHERE cart_id = ? AND item_id <> ALL (?)"
}

statement! {
    /// Marks carts expired, except those that somebody is changing at this moment.
    ExpireCarts -> Uuid:
    "UPDATE cart SET state = 'EXPIRED' \
     WHERE cart_id IN ( \
         SELECT cart_id FROM cart WHERE state = 'ACTIVE' AND expire_time <= ? \
         ORDER BY expire_time LIMIT ? FOR NO KEY UPDATE SKIP LOCKED \
     ) RETURNING cart_id"
}

statement! {
    /// Forgets the oldest requests.
    ForgetRequests -> Uuid:
    "DELETE FROM request WHERE ctid = ANY (ARRAY( \
         SELECT ctid FROM request WHERE create_time < ? ORDER BY create_time LIMIT ? FOR UPDATE SKIP LOCKED \
     )) RETURNING request_id"
}

statement! {
    /// What an inventory service is to be asked or told.
    LockInventory -> diesel::dsl::SqlTypeOf<<inventory_operation::table as diesel::Table>::AllColumns>:
    "SELECT operation_id, order_id, revision, kind, claimant, goods, attempts, next_attempt_at, create_time \
     FROM inventory_operation WHERE operation_id = ANY (?) ORDER BY operation_id FOR NO KEY UPDATE"
}

statement! {
    /// The part of it that is due.
    LockDueInventory -> diesel::dsl::SqlTypeOf<<inventory_operation::table as diesel::Table>::AllColumns>:
    concat!("SELECT operation_id, order_id, revision, kind, claimant, goods, attempts, next_attempt_at, create_time \
     FROM inventory_operation WHERE next_attempt_at <= ? AND ", is_oldest_to_tell!(), " \
     ORDER BY next_attempt_at, operation_id LIMIT ? FOR NO KEY UPDATE OF inventory_operation SKIP LOCKED")
}

statement! {
    /// Forgets that orders use coupons, and says which did.
    DeleteRedemptions -> Uuid:
    "DELETE FROM coupon_redemption WHERE order_id = ANY (?) RETURNING order_id"
}

impl PgTx {
    /// Reads the requests among these whose keys were not free.
    async fn taken(&mut self, rows: &[RequestRow], free: &[RequestName]) -> Done<Vec<RequestRow>> {
        let is_free = |row: &&RequestRow| {
            free.iter().any(|key| (&key.0, &key.1, key.2) == (&row.principal, &row.method, row.request_id))
        };
        let taken: Vec<_> = rows.iter().filter(|row| !is_free(row)).collect();
        if taken.is_empty() {
            return Ok(Vec::new());
        }
        let principals = taken.iter().map(|row| row.principal.as_str()).collect();
        let methods = taken.iter().map(|row| row.method.as_str()).collect();
        let found = self.requests_of(principals, methods, taken.iter().map(|row| row.request_id).collect()).await?;
        if found.len() < taken.len() {
            return Err(Fault::Retry("a request was forgotten meanwhile".into()));
        }
        Ok(found)
    }

    /// Rows that are not there.
    async fn insert<R: Table + Send + Sync>(&mut self, rows: Vec<R>) -> Done {
        self.defer(Writes::of(|writes| writes.insert::<_, Fail>(rows))).await
    }

    /// Rows that may be there.
    async fn replace<R: Table + Send + Sync>(&mut self, rows: Vec<R>) -> Done {
        self.defer(Writes::of(|writes| writes.insert::<_, Replace>(rows))).await
    }

    /// What differs between two versions of rows that hang on orders which are locked.
    async fn update<R: Table + Clone + PartialEq + Send + Sync, K: Ord>(
        &mut self,
        orders: &[(&OrderRows, OrderRows)],
        of: fn(&OrderRows) -> &Vec<R>,
        key: fn(&R) -> K,
    ) -> Done {
        let mut rows = Vec::new();
        for (before, after) in orders {
            let Difference { changed, added } = difference((of(before), of(after)), key);
            rows.extend(changed.into_iter().chain(added).cloned());
        }
        self.replace(rows).await
    }
}

impl Write for PgTx {
    async fn claim_requests(&mut self, rows: &[RequestRow]) -> Done<Vec<RequestRow>> {
        if rows.is_empty() {
            return Ok(Vec::new());
        }
        let free = run!(self, load(Insert::<RequestRow, Skip>::new(&rows.iter().collect::<Vec<_>>())))?;
        self.taken(rows, &free).await
    }

    async fn open_placing(&mut self, opening: Opening<'_>) -> Done<Opened> {
        let claims = opening.claims;
        let open = Open::new(&opening);
        if !self.session().knows(&Open::shape()) {
            // It is prepared before it is sent, and must not be where BEGIN may be overtaken.
            self.connection().await?;
        }
        let (free, levels, counters, products): OpeningRows = run!(self, get_result(open))?;
        self.session().learn(Open::shape());
        let taken = self.taken(claims, &free).await?;
        let level = |(sku, on_hand, reserved, allocated, backorder_limit, last_movement_id): LevelRow| StockRow {
            sku,
            on_hand,
            reserved,
            allocated,
            backorder_limit,
            last_movement_id,
        };
        let last =
            |(prefix, year, last): CounterRow| Ok(((prefix, i16::try_from(year).map_err(StoreError::corrupt)?), last));
        Ok(Opened {
            taken,
            products,
            levels: levels.into_iter().map(level).collect(),
            counters: counters.into_iter().map(last).collect::<Result<_, StoreError>>()?,
        })
    }

    async fn unclaim_requests(&mut self, rows: &[RequestRow]) -> Done {
        self.defer(Writes::of(|writes| writes.change(RequestRow::NAME, rows.to_vec(), unclaimed))).await
    }

    async fn set_outcomes(&mut self, rows: &[RequestRow]) -> Done {
        self.defer(Writes::of(|writes| writes.change(RequestRow::NAME, rows.to_vec(), outcomes))).await
    }

    async fn forget_requests(&mut self, before: Timestamp, most: u32) -> Done<u32> {
        let query = Bound::<ForgetRequests>::new().bind::<Instant>(At(before)).bind::<BigInt>(i64::from(most));
        let gone: Vec<Id> = run!(self, load(query))?;
        Ok(u32::try_from(gone.len()).unwrap_or(most))
    }

    async fn lock_orders(&mut self, ids: &[OrderId], locked: Locked) -> Done<Vec<OrderRows>> {
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let ids: Vec<_> = ids.iter().map(|id| Id(id.uuid())).collect();
        let these = orders::table.filter(orders::order_id.eq_any(ids)).order(orders::order_id);
        let these = these.select(OrderRow::as_select()).for_no_key_update();
        let found = match locked {
            Locked::Await => run!(self, load(these))?,
            Locked::Skip => run!(self, load(these.skip_locked()))?,
        };
        self.with_children(found).await
    }

    async fn insert_orders(&mut self, orders: &[OrderRows]) -> Done {
        self.defer(new_orders(orders.to_vec())).await
    }

    async fn finish_placing(&mut self, placed: Placed) -> Done {
        self.note_documents(&placed.search);
        self.defer(placed_orders(placed)).await
    }

    async fn update_orders(&mut self, changed: &[(&OrderRows, OrderRows)]) -> Done {
        let orders = changed.iter().filter(|(before, after)| before.order != after.order);
        self.replace(orders.map(|(_, after)| after.order.clone()).collect()).await?;
        self.update(changed, |rows| &rows.lines, |row| row.line_id).await?;
        self.update(changed, |rows| &rows.payments, |row| row.payment_id).await?;
        self.update(changed, |rows| &rows.operations, |row| row.operation_id).await?;
        self.update(changed, |rows| &rows.shipments, |row| row.shipment_id).await?;
        self.update(changed, |rows| &rows.returns, |row| row.return_id).await
    }

    async fn insert_events(&mut self, events: &[EventRow]) -> Done {
        self.defer(Writes::of(|writes| writes.change(EventRow::NAME, events.to_vec(), appended))).await
    }

    async fn put_search(&mut self, documents: &[SearchRow]) -> Done {
        self.note_documents(documents);
        self.replace(documents.to_vec()).await
    }

    async fn add_rollups(&mut self, orders: &[OrderRollupRow], customers: &[CustomerRollupRow]) -> Done {
        self.defer(sums(orders.to_vec(), customers.to_vec())).await
    }

    async fn take_numbers(&mut self, range: NumberRange<'_>) -> Done<i64> {
        let query = Bound::<TakeNumbers>::new()
            .bind::<Text>(range.prefix)
            .bind::<Integer>(i32::from(range.year))
            .bind::<BigInt>(range.first + range.count - 1)
            .bind::<BigInt>(range.count);
        let last: i64 = run!(self, get_result(query))?;
        Ok(last - range.count + 1)
    }

    async fn lock_cart(&mut self, owner: &CartOwner) -> Done<Option<CartRows>> {
        let found: Vec<CartRow> = match owner {
            CartOwner::Customer(id) => {
                run!(self, load(newest_cart!(cart::customer_id.eq(id.as_str())).for_no_key_update()))?
            }
            CartOwner::Guest(key) => {
                run!(self, load(newest_cart!(cart::guest_key.eq(key.0.as_slice())).for_no_key_update()))?
            }
        };
        match found.into_iter().next() {
            Some(row) => self.with_items(Some(row)).await,
            // That may also be because the cart left these states while its lock was waited for. Then another one may be
            // there, which the statement that waited does not see.
            None => match self.cart(owner).await? {
                None => Ok(None),
                Some(_) => Err(Fault::Retry("the cart was replaced meanwhile".into())),
            },
        }
    }

    async fn lock_guest_cart(&mut self, guest: GuestKey) -> Done<Option<CartRows>> {
        let newest = cart::table
            .filter(cart::guest_key.eq(guest.0.as_slice()))
            .order((cart::create_time.desc(), cart::cart_id.desc()))
            .select(CartRow::as_select())
            .limit(1)
            .for_no_key_update();
        let found = run!(self, load(newest))?;
        self.with_items(found.into_iter().next()).await
    }

    async fn put_carts(&mut self, carts: &[CartRow]) -> Done {
        self.replace(carts.to_vec()).await
    }

    async fn put_cart(&mut self, cart: &CartRow, items: &[CartItemRow]) -> Done {
        self.replace(vec![cart.clone()]).await?;
        let kept: Vec<_> = items.iter().map(|item| item.item_id).collect();
        run!(self, execute(Bound::<DropItems>::new().bind::<Uuid>(cart.cart_id).bind::<Array<Uuid>>(kept)))?;
        self.replace(items.to_vec()).await
    }

    async fn expire_carts(&mut self, now: Timestamp, most: u32) -> Done<Vec<uuid::Uuid>> {
        let query = Bound::<ExpireCarts>::new().bind::<Instant>(At(now)).bind::<BigInt>(i64::from(most));
        let expired: Vec<Id> = run!(self, load(query))?;
        Ok(expired.into_iter().map(|id| id.0).collect())
    }

    async fn lock_products(&mut self, ids: &[ProductId], skus: &[Sku]) -> Done<Vec<ProductRow>> {
        let ids: Vec<_> = ids.iter().map(ProductId::as_str).collect();
        let skus: Vec<_> = skus.iter().map(Sku::as_str).collect();
        let query = product::table
            .filter(product::product_id.eq_any(ids).or(product::sku.eq_any(skus)))
            .order(product::product_id)
            .select(ProductRow::as_select())
            .for_no_key_update();
        run!(self, load(query))
    }

    async fn put_products(&mut self, products: &[ProductRow]) -> Done {
        // A new one must not replace what somebody else adds at the same moment: nobody held a lock on it yet.
        let (new, changed) = products.iter().cloned().partition(|product| product.revision == 1);
        self.defer(Writes::of(|writes| {
            writes.insert::<_, Fail>(new);
            writes.insert::<ProductRow, Replace>(changed);
        }))
        .await
    }

    async fn lock_coupons(&mut self, codes: &[CouponCode]) -> Done<Vec<CouponRow>> {
        let codes: Vec<_> = codes.iter().map(CouponCode::as_str).collect();
        let query = coupon::table
            .filter(coupon::coupon_code.eq_any(codes))
            .order(coupon::coupon_code)
            .select(CouponRow::as_select())
            .for_no_key_update();
        run!(self, load(query))
    }

    async fn insert_coupon(&mut self, row: &CouponRow) -> Done {
        self.insert(vec![row.clone()]).await
    }

    async fn update_coupons(&mut self, rows: &[CouponRow]) -> Done {
        self.replace(rows.to_vec()).await
    }

    async fn insert_redemptions(&mut self, rows: &[RedemptionRow]) -> Done {
        self.insert(rows.to_vec()).await
    }

    async fn delete_redemptions(&mut self, orders: &[OrderId]) -> Done<Vec<OrderId>> {
        let orders: Vec<_> = orders.iter().map(|id| Id(id.uuid())).collect();
        let gone: Vec<Id> = run!(self, load(Bound::<DeleteRedemptions>::new().bind::<Array<Uuid>>(orders)))?;
        Ok(gone.into_iter().map(|id| OrderId::new(id.0)).collect())
    }

    async fn product_revisions(&mut self, ids: &[ProductId]) -> Done<Vec<(String, i64)>> {
        run!(self, load(revisions(ids)))
    }

    async fn lock_stock(&mut self, skus: &[Sku]) -> Done<Vec<StockRow>> {
        run!(self, load(locked_stock(skus)))
    }

    async fn insert_stock(&mut self, rows: &[StockRow]) -> Done<Vec<String>> {
        let added: Vec<(String,)> = run!(self, load(Insert::<StockRow, Skip>::new(&rows.iter().collect::<Vec<_>>())))?;
        Ok(added.into_iter().map(|(sku,)| sku).collect())
    }

    async fn update_stock(&mut self, rows: &[StockRow]) -> Done {
        self.defer(Writes::of(|writes| writes.change(StockRow::NAME, rows.to_vec(), new_levels))).await
    }

    async fn insert_movements(&mut self, rows: &[MovementRow]) -> Done {
        self.insert(rows.to_vec()).await
    }

    async fn claim_payment_event(&mut self, row: &PaymentEventRow) -> Done<Claimed> {
        let added: Vec<(Id, String)> = run!(self, load(Insert::<PaymentEventRow, Skip>::new(&[row])))?;
        Ok(if added.is_empty() { Claimed::Before } else { Claimed::Now })
    }

    async fn write_shelves(&mut self, rows: &ShelfRows) -> Done {
        self.defer(shelves(rows.clone())).await
    }

    async fn put_reservations(&mut self, rows: &[ReservationRow]) -> Done {
        self.replace(rows.to_vec()).await
    }

    async fn drop_reservations(&mut self, rows: &[ReservationRow]) -> Done {
        self.defer(Writes::of(|writes| writes.change(ReservationRow::NAME, rows.to_vec(), dropped))).await
    }

    async fn lock_consumer(&mut self, name: &str) -> Done<Option<ConsumerRow>> {
        let query = feed_consumer::table.find(name).for_no_key_update().select(ConsumerRow::as_select());
        run!(self, get_results(query)).map(|mut rows: Vec<ConsumerRow>| rows.pop())
    }

    async fn add_consumer(&mut self, row: &ConsumerRow) -> Done {
        let _added: Vec<(String,)> = run!(self, load(Insert::<ConsumerRow, Skip>::new(&[row])))?;
        Ok(())
    }

    async fn put_consumer(&mut self, row: &ConsumerRow) -> Done {
        self.replace(vec![row.clone()]).await
    }

    async fn put_dead_letter(&mut self, row: &DeadLetterRow) -> Done {
        self.replace(vec![row.clone()]).await
    }

    async fn drop_dead_letter(&mut self, consumer: &str, event: &FeedCursor) -> Done {
        let key = (consumer, event.position, Id(event.order_id.uuid()), event.revision);
        run!(self, execute(diesel::delete(dead_letter::table.find(key)))).map(drop)
    }

    async fn lock_inventory(&mut self, ids: &[Id]) -> Done<Vec<InventoryRow>> {
        run!(self, load(Bound::<LockInventory>::new().bind::<Array<Uuid>>(ids.to_vec())))
    }

    async fn lock_due_inventory(&mut self, now: Timestamp, most: u32) -> Done<Vec<InventoryRow>> {
        let due = Bound::<LockDueInventory>::new().bind::<Instant>(At(now)).bind::<BigInt>(i64::from(most));
        run!(self, load(due))
    }

    async fn put_inventory(&mut self, rows: &[InventoryRow]) -> Done {
        self.replace(rows.to_vec()).await
    }

    async fn drop_inventory(&mut self, ids: &[Id]) -> Done {
        self.defer(Writes::of(|writes| writes.change(InventoryRow::NAME, ids.to_vec(), told))).await
    }

    async fn put_gateway(&mut self, rows: &[GatewayRow]) -> Done<Vec<GatewayRow>> {
        let mut sorted: Vec<_> = rows.iter().collect();
        sorted.sort_by_key(|row| row.key);
        let added: Vec<(Id,)> = run!(self, load(Insert::<GatewayRow, Skip>::new(&sorted)))?;
        let mut holding = Vec::with_capacity(rows.len());
        for row in rows {
            if added.contains(&(row.key,)) {
                holding.push(row.clone());
                continue;
            }
            let earlier = self.gateway(OperationId::new(row.key.0)).await?;
            holding.push(earlier.ok_or_else(|| Fault::Retry("a record was deleted meanwhile".into()))?);
        }
        Ok(holding)
    }
}
