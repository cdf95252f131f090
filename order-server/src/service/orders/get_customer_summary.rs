//! OrderService.GetCustomerSummary.

use order_api::v1;
use order_core::ids::CustomerId;
use order_store::{OrderKey, Scope};

use crate::{
    app::App,
    auth::Principal,
    convert::{actor, checked, ids, summary},
    error::{ApiError, Reason},
};

/// Days that count as recent.
const RECENT_DAYS: i64 = 30;

/// What one customer has ordered. Customers may ask for themselves only.
///
/// # Errors
/// `INVALID_FIELD`, `ROLE_REQUIRED`, which is said of every other customer, whether or not there is one.
pub(crate) async fn get_customer_summary(
    app: &App,
    principal: &Principal,
    request: v1::GetCustomerSummaryRequest,
) -> Result<v1::CustomerSummary, ApiError> {
    let id = checked(|v| ids::required(&request.customer_id, CustomerId::parse, "customer_id", v))?;
    let visible = match actor::scope(principal) {
        Some(Scope::All) => true,
        Some(Scope::Customer(own)) => own == id,
        Some(Scope::Guest(_)) | None => false,
    };
    if !visible {
        return Err(ApiError::new(Reason::RoleRequired, "only services and administrators ask about others"));
    }
    let now = app.clock.now();
    let found = app.store.customer_summary(id.clone(), now.plus_seconds(-RECENT_DAYS * 86_400)).await?;
    let last = match found.last {
        Some((order_id, _)) => app.store.order(OrderKey::Id(order_id), Scope::All).await?,
        None => None,
    };
    let number = last.as_ref().and_then(|order| order.number.as_ref());
    Ok(summary::to_proto(&found, (&id, number), now))
}
