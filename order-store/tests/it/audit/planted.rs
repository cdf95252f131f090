//! Corruptions as somebody with a shell would make them, each with the statement that takes it back.

use order_core::{
    audit::{Invariant, SubjectKind},
    order::Order,
};
use uuid::Uuid;

use super::world::World;

/// One corruption.
#[derive(Debug)]
pub(crate) struct Planted {
    pub(crate) broken: String,
    pub(crate) mended: String,
    /// Under which invariant it is to be found, and about what.
    pub(crate) expected: (Invariant, SubjectKind, String),
}

/// Writes identities and lifts constraints as an engine wants it.
#[derive(Clone, Copy)]
struct Sql(&'static str);

impl Sql {
    fn id(self, id: Uuid) -> String {
        match self.0 {
            "sqlite" => format!("X'{}'", id.simple()),
            _ => format!("'{id}'::uuid"),
        }
    }

    /// Nothing is taken over twice, as long as this stands.
    fn without_import_key(self) -> &'static str {
        match self.0 {
            "sqlite" => "DROP INDEX orders_by_import",
            _ => "DROP INDEX orders_import_key",
        }
    }

    /// Makes the shelves' histories anew, as the migration that began them does.
    fn chained(self) -> String {
        let up = match self.0 {
            "sqlite" => include_str!("../../../migrations/sqlite/0014_shelf_history/up.sql"),
            _ => include_str!("../../../migrations/postgres/0014_shelf_history/up.sql"),
        };
        let (_before, updates) = up.split_once("\nUPDATE").expect("it fills what it adds");
        format!("UPDATE{}", updates.replace("DROP INDEX stock_movement_by_sku;", ""))
    }

    /// Without the engine's own checks of single rows.
    fn unchecked(self, postgres: &str, statement: &str) -> String {
        match self.0 {
            "sqlite" => format!("PRAGMA ignore_check_constraints = ON; PRAGMA foreign_keys = OFF; {statement}"),
            _ => format!("{postgres}; {statement}"),
        }
    }
}

/// All of them.
pub(crate) fn all(world: &World, engine: &'static str) -> Vec<Planted> {
    let sql = Sql(engine);
    [
        of_orders(world, sql),
        of_ledgers(world, sql),
        of_goods(world, sql),
        of_histories(world, sql),
        of_shelves(world, sql),
        of_orphans(world, sql),
        of_others(world, sql),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn number(invariant: usize) -> Invariant {
    Invariant::ALL[invariant - 1]
}

/// Sets a column of a row, and sets it back.
fn set(row: &str, (column, wrong, right): (&str, &str, &str), expected: (usize, SubjectKind, String)) -> Planted {
    let (table, condition) = row.split_once(' ').unwrap();
    Planted {
        broken: format!("UPDATE {table} SET {column} = {wrong} WHERE {condition}"),
        mended: format!("UPDATE {table} SET {column} = {right} WHERE {condition}"),
        expected: (number(expected.0), expected.1, expected.2),
    }
}

fn order(invariant: usize, order: &Order) -> (usize, SubjectKind, String) {
    (invariant, SubjectKind::Order, order.id.to_string())
}

fn payment(order: &Order) -> (usize, SubjectKind, String) {
    (7, SubjectKind::Payment, order.payments[0].id.to_string())
}

fn of_orders(world: &World, sql: Sql) -> Vec<Planted> {
    let row = |order: &Order| format!("orders order_id = {}", sql.id(order.id.uuid()));
    let (placed, paid, imported) = (&world.placed, &world.paid, &world.imported);
    let line = |of: &Order, n: u32| format!("order_line order_id = {} AND line_id = {n}", sql.id(of.id.uuid()));
    vec![
        set(&row(placed), ("payment_status", "'PAID'", "'UNPAID'"), order(7, placed)),
        set(&row(paid), ("fulfillment_status", "'SHIPPED'", "'UNFULFILLED'"), order(8, paid)),
        set(&row(paid), ("status", "'SHIPPED'", "'PAID'"), order(8, paid)),
        set(&row(paid), ("credited", "credited + 1", "credited - 1"), order(11, paid)),
        set(&row(imported), ("credited", "credited + 1", "credited - 1"), order(11, imported)),
        set(&row(paid), ("refunded", "refunded + 1", "refunded - 1"), order(11, paid)),
        set(&row(paid), ("tax", "tax + 1", "tax - 1"), order(6, paid)),
        set(&row(paid), ("total", "total + 1", "total - 1"), order(6, paid)),
        set(&row(paid), ("subtotal", "subtotal + 1", "subtotal - 1"), order(6, paid)),
        set(&row(placed), ("state", "'CONFIRMED'", "'PENDING'"), order(8, placed)),
        set(&row(imported), ("state", "'PROCESSING'", "'COMPLETED'"), order(8, imported)),
        set(&row(paid), ("holds", "'[\"FRAUD\"]'", "'[]'"), order(8, paid)),
        set(&row(paid), ("revision", "revision + 1", "revision - 1"), order(8, paid)),
        set(&row(paid), ("notes", "'ring once'", "'ring twice'"), order(1, paid)),
        set(&row(paid), ("cancel_reason", "'no reason'", "NULL"), order(1, paid)),
        set(&row(paid), ("shipping_refunded", "1", "0"), order(7, paid)),
        set(&row(paid), ("metadata", "'no json'", "'{\"channel\":\"test\"}'"), order(1, paid)),
        set(&line(paid, 1), ("tax = tax + 1, total", "total + 1", "total"), order(6, paid)),
        set(&line(&world.edited, 2), ("name", "'A fake pot'", "'A good pot'"), order(1, &world.edited)),
    ]
    .into_iter()
    .map(|mut planted| {
        planted.mended = planted.mended.replace("tax = tax + 1, total = total ", "tax = tax - 1, total = total - 1 ");
        planted
    })
    .collect()
}

fn of_ledgers(world: &World, sql: Sql) -> Vec<Planted> {
    let (paid, cancelled) = (&world.paid, &world.cancelled);
    let row = |of: &Order| format!("payment payment_id = {}", sql.id(of.payments[0].id.uuid()));
    let operation = |of: &Order, n: usize| {
        format!("payment_operation operation_id = {}", sql.id(of.payments[0].operations[n].id.uuid()))
    };
    let record = |of: &Order| format!("gateway_operation key = {}", sql.id(of.payments[0].operations[0].id.uuid()));
    let mut planted = vec![
        set(&row(paid), ("captured", "captured - 1", "captured + 1"), payment(paid)),
        set(&row(paid), ("authorized", "authorized + 1", "authorized - 1"), payment(paid)),
        set(&row(paid), ("refund_pending", "1", "0"), payment(paid)),
        set(&row(cancelled), ("refunded", "refunded - 1", "refunded + 1"), payment(cancelled)),
        set(&row(&world.shipped), ("voided", "1", "0"), payment(&world.shipped)),
        set(&row(&world.imported), ("captured", "captured - 1", "captured + 1"), payment(&world.imported)),
        set(&row(paid), ("currency", "'EUR'", "'USD'"), order(6, paid)),
        set(&row(paid), ("method", "'WALLET'", "'CREDIT_CARD'"), payment(paid)),
        set(&operation(paid, 0), ("amount", "amount + 1", "amount - 1"), payment(paid)),
        set(&operation(paid, 0), ("state", "'FAILED'", "'SUCCEEDED'"), payment(paid)),
        set(&operation(cancelled, 1), ("kind", "'VOID'", "'REFUND'"), payment(cancelled)),
        set(&record(paid), ("amount", "amount + 1", "amount - 1"), payment(paid)),
        set(&record(paid), ("kind", "'REFUND'", "'SALE'"), payment(paid)),
    ];
    // A record that is not there any more, and one that nobody asked for.
    let (key, other) = (paid.payments[0].operations[0].id.uuid(), Uuid::from_u128(77));
    for (subject, expected) in [(paid.payments[0].id.to_string(), 7), (other.to_string(), 7)] {
        let expected = (expected, SubjectKind::Payment, subject);
        let (from, to) = (sql.id(key), sql.id(other));
        planted.push(Planted {
            broken: format!("UPDATE gateway_operation SET key = {to} WHERE key = {from}"),
            mended: format!("UPDATE gateway_operation SET key = {from} WHERE key = {to}"),
            expected: (number(expected.0), expected.1, expected.2),
        });
    }
    planted
}

fn of_goods(world: &World, sql: Sql) -> Vec<Planted> {
    let line = |of: &Order, n: u32| format!("order_line order_id = {} AND line_id = {n}", sql.id(of.id.uuid()));
    let (shipped, returned) = (&world.shipped, &world.returned);
    let parcel = |n: usize| format!("shipment shipment_id = {}", sql.id(shipped.shipments[n].id.uuid()));
    let back = |n: usize| format!("order_return return_id = {}", sql.id(returned.returns[n].id.uuid()));
    vec![
        set(&line(shipped, 1), ("delivered", "delivered - 1", "delivered + 1"), order(8, shipped)),
        set(&line(shipped, 2), ("allocated", "allocated - 1", "allocated + 1"), order(8, shipped)),
        set(
            &line(&world.placed, 1),
            ("cancelled", "1, allocated = allocated - 1", "0, allocated = allocated + 1"),
            order(8, &world.placed),
        ),
        set(&line(returned, 1), ("restocked", "2, written_off = 0", "1, written_off = 1"), order(8, returned)),
        set(
            &line(returned, 1),
            ("return_requested", "return_requested + 1", "return_requested - 1"),
            order(8, returned),
        ),
        set(&line(returned, 1), ("refunded", "refunded - 1", "refunded + 1"), order(8, returned)),
        set(&parcel(0), ("status", "'SHIPPED'", "'DELIVERED'"), order(8, shipped)),
        set(&parcel(1), ("status", "'CANCELLED'", "'PENDING'"), order(8, shipped)),
        set(&parcel(0), ("tracking_number", "'1Z'", "NULL"), order(8, shipped)),
        set(&back(0), ("status", "'RECEIVED'", "'CLOSED'"), order(8, returned)),
        set(&back(1), ("status", "'CANCELLED'", "'REJECTED'"), order(8, returned)),
    ]
}

fn of_histories(world: &World, sql: Sql) -> Vec<Planted> {
    let (paid, shipped) = (&world.paid, &world.shipped);
    let event =
        |of: &Order, condition: &str| format!("order_event order_id = {} AND {condition}", sql.id(of.id.uuid()));
    let last = format!("revision IN ({0}, {0} + 100)", paid.revision);
    let confirmed =
        ("payload", "'{\"type\":\"completed\"}', kind = 'COMPLETED'", "'{\"type\":\"confirmed\"}', kind = 'CONFIRMED'");
    vec![
        set(&event(paid, &last), ("revision", "revision + 100", "revision - 100"), order(8, paid)),
        set(&event(shipped, "kind IN ('CONFIRMED', 'COMPLETED')"), confirmed, order(8, shipped)),
        set(
            &event(shipped, "revision > 0 AND kind IN ('SHIPPED', 'NOTE_ADDED')"),
            ("kind", "'NOTE_ADDED'", "'SHIPPED'"),
            order(9, shipped),
        ),
        set(&event(paid, &last), ("status_after", "'SHIPPED'", "'PAID'"), order(9, paid)),
        set(
            &event(shipped, "kind = 'SHIPMENT_CREATED'"),
            (
                "payload",
                "replace(payload, '\"quantity\":2', '\"quantity\":9')",
                "replace(payload, '\"quantity\":9', '\"quantity\":2')",
            ),
            order(8, shipped),
        ),
        set(
            &event(paid, "revision = 1"),
            ("payload", "replace(payload, '\"', '''')", "replace(payload, '''', '\"')"),
            order(8, paid),
        ),
    ]
}

fn of_shelves(world: &World, sql: Sql) -> Vec<Planted> {
    let mug = || (4, SubjectKind::Sku, "MUG".to_owned());
    let movement =
        format!("stock_movement kind = 'ALLOCATED' AND sku = 'MUG' AND order_id = {}", sql.id(world.placed.id.uuid()));
    let more = ("allocated_delta", "allocated_delta + 1", "allocated_delta - 1");
    let stranger = sql.id(Uuid::from_u128(99));
    let lifted = "ALTER TABLE stock DROP CONSTRAINT IF EXISTS stock_promised_check";
    let (hidden, shown) = ("UPDATE stock SET on_hand = on_hand - 995", "UPDATE stock SET on_hand = on_hand + 995");
    let home = sql.id(world.placed.id.uuid());
    vec![
        set("stock sku = 'MUG'", ("on_hand", "on_hand + 1", "on_hand - 1"), mug()),
        set("stock sku = 'MUG'", ("reserved", "reserved + 1", "reserved - 1"), mug()),
        set("reservation sku = 'MUG'", ("quantity", "quantity + 1", "quantity - 1"), mug()),
        set("stock sku = 'MUG'", ("allocated", "allocated - 1", "allocated + 1"), mug()),
        set(&movement, more, mug()),
        set(&movement, more, order(4, &world.placed)),
        Planted {
            broken: sql.unchecked(lifted, hidden),
            mended: sql.unchecked(lifted, shown),
            expected: (number(5), SubjectKind::Sku, "MUG".to_owned()),
        },
        Planted {
            broken: "UPDATE stock SET last_movement_id = NULL WHERE sku = 'MUG'".to_owned(),
            mended: sql.chained(),
            expected: (number(4), SubjectKind::Sku, "MUG".to_owned()),
        },
        Planted {
            broken: "UPDATE stock_movement SET previous_movement_id = NULL WHERE sku = 'MUG'".to_owned(),
            mended: sql.chained(),
            expected: (number(4), SubjectKind::Sku, "MUG".to_owned()),
        },
        Planted {
            broken: format!("UPDATE stock SET last_movement_id = {stranger} WHERE sku = 'MUG'"),
            mended: sql.chained(),
            expected: (number(4), SubjectKind::Sku, "MUG".to_owned()),
        },
        Planted {
            broken: format!("UPDATE stock_movement SET order_id = {stranger} WHERE order_id = {home}"),
            mended: format!("UPDATE stock_movement SET order_id = {home} WHERE order_id = {stranger}"),
            expected: (number(4), SubjectKind::Order, Uuid::from_u128(99).to_string()),
        },
    ]
}

/// Rows whose order, or shelf, is not there.
fn of_orphans(world: &World, sql: Sql) -> Vec<Planted> {
    let (home, nowhere) = (sql.id(world.paid.id.uuid()), Uuid::from_u128(77));
    let of_order = |invariant, table: &str| {
        let away = sql.id(nowhere);
        let moved = |to: &str, from: &str| format!("UPDATE {table} SET order_id = {to} WHERE order_id = {from}");
        Planted {
            broken: sql.unchecked("SELECT", &moved(&away, &home)),
            mended: sql.unchecked("SELECT", &moved(&home, &away)),
            expected: (number(invariant), SubjectKind::Order, nowhere.to_string()),
        }
    };
    vec![
        of_order(1, "order_line"),
        of_order(9, "order_event"),
        of_order(11, "order_search"),
        Planted {
            broken: "UPDATE stock_movement SET sku = 'NONE' WHERE sku = 'POT'".to_owned(),
            mended: "UPDATE stock_movement SET sku = 'POT' WHERE sku = 'NONE'".to_owned(),
            expected: (number(4), SubjectKind::Sku, "NONE".to_owned()),
        },
    ]
}

fn of_others(world: &World, sql: Sql) -> Vec<Planted> {
    let (paid, carted) = (&world.paid, &world.carted);
    let row = |of: &Order| format!("orders order_id = {}", sql.id(of.id.uuid()));
    let document = format!("order_search order_id = {}", sql.id(paid.id.uuid()));
    let cart_id = carted.cart_id.unwrap().uuid();
    let cart = (10, SubjectKind::Cart, cart_id.to_string());
    let cart_row = format!("cart cart_id = {}", sql.id(cart_id));
    let year = || (1, SubjectKind::Number, "SPK-2026".to_owned());
    let paid_number = paid.number.as_ref().unwrap();
    let others = (format!("{{\"order\":\"{}\"}}", paid.id), format!("{{\"order\":\"{}\"}}", Uuid::from_u128(88)));
    let request_id = world.paid_request.uuid();
    let request = |invariant| (invariant, SubjectKind::Request, format!("Test {request_id}"));
    vec![
        set(&document, ("document", "'x' || document", "substr(document, 2)"), order(11, paid)),
        set(&cart_row, ("order_id", &sql.id(paid.id.uuid()), &sql.id(carted.id.uuid())), cart.clone()),
        set(&row(carted), ("cart_id", "NULL", &sql.id(cart_id)), cart.clone()),
        set(
            &cart_row,
            ("state", "'EXPIRED', order_id = NULL", &format!("'ORDERED', order_id = {}", sql.id(carted.id.uuid()))),
            cart,
        ),
        set("order_counter year = 2026", ("value", "value + 1", "value - 1"), year()),
        set(&row(paid), ("order_number", "'SPK-2026-000007'", &format!("'{paid_number}'")), year()),
        set("request method = 'Test'", ("outcome", &format!("'{}'", others.1), &format!("'{}'", others.0)), request(1)),
        set("request method = 'Test'", ("outcome", "'lost'", &format!("'{}'", others.0)), request(3)),
        set(
            &format!("order_event revision = 1 AND order_id = {}", sql.id(carted.id.uuid())),
            ("request_id", &sql.id(request_id), "NULL"),
            (2, SubjectKind::Request, request_id.to_string()),
        ),
        set(
            "coupon coupon_code = 'FIVE'",
            ("redeemed", "redeemed + 1", "redeemed - 1"),
            (11, SubjectKind::Coupon, "FIVE".to_owned()),
        ),
        set(
            "order_rollup grain = 'DAY' AND status = 'CONFIRMED'",
            ("orders", "orders + 1", "orders - 1"),
            (11, SubjectKind::Statistics, "DAY CONFIRMED USD".to_owned()),
        ),
        set(
            "order_rollup grain = 'ALL' AND status = 'CONFIRMED'",
            ("refunded", "refunded + 1", "refunded - 1"),
            (11, SubjectKind::Statistics, "ALL CONFIRMED USD".to_owned()),
        ),
        set(
            "customer_rollup customer_id = 'ada'",
            ("spent", "spent + 1", "spent - 1"),
            (11, SubjectKind::Customer, "ada USD".to_owned()),
        ),
        set(&row(&world.discounted), ("coupon_code", "NULL", "'FIVE'"), order(10, &world.discounted)),
        set(&row(&world.discounted), ("coupon_code", "'SIX'", "'FIVE'"), order(10, &world.discounted)),
        Planted {
            broken: format!(
                "{}; UPDATE orders SET import_external_id = '5' WHERE order_id = {}",
                sql.without_import_key(),
                sql.id(world.imported.id.uuid())
            ),
            mended: format!(
                "UPDATE orders SET import_external_id = '6' WHERE order_id = {}",
                sql.id(world.imported.id.uuid())
            ),
            expected: (number(1), SubjectKind::Order, world.imported.id.to_string()),
        },
    ]
}
