//! OrderService.CreateOrder.

use std::sync::Arc;

use order_api::v1;
use order_core::{ids::CustomerId, money::Money, order::Owner};
use order_store::Mode;

use super::{
    offer::Wanted,
    placing::{Placing, place_order, preview, until_still},
};
use crate::{
    app::App,
    auth::{Principal, Role},
    convert::{actor, checked, line::WantedLine, order, order_request, request},
    error::{ApiError, Reason},
    service::call,
};

/// Places an order of some lines and carries out its payment.
///
/// # Errors
/// `INVALID_FIELD`, `ROLE_REQUIRED`, `PRODUCT_NOT_FOUND`, `PRODUCT_INACTIVE`, `COUPON_NOT_APPLICABLE`, `PRICE_CHANGED`,
/// `INSUFFICIENT_STOCK`, `REQUEST_ID_REUSED`, and what is down. A declined payment is no error: the order exists, and says so.
pub(crate) async fn create_order(
    app: &Arc<App>,
    principal: &Principal,
    message: v1::CreateOrderRequest,
) -> Result<v1::Order, ApiError> {
    let mode = call::mode(message.validate_only);
    let (request, create) = checked(|violations| {
        let request = request::optional(&message, (principal, app.clock.now()), violations);
        let create = order_request::create(message, app.currency, violations);
        Some((request?, create?))
    })?;
    may_discount(principal, (&create.lines, create.discount))?;
    let placing = Placing {
        context: app.context(principal, request::id(request.as_ref()), None),
        owner: buyer(principal, create.customer_id)?,
        wanted: Wanted {
            list: "lines",
            lines: create.lines,
            currency: create.currency,
            destination: (&create.particulars.shipping_address).into(),
            discount: create.discount,
            expected_total: create.particulars.expected_total,
        },
        particulars: create.particulars,
        cart: None,
        request,
    };
    match mode {
        Mode::Preview => Ok(order::hypothetical(preview(app, &placing).await?)),
        Mode::Apply => Ok(order::single(until_still(|age| place_order(app, &placing, age)).await?)),
    }
}

/// Who may take something off a price by hand: services and administrators. Others buy at the prices that there are.
///
/// # Errors
/// `ROLE_REQUIRED` for a customer or guest who names a discount, of the order or of a line.
pub(super) fn may_discount(
    principal: &Principal,
    (lines, of_order): (&[WantedLine], Option<Money>),
) -> Result<(), ApiError> {
    let none = of_order.is_none() && lines.iter().all(|line| line.discount.is_none());
    match principal.role() {
        Some(Role::Service | Role::Admin) => Ok(()),
        Some(Role::Customer) | None if none => Ok(()),
        Some(Role::Customer) | None => {
            Err(ApiError::new(Reason::RoleRequired, "only services and administrators give discounts"))
        }
    }
}

/// Whose order it becomes: customers and guests buy for themselves, services and administrators for the customer they name,
/// or for a guest if they name none.
///
/// # Errors
/// `ROLE_REQUIRED` for a customer or guest who names somebody else.
pub(super) fn buyer(principal: &Principal, named: Option<CustomerId>) -> Result<Owner, ApiError> {
    match (actor::owner(principal), named) {
        (Some(own), None) => Ok(own),
        (Some(own), Some(named)) if own.customer_id() == Some(&named) => Ok(own),
        (Some(_), Some(_)) => {
            Err(ApiError::new(Reason::RoleRequired, "only services and administrators order for others"))
        }
        (None, named) => Ok(named.map_or(Owner::Guest, Owner::Customer)),
    }
}
