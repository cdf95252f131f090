//! What one customer has ordered.

use order_api::v1;
use order_core::{
    ids::{CustomerId, OrderNumber},
    time::Timestamp,
};
use order_store::CustomerSummary;

use super::{int64, money, time};

/// A customer's summary on the wire; `last_number` is the number of the latest order, if there is one.
#[must_use]
pub fn to_proto(
    summary: &CustomerSummary,
    (customer_id, last_number): (&CustomerId, Option<&OrderNumber>),
    as_of: Timestamp,
) -> v1::CustomerSummary {
    v1::CustomerSummary {
        customer_id: customer_id.to_string(),
        total_orders: int64(summary.orders),
        total_spent: money::sums(&summary.spent),
        orders_last_30_days: int64(summary.recent),
        last_order_id: summary.last.map(|(id, _)| id.to_string()).unwrap_or_default(),
        last_order_number: last_number.map(OrderNumber::to_string).unwrap_or_default(),
        last_order_time: summary.last.map(|(_, time)| time::to_proto(time)),
        as_of: Some(time::to_proto(as_of)),
    }
}
