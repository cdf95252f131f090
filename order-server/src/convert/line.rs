//! Lines of orders.

use std::collections::{BTreeMap, BTreeSet};

use order_api::v1;
use order_core::{
    cart::CartItem,
    currency::Currency,
    ids::ProductId,
    limits,
    money::Money,
    order::{Counters, Line, LineQuantity},
    quantity::Quantity,
    violation::{Violations, reason},
};

use super::{ids, int32, money, quantity};

/// A line that somebody asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WantedLine {
    /// Which product.
    pub product_id: ProductId,
    /// How many.
    pub quantity: Quantity,
    /// The price of one unit that the caller saw, if it must not have changed.
    pub expected_unit_price: Option<Money>,
    /// Taken off the whole line by hand.
    pub discount: Option<Money>,
}

impl WantedLine {
    /// What is in a cart, at whatever it costs now.
    #[must_use]
    pub fn of_item(item: &CartItem) -> Self {
        let (product_id, quantity) = (item.product_id.clone(), item.quantity);
        Self { product_id, quantity, expected_unit_price: None, discount: None }
    }
}

/// Reads the lines of an order: 1 to 100. A product may stand in several of them, as long as they add up to no more than a
/// single line may hold.
pub fn wanted(lines: &[v1::OrderLineInput], violations: &mut Violations) -> Option<Vec<WantedLine>> {
    wanted_in("lines", lines, violations)
}

/// The same, from a field of another name.
pub fn wanted_in(list: &str, lines: &[v1::OrderLineInput], violations: &mut Violations) -> Option<Vec<WantedLine>> {
    if lines.is_empty() {
        violations.push(list, reason::REQUIRED, "must have at least one line");
        return None;
    }
    let read = each_line(lines, list, want, violations)?;
    let before = violations.len();
    check_sums(list, &read, violations);
    (violations.len() == before).then_some(read)
}

/// Reads units of an order's lines: at most 100 entries, each line once.
pub fn quantities(lines: &[v1::LineQuantity], field: &str, violations: &mut Violations) -> Option<Vec<LineQuantity>> {
    let read = |line: &v1::LineQuantity, path: &str, violations: &mut Violations| {
        let line_id = line_id(line.line_id, &format!("{path}.line_id"), violations);
        let quantity = quantity::required(line.quantity, &format!("{path}.quantity"), violations);
        Some(LineQuantity { line_id: line_id?, quantity: quantity?.get() })
    };
    let lines = each_line(lines, field, read, violations)?;
    each_once(lines.iter().map(|line| line.line_id), field, violations)?;
    Some(lines)
}

/// Reads the number of a line.
pub fn line_id(id: i32, field: &str, violations: &mut Violations) -> Option<u32> {
    let read = u32::try_from(id).ok().filter(|id| *id > 0);
    if read.is_none() {
        violations.push(field, reason::OUT_OF_RANGE, "must be the number of a line, 1 or more");
    }
    read
}

/// Reads at most 100 entries, all of them even if some are wrong.
pub fn each_line<M, T>(
    entries: &[M],
    field: &str,
    read: impl Fn(&M, &str, &mut Violations) -> Option<T>,
    violations: &mut Violations,
) -> Option<Vec<T>> {
    if entries.len() > limits::LINES_PER_ORDER {
        let most = format!("must have at most {} entries", limits::LINES_PER_ORDER);
        violations.push(field, reason::TOO_MANY, most);
        return None;
    }
    let read: Vec<_> =
        entries.iter().enumerate().filter_map(|(n, entry)| read(entry, &format!("{field}[{n}]"), violations)).collect();
    (read.len() == entries.len()).then_some(read)
}

/// Refuses a line that is named twice: which of the two is meant, nobody knows.
pub fn each_once(ids: impl Iterator<Item = u32>, field: &str, violations: &mut Violations) -> Option<()> {
    let before = violations.len();
    let mut seen = BTreeSet::new();
    for (n, id) in ids.enumerate() {
        if !seen.insert(id) {
            violations.push(format!("{field}[{n}].line_id"), reason::DUPLICATE, "must name each line once");
        }
    }
    (violations.len() == before).then_some(())
}

fn want(line: &v1::OrderLineInput, path: &str, violations: &mut Violations) -> Option<WantedLine> {
    let product_id = ids::required(&line.product_id, ProductId::parse, &format!("{path}.product_id"), violations);
    let quantity = quantity::required(line.quantity, &format!("{path}.quantity"), violations);
    let field = format!("{path}.expected_unit_price");
    let expected_unit_price = money::optional_amount(line.expected_unit_price.as_ref(), &field, violations);
    let discount = money::optional_amount(line.discount.as_ref(), &format!("{path}.discount"), violations);
    Some(WantedLine {
        product_id: product_id?,
        quantity: quantity?,
        expected_unit_price: expected_unit_price?,
        discount: discount?,
    })
}

/// Discounts are in the currency of the order; `None` after a violation.
pub fn discounts_in(
    currency: Currency,
    (list, lines): (&str, &[WantedLine]),
    violations: &mut Violations,
) -> Option<()> {
    let before = violations.len();
    for (n, line) in lines.iter().enumerate() {
        if line.discount.is_some_and(|discount| discount.currency() != currency) {
            let description = format!("must be {currency}, the currency of the order");
            violations.push(format!("{list}[{n}].discount.currency_code"), reason::UNKNOWN_VALUE, description);
        }
    }
    (violations.len() == before).then_some(())
}

fn check_sums(list: &str, lines: &[WantedLine], violations: &mut Violations) {
    let mut sums = BTreeMap::<&ProductId, Quantity>::new();
    for (n, WantedLine { product_id, quantity, .. }) in lines.iter().enumerate() {
        let sum = sums.get(product_id).map_or(Ok(*quantity), |sum| sum.checked_add(*quantity));
        match sum {
            Ok(sum) => drop(sums.insert(product_id, sum)),
            Err(_too_many) => {
                let most =
                    format!("all lines of one product together must have at most {} units", limits::QUANTITY_MAX);
                violations.push(format!("{list}[{n}].quantity"), reason::OUT_OF_RANGE, most);
            }
        }
    }
}

/// A line on the wire.
#[must_use]
pub fn to_proto(line: &Line) -> v1::OrderLine {
    v1::OrderLine {
        line_id: int32(line.line_id),
        product_id: line.product_id.to_string(),
        sku: line.sku.to_string(),
        name: line.name.clone(),
        unit_price: Some(money::to_proto(line.unit_price)),
        quantity: int32(line.counters.ordered),
        subtotal: Some(money::to_proto(line.subtotal)),
        discount: Some(money::to_proto(line.discount)),
        tax: Some(money::to_proto(line.tax)),
        total: Some(money::to_proto(line.total)),
        tax_rate: line.tax_rate.clone(),
        tax_class: line.tax_class.clone(),
        counters: Some(counters(&line.counters)),
    }
}

fn counters(counters: &Counters) -> v1::LineCounters {
    v1::LineCounters {
        cancelled: int32(counters.cancelled),
        allocated: int32(counters.allocated),
        shipped: int32(counters.shipped),
        delivered: int32(counters.delivered),
        return_requested: int32(counters.return_requested),
        return_received: int32(counters.return_received),
        restocked: int32(counters.restocked),
        written_off: int32(counters.written_off),
        refunded: int32(counters.refunded),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(product_id: &str, quantity: i32) -> v1::OrderLineInput {
        v1::OrderLineInput { product_id: product_id.to_owned(), quantity, ..Default::default() }
    }

    fn violated(lines: &[v1::OrderLineInput]) -> Vec<String> {
        let mut violations = Violations::new();
        assert_eq!(wanted(lines, &mut violations), None);
        violations.into_iter().map(|found| found.field).collect()
    }

    #[test]
    fn every_wrong_line_is_named() {
        let lines = [line("", 0), line("p", 1), line("a b", -1), line("p", 10_001), line("p", i32::MAX)];
        let expected = [
            "lines[0].product_id",
            "lines[0].quantity",
            "lines[2].product_id",
            "lines[2].quantity",
            "lines[3].quantity",
            "lines[4].quantity",
        ];
        assert_eq!(violated(&lines), expected);
    }

    #[test]
    fn an_order_has_1_to_100_lines() {
        assert_eq!(violated(&[]), ["lines"]);
        assert_eq!(violated(&vec![line("p", 1); 101]), ["lines"]);
        assert_eq!(wanted(&vec![line("p", 1); 100], &mut Violations::new()).unwrap().len(), 100);
    }

    #[test]
    fn a_product_may_stand_in_several_lines_that_add_up_to_one_lines_bound() {
        assert!(wanted(&[line("p", 6_000), line("q", 6_000), line("p", 4_000)], &mut Violations::new()).is_some());
        assert_eq!(violated(&[line("p", 6_000), line("q", 6_000), line("p", 4_001)]), ["lines[2].quantity"]);
    }
}
