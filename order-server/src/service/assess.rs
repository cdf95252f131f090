//! What some lines cost at this moment, and what would keep them from being ordered. For looking only: a cart and a quote
//! show what ordering would refuse, with the same reasons, and hold nothing.
//!
//! A neighbour that is down is an error here, never an empty shelf or a product that does not exist.

use std::collections::{BTreeMap, BTreeSet};

use order_core::{
    currency::Currency,
    error::Refusal,
    ids::{ProductId, Sku},
    pricing::{self, Destination, PricedLine, Pricing, PricingInput, PricingLine},
    product::Product,
    quantity::Quantity,
    stock::{self, Demand, Shortage, StockLevel},
    violation::Violations,
};

use crate::{
    app::App,
    error::{ApiError, Reason},
};

/// What is to be assessed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// Products and how many of each, in the caller's order.
    pub lines: Vec<(ProductId, Quantity)>,
    /// The currency of the whole.
    pub currency: Currency,
    /// Where it goes, as far as it is known.
    pub destination: Destination,
}

/// What came out.
#[derive(Debug, Clone)]
pub struct Assessment {
    /// One for each wanted line, in their order.
    pub lines: Vec<AssessedLine>,
    /// What those lines cost that can be priced.
    pub pricing: Pricing,
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
/// `CATALOG_UNAVAILABLE`, `INVENTORY_UNAVAILABLE`.
pub async fn assess(app: &App, wanted: &Wanted) -> Result<Assessment, ApiError> {
    let products = products(app, wanted).await?;
    let demand = stock::demand(
        products.iter().zip(&wanted.lines).filter_map(|(found, (_, units))| Some((&found.as_ref()?.sku, units.get()))),
    );
    let levels = levels(app, &demand).await?;
    let (pricing, priced) = price(app, wanted, &products)?;
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
    Ok(Assessment { lines, pricing, problems })
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
pub(crate) fn pricing_line(product: &Product, quantity: Quantity) -> PricingLine {
    PricingLine {
        product_id: product.id.to_string(),
        unit_price: product.price,
        quantity,
        tax_class: product.tax_class.clone(),
    }
}

/// The product of each line, where there is one.
async fn products(app: &App, wanted: &Wanted) -> Result<Vec<Option<Product>>, ApiError> {
    let found = find(app, wanted.lines.iter().map(|(id, _)| id)).await?;
    Ok(wanted.lines.iter().map(|(id, _)| found.get(id).cloned()).collect())
}

/// What can be ordered of each SKU. A SKU that the inventory does not know has nothing on its shelf.
async fn levels(app: &App, demand: &Demand) -> Result<BTreeMap<Sku, i64>, ApiError> {
    if demand.is_empty() {
        return Ok(BTreeMap::new());
    }
    let skus: Vec<_> = demand.keys().cloned().collect();
    let levels = app.inventory.levels(&skus).await?;
    Ok(levels.into_iter().map(|level| (level.sku.clone(), StockLevel::available(&level))).collect())
}

/// Prices the lines that have a price in the currency of the whole.
fn price(
    app: &App,
    wanted: &Wanted,
    products: &[Option<Product>],
) -> Result<(Pricing, Vec<Option<PricedLine>>), ApiError> {
    let priceable =
        |product: &Option<Product>| product.as_ref().is_some_and(|product| product.price.currency() == wanted.currency);
    let known = products.iter().zip(&wanted.lines).filter(|(product, _)| priceable(product));
    let input = PricingInput {
        currency: wanted.currency,
        destination: wanted.destination.clone(),
        lines: known.filter_map(|(product, (_, quantity))| Some(pricing_line(product.as_ref()?, *quantity))).collect(),
        order_discount: None,
    };
    // Quantities and products were checked when they were read: a price that cannot be calculated is our catalogue's fault.
    let pricing = pricing::price(&app.rules, &input).map_err(|error| ApiError::internal(&error))?;
    let mut priced = pricing.lines.iter().cloned();
    let lines = products.iter().map(|product| if priceable(product) { priced.next() } else { None }).collect();
    Ok((pricing, lines))
}

/// Products that are unknown, not for sale, or priced in another currency.
fn product_problems(wanted: &Wanted, products: &[Option<Product>]) -> Vec<Problem> {
    let found = products.iter().zip(&wanted.lines).enumerate().filter_map(|(n, (product, (id, _)))| {
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
