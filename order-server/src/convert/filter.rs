//! Which orders a list shows, and in which order.

use order_api::v1;
use order_core::{
    contact::Email,
    currency::Currency,
    ids::{CustomerId, OrderId, ProductId, Sku},
    money::Money,
    violation::{Violations, reason},
};
use order_store::{Direction, OrderFilter, OrderQuery, OrderSort, Scope};

use super::{ids, money, page, status, text, time};

/// The fields that the two lists of orders have in common; the messages have the same fields under the same names.
struct Common<'a> {
    order_by: &'a str,
    status: &'a [i32],
    payment_status: &'a [i32],
    fulfillment_status: &'a [i32],
    create_time: [Option<&'a prost_types::Timestamp>; 2],
    total: [Option<&'a order_api::Money>; 2],
    query: &'a str,
    customer_id: &'a str,
}

macro_rules! common {
    ($request:expr) => {
        Common {
            order_by: &$request.order_by,
            status: &$request.status,
            payment_status: &$request.payment_status,
            fulfillment_status: &$request.fulfillment_status,
            create_time: [$request.create_time_from.as_ref(), $request.create_time_to.as_ref()],
            total: [$request.min_total.as_ref(), $request.max_total.as_ref()],
            query: &$request.query,
            customer_id: &$request.customer_id,
        }
    };
}

/// Reads a list of orders within a scope, from its first page on.
pub fn query(request: &v1::ListOrdersRequest, scope: Scope, violations: &mut Violations) -> Option<OrderQuery> {
    read(page::size(request, violations), &common!(request), scope, violations)
}

/// Reads an administrator's list of orders, from its first page on.
pub fn admin_query(request: &v1::AdminServiceListOrdersRequest, violations: &mut Violations) -> Option<OrderQuery> {
    let query = read(page::size(request, violations), &common!(request), Scope::All, violations);
    let email = email(&request.email, violations);
    let product_id = ids::optional(&request.product_id, ProductId::parse, "product_id", violations);
    let sku = ids::optional(&request.sku, Sku::parse, "sku", violations);
    let mut query = query?;
    query.filter.email = email?;
    query.filter.product_id = product_id?;
    query.filter.sku = sku?;
    Some(query)
}

fn read(size: Option<u32>, given: &Common<'_>, scope: Scope, violations: &mut Violations) -> Option<OrderQuery> {
    let order_by = order_by(given.order_by, violations);
    let statuses = status::statuses(given.status, violations);
    let payment_statuses = status::payment_statuses(given.payment_status, violations);
    let fulfillment_statuses = status::fulfillment_statuses(given.fulfillment_status, violations);
    let create_time = create_time(given.create_time, violations);
    let total = total(given.total, violations);
    let words = text::words(given.query, violations);
    let customer_id = ids::optional(given.customer_id, CustomerId::parse, "customer_id", violations);
    let (sort, direction) = order_by?;
    let [created_from, created_before] = create_time?;
    let (currency, [total_min, total_max]) = total?;
    let (order_id, words) = named(words?);
    let filter = OrderFilter {
        statuses: statuses?,
        payment_statuses: payment_statuses?,
        fulfillment_statuses: fulfillment_statuses?,
        created_from,
        created_before,
        currency,
        total_min,
        total_max,
        customer_id: customer_id?,
        order_id,
        words,
        ..OrderFilter::of(scope)
    };
    Some(OrderQuery { filter, sort, direction, size: size?, after: None })
}

/// An order that is named by its whole id, and the words beside it.
fn named(mut words: Vec<String>) -> (Option<OrderId>, Vec<String>) {
    let named = words.iter().enumerate().find_map(|(n, word)| Some((n, OrderId::parse(word).ok()?)));
    let order_id = named.map(|(n, id)| {
        words.remove(n);
        id
    });
    (order_id, words)
}

/// Reads `create_time` or `total`, perhaps with ` desc` behind it.
fn order_by(text: &str, violations: &mut Violations) -> Option<(OrderSort, Direction)> {
    let mut words = text.split_whitespace();
    let sort = match words.next() {
        None => return Some((OrderSort::CreateTime, Direction::Descending)),
        Some("create_time") => Some(OrderSort::CreateTime),
        Some("total") => Some(OrderSort::Total),
        Some(_unknown) => None,
    };
    let direction = match words.next() {
        None => Some(Direction::Ascending),
        Some("desc") => Some(Direction::Descending),
        Some(_unknown) => None,
    };
    match (sort, direction, words.next()) {
        (Some(sort), Some(direction), None) => Some((sort, direction)),
        (Some(_) | None, Some(_) | None, Some(_) | None) => {
            let description = "must be create_time or total, perhaps with ` desc` after it";
            violations.push("order_by", reason::UNKNOWN_VALUE, description);
            None
        }
    }
}

fn create_time(
    [from, to]: [Option<&prost_types::Timestamp>; 2],
    violations: &mut Violations,
) -> Option<[Option<order_core::time::Timestamp>; 2]> {
    let from = time::optional(from, "create_time_from", violations);
    let to = time::optional(to, "create_time_to", violations);
    let (from, to) = (from?, to?);
    if matches!((from, to), (Some(from), Some(to)) if from >= to) {
        violations.push("create_time_to", reason::OUT_OF_RANGE, "must be after create_time_from");
        return None;
    }
    Some([from, to])
}

/// Both totals in one currency, which then is that of all orders found.
fn total(
    [min, max]: [Option<&order_api::Money>; 2],
    violations: &mut Violations,
) -> Option<(Option<Currency>, [Option<i64>; 2])> {
    let min = money::optional_amount(min, "min_total", violations);
    let max = money::optional_amount(max, "max_total", violations);
    let (min, max) = (min?, max?);
    if let (Some(min), Some(max)) = (min, max) {
        if min.currency() != max.currency() {
            violations.push("max_total.currency_code", reason::UNKNOWN_VALUE, "must be the currency of min_total");
            return None;
        }
        if min.minor() > max.minor() {
            violations.push("max_total", reason::OUT_OF_RANGE, "must not be less than min_total");
            return None;
        }
    }
    Some((min.or(max).map(Money::currency), [min.map(Money::minor), max.map(Money::minor)]))
}

/// Addresses are kept as they were typed and compared without regard to the case of ASCII letters.
fn email(text: &str, violations: &mut Violations) -> Option<Option<String>> {
    if text.is_empty() {
        return Some(None);
    }
    let email = Email::check(text, "email", violations)?;
    Some(Some(email.as_str().to_ascii_lowercase()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn usd(units: i64) -> Option<order_api::Money> {
        Some(order_api::Money { currency_code: "USD".into(), units, nanos: 0 })
    }

    fn violated(request: &v1::AdminServiceListOrdersRequest) -> Vec<String> {
        let mut violations = Violations::new();
        assert_eq!(admin_query(request, &mut violations), None);
        violations.into_iter().map(|found| found.field).collect()
    }

    #[test]
    fn nothing_given_means_all_of_the_scope_latest_first() {
        let read = query(&v1::ListOrdersRequest::default(), Scope::All, &mut Violations::new()).unwrap();
        assert_eq!(read.filter, OrderFilter::of(Scope::All));
        assert_eq!((read.sort, read.direction, read.size), (OrderSort::CreateTime, Direction::Descending, 50));
    }

    #[test]
    fn orderings_are_the_documented_ones() {
        let read = |text| order_by(text, &mut Violations::new());
        assert_eq!(read("total"), Some((OrderSort::Total, Direction::Ascending)));
        assert_eq!(read("total desc"), Some((OrderSort::Total, Direction::Descending)));
        assert_eq!(read("create_time"), Some((OrderSort::CreateTime, Direction::Ascending)));
        for wrong in ["name", "total asc", "total desc desc", "total, create_time", "desc", "total; DROP TABLE"] {
            assert_eq!(read(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn every_wrong_filter_is_named() {
        let time = |seconds| Some(prost_types::Timestamp { seconds, nanos: 0 });
        let request = v1::AdminServiceListOrdersRequest {
            page_size: -1,
            order_by: "name".into(),
            status: vec![0],
            payment_status: vec![77],
            fulfillment_status: vec![-1],
            create_time_from: time(10),
            create_time_to: time(10),
            min_total: usd(2),
            max_total: usd(1),
            query: "x".repeat(201),
            customer_id: "a b".into(),
            email: "nobody".into(),
            product_id: "a b".into(),
            sku: "a b".into(),
            ..Default::default()
        };
        let expected = [
            "page_size",
            "order_by",
            "status[0]",
            "payment_status[0]",
            "fulfillment_status[0]",
            "create_time_to",
            "max_total",
            "query",
            "customer_id",
            "email",
            "product_id",
            "sku",
        ];
        assert_eq!(violated(&request), expected);
    }

    #[test]
    fn totals_are_compared_in_one_currency() {
        let mut violations = Violations::new();
        let (currency, bounds) = total([None, usd(5).as_ref()], &mut violations).unwrap();
        assert_eq!((currency.unwrap().code(), bounds), ("USD", [None, Some(500)]));
        let eur = order_api::Money { currency_code: "EUR".into(), units: 9, nanos: 0 };
        assert_eq!(total([usd(5).as_ref(), Some(&eur)], &mut violations), None);
        assert_eq!(violations.iter().next().unwrap().field, "max_total.currency_code");
    }

    #[test]
    fn an_email_address_is_found_whatever_its_capitals() {
        assert_eq!(email("Ada@Example.COM", &mut Violations::new()), Some(Some("ada@example.com".into())));
    }
}
