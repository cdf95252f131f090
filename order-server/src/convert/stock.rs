//! Shelves and their history.

use order_api::v1;
use order_core::{
    ids::OrderId,
    limits,
    stock::{MovementKind, StockLevel},
    violation::{Violations, reason},
};
use order_store::Movement;

use super::{actor, time};

/// The level of a SKU on the wire.
#[must_use]
pub fn to_proto(level: &StockLevel) -> v1::Stock {
    v1::Stock {
        sku: level.sku.to_string(),
        on_hand: level.on_hand,
        reserved: level.reserved,
        allocated: level.allocated,
        available: level.available(),
    }
}

/// A movement on the wire.
#[must_use]
pub fn movement(movement: &Movement) -> v1::StockMovement {
    let [on_hand_delta, reserved_delta, allocated_delta] = movement.deltas;
    v1::StockMovement {
        movement_id: movement.id.to_string(),
        sku: movement.sku.to_string(),
        kind: kind(movement.kind).into(),
        on_hand_delta,
        reserved_delta,
        allocated_delta,
        order_id: movement.order_id.as_ref().map(OrderId::to_string).unwrap_or_default(),
        reason: movement.reason.clone().unwrap_or_default(),
        actor: Some(actor::to_proto(&movement.actor)),
        create_time: Some(time::to_proto(movement.time)),
    }
}

const fn kind(kind: MovementKind) -> v1::StockMovementKind {
    match kind {
        MovementKind::Received => v1::StockMovementKind::Received,
        MovementKind::Reserved => v1::StockMovementKind::Reserved,
        MovementKind::Allocated => v1::StockMovementKind::Allocated,
        MovementKind::Released => v1::StockMovementKind::Released,
        MovementKind::Shipped => v1::StockMovementKind::Shipped,
        MovementKind::Adjusted => v1::StockMovementKind::Adjusted,
        MovementKind::Returned => v1::StockMovementKind::Returned,
    }
}

/// Reads a difference in units: not 0, and bounded either way.
pub fn delta(delta: i64, violations: &mut Violations) -> Option<i64> {
    let most = limits::STOCK_UNITS_MAX;
    if delta == 0 || !(-most..=most).contains(&delta) {
        violations.push("delta", reason::OUT_OF_RANGE, format!("must be -{most} to {most} units and not 0"));
        return None;
    }
    Some(delta)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_have_their_names_on_the_wire() {
        for known in MovementKind::ALL {
            assert_eq!(kind(known).as_str_name(), format!("STOCK_MOVEMENT_KIND_{}", known.as_str()));
        }
    }

    #[test]
    fn a_difference_is_bounded_and_not_nothing() {
        let mut violations = Violations::new();
        assert_eq!(delta(-3, &mut violations), Some(-3));
        assert_eq!(delta(limits::STOCK_UNITS_MAX, &mut violations), Some(limits::STOCK_UNITS_MAX));
        for wrong in [0, limits::STOCK_UNITS_MAX + 1, i64::MIN, i64::MAX] {
            assert_eq!(delta(wrong, &mut violations), None, "{wrong}");
        }
    }
}
