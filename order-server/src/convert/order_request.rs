//! What customers ask of orders: placing, quoting, changing.

use std::collections::BTreeMap;

use order_api::v1;
use order_core::{
    address::Address,
    contact::Contact,
    currency::Currency,
    ids::{CouponCode, CustomerId, OrderId},
    money::Money,
    order::Details,
    text,
    violation::{Violations, reason},
};

use super::{
    address, contact, coupon, ids,
    line::{self, WantedLine},
    mask, money, payment,
};

/// What every new order needs, whether it comes from a list of lines or from a cart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Particulars {
    /// Whom to write to.
    pub contact: Contact,
    /// Where it goes.
    pub shipping_address: Address,
    /// Where the bill goes, if elsewhere.
    pub billing_address: Option<Address>,
    /// How it is paid; `None` to pay later.
    pub payment: Option<payment::Instrument>,
    /// The total that the caller saw, if it must not have changed. Its currency is still to be compared.
    pub expected_total: Option<Money>,
    /// The coupon to use.
    pub coupon_code: Option<CouponCode>,
    /// A word to the shop.
    pub notes: String,
    /// The caller's own labels.
    pub metadata: BTreeMap<String, String>,
}

macro_rules! given {
    ($request:expr) => {
        Given {
            contact: $request.contact.as_ref(),
            shipping_address: $request.shipping_address.as_ref(),
            billing_address: $request.billing_address.as_ref(),
            payment: $request.payment.as_ref(),
            expected_total: $request.expected_total.as_ref(),
            coupon_code: &$request.coupon_code,
            notes: &$request.notes,
            metadata: $request.metadata,
        }
    };
}

/// A new order from lines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Create {
    /// What to order.
    pub lines: Vec<WantedLine>,
    /// The currency of the order; `expected_total` is in it.
    pub currency: Currency,
    /// For whom, if the caller names somebody.
    pub customer_id: Option<CustomerId>,
    /// Taken off the whole order by hand.
    pub discount: Option<Money>,
    /// Everything else.
    pub particulars: Particulars,
}

/// What a quote is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Quote {
    /// What would be ordered.
    pub lines: Vec<WantedLine>,
    /// The currency of the quote; `expected_total` is in it.
    pub currency: Currency,
    /// For whom, if the caller names somebody.
    pub customer_id: Option<CustomerId>,
    /// Where it would go, if that is known.
    pub shipping_address: Option<Address>,
    /// The total that the caller saw, if it must not have changed.
    pub expected_total: Option<Money>,
    /// The coupon to use.
    pub coupon_code: Option<CouponCode>,
    /// Taken off the whole order by hand.
    pub discount: Option<Money>,
}

/// Reads a new order; `default` is the currency of requests that name none.
pub fn create(request: v1::CreateOrderRequest, default: Currency, violations: &mut Violations) -> Option<Create> {
    let lines = line::wanted(&request.lines, violations);
    let currency = money::optional_currency((&request.currency_code, default), "currency_code", violations);
    let customer_id = ids::optional(&request.customer_id, CustomerId::parse, "customer_id", violations);
    let discount = discounts(request.discount.as_ref(), (lines.as_deref(), currency), violations);
    let particulars = particulars(given!(request), currency, violations);
    Some(Create {
        lines: lines?,
        currency: currency?,
        customer_id: customer_id?,
        discount: discount?,
        particulars: particulars?,
    })
}

/// Reads a checkout, but for its cart token, etag and request id. The currency is that of the cart, which is not known yet.
pub fn checkout(request: v1::CheckoutRequest, violations: &mut Violations) -> Option<Particulars> {
    particulars(given!(request), None, violations)
}

/// Reads what a quote is asked for; `default` is the currency of requests that name none.
pub fn quote(request: &v1::QuoteOrderRequest, default: Currency, violations: &mut Violations) -> Option<Quote> {
    let lines = line::wanted(&request.lines, violations);
    let currency = money::optional_currency((&request.currency_code, default), "currency_code", violations);
    let customer_id = ids::optional(&request.customer_id, CustomerId::parse, "customer_id", violations);
    let shipping_address = address::optional(request.shipping_address.as_ref(), "shipping_address", violations);
    let expected = (request.expected_total.as_ref(), currency);
    let expected_total = money::optional_amount_in(expected, "expected_total", violations);
    let coupon_code = coupon::optional_code(&request.coupon_code, violations);
    let discount = discounts(request.discount.as_ref(), (lines.as_deref(), currency), violations);
    Some(Quote {
        coupon_code: coupon_code?,
        discount: discount?,
        lines: lines?,
        currency: currency?,
        customer_id: customer_id?,
        shipping_address: shipping_address?,
        expected_total: expected_total?,
    })
}

/// Reads the discount of the whole order, and holds those of its lines against its currency, where that is known.
fn discounts(
    order: Option<&order_api::Money>,
    (lines, currency): (Option<&[WantedLine]>, Option<Currency>),
    violations: &mut Violations,
) -> Option<Option<Money>> {
    let of_lines = match (lines, currency) {
        (Some(lines), Some(currency)) => line::discounts_in(currency, ("lines", lines), violations),
        (None, _) | (_, None) => None,
    };
    let discount = money::optional_amount_in((order, currency), "discount", violations);
    of_lines.and(discount)
}

/// The fields of [`Particulars`] as they were sent: two messages have them, under the same names.
struct Given<'a> {
    contact: Option<&'a v1::Contact>,
    shipping_address: Option<&'a v1::Address>,
    billing_address: Option<&'a v1::Address>,
    payment: Option<&'a v1::PaymentInstrument>,
    expected_total: Option<&'a order_api::Money>,
    coupon_code: &'a str,
    notes: &'a str,
    metadata: BTreeMap<String, String>,
}

fn particulars(given: Given<'_>, currency: Option<Currency>, violations: &mut Violations) -> Option<Particulars> {
    let contact = contact::required(given.contact, "contact", violations);
    let shipping_address = address::required(given.shipping_address, "shipping_address", violations);
    let billing_address = address::optional(given.billing_address, "billing_address", violations);
    let payment = payment::optional_instrument(given.payment, "payment", violations);
    let expected_total = money::optional_amount_in((given.expected_total, currency), "expected_total", violations);
    let coupon_code = coupon::optional_code(given.coupon_code, violations);
    let notes = text::NOTES.check(given.notes, "notes", violations);
    let metadata = text::check_metadata(given.metadata, "metadata", violations);
    Some(Particulars {
        contact: contact?,
        shipping_address: shipping_address?,
        billing_address: billing_address?,
        payment: payment?,
        expected_total: expected_total?,
        coupon_code: coupon_code?,
        notes: notes?,
        metadata: metadata?,
    })
}

/// The fields that an owner may change.
const MUTABLE: &[&str] = &["shipping_address", "contact", "notes", "metadata"];

/// Reads a change of details: which order, and the fields that the mask names. Other fields are not looked at.
pub fn update(
    order: Option<v1::Order>,
    update_mask: Option<&prost_types::FieldMask>,
    violations: &mut Violations,
) -> Option<(OrderId, Details)> {
    let fields = mask::required(update_mask, MUTABLE, violations);
    let Some(order) = order else {
        violations.push("order", reason::REQUIRED, "must be set");
        return None;
    };
    let id = ids::required(&order.order_id, OrderId::parse, "order.order_id", violations);
    let fields = fields?;
    let before = violations.len();
    let mut details = Details::default();
    if fields.contains("shipping_address") {
        details.shipping_address =
            address::required(order.shipping_address.as_ref(), "order.shipping_address", violations);
    }
    if fields.contains("contact") {
        details.contact = contact::required(order.contact.as_ref(), "order.contact", violations);
    }
    if fields.contains("notes") {
        details.notes = text::NOTES.check(&order.notes, "order.notes", violations);
    }
    if fields.contains("metadata") {
        details.metadata = text::check_metadata(order.metadata, "order.metadata", violations);
    }
    (violations.len() == before).then_some(())?;
    Some((id?, details))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn usd() -> Currency {
        Currency::parse("USD").unwrap()
    }

    fn address() -> v1::Address {
        v1::Address {
            recipient: "Ada Lovelace".into(),
            line1: "1 Main Street".into(),
            city: "Springfield".into(),
            region: "IL".into(),
            postal_code: "62701".into(),
            country_code: "US".into(),
            ..Default::default()
        }
    }

    fn contact() -> v1::Contact {
        v1::Contact { name: "Ada Lovelace".into(), email: "ada@example.com".into(), phone: String::new() }
    }

    fn request() -> v1::CreateOrderRequest {
        let line = v1::OrderLineInput { product_id: "prod_1".into(), quantity: 1, ..Default::default() };
        v1::CreateOrderRequest {
            lines: vec![line],
            contact: Some(contact()),
            shipping_address: Some(address()),
            ..Default::default()
        }
    }

    fn paths(violations: Violations) -> Vec<String> {
        violations.into_iter().map(|found| found.field).collect()
    }

    #[test]
    fn a_plain_order_is_read_in_the_default_currency() {
        let read = create(request(), usd(), &mut Violations::new()).unwrap();
        assert_eq!((read.currency, read.lines.len(), read.particulars.payment), (usd(), 1, None));
    }

    #[test]
    fn all_violations_of_an_order_are_found_at_once() {
        let money = |currency_code: &str, units, nanos| {
            Some(order_api::Money { currency_code: currency_code.into(), units, nanos })
        };
        let line = v1::OrderLineInput {
            product_id: "prod_1".into(),
            quantity: 0,
            expected_unit_price: money("USD", 1, -1),
            discount: money("USD", -1, 0),
        };
        let wrong = v1::CreateOrderRequest {
            lines: vec![line],
            currency_code: "USD".into(),
            customer_id: "a b".into(),
            contact: Some(v1::Contact { email: "nobody".into(), ..contact() }),
            shipping_address: Some(v1::Address { country_code: "Atlantis".into(), ..address() }),
            billing_address: Some(v1::Address { postal_code: "x".into(), ..address() }),
            payment: Some(v1::PaymentInstrument { method: 1, token: "4111111111111111".into() }),
            expected_total: money("EUR", 1, 0),
            discount: money("EUR", 1, 0),
            coupon_code: "10 %".into(),
            notes: "my card is 4111 1111 1111 1111".into(),
            metadata: [("key".to_owned(), "x".repeat(513))].into(),
            ..Default::default()
        };
        let mut violations = Violations::new();
        assert_eq!(create(wrong, usd(), &mut violations), None);
        let expected = [
            "lines[0].quantity",
            "lines[0].expected_unit_price",
            "lines[0].discount",
            "customer_id",
            "discount.currency_code",
            "contact.email",
            "shipping_address.country_code",
            "billing_address.postal_code",
            "payment.token",
            "expected_total.currency_code",
            "coupon_code",
            "notes",
            "metadata[\"key\"]",
        ];
        assert_eq!(paths(violations), expected);
    }

    #[test]
    fn an_empty_order_lacks_everything_that_is_required() {
        let mut violations = Violations::new();
        assert_eq!(create(v1::CreateOrderRequest::default(), usd(), &mut violations), None);
        assert_eq!(paths(violations), ["lines", "contact", "shipping_address"]);
    }

    #[test]
    fn a_change_reads_only_what_the_mask_names() {
        let order = v1::Order {
            order_id: "018f4e9a-7b1c-7c3e-9d2a-5b6c7d8e9f01".into(),
            contact: None,
            notes: " Ring twice ".into(),
            ..Default::default()
        };
        let change = |order: Option<v1::Order>, path: &str, violations: &mut Violations| {
            let mask = prost_types::FieldMask { paths: vec![path.to_owned()] };
            update(order, Some(&mask), violations)
        };
        let (_, details) = change(Some(order.clone()), "notes", &mut Violations::new()).unwrap();
        assert_eq!(details, Details { notes: Some("Ring twice".into()), ..Details::default() });
        let mut violations = Violations::new();
        assert_eq!(change(Some(order), "contact", &mut violations), None);
        assert_eq!(change(None, "total", &mut violations), None);
        assert_eq!(paths(violations), ["order.contact", "update_mask", "order"]);
    }
}
