//! OrderService.LookupOrder: for guests, who have no account that an order could belong to.

use order_api::v1;
use order_core::{
    contact::Email,
    error::{Refusal, ResourceKind},
    ids::OrderNumber,
    violation::reason,
};
use order_store::{OrderKey, Scope};

use crate::{
    app::App,
    convert::{checked, order},
    error::ApiError,
};

/// A guest's order by number and e-mail. Both are looked for in one statement, so that the answer and its time are the same
/// whichever of them is wrong.
///
/// # Errors
/// `INVALID_FIELD`, `ORDER_NOT_FOUND`.
pub(crate) async fn lookup_order(app: &App, request: v1::LookupOrderRequest) -> Result<v1::Order, ApiError> {
    let (number, email) = checked(|violations| {
        let number = OrderNumber::typed(&request.order_number);
        if number.is_none() {
            violations.push("order_number", reason::MALFORMED, "must be an order number such as SPK-2026-001001");
        }
        let email = Email::check(&request.email, "email", violations);
        Some((number?, email?.as_str().to_ascii_lowercase()))
    })?;
    let name = number.to_string();
    let key = OrderKey::NumberAndEmail(name.clone(), email);
    let order = app.store.order(key, Scope::All).await?;
    let order = order.ok_or_else(|| Refusal::not_found(ResourceKind::Order, name))?;
    Ok(order::single(order))
}
