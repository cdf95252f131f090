//! What is to be given back, and how it is made up.

use order_api::v1;
use order_core::{
    money::Money,
    order::{Order, RefundPart, RefundSplit, RefundWish, ShippingRefund, SplitLine},
    violation::{Violations, reason},
};

use super::{int32, line, money};

/// Reads what is to be given back: an amount, units, or, if neither is named, all that is left.
pub fn wish(message: &v1::RefundOrderRequest, violations: &mut Violations) -> Option<RefundWish> {
    let amount = money::optional_amount(message.amount.as_ref(), "amount", violations);
    let lines = line::quantities(&message.lines, "lines", violations);
    let (amount, lines) = (amount?, lines?);
    match amount {
        Some(_) if !lines.is_empty() || message.include_shipping => {
            violations.push("amount", reason::CONFLICT, "must not be set together with lines or include_shipping");
            None
        }
        Some(amount) => Some(RefundWish::Amount(amount)),
        None if lines.is_empty() && !message.include_shipping => Some(RefundWish::All),
        None => Some(RefundWish::Lines { lines, shipping: shipping(message.include_shipping) }),
    }
}

const fn shipping(included: bool) -> ShippingRefund {
    if included { ShippingRefund::GiveBack } else { ShippingRefund::Keep }
}

/// How a refund is made up, on the wire.
#[must_use]
pub fn split_to_proto(split: &RefundSplit, order: &Order) -> v1::RefundSplit {
    let amount = |minor| Some(money::to_proto(Money::new(minor, order.totals.total.currency())));
    // Shipping comes first, and what was refunded of both before is not known apart: the tax is the rest.
    let tax = split.shipping.min(order.totals.shipping_tax.minor());
    v1::RefundSplit {
        lines: split.lines.iter().map(|part| split_line(part, order)).collect(),
        shipping: amount(split.shipping - tax),
        shipping_tax: amount(tax),
        total: amount(split.total),
    }
}

fn split_line(SplitLine { part, share }: &SplitLine, order: &Order) -> v1::RefundSplitLine {
    let amount = |minor| Some(money::to_proto(Money::new(minor, order.totals.total.currency())));
    v1::RefundSplitLine {
        line_id: int32(part.line_id),
        quantity: int32(part.quantity),
        amount: amount(share.total),
        tax: amount(share.tax),
        discount: amount(share.discount),
    }
}

/// Which payments the money goes back through, on the wire.
#[must_use]
pub fn parts_to_proto(parts: &[RefundPart], order: &Order) -> Vec<v1::PaymentRefund> {
    let currency = order.totals.total.currency();
    let part = |part: &RefundPart| v1::PaymentRefund {
        payment_id: part.payment_id.to_string(),
        amount: Some(money::to_proto(Money::new(part.amount, currency))),
    };
    parts.iter().map(part).collect()
}
