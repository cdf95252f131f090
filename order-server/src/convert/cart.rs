//! Carts.

use order_api::v1;
use order_core::{
    cart::{Cart, CartItem, CartOwner, CartState, MergeOutcome, MergedLine},
    currency::Currency,
    money::Money,
};

use super::{etag, int32, money, problem, time};
use crate::{
    error::ApiError,
    service::assess::{AssessedLine, Assessment},
};

/// A cart on the wire, with what it costs and what stands in its way now. `assessment` has one line for each item.
#[must_use]
pub fn to_proto(cart: &Cart, assessment: &Assessment) -> v1::Cart {
    let pricing = &assessment.pricing;
    let amount = |money: Money| Some(money::to_proto(money));
    let items = cart.items.iter().zip(&assessment.lines);
    v1::Cart {
        cart_id: cart.id.to_string(),
        state: state(cart.state).into(),
        items: items.map(|(item, line)| item_to_proto(item, line)).collect(),
        subtotal: amount(pricing.subtotal),
        discount: amount(pricing.discount),
        tax: amount(pricing.tax),
        shipping: amount(pricing.shipping),
        shipping_tax: amount(pricing.shipping_tax),
        total: amount(pricing.total),
        currency_code: pricing.total.currency().to_string(),
        problems: assessment.problems.iter().map(|found| problem::to_proto(found, "items")).collect(),
        etag: etag::to_text(cart.revision),
        order_id: order_id(cart.state),
        merged_into: merged_into(cart.state),
        create_time: Some(time::to_proto(cart.create_time)),
        update_time: Some(time::to_proto(cart.update_time)),
        expire_time: Some(time::to_proto(cart.expire_time)),
        ..owned_by(Some(&cart.owner))
    }
}

/// The cart of somebody who has none yet. It is not stored and has no id; `empty` is what checkout would refuse with.
#[must_use]
pub fn none_yet(owner: Option<&CartOwner>, currency: Currency, empty: &ApiError) -> v1::Cart {
    let nothing = Some(money::to_proto(Money::zero(currency)));
    v1::Cart {
        state: v1::CartState::Active.into(),
        subtotal: nothing.clone(),
        discount: nothing.clone(),
        tax: nothing.clone(),
        shipping: nothing.clone(),
        shipping_tax: nothing.clone(),
        total: nothing,
        currency_code: currency.to_string(),
        problems: vec![problem::whole(empty, String::new())],
        ..owned_by(owner)
    }
}

fn owned_by(owner: Option<&CartOwner>) -> v1::Cart {
    match owner {
        Some(CartOwner::Customer(id)) => v1::Cart { customer_id: id.to_string(), ..Default::default() },
        Some(CartOwner::Guest(_)) | None => v1::Cart { guest: true, ..Default::default() },
    }
}

fn item_to_proto(item: &CartItem, line: &AssessedLine) -> v1::CartItem {
    let product = line.product.as_ref();
    v1::CartItem {
        item_id: item.id.to_string(),
        product_id: item.product_id.to_string(),
        sku: product.map(|product| product.sku.to_string()).unwrap_or_default(),
        name: product.map_or_else(|| item.product_id.to_string(), |product| product.name.clone()),
        quantity: int32(item.quantity.get()),
        seen_price: Some(money::to_proto(item.seen_price)),
        unit_price: product.map(|product| money::to_proto(product.price)),
        line_total: line.priced.as_ref().map(|priced| money::to_proto(priced.subtotal)),
        available: line.available,
        seen_time: Some(time::to_proto(item.seen_time)),
    }
}

const fn state(state: CartState) -> v1::CartState {
    match state {
        CartState::Active => v1::CartState::Active,
        CartState::Ordered(_) => v1::CartState::Ordered,
        CartState::Merged(_) => v1::CartState::Merged,
        CartState::Expired => v1::CartState::Expired,
    }
}

fn order_id(state: CartState) -> String {
    match state {
        CartState::Ordered(id) => id.to_string(),
        CartState::Active | CartState::Merged(_) | CartState::Expired => String::new(),
    }
}

fn merged_into(state: CartState) -> String {
    match state {
        CartState::Merged(id) => id.to_string(),
        CartState::Active | CartState::Ordered(_) | CartState::Expired => String::new(),
    }
}

/// What became of one item in a merge.
#[must_use]
pub fn merged_line(line: &MergedLine) -> v1::MergedLine {
    let outcome = match line.outcome {
        MergeOutcome::Added => v1::MergeOutcome::Added,
        MergeOutcome::Summed => v1::MergeOutcome::Summed,
        MergeOutcome::Capped => v1::MergeOutcome::Capped,
        MergeOutcome::SkippedFull => v1::MergeOutcome::SkippedFull,
        MergeOutcome::SkippedCurrency => v1::MergeOutcome::SkippedCurrency,
    };
    v1::MergedLine { product_id: line.product_id.to_string(), outcome: outcome.into(), quantity: int32(line.quantity) }
}
