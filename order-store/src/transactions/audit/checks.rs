//! The checks that are one statement each: what they select should not be. Written once, in the SQL that both engines share.
//!
//! Each selects `subject`, `expected` and `actual`. Sums are cast, because PostgreSQL adds up in a type of its own.

use order_core::audit::{Finding, Invariant, SubjectKind};

use crate::statements::{Named, Odd};

/// One statement, and what its rows mean.
pub(super) struct Check {
    invariant: Invariant,
    subject: SubjectKind,
    message: &'static str,
    pub(super) named: Named,
    pub(super) sql: &'static str,
}

impl Check {
    pub(super) fn finding(&self, odd: Odd) -> Finding {
        let text = |value: Option<i64>| value.map(|value| value.to_string()).unwrap_or_default();
        let finding = Finding::new(self.invariant, (self.subject, odd.subject), self.message);
        finding.with(text(odd.expected), text(odd.actual))
    }
}

/// A column of a shelf against the sum of its movements.
macro_rules! movements {
    ($column:literal, $delta:literal) => {
        Check {
            invariant: Invariant::I4,
            subject: SubjectKind::Sku,
            message: concat!($column, " is not the sum of the shelf's movements"),
            named: Named::ByText,
            sql: concat!(
                "SELECT s.sku AS subject, CAST(COALESCE(m.units, 0) AS BIGINT) AS expected, s.",
                $column,
                " AS actual
                 FROM stock AS s
                 LEFT JOIN (SELECT sku, SUM(",
                $delta,
                ") AS units FROM stock_movement GROUP BY sku) AS m ON m.sku = s.sku
                 WHERE s.",
                $column,
                " <> COALESCE(m.units, 0)"
            ),
        }
    };
}

/// A sum that statistics are made of against a recount: over each kind of period, all orders of a word and currency.
macro_rules! statistics {
    ($column:literal, $recount:literal) => {
        Check {
            invariant: Invariant::I11,
            subject: SubjectKind::Statistics,
            message: concat!($column, " that statistics tell of are not those of a recount"),
            named: Named::ByText,
            sql: concat!(
                "SELECT grain || ' ' || status || ' ' || currency AS subject, CAST(SUM(counted) AS BIGINT) AS expected,
                     CAST(SUM(kept) AS BIGINT) AS actual
                 FROM (
                     SELECT g.grain, o.status, o.currency, o.counted, 0 AS kept
                     FROM (SELECT status, currency, ",
                $recount,
                " AS counted FROM orders GROUP BY status, currency) AS o
                     CROSS JOIN (
                         SELECT 'ALL' AS grain UNION ALL SELECT 'DAY' UNION ALL SELECT 'HOUR' UNION ALL SELECT 'QUARTER_HOUR'
                     ) AS g
                     UNION ALL SELECT grain, status, currency, 0, ",
                $column,
                " FROM order_rollup
                 ) AS sums GROUP BY grain, status, currency HAVING SUM(counted) <> SUM(kept)"
            ),
        }
    };
}

/// A sum that a customer's summary is made of against a recount.
macro_rules! customers {
    ($column:literal, $recount:literal) => {
        Check {
            invariant: Invariant::I11,
            subject: SubjectKind::Customer,
            message: concat!($column, " that the summary tells of are not those of a recount"),
            named: Named::ByText,
            sql: concat!(
                "SELECT customer_id || ' ' || currency AS subject, CAST(SUM(counted) AS BIGINT) AS expected,
                     CAST(SUM(kept) AS BIGINT) AS actual
                 FROM (
                     SELECT o.customer_id, o.currency, ",
                $recount,
                " AS counted, 0 AS kept FROM orders AS o
                     LEFT JOIN (
                         SELECT order_id, SUM(captured - refunded) AS spent FROM payment GROUP BY order_id
                     ) AS p ON p.order_id = o.order_id
                     WHERE o.customer_id IS NOT NULL GROUP BY o.customer_id, o.currency
                     UNION ALL SELECT customer_id, currency, 0, ",
                $column,
                " FROM customer_rollup
                 ) AS sums GROUP BY customer_id, currency HAVING SUM(counted) <> SUM(kept)"
            ),
        }
    };
}

/// Rows of a table whose order, or whose shelf, is not there. Such rows are written together with what they refer to, without a foreign
/// key: see the README.
macro_rules! orphans {
    ($invariant:ident, $table:literal, $message:literal) => {
        orphans!($invariant, ($table, "order_id", "orders"), (SubjectKind::Order, Named::ById), $message)
    };
    ($invariant:ident, ($table:literal, $key:literal, $parents:literal), ($subject:expr, $named:expr), $message:literal) => {
        Check {
            invariant: Invariant::$invariant,
            subject: $subject,
            message: $message,
            named: $named,
            sql: concat!(
                "SELECT child.",
                $key,
                " AS subject, CAST(0 AS BIGINT) AS expected, COUNT(*) AS actual FROM ",
                $table,
                " AS child LEFT JOIN ",
                $parents,
                " AS parent ON parent.",
                $key,
                " = child.",
                $key,
                " WHERE child.",
                $key,
                " IS NOT NULL AND parent.",
                $key,
                " IS NULL GROUP BY child.",
                $key
            ),
        }
    };
}

/// The numbers of orders by prefix and year: how many there are, the lowest and the highest. A number ends with its counter; a
/// text that ends with no digits, or with too many, has none.
macro_rules! series {
    () => {
        "SELECT series, COUNT(*) AS numbers, MIN(n) AS lowest, MAX(n) AS highest FROM (
             SELECT rtrim(rtrim(order_number, '0123456789'), '-') AS series,
                 CASE WHEN length(order_number) - length(rtrim(order_number, '0123456789')) BETWEEN 1 AND 18
                     THEN CAST(substr(order_number, length(rtrim(order_number, '0123456789')) + 1) AS BIGINT) END AS n
             FROM orders
         ) AS numbered GROUP BY series"
    };
}

/// All of them.
pub(super) const ALL: &[Check] = &[
    movements!("on_hand", "on_hand_delta"),
    movements!("reserved", "reserved_delta"),
    movements!("allocated", "allocated_delta"),
    Check {
        invariant: Invariant::I4,
        subject: SubjectKind::Sku,
        message: "what is promised is not what the lines of orders were promised",
        named: Named::ByText,
        sql: "SELECT sku AS subject, CAST(SUM(owed) AS BIGINT) AS expected, CAST(SUM(promised) AS BIGINT) AS actual
              FROM (
                  SELECT l.sku, l.allocated AS owed, 0 AS promised FROM order_line AS l
                  JOIN orders AS o ON o.order_id = l.order_id
                  WHERE l.allocated <> 0 AND o.stock_keeping = 'EMBEDDED'
                  UNION ALL SELECT sku, 0, allocated FROM stock
              ) AS units GROUP BY sku HAVING SUM(owed) <> SUM(promised)",
    },
    Check {
        invariant: Invariant::I4,
        subject: SubjectKind::Sku,
        message: "what is reserved is not what reservations hold",
        named: Named::ByText,
        sql: "SELECT sku AS subject, CAST(SUM(held) AS BIGINT) AS expected, CAST(SUM(reserved) AS BIGINT) AS actual
              FROM (
                  SELECT sku, quantity AS held, 0 AS reserved FROM reservation
                  UNION ALL SELECT sku, 0, reserved FROM stock
              ) AS units GROUP BY sku HAVING SUM(held) <> SUM(reserved)",
    },
    Check {
        invariant: Invariant::I4,
        subject: SubjectKind::Order,
        message: "the movements for it do not promise what its lines say, of one SKU",
        named: Named::ById,
        sql: "SELECT order_id AS subject, CAST(SUM(owed) AS BIGINT) AS expected, CAST(SUM(promised) AS BIGINT) AS actual
              FROM (
                  SELECT l.order_id, l.sku, l.allocated AS owed, 0 AS promised FROM order_line AS l
                  JOIN orders AS o ON o.order_id = l.order_id
                  WHERE l.allocated <> 0 AND o.stock_keeping = 'EMBEDDED'
                  UNION ALL
                  SELECT order_id, sku, 0, allocated_delta FROM stock_movement
                  WHERE order_id IS NOT NULL AND allocated_delta <> 0
              ) AS units GROUP BY order_id, sku HAVING SUM(owed) <> SUM(promised)",
    },
    Check {
        invariant: Invariant::I4,
        subject: SubjectKind::Sku,
        message: "neither the shelf nor a later movement names them, so that its history lacks them",
        named: Named::ByText,
        sql: "SELECT m.sku AS subject, CAST(0 AS BIGINT) AS expected, COUNT(*) AS actual
              FROM stock_movement AS m
              LEFT JOIN (
                  SELECT sku, previous_movement_id AS movement_id FROM stock_movement
                  UNION ALL SELECT sku, last_movement_id FROM stock
              ) AS named ON named.movement_id = m.movement_id AND named.sku = m.sku
              WHERE named.movement_id IS NULL GROUP BY m.sku",
    },
    Check {
        invariant: Invariant::I4,
        subject: SubjectKind::Sku,
        message: "its history names movements that are not there, or are another shelf's",
        named: Named::ByText,
        sql: "SELECT named.sku AS subject, CAST(0 AS BIGINT) AS expected, COUNT(*) AS actual
              FROM (
                  SELECT sku, previous_movement_id AS movement_id FROM stock_movement
                  UNION ALL SELECT sku, last_movement_id FROM stock
              ) AS named
              LEFT JOIN stock_movement AS m ON m.movement_id = named.movement_id AND m.sku = named.sku
              WHERE named.movement_id IS NOT NULL AND m.movement_id IS NULL GROUP BY named.sku",
    },
    orphans!(I4, "stock_movement", "stock was moved for it, and it is not there"),
    Check {
        invariant: Invariant::I5,
        subject: SubjectKind::Sku,
        message: "more is promised than is there or on its way",
        named: Named::ByText,
        sql: "SELECT sku AS subject, on_hand + backorder_limit AS expected, reserved + allocated AS actual FROM stock
              WHERE on_hand < 0 OR reserved < 0 OR allocated < 0 OR reserved + allocated > on_hand + backorder_limit",
    },
    // An order whose caller gave no request id carries the name of its call, of which nothing is remembered; nor is anything
    // remembered of what came before the oldest request that is.
    Check {
        invariant: Invariant::I2,
        subject: SubjectKind::Request,
        message: "more orders were placed under it than requests of its name came",
        named: Named::ById,
        sql: "SELECT e.request_id AS subject, r.requests AS expected, COUNT(*) AS actual
              FROM order_event AS e
              JOIN (SELECT request_id, COUNT(*) AS requests FROM request GROUP BY request_id) AS r
                  ON r.request_id = e.request_id
              WHERE e.revision = 1 AND e.kind = 'PLACED'
                AND e.create_time >= (SELECT MIN(create_time) FROM request)
              GROUP BY e.request_id, r.requests
              HAVING COUNT(*) > r.requests",
    },
    Check {
        invariant: Invariant::I2,
        subject: SubjectKind::Cart,
        message: "more than one order came out of it",
        named: Named::ById,
        sql: "SELECT cart_id AS subject, CAST(1 AS BIGINT) AS expected, COUNT(*) AS actual FROM orders
              WHERE cart_id IS NOT NULL GROUP BY cart_id HAVING COUNT(*) > 1",
    },
    Check {
        invariant: Invariant::I10,
        subject: SubjectKind::Cart,
        message: "it is ordered, and its order is not there or came out of another cart",
        named: Named::ById,
        sql: "SELECT c.cart_id AS subject, CAST(NULL AS BIGINT) AS expected, CAST(NULL AS BIGINT) AS actual
              FROM cart AS c LEFT JOIN orders AS o ON o.order_id = c.order_id
              WHERE c.state = 'ORDERED' AND (o.cart_id IS NULL OR o.cart_id <> c.cart_id)",
    },
    // The order outlives the cart: only a cart that is there can contradict it.
    Check {
        invariant: Invariant::I10,
        subject: SubjectKind::Cart,
        message: "an order came out of it, and it is not consumed by that order",
        named: Named::ById,
        sql: "SELECT c.cart_id AS subject, CAST(NULL AS BIGINT) AS expected, CAST(NULL AS BIGINT) AS actual
              FROM orders AS o JOIN cart AS c ON c.cart_id = o.cart_id
              WHERE c.state <> 'ORDERED' OR c.order_id IS NULL OR c.order_id <> o.order_id",
    },
    // The use of a coupon goes when its order is called off, which it can be only before anything was shipped.
    Check {
        invariant: Invariant::I10,
        subject: SubjectKind::Order,
        message: "the coupon in its price is not used for it, or one that is not in its price is",
        named: Named::ById,
        sql: "SELECT o.order_id AS subject,
                  CAST(CASE WHEN o.coupon_code IS NULL OR o.state IN ('CANCELLED', 'EXPIRED') THEN 0 ELSE 1 END AS BIGINT)
                      AS expected,
                  CAST(CASE WHEN r.coupon_code = o.coupon_code THEN 1 ELSE 0 END AS BIGINT) AS actual
              FROM orders AS o LEFT JOIN coupon_redemption AS r ON r.order_id = o.order_id
              WHERE CASE WHEN o.coupon_code IS NULL OR o.state IN ('CANCELLED', 'EXPIRED')
                  THEN r.order_id IS NOT NULL ELSE r.coupon_code IS NULL OR r.coupon_code <> o.coupon_code END",
    },
    Check {
        invariant: Invariant::I11,
        subject: SubjectKind::Coupon,
        message: "how often it was used is not the number of orders that it is used for",
        named: Named::ByText,
        sql: "SELECT c.coupon_code AS subject, CAST(COALESCE(u.uses, 0) AS BIGINT) AS expected,
                  CAST(c.redeemed AS BIGINT) AS actual
              FROM coupon AS c
              LEFT JOIN (SELECT coupon_code, COUNT(*) AS uses FROM coupon_redemption GROUP BY coupon_code) AS u
                  ON u.coupon_code = c.coupon_code
              WHERE c.redeemed <> COALESCE(u.uses, 0)",
    },
    statistics!("orders", "COUNT(*)"),
    statistics!("total", "SUM(total)"),
    statistics!("refunded", "SUM(refunded)"),
    statistics!("credited", "SUM(credited)"),
    customers!("orders", "COUNT(*)"),
    customers!("spent", "COALESCE(SUM(p.spent), 0)"),
    Check {
        invariant: Invariant::I1,
        subject: SubjectKind::Number,
        message: "numbers are missing between the first and the last of its orders",
        named: Named::ByText,
        sql: concat!(
            "SELECT series AS subject, highest - lowest + 1 AS expected, numbers AS actual FROM (",
            series!(),
            ") AS s WHERE highest - lowest + 1 <> numbers"
        ),
    },
    Check {
        invariant: Invariant::I1,
        subject: SubjectKind::Number,
        message: "a number was given to more than one order",
        named: Named::ByText,
        sql: "SELECT order_number AS subject, CAST(1 AS BIGINT) AS expected, COUNT(*) AS actual FROM orders
              GROUP BY order_number HAVING COUNT(*) > 1",
    },
    Check {
        invariant: Invariant::I1,
        subject: SubjectKind::Number,
        message: "the last number that was drawn is not that of the last order",
        named: Named::ByText,
        sql: concat!(
            "SELECT series AS subject, CAST(SUM(drawn) AS BIGINT) AS expected, CAST(SUM(given) AS BIGINT) AS actual FROM (
                 SELECT prefix || '-' || CAST(year AS TEXT) AS series, value AS drawn, 0 AS given FROM order_counter
                 UNION ALL SELECT series, 0, highest FROM (",
            series!(),
            ") AS s
             ) AS both_sides GROUP BY series HAVING SUM(drawn) <> SUM(given)"
        ),
    },
    Check {
        invariant: Invariant::I1,
        subject: SubjectKind::Order,
        message: "it was taken over more than once",
        named: Named::ById,
        sql: "SELECT o.order_id AS subject, CAST(1 AS BIGINT) AS expected, d.orders AS actual
              FROM (
                  SELECT import_source, import_external_id, COUNT(*) AS orders FROM orders
                  WHERE import_source IS NOT NULL GROUP BY import_source, import_external_id HAVING COUNT(*) > 1
              ) AS d
              JOIN orders AS o ON o.import_source = d.import_source AND o.import_external_id = d.import_external_id",
    },
    Check {
        invariant: Invariant::I7,
        subject: SubjectKind::Payment,
        message: "the gateway did something under a key that no operation has",
        named: Named::ById,
        sql: "SELECT g.key AS subject, CAST(NULL AS BIGINT) AS expected, g.amount AS actual
              FROM gateway_operation AS g LEFT JOIN payment_operation AS p ON p.operation_id = g.key
              WHERE p.operation_id IS NULL AND g.reference IS NOT NULL",
    },
    orphans!(I1, "order_line", "it has lines, and it is not there"),
    orphans!(
        I4,
        ("stock_movement", "sku", "stock"),
        (SubjectKind::Sku, Named::ByText),
        "it has movements, and there is no such shelf"
    ),
    orphans!(I9, "order_event", "something is told of it, and it is not there"),
    orphans!(I11, "order_search", "it can be found, and it is not there"),
];
