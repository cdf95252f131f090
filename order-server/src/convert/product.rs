//! Products.

use std::collections::BTreeSet;

use order_api::v1;
use order_core::{
    ids::{ProductId, Sku},
    limits,
    money::Money,
    product::{Product, ProductDraft},
    text,
    violation::{Violations, reason},
};

use super::{etag, ids, money, time};

/// The tax class of products that name none.
const STANDARD_TAX_CLASS: &str = "standard";

/// A product that somebody wants to add or change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Upsert {
    /// The product as it should be.
    pub draft: ProductDraft,
    /// The revision that the caller has seen, if it must not have changed since.
    pub expected_revision: Option<i64>,
}

/// A product on the wire.
#[must_use]
pub fn to_proto(product: &Product) -> v1::Product {
    v1::Product {
        product_id: product.id.to_string(),
        sku: product.sku.to_string(),
        name: product.name.clone(),
        description: product.description.clone(),
        price: Some(money::to_proto(product.price)),
        tax_class: product.tax_class.clone(),
        active: product.active,
        etag: etag::to_text(product.revision),
        create_time: Some(time::to_proto(product.create_time)),
        update_time: Some(time::to_proto(product.update_time)),
    }
}

/// Reads products: 1 to 500, each id and each SKU once.
pub fn upserts(products: Vec<v1::ProductUpsert>, violations: &mut Violations) -> Option<Vec<Upsert>> {
    if products.is_empty() {
        violations.push("products", reason::REQUIRED, "must have at least one product");
        return None;
    }
    if products.len() > limits::UPSERT_PRODUCTS {
        let most = format!("must have at most {} products", limits::UPSERT_PRODUCTS);
        violations.push("products", reason::TOO_MANY, most);
        return None;
    }
    let before = violations.len();
    let read = |(n, product)| upsert(product, &format!("products[{n}]"), violations);
    let upserts: Vec<Option<Upsert>> = products.into_iter().enumerate().map(read).collect();
    check_duplicates(&upserts, violations);
    (violations.len() == before).then(|| upserts.into_iter().flatten().collect())
}

fn upsert(upsert: v1::ProductUpsert, field: &str, violations: &mut Violations) -> Option<Upsert> {
    let initial_stock = upsert.initial_stock.unwrap_or_default();
    let stock_fits = (0..=limits::STOCK_UNITS_MAX).contains(&initial_stock);
    if !stock_fits {
        let range = format!("must be 0 to {} units", limits::STOCK_UNITS_MAX);
        violations.push(format!("{field}.initial_stock"), reason::OUT_OF_RANGE, range);
    }
    let field = format!("{field}.product");
    let Some(product) = upsert.product else {
        violations.push(field, reason::REQUIRED, "must be set");
        return None;
    };
    let expected_revision = etag::optional(&product.etag, &format!("{field}.etag"), violations);
    let draft = draft(product, (&field, initial_stock), violations);
    Some(Upsert { draft: draft?, expected_revision: expected_revision? }).filter(|_| stock_fits)
}

/// Reads a product, found at a field, and how many of it are received.
pub(crate) fn draft(
    product: v1::Product,
    (field, initial_stock): (&str, i64),
    violations: &mut Violations,
) -> Option<ProductDraft> {
    let path = |name: &str| format!("{field}.{name}");
    let id = ids::required(&product.product_id, ProductId::parse, &path("product_id"), violations);
    let sku = ids::required(&product.sku, Sku::parse, &path("sku"), violations);
    let name = text::NAME.check(&product.name, &path("name"), violations);
    let description = text::DESCRIPTION.check(&product.description, &path("description"), violations);
    let price = price(product.price.as_ref(), &path("price"), violations);
    let tax_class = tax_class(&product.tax_class, &path("tax_class"), violations);
    Some(ProductDraft {
        id: id?,
        sku: sku?,
        name: name?,
        description: description?,
        price: price?,
        tax_class: tax_class?,
        active: product.active,
        initial_stock,
    })
}

fn price(price: Option<&order_api::Money>, field: &str, violations: &mut Violations) -> Option<Money> {
    let price = money::amount(price, field, violations)?;
    if price.minor() > limits::UNIT_PRICE_MINOR_MAX {
        let most = Money::new(limits::UNIT_PRICE_MINOR_MAX, price.currency());
        violations.push(field, reason::OUT_OF_RANGE, format!("must be at most {most}"));
        return None;
    }
    Some(price)
}

/// Tax classes share the alphabet of keys: rules name them in a file.
fn tax_class(text: &str, field: &str, violations: &mut Violations) -> Option<String> {
    let class = ids::optional(text, Sku::parse, field, violations)?;
    Some(class.map_or_else(|| STANDARD_TAX_CLASS.to_owned(), |class| class.to_string()))
}

fn check_duplicates(upserts: &[Option<Upsert>], violations: &mut Violations) {
    let (mut ids, mut skus) = (BTreeSet::new(), BTreeSet::new());
    for (n, draft) in upserts.iter().enumerate().filter_map(|(n, upsert)| Some((n, &upsert.as_ref()?.draft))) {
        if !ids.insert(&draft.id) {
            violations.push(format!("products[{n}].product.product_id"), reason::DUPLICATE, "must be named once");
        }
        if !skus.insert(&draft.sku) {
            violations.push(format!("products[{n}].product.sku"), reason::DUPLICATE, "must be named once");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn product(id: &str) -> v1::Product {
        v1::Product {
            product_id: id.to_owned(),
            sku: format!("SKU-{id}"),
            name: "Vampire Costume Deluxe".to_owned(),
            price: Some(order_api::Money { currency_code: "USD".into(), units: 49, nanos: 990_000_000 }),
            active: true,
            ..Default::default()
        }
    }

    fn upsert(product: v1::Product) -> v1::ProductUpsert {
        v1::ProductUpsert { product: Some(product), initial_stock: Some(10) }
    }

    fn violated(products: Vec<v1::ProductUpsert>) -> Vec<String> {
        let mut violations = Violations::new();
        assert_eq!(upserts(products, &mut violations), None);
        violations.into_iter().map(|found| found.field).collect()
    }

    #[test]
    fn a_product_without_a_tax_class_is_standard() {
        let read = upserts(vec![upsert(product("a"))], &mut Violations::new()).unwrap();
        assert_eq!(read[0].draft.tax_class, "standard");
        assert_eq!(read[0].draft.initial_stock, 10);
        assert_eq!(read[0].expected_revision, None);
    }

    #[test]
    fn every_wrong_field_of_every_product_is_named() {
        let expensive = order_api::Money { currency_code: "USD".into(), units: i64::MAX / 100, nanos: 0 };
        let wrong = v1::Product {
            product_id: "a b".into(),
            sku: String::new(),
            name: "x".repeat(201),
            price: Some(expensive),
            tax_class: "re duced".into(),
            etag: "garbage".into(),
            ..product("a")
        };
        let wrong = v1::ProductUpsert { product: Some(wrong), initial_stock: Some(-1) };
        let missing = v1::ProductUpsert { product: None, initial_stock: None };
        let paths = violated(vec![upsert(product("ok")), wrong, missing]);
        let expected = [
            "products[1].initial_stock",
            "products[1].product.etag",
            "products[1].product.product_id",
            "products[1].product.sku",
            "products[1].product.name",
            "products[1].product.price",
            "products[1].product.tax_class",
            "products[2].product",
        ];
        assert_eq!(paths, expected);
    }

    #[test]
    fn ids_and_skus_are_named_once() {
        let same_sku = v1::Product { sku: "SKU-a".into(), ..product("b") };
        let paths = violated(vec![upsert(product("a")), upsert(product("a")), upsert(same_sku)]);
        assert_eq!(paths, ["products[1].product.product_id", "products[1].product.sku", "products[2].product.sku"]);
        assert_eq!(violated(vec![]), ["products"]);
        assert_eq!(violated(vec![upsert(product("a")); 501]), ["products"]);
    }
}
