//! Looks at the tables, past the door and past the code under test: whatever happened, these hold.

use std::collections::BTreeMap;

use order_api::v1;
use order_store::testing::{TestDatabase, on_both_engines};

use super::kit::checkout;
use crate::world::{World, card, order_of};

/// Each rule with a query that counts what breaks it. Plain SQL that both engines read.
const RULES: &[(&str, &str)] = &[
    (
        "what a shelf has promised is what live lines were promised",
        "SELECT count(*) AS n FROM stock s WHERE s.allocated <>
         (SELECT COALESCE(sum(l.allocated), 0) FROM order_line l JOIN orders o ON o.order_id = l.order_id
          WHERE l.sku = s.sku AND o.stock_keeping = 'EMBEDDED')",
    ),
    (
        "a shelf is the sum of its movements",
        "SELECT count(*) AS n FROM stock s WHERE
         s.on_hand <> (SELECT COALESCE(sum(m.on_hand_delta), 0) FROM stock_movement m WHERE m.sku = s.sku)
         OR s.allocated <> (SELECT COALESCE(sum(m.allocated_delta), 0) FROM stock_movement m WHERE m.sku = s.sku)
         OR s.reserved <> (SELECT COALESCE(sum(m.reserved_delta), 0) FROM stock_movement m WHERE m.sku = s.sku)",
    ),
    (
        "what a shelf has reserved is what carts hold",
        "SELECT count(*) AS n FROM stock s WHERE s.reserved <>
         (SELECT COALESCE(sum(r.quantity), 0) FROM reservation r WHERE r.sku = s.sku)",
    ),
    (
        "what a cart holds is the sum of its movements",
        "SELECT count(*) AS n FROM reservation r WHERE r.quantity <>
         (SELECT COALESCE(sum(m.reserved_delta), 0) FROM stock_movement m WHERE m.sku = r.sku AND m.cart_id = r.cart_id)",
    ),
    (
        "only a cart that can still change holds anything",
        "SELECT count(*) AS n FROM reservation r JOIN cart c ON c.cart_id = r.cart_id WHERE c.state IN ('ORDERED', 'MERGED')",
    ),
    (
        "no shelf promises more than it holds and has on its way",
        "SELECT count(*) AS n FROM stock WHERE allocated + reserved > on_hand + backorder_limit
         OR allocated < 0 OR reserved < 0 OR backorder_limit < 0",
    ),
    (
        "what left a shelf and did not come back is what lines say was shipped and not put back",
        "SELECT count(*) AS n FROM stock s WHERE
         (SELECT COALESCE(sum(l.shipped - l.restocked), 0) FROM order_line l JOIN orders o ON o.order_id = l.order_id
          WHERE l.sku = s.sku AND o.stock_keeping = 'EMBEDDED') <>
         (SELECT COALESCE(-sum(m.on_hand_delta), 0) FROM stock_movement m
          WHERE m.sku = s.sku AND m.kind IN ('SHIPPED', 'RETURNED'))",
    ),
    (
        "an order has lines, and its totals are their sums",
        "SELECT count(*) AS n FROM orders o LEFT JOIN
         (SELECT order_id, sum(total) AS total, sum(tax) AS tax, sum(subtotal) AS subtotal FROM order_line GROUP BY order_id) l
         ON l.order_id = o.order_id
         WHERE l.total IS NULL OR o.total <> l.total + o.shipping + o.shipping_tax OR o.tax <> l.tax
         OR o.subtotal <> l.subtotal OR o.subtotal - o.discount + o.tax + o.shipping + o.shipping_tax <> o.total",
    ),
    (
        "a history begins with the placement, has no gap, and ends at the order's revision and word",
        "SELECT count(*) AS n FROM orders o WHERE
         o.revision <> (SELECT count(*) FROM order_event e WHERE e.order_id = o.order_id)
         OR NOT EXISTS (SELECT 1 FROM order_event e WHERE e.order_id = o.order_id AND e.revision = 1 AND e.kind = 'PLACED')
         OR NOT EXISTS (SELECT 1 FROM order_event e
                        WHERE e.order_id = o.order_id AND e.revision = o.revision AND e.status_after = o.status)",
    ),
    (
        "order numbers begin at the first one and have no gap",
        "SELECT COALESCE(max(n) - 1000 - count(*), 0) AS n
         FROM (SELECT CAST(substr(order_number, 10) AS bigint) AS n FROM orders) AS numbers",
    ),
    (
        "an order can be searched",
        "SELECT count(*) AS n FROM orders o WHERE NOT EXISTS
         (SELECT 1 FROM order_search s WHERE s.order_id = o.order_id)",
    ),
    (
        "a payment is the sum of its operations",
        "SELECT count(*) AS n FROM payment p WHERE
         p.captured <> (SELECT COALESCE(sum(COALESCE(x.reported_amount, x.amount)), 0) FROM payment_operation x
                        WHERE x.payment_id = p.payment_id AND x.kind IN ('SALE', 'CAPTURE') AND x.state = 'SUCCEEDED'
                        AND COALESCE(x.reported_currency, p.currency) = p.currency)
         OR p.refunded <> (SELECT COALESCE(sum(COALESCE(x.reported_amount, x.amount)), 0) FROM payment_operation x
                           WHERE x.payment_id = p.payment_id AND x.kind = 'REFUND' AND x.state = 'SUCCEEDED'
                           AND COALESCE(x.reported_currency, p.currency) = p.currency)
         OR p.voided <> (SELECT COALESCE(sum(COALESCE(x.reported_amount, x.amount)), 0) FROM payment_operation x
                         WHERE x.payment_id = p.payment_id AND x.kind = 'VOID' AND x.state = 'SUCCEEDED'
                         AND COALESCE(x.reported_currency, p.currency) = p.currency)
         OR p.authorized <> (SELECT COALESCE(sum(COALESCE(x.reported_amount, x.amount)), 0) FROM payment_operation x
                             WHERE x.payment_id = p.payment_id AND x.kind IN ('SALE', 'AUTHORIZE') AND x.state = 'SUCCEEDED'
                             AND COALESCE(x.reported_currency, p.currency) = p.currency)",
    ),
    (
        "what is pending is what has no outcome",
        "SELECT count(*) AS n FROM payment p WHERE
         p.auth_pending <> (SELECT COALESCE(sum(amount), 0) FROM payment_operation x
                            WHERE x.payment_id = p.payment_id AND x.kind IN ('SALE', 'AUTHORIZE')
                            AND x.state IN ('INITIAL', 'SENT', 'UNKNOWN'))
         OR p.capture_pending <> (SELECT COALESCE(sum(amount), 0) FROM payment_operation x
                                  WHERE x.payment_id = p.payment_id AND x.kind = 'CAPTURE'
                                  AND x.state IN ('INITIAL', 'SENT', 'UNKNOWN'))
         OR p.refund_pending <> (SELECT COALESCE(sum(amount), 0) FROM payment_operation x
                                 WHERE x.payment_id = p.payment_id AND x.kind = 'REFUND'
                                 AND x.state IN ('INITIAL', 'SENT', 'UNKNOWN'))
         OR p.void_pending <> (SELECT COALESCE(sum(amount), 0) FROM payment_operation x
                               WHERE x.payment_id = p.payment_id AND x.kind = 'VOID'
                               AND x.state IN ('INITIAL', 'SENT', 'UNKNOWN'))",
    ),
    (
        "no order keeps more than it costs unless a gateway took other money than it was asked for",
        "SELECT count(*) AS n FROM orders o WHERE
         (SELECT COALESCE(sum(captured - refunded - refund_pending), 0) FROM payment p WHERE p.order_id = o.order_id) > o.total
         AND NOT EXISTS (SELECT 1 FROM payment_operation x WHERE x.order_id = o.order_id AND x.reported_amount IS NOT NULL)",
    ),
    (
        "no order gives back more than it took",
        "SELECT count(*) AS n FROM orders o WHERE
         (SELECT COALESCE(sum(refunded), 0) FROM payment p WHERE p.order_id = o.order_id) <> o.refunded
         OR o.refunded > (SELECT COALESCE(sum(captured), 0) FROM payment p WHERE p.order_id = o.order_id)",
    ),
    (
        "what the ledger says was done, the gateway did (cash changes hands without it)",
        "SELECT count(*) AS n FROM payment_operation x JOIN payment p ON p.payment_id = x.payment_id
         WHERE x.state = 'SUCCEEDED' AND p.method NOT IN ('CASH_ON_DELIVERY', 'EXTERNAL')
         AND NOT EXISTS (SELECT 1 FROM gateway_operation g WHERE g.key = x.operation_id AND g.kind = x.kind
                         AND g.amount = x.amount AND g.currency = p.currency AND g.reference = x.gateway_reference
                         AND COALESCE(g.moved_amount, g.amount) = COALESCE(x.reported_amount, x.amount)
                         AND COALESCE(g.moved_currency, g.currency) = COALESCE(x.reported_currency, p.currency))",
    ),
    (
        "what the ledger says was refused, the gateway refused or never saw",
        "SELECT count(*) AS n FROM payment_operation x WHERE x.state = 'FAILED'
         AND (x.decline_code IS NULL
              OR x.decline_code <> COALESCE((SELECT g.decline_code FROM gateway_operation g WHERE g.key = x.operation_id),
                                            'never_sent')
              OR EXISTS (SELECT 1 FROM gateway_operation g WHERE g.key = x.operation_id AND g.reference IS NOT NULL))",
    ),
    (
        "what the gateway did, the ledger says was done, or will find out",
        "SELECT count(*) AS n FROM gateway_operation g WHERE g.reference IS NOT NULL AND NOT EXISTS
         (SELECT 1 FROM payment_operation x WHERE x.operation_id = g.key
          AND x.state IN ('SUCCEEDED', 'SENT', 'UNKNOWN'))",
    ),
    (
        "an order that was called off holds no money or promise that is not on its way back or was refused to go, and no goods",
        "SELECT count(*) AS n FROM orders o WHERE o.state IN ('CANCELLED', 'EXPIRED') AND (
         EXISTS (SELECT 1 FROM payment p WHERE p.order_id = o.order_id AND NOT EXISTS
                 (SELECT 1 FROM payment_operation x WHERE x.payment_id = p.payment_id AND x.kind IN ('REFUND', 'VOID')
                  AND x.state = 'FAILED')
                 AND (p.captured <> p.refunded + p.refund_pending
                      OR p.authorized <> p.captured + p.capture_pending + p.voided + p.void_pending))
         OR EXISTS (SELECT 1 FROM order_line l WHERE l.order_id = o.order_id AND l.allocated > 0))",
    ),
    (
        "an ordered cart and its order name each other",
        "SELECT count(*) AS n FROM cart c WHERE c.state = 'ORDERED' AND NOT EXISTS
         (SELECT 1 FROM orders o WHERE o.order_id = c.order_id AND o.cart_id = c.cart_id)",
    ),
    (
        "an order from a cart has consumed it",
        "SELECT count(*) AS n FROM orders o WHERE o.cart_id IS NOT NULL AND NOT EXISTS
         (SELECT 1 FROM cart c WHERE c.cart_id = o.cart_id AND c.state = 'ORDERED' AND c.order_id = o.order_id)",
    ),
];

/// The books balance.
pub(crate) async fn audit(database: &TestDatabase) {
    let broken: BTreeMap<_, _> = violations(database).await.into_iter().filter(|(_, count)| *count != 0).collect();
    assert!(broken.is_empty(), "these do not hold: {broken:#?}");
}

/// How often each rule is broken.
async fn violations(database: &TestDatabase) -> BTreeMap<&'static str, i64> {
    let mut found = BTreeMap::new();
    for (rule, query) in RULES {
        found.insert(*rule, count(database, query).await);
    }
    found
}

/// The books balance, and every payment request has been decided.
pub(crate) async fn audit_settled(database: &TestDatabase) {
    audit(database).await;
    let open = "SELECT count(*) AS n FROM payment_operation WHERE state IN ('INITIAL', 'SENT', 'UNKNOWN')";
    assert_eq!(count(database, open).await, 0, "payment requests without an outcome");
}

/// The number, named `n`, that a query gives.
pub(crate) async fn count(database: &TestDatabase, query: &str) -> i64 {
    let found = database.texts(&format!("SELECT CAST(n AS text) FROM ({query}) AS counted")).await;
    found[0].parse().unwrap()
}

/// How many events of a kind there are, in all histories.
pub(crate) async fn events(database: &TestDatabase, kind: &str) -> i64 {
    count(database, &format!("SELECT count(*) AS n FROM order_event WHERE kind = '{kind}'")).await
}

/// How often the gateway moved money.
pub(crate) async fn moved(database: &TestDatabase, kind: &str) -> i64 {
    let query = format!("SELECT count(*) AS n FROM gateway_operation WHERE kind = '{kind}' AND reference IS NOT NULL");
    count(database, &query).await
}

/// Damage, and how the rule begins that must notice it. One after the other, each on top of those before.
const DAMAGES: &[(&str, &str)] = &[
    ("UPDATE stock SET allocated = allocated + 1 WHERE sku = 'FANGS'", "what a shelf has promised"),
    ("UPDATE stock SET on_hand = on_hand - 1 WHERE sku = 'COSTUME'", "a shelf is the sum"),
    ("UPDATE stock SET reserved = reserved + 1 WHERE sku = 'KIMONO'", "what a shelf has reserved"),
    ("UPDATE reservation SET quantity = quantity + 1", "what a cart holds"),
    (
        "UPDATE cart SET state = 'MERGED', merged_into = cart_id WHERE cart_id IN (SELECT cart_id FROM reservation)",
        "only a cart that can still change",
    ),
    ("UPDATE order_line SET allocated = 0, shipped = ordered", "what left a shelf"),
    ("UPDATE orders SET tax = tax + 1", "an order has lines"),
    ("DELETE FROM order_event WHERE revision = 2", "a history begins"),
    ("UPDATE orders SET order_number = 'SPK-2026-001009' WHERE order_number = 'SPK-2026-001001'", "order numbers"),
    ("DELETE FROM order_search", "an order can be searched"),
    ("UPDATE payment SET captured = captured - 1", "a payment is the sum"),
    ("UPDATE payment SET capture_pending = 1", "what is pending is what"),
    ("UPDATE orders SET total = 1, shipping = 0, shipping_tax = 0", "no order keeps more"),
    ("UPDATE orders SET refunded = 1", "no order gives back more"),
    ("UPDATE gateway_operation SET amount = amount + 1", "what the ledger says was done"),
    (
        "UPDATE payment_operation SET state = 'FAILED', decline_code = 'never_sent'
         WHERE amount = (SELECT min(amount) FROM payment_operation)",
        "what the ledger says was refused",
    ),
    ("DELETE FROM payment_operation", "what the gateway did"),
    ("UPDATE orders SET state = 'CANCELLED'", "an order that was called off"),
    ("UPDATE cart SET order_id = cart_id WHERE state = 'ORDERED'", "an ordered cart"),
    ("UPDATE orders SET cart_id = order_id WHERE cart_id IS NULL", "an order from a cart"),
];

/// A checker that never complains proves nothing. (Of the rules, the databases themselves keep the one on empty shelves.)
#[tokio::test(flavor = "multi_thread")]
async fn every_rule_notices_what_it_is_for() {
    on_both_engines(async |database| {
        let world = World::with_products(&database, &[("CART_HOLD_MINUTES", "15")]).await;
        let buyer = world.customer("42");
        world.customer("43").add("kimono", 3).await.unwrap();
        buyer.create(order_of(&[("fangs", 2)], Some(card("tok_approve")))).await.unwrap();
        buyer.add("costume", 1).await.unwrap();
        let paid = v1::CheckoutRequest { payment: Some(card("tok_approve")), ..checkout("") };
        buyer.checkout(paid).await.unwrap();
        audit(&database).await;
        for (damage, rule) in DAMAGES {
            let (rule, _) = RULES.iter().find(|(name, _)| name.starts_with(rule)).unwrap();
            let before = violations(&database).await;
            database.execute(damage).await.unwrap();
            let after = violations(&database).await;
            assert!(after[rule] > before[rule], "nothing was noticed of: {damage}");
        }
    })
    .await;
}
