//! Where imported orders come from.

use order_api::v1;
use order_core::order::ImportSource;

use super::money;

/// The source of an imported order on the wire.
#[must_use]
pub fn to_proto(import: &ImportSource) -> v1::ImportSource {
    let mut corrections = import.corrections.clone();
    corrections.sort_unstable();
    v1::ImportSource {
        source: import.source.clone(),
        external_id: import.external_id.clone(),
        original_status: import.original_status.clone(),
        original_payment_status: import.original_payment_status.clone(),
        original_total: import.original_total.map(money::to_proto),
        corrections,
    }
}
