//! Shelves and their history.

use order_api::v1;
use order_core::{
    ids::{CartId, OrderId},
    limits,
    stock::{Adjustment, MovementKind, StockLevel},
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
        backorder_limit: level.backorder_limit,
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
        cart_id: movement.cart_id.as_ref().map(CartId::to_string).unwrap_or_default(),
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
        MovementKind::Unreserved => v1::StockMovementKind::Unreserved,
    }
}

/// Reads what is to change: a difference in units, bounded either way, a backorder limit, or both.
pub fn adjustment((delta, backorder_limit): (i64, Option<i64>), violations: &mut Violations) -> Option<Adjustment> {
    let most = limits::STOCK_UNITS_MAX;
    let changes = delta != 0 || backorder_limit.is_some();
    if !changes || !(-most..=most).contains(&delta) {
        let rule = format!("must be -{most} to {most} units, and not 0 unless a backorder_limit is given");
        violations.push("delta", reason::OUT_OF_RANGE, rule);
        return None;
    }
    if backorder_limit.is_some_and(|limit| !(0..=most).contains(&limit)) {
        violations.push("backorder_limit", reason::OUT_OF_RANGE, format!("must be 0 to {most} units"));
        return None;
    }
    Some(Adjustment { delta, backorder_limit })
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
    fn a_difference_and_a_limit_are_bounded_and_one_of_them_is_there() {
        let most = limits::STOCK_UNITS_MAX;
        for good in [(-3, None), (most, None), (0, Some(0)), (0, Some(most)), (2, Some(5))] {
            let mut violations = Violations::new();
            let read = adjustment(good, &mut violations);
            assert_eq!(read, Some(Adjustment { delta: good.0, backorder_limit: good.1 }));
        }
        for wrong in [(0, None), (most + 1, None), (i64::MIN, Some(1)), (1, Some(-1)), (0, Some(most + 1))] {
            let mut violations = Violations::new();
            assert_eq!(adjustment(wrong, &mut violations), None, "{wrong:?}");
        }
    }
}
