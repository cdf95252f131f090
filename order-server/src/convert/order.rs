//! Orders, as their different readers see them.

use std::sync::Arc;

use order_api::v1;
use order_core::{
    ids::OrderNumber,
    money::Money,
    order::{Order, StatusOptions},
};

use super::{
    address, contact, etag, explanation, import_source, line, map, money, order_return, payment, shipment, status, time,
};

/// The order's number; empty until it has one.
#[must_use]
pub fn number(order: &Order) -> String {
    order.number.as_ref().map(OrderNumber::to_string).unwrap_or_default()
}

/// An order in a list: without the explanation of its price.
#[must_use]
pub fn listed(order: &Order) -> v1::Order {
    let totals = &order.totals;
    let currency = totals.total.currency();
    v1::Order {
        order_id: order.id.to_string(),
        order_number: number(order),
        customer_id: order.owner.customer_id().map(ToString::to_string).unwrap_or_default(),
        guest: order.owner.customer_id().is_none(),
        status: status::status_to_proto(order.status).into(),
        state: status::state_to_proto(order.state).into(),
        payment_status: status::payment_to_proto(order.payment_status).into(),
        fulfillment_status: status::fulfillment_to_proto(order.fulfillment_status).into(),
        holds: status::holds_to_proto(&order.holds),
        next_statuses: Vec::new(),
        lines: order.lines.iter().map(line::to_proto).collect(),
        subtotal: Some(money::to_proto(totals.subtotal)),
        discount: Some(money::to_proto(totals.discount)),
        tax: Some(money::to_proto(totals.tax)),
        shipping: Some(money::to_proto(totals.shipping)),
        shipping_tax: Some(money::to_proto(totals.shipping_tax)),
        total: Some(money::to_proto(totals.total)),
        currency_code: currency.to_string(),
        contact: order.contact.as_ref().map(contact::to_proto),
        shipping_address: order.shipping_address.as_ref().map(address::to_proto),
        billing_address: order.billing_address.as_ref().map(address::to_proto),
        payment: order.payment().map(payment::to_proto),
        notes: order.notes.clone(),
        metadata: map::telling(order.metadata.clone()),
        cancel_reason: order.cancel_reason.clone().unwrap_or_default(),
        create_time: Some(time::to_proto(order.create_time)),
        update_time: Some(time::to_proto(order.update_time)),
        pay_by: order.pay_by.map(time::to_proto),
        etag: etag::to_text(order.revision),
        explanation: None,
        import_source: order.import.as_ref().map(import_source::to_proto),
        payments: order.payments.iter().map(payment::to_proto).collect(),
        shipments: order.shipments.iter().map(|parcel| shipment::listed(parcel, &number(order))).collect(),
        returns: order.returns.iter().map(|back| order_return::to_proto(back, order)).collect(),
        amount_due: Some(money::to_proto(Money::new(order.missing(), currency))),
        amount_held: Some(money::to_proto(Money::new(order.money_held(), currency))),
        coupon_code: order.coupon_code.as_ref().map(ToString::to_string).unwrap_or_default(),
    }
}

/// An order on its own, for its owner. The explanation, most of its words, is handed on and not copied, where nobody else has it.
#[must_use]
pub fn single(order: Order) -> v1::Order {
    let shipments = order.shipments.iter().map(|parcel| shipment::to_proto(parcel, &number(&order))).collect();
    let listed = listed(&order);
    let explanation = explanation::to_proto(Arc::unwrap_or_clone(order.explanation));
    v1::Order { explanation: Some(explanation), shipments, ..listed }
}

/// An order on its own, for those who may change its status.
#[must_use]
pub fn administered(order: Order, options: &StatusOptions) -> v1::Order {
    v1::Order { next_statuses: status::next_to_proto(options), ..single(order) }
}

/// An order that was only checked and priced: without id, number and etag, since it does not exist.
#[must_use]
pub fn hypothetical(order: Order) -> v1::Order {
    v1::Order { order_id: String::new(), order_number: String::new(), etag: String::new(), ..single(order) }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use order_core::{
        address::AddressDraft,
        contact::ContactDraft,
        currency::Currency,
        ids::{IdSeed, OrderId, ProductId, Sku},
        order::{Actor, Context, OrderDraft, Owner, place},
        policy::Policy,
        pricing::{self, Destination, PricingInput, PricingLine},
        product::ProductDraft,
        quantity::Quantity,
        rules::Rules,
        time::Timestamp,
        violation::Violations,
    };
    use uuid::Uuid;

    use super::*;

    const SEED: IdSeed = IdSeed::new(Uuid::from_u128(0x018f_4e9a_7b1c_7c3e_9d2a_5b6c_7d8e_9f01));

    fn context() -> Context {
        let (now, actor, policy) = (Timestamp::UNIX_EPOCH, Actor::Guest, Policy::default());
        Context { now, actor, request_id: None, reason: None, ids: SEED, policy }
    }

    fn draft() -> OrderDraft {
        let text = |text: &str| text.to_owned();
        let currency = Currency::parse("USD").unwrap();
        let product = ProductDraft {
            id: ProductId::parse("prod_1").unwrap(),
            sku: Sku::parse("SKU-1").unwrap(),
            name: text("Vampire Costume Deluxe"),
            description: String::new(),
            price: Money::new(4999, currency),
            tax_class: text("standard"),
            active: true,
            initial_stock: 0,
        };
        let product = product.upsert(None, Timestamp::UNIX_EPOCH).unwrap();
        let line = PricingLine {
            product_id: text("prod_1"),
            unit_price: product.price,
            quantity: Quantity::ONE,
            tax_class: text("standard"),
            discount: None,
        };
        let destination = Destination::default();
        let input = PricingInput { currency, destination, lines: vec![line], coupon: None, order_discount: None };
        let address = AddressDraft {
            recipient: text("Ada Lovelace"),
            line1: text("1 Main Street"),
            city: text("Springfield"),
            postal_code: text("62701"),
            country_code: text("US"),
            ..AddressDraft::default()
        };
        let contact = ContactDraft { name: text("Ada Lovelace"), email: text("ada@example.com"), phone: String::new() };
        OrderDraft {
            id: OrderId::new(SEED.nth(0)),
            owner: Owner::Guest,
            cart_id: None,
            coupon_code: None,
            lines: vec![(product, Quantity::ONE)],
            pricing: pricing::price(&Rules::builtin(), &input).unwrap(),
            contact: contact.parse("contact", &mut Violations::new()).unwrap(),
            shipping_address: address.parse("shipping_address", &mut Violations::new()).unwrap(),
            billing_address: None,
            payment: None,
            notes: String::new(),
            metadata: BTreeMap::new(),
        }
    }

    fn order() -> Order {
        place(draft(), &context()).unwrap().order
    }

    #[test]
    fn an_order_reads_like_the_worked_example() {
        let wire = listed(&order());
        let amount = |money: Option<order_api::Money>| money.map(|money| (money.units, money.nanos)).unwrap();
        assert_eq!(amount(wire.tax.clone()), (4, 0));
        assert_eq!(amount(wire.shipping.clone()), (5, 990_000_000));
        assert_eq!(amount(wire.total.clone()), (59, 980_000_000));
        assert_eq!((wire.guest, wire.customer_id.as_str(), wire.etag.as_str()), (true, "", "1"));
    }

    #[test]
    fn only_single_orders_are_explained_and_only_administrators_see_what_comes_next() {
        let order = order();
        let shown =
            [listed(&order), single(order.clone()), administered(order.clone(), &order.status_options(&context()))];
        assert_eq!(shown.each_ref().map(|order| order.explanation.is_some()), [false, true, true]);
        assert_eq!(shown.each_ref().map(|order| order.next_statuses.is_empty()), [true, true, false]);
    }

    #[test]
    fn an_order_that_was_only_checked_has_no_name() {
        let wire = hypothetical(order());
        assert_eq!([wire.order_id, wire.order_number, wire.etag], [""; 3]);
    }
}
