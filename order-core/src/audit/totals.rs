//! Totals are sums of the lines, all of it in one currency, and nothing is negative.

use super::{Invariant, Report};
use crate::{
    money::Money,
    order::{Line, Order},
};

pub(super) fn check(order: &Order, report: &mut Report) {
    let totals = &order.totals;
    let sum = |part: fn(&Line) -> Money| order.lines.iter().map(|line| wide(part(line))).sum::<i128>();
    let total = sum(|line| line.total) + wide(totals.shipping) + wide(totals.shipping_tax);
    for (what, expected, actual) in [
        ("its subtotal is not the sum of its lines'", sum(|line| line.subtotal), totals.subtotal),
        ("its discount is not the sum of its lines'", sum(|line| line.discount), totals.discount),
        ("its tax is not the sum of its lines'", sum(|line| line.tax), totals.tax),
        ("its total is not the sum of its lines and shipping", total, totals.total),
    ] {
        report.order_value(Invariant::I6, what, (expected, wide(actual)));
    }
    if order.lines.is_empty() {
        report.order(Invariant::I6, "it has no lines");
    }
    for line in &order.lines {
        check_line(line, report);
    }
    check_signs(order, report);
    check_currency(order, report);
}

fn check_line(line: &Line, report: &mut Report) {
    let subtotal = wide(line.unit_price) * i128::from(line.counters.ordered);
    let what = format!("the subtotal of line {} is not price times quantity", line.line_id);
    report.order_value(Invariant::I6, &what, (subtotal, wide(line.subtotal)));
    // Prices either contain their tax or they do not.
    let net = wide(line.subtotal) - wide(line.discount);
    if ![net, net + wide(line.tax)].contains(&wide(line.total)) {
        let what = format!("the total of line {} is not subtotal less discount plus tax", line.line_id);
        report.order_value(Invariant::I6, &what, (net + wide(line.tax), wide(line.total)));
    }
}

fn check_signs(order: &Order, report: &mut Report) {
    let totals = &order.totals;
    let own = [totals.subtotal, totals.discount, totals.tax, totals.shipping, totals.shipping_tax, totals.total];
    let parts = |line: &Line| [line.unit_price, line.subtotal, line.discount, line.tax, line.total];
    if own.into_iter().chain(order.lines.iter().flat_map(parts)).any(Money::is_negative) {
        report.order(Invariant::I6, "an amount of it is negative");
    }
    let shipping = wide(totals.shipping) + wide(totals.shipping_tax);
    if !(0..=shipping.max(0)).contains(&i128::from(order.shipping_refunded)) {
        let bounds = format!("0 to {shipping}");
        report.order_value(
            Invariant::I6,
            "more of shipping was refunded than there was",
            (bounds, order.shipping_refunded.to_string()),
        );
    }
}

/// The lines are read in the order's currency; payments name their own.
fn check_currency(order: &Order, report: &mut Report) {
    let currency = order.totals.total.currency();
    for payment in &order.payments {
        let what = format!("payment {} is in another currency", payment.id);
        report.order_value(Invariant::I6, &what, (currency, payment.amount.currency()));
    }
}

fn wide(money: Money) -> i128 {
    i128::from(money.minor())
}
