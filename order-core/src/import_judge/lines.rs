//! Reads the lines of an order.

use std::collections::HashMap;

use super::{
    RawItem,
    findings::{Findings, quoted},
    reason::{Correction, RefusalReason},
};
use crate::{
    currency::Currency,
    ids::{IdError, ProductId, Sku},
    limits,
    money::Money,
    order::ImportLine,
    quantity::Quantity,
};

impl Findings {
    /// Reads the lines, all or none. A SKU that stands for several products is no matter: lines keep both texts, and an
    /// import moves no stock.
    pub(super) fn lines(&mut self, items: &[RawItem], currency: Currency) -> Option<Vec<ImportLine>> {
        if items.is_empty() {
            return self.unfit(RefusalReason::NoLines, "it has no lines");
        }
        let items = self.without_repeats(items)?;
        if items.len() > limits::LINES_PER_ORDER {
            let what = format!("it has {} lines, {} are allowed", items.len(), limits::LINES_PER_ORDER);
            return self.unfit(RefusalReason::TooManyLines, what);
        }
        // Every line is read before any failure counts, so that the message knows how many there are.
        let lines: Vec<_> = items.into_iter().map(|(n, item)| self.line(n, item, currency)).collect();
        lines.into_iter().collect()
    }

    /// The lines with their positions from 1, without those that came before under the same id and with the same content:
    /// joins gone wrong leave such rows behind. Lines without an id are all different.
    fn without_repeats<'a>(&mut self, items: &'a [RawItem]) -> Option<Vec<(usize, &'a RawItem)>> {
        let mut by_id: HashMap<&str, &RawItem> = HashMap::new();
        let mut kept = Vec::new();
        for (n, item) in (1..).zip(items) {
            let id = item.external_id.trim();
            match by_id.get(id).filter(|_| !id.is_empty()) {
                Some(first) if *first == item => self.correct(Correction::LineRepeated),
                Some(_) => {
                    let what = format!("line id {} came twice with different content", quoted(id));
                    return self.unfit(RefusalReason::DuplicateLine, what);
                }
                None => {
                    by_id.insert(id, item);
                    kept.push((n, item));
                }
            }
        }
        Some(kept)
    }

    fn line(&mut self, n: usize, item: &RawItem, currency: Currency) -> Option<ImportLine> {
        let product_id = self.product(n, &item.product_id, ProductId::parse);
        let sku = self.product(n, &item.sku, Sku::parse);
        let quantity = self.quantity(n, &item.quantity);
        let unit_price = self.unit_price(n, &item.unit_price, currency);
        let product_id = product_id?;
        let name = product_id.as_str().to_owned();
        Some(ImportLine { product_id, sku: sku?, name, quantity: quantity?, unit_price: unit_price? })
    }

    fn product<T>(&mut self, n: usize, text: &str, parse: fn(&str) -> Result<T, IdError>) -> Option<T> {
        self.key((&format!("line {n}: product or SKU"), RefusalReason::BadProduct), text, parse)
    }

    fn quantity(&mut self, n: usize, text: &str) -> Option<Quantity> {
        let text = self.trimmed(text);
        // What tables with gaps make of whole numbers.
        let whole =
            text.split_once('.').filter(|(_, zeros)| !zeros.is_empty() && zeros.bytes().all(|digit| digit == b'0'));
        let digits = whole.map_or(text, |(units, _)| units);
        let plain = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
        match digits.parse::<i64>().ok().filter(|_| plain).and_then(|units| Quantity::new(units).ok()) {
            Some(quantity) => {
                if whole.is_some() {
                    self.correct(Correction::QuantityDecimal);
                }
                Some(quantity)
            }
            None => {
                let what = format!("line {n}: quantity {} is not 1 to {} units", quoted(text), limits::QUANTITY_MAX);
                self.unfit(RefusalReason::BadQuantity, what)
            }
        }
    }

    fn unit_price(&mut self, n: usize, text: &str, currency: Currency) -> Option<Money> {
        let text = self.trimmed(text);
        let price = Money::from_decimal_str(text, currency);
        match price {
            Ok(price) if (0..=limits::UNIT_PRICE_MINOR_MAX).contains(&price.minor()) => Some(price),
            Ok(_) => {
                let what = format!("line {n}: price {} is negative or beyond the limit", quoted(text));
                self.unfit(RefusalReason::BadPrice, what)
            }
            Err(error) => {
                self.unfit(RefusalReason::BadPrice, format!("line {n}: price {} {currency}: {error}", quoted(text)))
            }
        }
    }
}
