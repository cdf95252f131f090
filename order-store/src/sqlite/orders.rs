//! `orders` with the tables that hang on it.

use diesel::{
    AsChangeset, ExpressionMethods as _, OptionalExtension as _, QueryDsl as _, QueryResult, RunQueryDsl as _,
    SelectableHelper as _, SqliteConnection,
    dsl::sql,
    sql_types::{Bool, Text},
};
use order_core::ids::OrderId;

use super::{connection::fault, insert::insert_row};
use crate::{
    assemble::{self, Children},
    fields::{At, Id},
    fragments::{SAME_EMAIL, difference},
    query::{OrderKey, Scope},
    rows::{EventRow, LineRow, OperationRow, OrderRow, OrderRows, PaymentRow, ReturnRow, ShipmentRow},
    schema::{order_event, order_line, order_return, orders, payment, payment_operation, shipment},
    statements::Done,
};

pub(super) fn get(connection: &mut SqliteConnection, key: &OrderKey, scope: &Scope) -> Done<Option<OrderRows>> {
    let found = match key {
        OrderKey::Id(id) => {
            let row = orders::table.find(Id(id.uuid())).select(OrderRow::as_select());
            match scope {
                Scope::All => row.first(connection),
                Scope::Customer(customer) => row.filter(orders::customer_id.eq(customer.as_str())).first(connection),
                Scope::Guest(email) => {
                    let same = sql::<Bool>(SAME_EMAIL).bind::<Text, _>(email.as_str());
                    row.filter(orders::customer_id.is_null()).filter(same).first(connection)
                }
            }
        }
        OrderKey::NumberAndEmail(number, email) => {
            let row = orders::table
                .filter(orders::order_number.eq(number))
                .filter(sql::<Bool>(SAME_EMAIL).bind::<Text, _>(email.to_ascii_lowercase()))
                .filter(orders::customer_id.is_null())
                .select(OrderRow::as_select());
            match scope {
                Scope::All => row.first(connection),
                // A guest's order is nobody's.
                Scope::Customer(_) => return Ok(None),
                Scope::Guest(own) => {
                    let same = sql::<Bool>(SAME_EMAIL).bind::<Text, _>(own.as_str());
                    row.filter(same).first(connection)
                }
            }
        }
    };
    let found = found.optional().map_err(fault)?;
    Ok(whole(connection, found.into_iter().collect())?.pop())
}

/// One by one: a statement for one order is cached.
pub(super) fn each(connection: &mut SqliteConnection, ids: &[OrderId]) -> Done<Vec<OrderRows>> {
    let found = ids.iter().map(|id| get(connection, &OrderKey::Id(*id), &Scope::All));
    found.filter_map(Result::transpose).collect()
}

pub(super) fn by_id(connection: &mut SqliteConnection, ids: &[OrderId]) -> Done<Vec<OrderRows>> {
    let rows = orders::table
        .filter(orders::order_id.eq_any(ids.iter().map(|id| Id(id.uuid()))))
        .select(OrderRow::as_select())
        .load(connection)
        .map_err(fault)?;
    whole(connection, rows)
}

pub(super) fn by_import(connection: &mut SqliteConnection, source: &str, ids: &[String]) -> Done<Vec<OrderRows>> {
    let rows = orders::table
        .filter(orders::import_source.eq(source))
        .filter(orders::import_external_id.eq_any(ids))
        .select(OrderRow::as_select())
        .load(connection)
        .map_err(fault)?;
    whole(connection, rows)
}

/// Reads what hangs on orders: one statement per table for all of them.
pub(super) fn whole(connection: &mut SqliteConnection, rows: Vec<OrderRow>) -> Done<Vec<OrderRows>> {
    let children = match rows.as_slice() {
        [] => return Ok(Vec::new()),
        [one] => children_of(connection, one.order_id),
        page => {
            let ids: Vec<Id> = page.iter().map(|row| row.order_id).collect();
            children_of_page(connection, &ids)
        }
    };
    Ok(assemble::orders(rows, children.map_err(fault)?))
}

/// Of one order. The same as for a page of one, but diesel caches statements that hold no list.
fn children_of(connection: &mut SqliteConnection, id: Id) -> QueryResult<Children> {
    Ok(Children {
        lines: order_line::table
            .filter(order_line::order_id.eq(id))
            .order(order_line::line_id.asc())
            .select(LineRow::as_select())
            .load(connection)?,
        payments: payment::table
            .filter(payment::order_id.eq(id))
            .order(payment::position.asc())
            .select(PaymentRow::as_select())
            .load(connection)?,
        operations: payment_operation::table
            .filter(payment_operation::order_id.eq(id))
            .order(payment_operation::position.asc())
            .select(OperationRow::as_select())
            .load(connection)?,
        shipments: shipment::table
            .filter(shipment::order_id.eq(id))
            .order(shipment::sequence.asc())
            .select(ShipmentRow::as_select())
            .load(connection)?,
        returns: order_return::table
            .filter(order_return::order_id.eq(id))
            .order(order_return::sequence.asc())
            .select(ReturnRow::as_select())
            .load(connection)?,
    })
}

fn children_of_page(connection: &mut SqliteConnection, ids: &[Id]) -> QueryResult<Children> {
    Ok(Children {
        lines: order_line::table
            .filter(order_line::order_id.eq_any(ids))
            .order(order_line::line_id.asc())
            .select(LineRow::as_select())
            .load(connection)?,
        payments: payment::table
            .filter(payment::order_id.eq_any(ids))
            .order(payment::position.asc())
            .select(PaymentRow::as_select())
            .load(connection)?,
        operations: payment_operation::table
            .filter(payment_operation::order_id.eq_any(ids))
            .order(payment_operation::position.asc())
            .select(OperationRow::as_select())
            .load(connection)?,
        shipments: shipment::table
            .filter(shipment::order_id.eq_any(ids))
            .order(shipment::sequence.asc())
            .select(ShipmentRow::as_select())
            .load(connection)?,
        returns: order_return::table
            .filter(order_return::order_id.eq_any(ids))
            .order(order_return::sequence.asc())
            .select(ReturnRow::as_select())
            .load(connection)?,
    })
}

pub(super) fn insert(connection: &mut SqliteConnection, orders: &[OrderRows]) -> Done {
    orders.iter().try_for_each(|order| insert_one(connection, order)).map_err(fault)
}

/// Row by row: a statement for one row is cached, and without a network between, nothing is gained by longer ones.
fn insert_one(connection: &mut SqliteConnection, order: &OrderRows) -> QueryResult<()> {
    insert_row(connection, &order.order)?;
    for row in &order.lines {
        insert_row(connection, row)?;
    }
    for row in &order.payments {
        insert_row(connection, row)?;
    }
    for row in &order.operations {
        insert_row(connection, row)?;
    }
    for row in &order.shipments {
        insert_row(connection, row)?;
    }
    for row in &order.returns {
        insert_row(connection, row)?;
    }
    Ok(())
}

/// The columns of an order that change after it was placed. SQLite rewrites the index entry of every column that is named,
/// changed or not, so that the others are not.
#[derive(AsChangeset)]
#[diesel(table_name = orders, treat_none_as_null = true)]
struct Changes<'a> {
    state: &'a str,
    payment_status: &'a str,
    fulfillment_status: &'a str,
    status: &'a str,
    holds: &'a str,
    refunded: i64,
    credited: i64,
    shipping_refunded: i64,
    contact_name: Option<&'a str>,
    contact_email: Option<&'a str>,
    contact_phone: Option<&'a str>,
    shipping_address: Option<&'a str>,
    billing_address: Option<&'a str>,
    notes: &'a str,
    metadata: &'a str,
    cancel_reason: Option<&'a str>,
    pay_by: Option<At>,
    update_time: At,
    revision: i64,
}

impl<'a> From<&'a OrderRow> for Changes<'a> {
    fn from(row: &'a OrderRow) -> Self {
        Self {
            state: &row.state,
            payment_status: &row.payment_status,
            fulfillment_status: &row.fulfillment_status,
            status: &row.status,
            holds: &row.holds,
            refunded: row.refunded,
            credited: row.credited,
            shipping_refunded: row.shipping_refunded,
            contact_name: row.contact_name.as_deref(),
            contact_email: row.contact_email.as_deref(),
            contact_phone: row.contact_phone.as_deref(),
            shipping_address: row.shipping_address.as_deref(),
            billing_address: row.billing_address.as_deref(),
            notes: &row.notes,
            metadata: &row.metadata,
            cancel_reason: row.cancel_reason.as_deref(),
            pay_by: row.pay_by,
            update_time: row.update_time,
            revision: row.revision,
        }
    }
}

pub(super) fn update(connection: &mut SqliteConnection, before: &OrderRows, after: &OrderRows) -> Done {
    update_contents(connection, &before.order, &after.order).map_err(fault)?;
    if before.order != after.order {
        let row = orders::table.find(after.order.order_id);
        diesel::update(row).set(Changes::from(&after.order)).execute(connection).map_err(fault)?;
    }
    update_lines(connection, before, after).map_err(fault)?;
    update_ledger(connection, before, after).map_err(fault)?;
    update_parcels(connection, before, after).map_err(fault)
}

/// What only an edit changes: kept apart, because the total has an index of its own.
fn update_contents(connection: &mut SqliteConnection, before: &OrderRow, after: &OrderRow) -> QueryResult<()> {
    if before.explanation == after.explanation && before.total == after.total {
        return Ok(());
    }
    let contents = (
        orders::subtotal.eq(after.subtotal),
        orders::discount.eq(after.discount),
        orders::tax.eq(after.tax),
        orders::total.eq(after.total),
        orders::explanation.eq(&after.explanation),
    );
    diesel::update(orders::table.find(after.order_id)).set(contents).execute(connection)?;
    Ok(())
}

fn update_lines(connection: &mut SqliteConnection, before: &OrderRows, after: &OrderRows) -> QueryResult<()> {
    let lines = difference((&before.lines, &after.lines), |row| row.line_id);
    for row in lines.added {
        insert_row(connection, row)?;
    }
    for row in lines.changed {
        diesel::update(order_line::table.find((row.order_id, row.line_id))).set(row).execute(connection)?;
    }
    Ok(())
}

fn update_ledger(connection: &mut SqliteConnection, before: &OrderRows, after: &OrderRows) -> QueryResult<()> {
    let payments = difference((&before.payments, &after.payments), |row| row.payment_id);
    for row in payments.added {
        insert_row(connection, row)?;
    }
    for row in payments.changed {
        diesel::update(payment::table.find(row.payment_id)).set(row).execute(connection)?;
    }
    let operations = difference((&before.operations, &after.operations), |row| row.operation_id);
    for row in operations.added {
        insert_row(connection, row)?;
    }
    for row in operations.changed {
        diesel::update(payment_operation::table.find(row.operation_id)).set(row).execute(connection)?;
    }
    Ok(())
}

fn update_parcels(connection: &mut SqliteConnection, before: &OrderRows, after: &OrderRows) -> QueryResult<()> {
    let shipments = difference((&before.shipments, &after.shipments), |row| row.shipment_id);
    for row in shipments.added {
        insert_row(connection, row)?;
    }
    for row in shipments.changed {
        diesel::update(shipment::table.find(row.shipment_id)).set(row).execute(connection)?;
    }
    let returns = difference((&before.returns, &after.returns), |row| row.return_id);
    for row in returns.added {
        insert_row(connection, row)?;
    }
    for row in returns.changed {
        diesel::update(order_return::table.find(row.return_id)).set(row).execute(connection)?;
    }
    Ok(())
}

pub(super) fn insert_events(connection: &mut SqliteConnection, events: &[EventRow]) -> Done {
    for row in events {
        insert_row(connection, row).map_err(fault)?;
    }
    Ok(())
}

pub(super) fn events(connection: &mut SqliteConnection, id: OrderId, (after, size): (i64, u32)) -> Done<Vec<EventRow>> {
    order_event::table
        .filter(order_event::order_id.eq(Id(id.uuid())))
        .filter(order_event::revision.gt(after))
        .order(order_event::revision.asc())
        .limit(i64::from(size) + 1)
        .select(EventRow::as_select())
        .load(connection)
        .map_err(fault)
}
