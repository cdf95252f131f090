//! Quotes.

use order_api::v1;
use order_core::money::Money;

use super::{explanation, int32, line::WantedLine, money, problem};
use crate::{
    error::ApiError,
    service::assess::{AssessedLine, Assessment},
};

/// A quote on the wire. `assessment` has one line for each of `lines`; `other` is what else stands in the way, each with
/// the path of its field.
#[must_use]
pub fn to_proto(lines: &[WantedLine], assessment: &Assessment, other: &[(ApiError, &str)]) -> v1::Quote {
    let pricing = &assessment.pricing;
    let amount = |money: Money| Some(money::to_proto(money));
    let found = assessment.problems.iter().map(|found| problem::to_proto(found, "lines"));
    let other = other.iter().map(|(error, field)| problem::whole(error, (*field).to_owned()));
    v1::Quote {
        lines: (1..).zip(lines.iter().zip(&assessment.lines)).map(quote_line).collect(),
        subtotal: amount(pricing.subtotal),
        discount: amount(pricing.discount),
        tax: amount(pricing.tax),
        shipping: amount(pricing.shipping),
        shipping_tax: amount(pricing.shipping_tax),
        total: amount(pricing.total),
        currency_code: pricing.total.currency().to_string(),
        explanation: Some(explanation::to_proto(pricing.explanation.clone())),
        problems: found.chain(other).collect(),
    }
}

fn quote_line((line_id, (wanted, line)): (i32, (&WantedLine, &AssessedLine))) -> v1::QuoteLine {
    let product = line.product.as_ref();
    let priced = line.priced.as_ref();
    v1::QuoteLine {
        line_id,
        product_id: wanted.product_id.to_string(),
        sku: product.map(|product| product.sku.to_string()).unwrap_or_default(),
        name: product.map(|product| product.name.clone()).unwrap_or_default(),
        unit_price: product.map(|product| money::to_proto(product.price)),
        quantity: int32(wanted.quantity.get()),
        subtotal: priced.map(|priced| money::to_proto(priced.subtotal)),
        discount: priced.map(|priced| money::to_proto(priced.discount)),
        tax: priced.map(|priced| money::to_proto(priced.tax)),
        total: priced.map(|priced| money::to_proto(priced.total)),
        tax_rate: priced.map(|priced| priced.tax_rate.to_string()).unwrap_or_default(),
        tax_class: product.map(|product| product.tax_class.clone()).unwrap_or_default(),
        requested: line.requested,
        available: line.available,
    }
}
