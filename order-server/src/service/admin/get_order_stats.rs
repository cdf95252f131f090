//! AdminService.GetOrderStats.

use order_api::v1;

use crate::{
    app::App,
    convert::{checked, stats},
    error::ApiError,
};

/// Numbers of orders and sums of money, from one snapshot. Days and months are those of the caller's time zone.
///
/// # Errors
/// `INVALID_FIELD`.
pub(super) async fn get_order_stats(app: &App, request: v1::GetOrderStatsRequest) -> Result<v1::OrderStats, ApiError> {
    let period = checked(|violations| stats::period(&request, app.clock.now(), violations))?;
    let found = app.store.stats(period.query()).await?;
    Ok(stats::to_proto(&found, &period))
}
