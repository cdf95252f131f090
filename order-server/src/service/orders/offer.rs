//! What some lines cost: products of one moment, priced by the rules, compared with what the caller had seen.
//!
//! At most one call to the catalogue for the whole order, and none while a transaction is open.

use std::collections::{BTreeMap, BTreeSet};

use order_core::{
    address::Destination,
    currency::Currency,
    error::{DomainError, PriceDifference, Refusal},
    ids::ProductId,
    limits,
    money::Money,
    order::Order,
    pricing::{Pricing, PricingInput},
    product::Product,
    quantity::Quantity,
    violation::Violations,
};

use crate::{
    app::App,
    convert::line::WantedLine,
    error::{ApiError, Precondition},
    service::{
        assess::{find, pricing_line, unfit_discount},
        coupons::{self, Found, Priced},
    },
};

/// What a caller asks the price of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Wanted {
    /// The name of the field that the lines came in, for violations: `lines`, or `items` of a cart.
    pub list: &'static str,
    /// At least one.
    pub lines: Vec<WantedLine>,
    /// The currency of the whole.
    pub currency: Currency,
    /// Where it goes, for tax.
    pub destination: Destination,
    /// Taken off the whole by hand.
    pub discount: Option<Money>,
    /// The total that the caller saw.
    pub expected_total: Option<Money>,
}

/// How old what is known of products may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Age {
    /// As the catalogue has them now.
    Now,
    /// As somebody saw them before: good enough for an order that is placed only if they have not changed since, and for nothing
    /// else. A refusal, above all, needs a look at how things are now.
    Recent,
}

/// Products by id, and how old what is known of them is.
#[derive(Debug)]
pub(crate) struct Goods {
    found: BTreeMap<ProductId, Product>,
    /// Never older than was asked for.
    pub age: Age,
}

impl Goods {
    /// What is wanted, as far as it exists.
    ///
    /// # Errors
    /// `CATALOG_UNAVAILABLE`.
    pub(crate) async fn find(app: &App, wanted: &Wanted, age: Age) -> Result<Self, ApiError> {
        let ids: BTreeSet<_> = wanted.lines.iter().map(|line| &line.product_id).collect();
        if age == Age::Recent {
            let ids: Vec<_> = ids.iter().copied().cloned().collect();
            if let Some(recent) = app.catalog.recent(&ids) {
                let found = recent.into_iter().map(|product| (product.id.clone(), product)).collect();
                return Ok(Self { found, age: Age::Recent });
            }
        }
        Ok(Self { found: find(app, ids.into_iter()).await?, age: Age::Now })
    }

    /// Whether the lines of an order are of these products' SKUs.
    pub(crate) fn are_of(&self, order: &Order) -> bool {
        order.lines.iter().all(|line| self.found.get(&line.product_id).is_some_and(|product| product.sku == line.sku))
    }
}

/// Products of one moment and what they cost.
#[derive(Debug, Clone)]
pub(crate) struct Offer {
    /// In the order of the wanted lines.
    pub lines: Vec<(Product, Quantity)>,
    /// One priced line for each.
    pub pricing: Pricing,
    /// How old what is known of the products is.
    pub age: Age,
    /// The coupon that is in the price, or why it is not.
    pub coupon: Found,
}

/// Prices what is wanted, whether or not the caller expected that price, and whether or not the coupon can be used.
///
/// # Errors
/// `PRODUCT_NOT_FOUND` with every line's path; `INVALID_FIELD` for discounts by hand that are too large; `CURRENCY_MISMATCH` with every product; totals that are
/// no money.
pub(crate) fn price(app: &App, (wanted, goods): (&Wanted, Goods), coupon: Found) -> Result<Offer, ApiError> {
    let age = goods.age;
    let lines = products(wanted, &goods)?;
    let input = PricingInput {
        currency: wanted.currency,
        destination: wanted.destination.clone(),
        lines: lines.iter().zip(&wanted.lines).map(|((product, _), line)| pricing_line(product, line)).collect(),
        coupon: None,
        order_discount: wanted.discount,
    };
    let places: Vec<usize> = (0..lines.len()).collect();
    let priced = coupons::price(&app.rules, input, coupon).map_err(|error| unfit_discount(error, &places))?;
    let Priced { pricing, coupon } = priced;
    if pricing.total.minor() > limits::ORDER_TOTAL_MINOR_MAX {
        let most = Money::new(limits::ORDER_TOTAL_MINOR_MAX, wanted.currency);
        let description = format!("must not cost more than {most} together");
        return Err(DomainError::Invalid(Violations::one(wanted.list, "OUT_OF_RANGE", description)).into());
    }
    Ok(Offer { lines, pricing, age, coupon })
}

fn products(wanted: &Wanted, goods: &Goods) -> Result<Vec<(Product, Quantity)>, ApiError> {
    let mut violations = Violations::new();
    let mut lines = Vec::with_capacity(wanted.lines.len());
    for (n, line) in wanted.lines.iter().enumerate() {
        match goods.found.get(&line.product_id) {
            None => violations.push(
                format!("{}[{n}].product_id", wanted.list),
                "PRODUCT_NOT_FOUND",
                "there is no such product",
            ),
            Some(product) => lines.push((product.clone(), line.quantity)),
        }
    }
    violations.into_result()?;
    let mut refusal = None;
    for (product, _) in lines.iter().filter(|(product, _)| product.price.currency() != wanted.currency) {
        refusal = Some(foreign_product(refusal, wanted.currency, product));
    }
    match refusal {
        Some(refusal) => Err(refusal),
        None => Ok(lines),
    }
}

/// Every product that is priced in another currency than the order, in one refusal; its facts are those of the first.
fn foreign_product(others: Option<ApiError>, order: Currency, product: &Product) -> ApiError {
    let priced = product.price.currency();
    let first = || Refusal::CurrencyMismatch { cart: order.to_string(), product: priced.to_string() }.into();
    others.unwrap_or_else(first).with_precondition(Precondition {
        kind: "CURRENCY",
        subject: product.id.to_string(),
        description: format!("is priced in {priced}, the order is in {order}"),
    })
}

/// What stands in the way of ordering at this price: products that are not for sale, a coupon that cannot
/// be used, prices that the caller did not expect.
///
/// # Errors
/// The refusal.
pub(crate) fn accept(wanted: &Wanted, offer: &Offer) -> Result<(), Refusal> {
    let inactive: Vec<_> =
        offer.lines.iter().filter(|(product, _)| !product.active).map(|(p, _)| p.id.clone()).collect();
    if !inactive.is_empty() {
        return Err(Refusal::ProductInactive(inactive));
    }
    if let Some(Err(refusal)) = &offer.coupon {
        return Err(refusal.clone());
    }
    let differences = differences(wanted, offer);
    if differences.is_empty() { Ok(()) } else { Err(Refusal::PriceChanged(differences)) }
}

fn differences(wanted: &Wanted, offer: &Offer) -> Vec<PriceDifference> {
    let lines = wanted.lines.iter().zip(&offer.lines).filter_map(|(line, (product, _))| {
        let expected = line.expected_unit_price.filter(|expected| *expected != product.price)?;
        Some(PriceDifference { product_id: Some(product.id.clone()), expected, actual: product.price })
    });
    let actual = offer.pricing.total;
    let total = wanted.expected_total.filter(|expected| *expected != actual);
    lines.chain(total.map(|expected| PriceDifference { product_id: None, expected, actual })).collect()
}
