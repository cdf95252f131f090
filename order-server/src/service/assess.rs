//! What some lines cost at this moment, and what would keep them from being ordered. For looking only: a cart and a quote
//! show what ordering would refuse, with the same reasons, and hold nothing.
//!
//! A neighbour that is down is an error here, never an empty shelf or a product that does not exist.

use std::collections::{BTreeMap, BTreeSet};

use order_core::{
    currency::Currency,
    error::Refusal,
    ids::{CartId, ProductId, Sku},
    money::Money,
    pricing::{Destination, PricedLine, Pricing, PricingError, PricingInput, PricingLine},
    product::Product,
    stock::{self, Demand, LevelQuery, Shortage},
    violation::{Violations, reason},
};

use crate::{
    app::App,
    convert::line::WantedLine,
    error::{ApiError, Reason},
    service::coupons::{self, Found, Priced, WantedCoupon},
};

/// What is to be assessed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// In the caller's order.
    pub lines: Vec<WantedLine>,
    /// The cart that it is; what that holds is free for it.
    pub cart_id: Option<CartId>,
    /// The currency of the whole.
    pub currency: Currency,
    /// Where it goes, as far as it is known.
    pub destination: Destination,
    /// The coupon to use.
    pub coupon: Option<WantedCoupon>,
    /// Taken off the whole by hand.
    pub discount: Option<Money>,
}

/// What came out.
#[derive(Debug, Clone)]
pub struct Assessment {
    /// One for each wanted line, in their order.
    pub lines: Vec<AssessedLine>,
    /// What those lines cost that can be priced.
    pub pricing: Pricing,
    /// The coupon that is in the price, or why it is not.
    pub coupon: Found,
    /// What ordering would refuse.
    pub problems: Vec<Problem>,
}

/// A line as it stands.
#[derive(Debug, Clone)]
pub struct AssessedLine {
    /// The product; `None` if there is none of that id.
    pub product: Option<Product>,
    /// What the line costs; `None` for a product that is unknown or priced in another currency.
    pub priced: Option<PricedLine>,
    /// Units of the line's SKU in all lines together.
    pub requested: i64,
    /// Units of the line's SKU that can be ordered now.
    pub available: i64,
}

/// Something that ordering would refuse.
#[derive(Debug, Clone)]
pub struct Problem {
    /// Which line, and which part of it; `None` for the whole.
    pub place: Option<Place>,
    /// The refusal.
    pub error: ApiError,
}

/// A part of a line. Lines are counted from 0, as in field paths.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// Its product.
    Product(usize),
    /// Its quantity.
    Quantity(usize),
}

impl Place {
    /// The path in a message whose lines are in the field `list`.
    #[must_use]
    pub fn path(self, list: &str) -> String {
        match self {
            Self::Product(n) => format!("{list}[{n}].product_id"),
            Self::Quantity(n) => format!("{list}[{n}].quantity"),
        }
    }
}

/// Looks lines up, prices them and holds them against the shelf. One call to the catalogue and one to the inventory.
///
/// # Errors
/// `CATALOG_UNAVAILABLE`, `INVENTORY_UNAVAILABLE`; `INVALID_FIELD` for discounts by hand that are larger than what they are taken off.
pub async fn assess(app: &App, wanted: &Wanted) -> Result<Assessment, ApiError> {
    let products = products(app, wanted).await?;
    let demand = stock::demand(
        products
            .iter()
            .zip(&wanted.lines)
            .filter_map(|(found, line)| Some((&found.as_ref()?.sku, line.quantity.get()))),
    );
    let levels = levels(app, (&demand, wanted.cart_id)).await?;
    let found = coupons::look_up(app, wanted.coupon.as_ref()).await?;
    let (Priced { pricing, coupon }, priced) = price(app, (wanted, found), &products)?;
    let mut problems = product_problems(wanted, &products);
    problems.extend(shortages(&products, (&demand, &levels)));
    let assessed = |(product, priced): (Option<Product>, Option<PricedLine>)| {
        let count = |counts: &BTreeMap<Sku, i64>| {
            product.as_ref().and_then(|product| counts.get(&product.sku)).copied().unwrap_or_default()
        };
        let (requested, available) = (count(&demand), count(&levels));
        AssessedLine { requested, available, product, priced }
    };
    let lines = products.into_iter().zip(priced).map(assessed).collect();
    Ok(Assessment { lines, pricing, coupon, problems })
}

/// The products of these ids that exist: one call to the catalogue, however many lines name them.
pub(crate) async fn find(
    app: &App,
    ids: impl Iterator<Item = &ProductId>,
) -> Result<BTreeMap<ProductId, Product>, ApiError> {
    let ids: Vec<_> = ids.cloned().collect::<BTreeSet<_>>().into_iter().collect();
    let found = if ids.is_empty() { Vec::new() } else { app.catalog.batch_get(&ids).await? };
    Ok(found.into_iter().map(|product| (product.id.clone(), product)).collect())
}

/// A line as the rules price it.
pub(crate) fn pricing_line(product: &Product, wanted: &WantedLine) -> PricingLine {
    PricingLine {
        product_id: product.id.to_string(),
        unit_price: product.price,
        quantity: wanted.quantity,
        tax_class: product.tax_class.clone(),
        discount: wanted.discount,
    }
}

/// The product of each line, where there is one.
async fn products(app: &App, wanted: &Wanted) -> Result<Vec<Option<Product>>, ApiError> {
    let found = find(app, wanted.lines.iter().map(|line| &line.product_id)).await?;
    Ok(wanted.lines.iter().map(|line| found.get(&line.product_id).cloned()).collect())
}

/// What can be ordered of each SKU. A SKU that the inventory does not know has nothing on its shelf.
async fn levels(app: &App, (demand, cart_id): (&Demand, Option<CartId>)) -> Result<BTreeMap<Sku, i64>, ApiError> {
    if demand.is_empty() {
        return Ok(BTreeMap::new());
    }
    let skus: Vec<_> = demand.keys().cloned().collect();
    Ok(app.inventory.available(LevelQuery { skus, now: app.clock.now(), cart_id }).await?)
}

/// Prices the lines that have a price in the currency of the whole.
fn price(
    app: &App,
    (wanted, found): (&Wanted, Found),
    products: &[Option<Product>],
) -> Result<(Priced, Vec<Option<PricedLine>>), ApiError> {
    let priceable =
        |product: &Option<Product>| product.as_ref().is_some_and(|product| product.price.currency() == wanted.currency);
    let known = products.iter().zip(&wanted.lines).enumerate().filter(|(_, (product, _))| priceable(product));
    let (places, lines): (Vec<_>, Vec<_>) =
        known.filter_map(|(n, (product, line))| Some((n, pricing_line(product.as_ref()?, line)))).unzip();
    let input = PricingInput {
        currency: wanted.currency,
        destination: wanted.destination.clone(),
        lines,
        coupon: None,
        order_discount: wanted.discount,
    };
    let whole = coupons::price(&app.rules, input, found).map_err(|error| unfit_discount(error, &places))?;
    let mut priced = whole.pricing.lines.iter().cloned();
    let lines = products.iter().map(|product| if priceable(product) { priced.next() } else { None }).collect();
    Ok((whole, lines))
}

/// A discount by hand that is larger than what it is taken off; `places` are those of the priced lines in the request. Quantities
/// and products were checked when they were read: any other price that cannot be calculated is our catalogue's fault.
pub(crate) fn unfit_discount(error: PricingError, places: &[usize]) -> ApiError {
    let field = match error {
        PricingError::DiscountOutOfRange => "discount".to_owned(),
        PricingError::LineDiscountOutOfRange { line } => format!("lines[{}].discount", places[line]),
        PricingError::LineCurrency { .. }
        | PricingError::UnitPriceOutOfRange { .. }
        | PricingError::Coupon(_)
        | PricingError::Money(_) => return ApiError::internal(&error),
    };
    Violations::one(field, reason::OUT_OF_RANGE, "must be at most what it is taken off").into()
}

/// Products that are unknown, not for sale, or priced in another currency.
fn product_problems(wanted: &Wanted, products: &[Option<Product>]) -> Vec<Problem> {
    let found = products.iter().zip(&wanted.lines).enumerate().filter_map(|(n, (product, line))| {
        let id = &line.product_id;
        let error = match product {
            None => ApiError::new(Reason::ProductUnknown, "there is no such product").with_metadata("product_id", id),
            Some(product) if !product.active => Refusal::ProductInactive(vec![id.clone()]).into(),
            Some(product) if product.price.currency() != wanted.currency => Refusal::CurrencyMismatch {
                cart: wanted.currency.to_string(),
                product: product.price.currency().to_string(),
            }
            .into(),
            Some(_) => return None,
        };
        Some(Problem { place: Some(Place::Product(n)), error })
    });
    found.collect()
}

/// Every line whose SKU is short, with what all lines of it ask for together.
fn shortages(products: &[Option<Product>], (demand, levels): (&Demand, &BTreeMap<Sku, i64>)) -> Vec<Problem> {
    let found = products.iter().enumerate().filter_map(|(n, product)| {
        let sku = &product.as_ref()?.sku;
        let requested = demand.get(sku).copied().unwrap_or_default();
        let available = levels.get(sku).copied().unwrap_or_default();
        let short = Shortage { sku: sku.clone(), requested, available };
        let error = || Refusal::InsufficientStock(vec![short]).into();
        (requested > available).then(|| Problem { place: Some(Place::Quantity(n)), error: error() })
    });
    found.collect()
}

/// The refusal of a request that names a product which does not exist.
#[must_use]
pub fn unknown_product(field: impl Into<String>, id: &ProductId) -> ApiError {
    let violation = Violations::one(field, Reason::ProductUnknown.as_str(), "there is no such product");
    ApiError::from(violation).with_metadata("product_id", id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_product_is_bad_input_with_a_reason_of_its_own() {
        let error = unknown_product("lines[1].product_id", &ProductId::parse("nowhere").unwrap());
        assert_eq!(error.reason(), Reason::ProductUnknown);
        assert_eq!(error.fields()[0].field, "lines[1].product_id");
        assert_eq!(error.metadata()["product_id"], "nowhere");
    }

    #[test]
    fn places_have_paths() {
        assert_eq!(Place::Quantity(2).path("items"), "items[2].quantity");
        assert_eq!(Place::Product(0).path("lines"), "lines[0].product_id");
    }
}
