//! What a client hears when the domain says no.

use std::fmt::Display;

use order_core::{
    error::{BarredStatus, DomainError, PriceDifference, Refusal, ResourceKind},
    ids::ProductId,
    ports::{Lack, Unavailable},
    stock::Shortage,
    violation::Violations,
};

use super::{ApiError, Precondition, Reason, Resource, store::RETRY_SOON};

impl From<Violations> for ApiError {
    fn from(violations: Violations) -> Self {
        Self::invalid(violations)
    }
}

impl From<DomainError> for ApiError {
    fn from(error: DomainError) -> Self {
        match error {
            DomainError::Invalid(violations) => violations.into(),
            DomainError::Refused(refusal) => refusal.into(),
        }
    }
}

impl From<Unavailable> for ApiError {
    fn from(down: Unavailable) -> Self {
        match down.lack {
            Lack::Down => {}
            Lack::TimeOver => return Self::deadline_exceeded(),
            Lack::Overloaded => return order_store::StoreError::Overloaded { retry_after: None }.into(),
        }
        tracing::warn!(neighbour = down.neighbour, detail = down.detail, "a neighbour is not available");
        let reason = match down.neighbour {
            // What is embedded is down when our own database is.
            "database" => return order_store::StoreError::Unavailable(down.detail).into(),
            "catalog" => Reason::CatalogUnavailable,
            "inventory" => Reason::InventoryUnavailable,
            "payment" => Reason::PaymentUnavailable,
            "shipping" => Reason::ShippingUnavailable,
            "nats" | "webhook" => Reason::PublisherUnavailable,
            _ => Reason::NotificationUnavailable,
        };
        Self::new(reason, format!("the {} service does not answer; try again shortly", down.neighbour))
            .with_metadata("dependency", down.neighbour)
            .with_retry_after(RETRY_SOON)
    }
}

impl From<Refusal> for ApiError {
    fn from(refusal: Refusal) -> Self {
        let message = refusal.to_string();
        let error = |reason| Self::new(reason, message);
        match refusal {
            Refusal::NotFound { kind, name } => not_found(error(not_found_reason(kind)), kind, name),
            Refusal::RequestIdReused => error(Reason::RequestIdReused),
            Refusal::EtagMismatch { current } => error(Reason::EtagMismatch).with_metadata("etag", current),
            Refusal::IllegalTransition { order_id, state, command, reason, legal } => error(Reason::IllegalTransition)
                .with_metadata("order_id", order_id)
                .with_metadata("state", state)
                .with_metadata("command", command)
                .with_metadata("legal", listed(&legal))
                .with_precondition(condition("STATE", order_id, reason)),
            Refusal::IllegalStatus { order_id, current, wanted, reason, legal, barred } => {
                let refused = error(Reason::IllegalTransition)
                    .with_metadata("order_id", order_id)
                    .with_metadata("status", current)
                    .with_metadata("requested_status", wanted)
                    .with_metadata("legal", listed(&legal))
                    .with_precondition(condition("STATE", order_id, reason));
                barred.into_iter().fold(refused, barred_status)
            }
            Refusal::InsufficientStock(shortages) => numbered(error(Reason::InsufficientStock), &shortages, shortage),
            Refusal::PriceChanged(differences) => numbered(error(Reason::PriceChanged), &differences, price),
            Refusal::ProductInactive(products) => numbered(error(Reason::ProductInactive), &products, inactive),
            Refusal::CartEmpty => error(Reason::CartEmpty),
            Refusal::CartClosed { state } => error(Reason::CartClosed).with_metadata("state", state),
            Refusal::CartFull { max } | Refusal::QuantityTooLarge { max } => {
                error(Reason::CartFull).with_metadata("max", max)
            }
            Refusal::CurrencyMismatch { cart, product } => {
                error(Reason::CurrencyMismatch).with_metadata("cart", cart).with_metadata("product", product)
            }
            Refusal::PaymentDeclined { order_id, code } => {
                error(Reason::PaymentDeclined).with_metadata("order_id", order_id).with_metadata("decline_code", code)
            }
            Refusal::PaymentInProgress { order_id } => {
                error(Reason::PaymentInProgress).with_metadata("order_id", order_id)
            }
            Refusal::AmountExceeded { limit, requested, available } => error(Reason::AmountExceeded)
                .with_metadata("requested", requested)
                .with_metadata("available", available)
                .with_precondition(condition("AMOUNT", requested, format!("{available} is {}", limit.noun()))),
            Refusal::LineQuantityExceeded { line_id, requested, available, .. } => error(Reason::LineQuantityExceeded)
                .with_metadata("line_id", line_id)
                .with_metadata("requested", requested)
                .with_metadata("available", available)
                .with_precondition(condition(
                    "QUANTITY",
                    line_id,
                    format!("{requested} requested, {available} available"),
                )),
            Refusal::CouponNotApplicable { code, problem } => error(Reason::CouponNotApplicable)
                .with_metadata("coupon_code", &code)
                .with_metadata("problem", problem)
                .with_precondition(condition("COUPON", code, problem.describe())),
            Refusal::PricingStale | Refusal::Unreserved(_) => error(Reason::Contended).with_retry_after(RETRY_SOON),
            Refusal::StockPromised { sku, on_hand, promised } => error(Reason::StockPromised)
                .with_metadata("sku", sku)
                .with_metadata("on_hand", on_hand)
                .with_metadata("promised", promised),
            Refusal::SkuTaken { sku, product_id } => {
                error(Reason::SkuTaken).with_metadata("sku", sku).with_metadata("product_id", product_id)
            }
        }
    }
}

const fn not_found_reason(kind: ResourceKind) -> Reason {
    match kind {
        ResourceKind::Order => Reason::OrderNotFound,
        ResourceKind::Cart => Reason::CartNotFound,
        ResourceKind::CartItem => Reason::CartItemNotFound,
        ResourceKind::Product => Reason::ProductNotFound,
        ResourceKind::Stock => Reason::StockNotFound,
        ResourceKind::OrderLine => Reason::OrderLineNotFound,
        ResourceKind::Shipment => Reason::ShipmentNotFound,
        ResourceKind::Return => Reason::ReturnNotFound,
        ResourceKind::Payment => Reason::PaymentNotFound,
        ResourceKind::PaymentOperation => Reason::PaymentOperationNotFound,
        ResourceKind::Coupon => Reason::CouponNotFound,
    }
}

fn not_found(error: ApiError, kind: ResourceKind, name: String) -> ApiError {
    let kind = match kind {
        ResourceKind::Order => "orders.v1.Order",
        ResourceKind::Cart => "orders.v1.Cart",
        ResourceKind::CartItem => "orders.v1.CartItem",
        ResourceKind::Product => "orders.v1.Product",
        ResourceKind::Stock => "orders.v1.StockLevel",
        ResourceKind::OrderLine => "orders.v1.OrderLine",
        ResourceKind::Shipment => "orders.v1.Shipment",
        ResourceKind::Return => "orders.v1.OrderReturn",
        ResourceKind::Payment => "orders.v1.Payment",
        ResourceKind::PaymentOperation => "orders.v1.PaymentOperation",
        ResourceKind::Coupon => "orders.v1.Coupon",
    };
    error.with_resource(Resource { kind, name })
}

fn condition(kind: &'static str, subject: impl Display, description: impl Into<String>) -> Precondition {
    Precondition { kind, subject: subject.to_string(), description: description.into() }
}

fn listed(words: &[impl Display]) -> String {
    words.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

fn barred_status(error: ApiError, barred: BarredStatus) -> ApiError {
    error.with_precondition(condition("STATUS", barred.status, barred.reason))
}

/// One thing that stands in the way: the condition, and its facts for programs.
struct Obstacle {
    condition: Precondition,
    facts: Vec<(&'static str, String)>,
}

/// Adds every obstacle. The facts of the first stand under their plain names, those of the n-th after it under
/// `name_n`: most refusals have one, and a program reads it without counting.
fn numbered<T>(mut error: ApiError, things: &[T], describe: fn(&T) -> Obstacle) -> ApiError {
    for (n, thing) in things.iter().enumerate() {
        let Obstacle { condition, facts } = describe(thing);
        error = error.with_precondition(condition);
        if n >= OBSTACLES_WITH_FACTS {
            continue;
        }
        for (name, value) in facts {
            let key = if n == 0 { name.to_owned() } else { format!("{name}_{n}") };
            error = error.with_metadata(key, value);
        }
    }
    error.with_metadata("count", things.len())
}

/// Metadata shares the trailers with everything else; the conditions name the others.
const OBSTACLES_WITH_FACTS: usize = 10;

fn shortage(short: &Shortage) -> Obstacle {
    let description = format!("{} requested, {} available", short.requested, short.available);
    Obstacle {
        condition: condition("STOCK", &short.sku, description),
        facts: vec![
            ("sku", short.sku.to_string()),
            ("requested", short.requested.to_string()),
            ("available", short.available.to_string()),
        ],
    }
}

fn price(difference: &PriceDifference) -> Obstacle {
    let subject = difference.product_id.as_ref().map_or("total", ProductId::as_str).to_owned();
    let description = format!("expected {}, is {}", difference.expected, difference.actual);
    Obstacle {
        condition: condition("PRICE", &subject, description),
        facts: vec![
            ("subject", subject),
            ("expected", difference.expected.to_string()),
            ("actual", difference.actual.to_string()),
        ],
    }
}

fn inactive(product: &ProductId) -> Obstacle {
    Obstacle {
        condition: condition("PRODUCT", product, "not for sale"),
        facts: vec![("product_id", product.to_string())],
    }
}

#[cfg(test)]
mod tests {
    use order_core::ids::{OrderId, Sku};
    use tonic::Code;
    use tonic_types::StatusExt;

    use super::*;

    #[test]
    fn a_shortage_says_what_was_asked_and_what_is_there() {
        let short = |sku: &str| Shortage { sku: Sku::parse(sku).unwrap(), requested: 3, available: 2 };
        let status = ApiError::from(Refusal::InsufficientStock(vec![short("A"), short("B")])).into_status();
        assert_eq!(status.code(), Code::Aborted);
        let details = status.get_error_details();
        let metadata = &details.error_info().unwrap().metadata;
        assert_eq!(
            (metadata["sku"].as_str(), metadata["requested"].as_str(), metadata["available"].as_str()),
            ("A", "3", "2")
        );
        assert_eq!((metadata["sku_1"].as_str(), metadata["count"].as_str()), ("B", "2"));
        assert_eq!(details.precondition_failure().unwrap().violations.len(), 2);
    }

    #[test]
    fn an_unknown_order_is_a_resource() {
        let status = ApiError::from(Refusal::not_found(ResourceKind::Order, "x")).into_status();
        assert_eq!(status.code(), Code::NotFound);
        let resource = status.get_details_resource_info().unwrap();
        assert_eq!((resource.resource_type.as_str(), resource.resource_name.as_str()), ("orders.v1.Order", "x"));
    }

    #[test]
    fn a_stale_etag_comes_with_the_current_one() {
        let status = ApiError::from(Refusal::EtagMismatch { current: 7 }).into_status();
        assert_eq!(
            (status.code(), status.get_details_error_info().unwrap().metadata["etag"].as_str()),
            (Code::Aborted, "7")
        );
    }

    #[test]
    fn a_declined_payment_tells_the_gateways_code() {
        let order_id = OrderId::parse("018f4e9a-7b1c-7c3e-9d2a-5b6c7d8e9f01").unwrap();
        let error = ApiError::from(Refusal::PaymentDeclined { order_id, code: "do_not_honour".into() });
        assert_eq!(error.into_status().get_details_error_info().unwrap().metadata["decline_code"], "do_not_honour");
    }

    #[test]
    fn a_neighbour_that_is_down_is_named_and_its_detail_stays_inside() {
        let down = Unavailable { neighbour: "catalog", lack: Lack::Down, detail: "tcp://10.0.0.7 refused".into() };
        let status = ApiError::from(down).into_status();
        assert_eq!(status.code(), Code::Unavailable);
        assert_eq!(status.get_details_error_info().unwrap().reason, "CATALOG_UNAVAILABLE");
        assert!(!format!("{status:?}").contains("10.0.0.7"));
    }
}
