//! OrderService.QuoteOrder: what an order would cost, and what stands in its way.

use order_api::v1;
use order_core::{
    address::Destination,
    discount::Redeemer,
    error::{PriceDifference, Refusal},
};

use super::create_order::{buyer, may_discount};
use crate::{
    app::App,
    auth::Principal,
    convert::{
        checked,
        order_request::{self, Quote},
        quote,
    },
    error::ApiError,
    service::{
        assess::{Assessment, Wanted, assess},
        coupons::WantedCoupon,
    },
};

/// Prices some lines and looks at the shelves; writes nothing and promises nothing.
///
/// # Errors
/// `INVALID_FIELD`, `ROLE_REQUIRED`, and what is down. Everything else that CreateOrder would refuse is among the quote's problems.
pub(crate) async fn quote_order(
    app: &App,
    principal: &Principal,
    message: v1::QuoteOrderRequest,
) -> Result<v1::Quote, ApiError> {
    let asked = checked(|violations| order_request::quote(&message, app.currency, violations))?;
    let owner = buyer(principal, asked.customer_id.clone())?;
    may_discount(principal, (&asked.lines, asked.discount))?;
    let coupon = asked.coupon_code.clone();
    let (redeemer, now) = (Redeemer::of_owner(&owner), app.clock.now());
    let wanted = Wanted {
        lines: asked.lines.clone(),
        cart_id: None,
        currency: asked.currency,
        destination: asked.shipping_address.as_ref().map(Destination::from).unwrap_or_default(),
        coupon: coupon.map(|code| WantedCoupon { code, redeemer, now }),
        discount: asked.discount,
    };
    let assessment = assess(app, &wanted).await?;
    let mut other = price_changes(&asked, &assessment);
    if let Some(Err(refusal)) = &assessment.coupon {
        other.push((refusal.clone().into(), "coupon_code".to_owned()));
    }
    let other: Vec<_> = other.iter().map(|(error, field)| (error.clone(), field.as_str())).collect();
    Ok(quote::to_proto(&asked.lines, &assessment, &other))
}

/// Where the caller expected another price, with the path of the field that says so.
fn price_changes(asked: &Quote, assessment: &Assessment) -> Vec<(ApiError, String)> {
    let lines = asked.lines.iter().zip(&assessment.lines).enumerate().filter_map(|(n, (line, assessed))| {
        let product = assessed.product.as_ref()?;
        let expected = line.expected_unit_price.filter(|expected| *expected != product.price)?;
        let difference = PriceDifference { product_id: Some(product.id.clone()), expected, actual: product.price };
        Some((difference, format!("lines[{n}].expected_unit_price")))
    });
    let actual = assessment.pricing.total;
    let total = asked.expected_total.filter(|expected| *expected != actual);
    let total = total.map(|expected| PriceDifference { product_id: None, expected, actual });
    lines
        .chain(total.map(|difference| (difference, "expected_total".to_owned())))
        .map(|(difference, field)| (Refusal::PriceChanged(vec![difference]).into(), field))
        .collect()
}
