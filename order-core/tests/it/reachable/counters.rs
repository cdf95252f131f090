//! All counters that a line of a few units can have, reached or not.

use order_core::order::{Counters, FulfillmentStatus, fulfillment_status};

use crate::orders::placed;

/// All sound counters of a line of so many units.
fn sound(ordered: u32) -> Vec<Counters> {
    let upto = |most: u32| 0..=most;
    let mut all = Vec::new();
    for cancelled in upto(ordered) {
        for allocated in upto(ordered) {
            for shipped in upto(ordered) {
                for delivered in upto(ordered) {
                    for return_requested in upto(ordered) {
                        for return_received in upto(ordered) {
                            let some = Counters {
                                cancelled,
                                allocated,
                                shipped,
                                delivered,
                                return_requested,
                                return_received,
                                ..Counters::ordered(ordered)
                            };
                            if some.is_sound() {
                                all.push(some);
                            }
                        }
                    }
                }
            }
        }
    }
    all
}

/// The fulfilment status by the definition of its values, unit by unit: the values that a unit has, as a set.
fn by_units(lines: &[Counters]) -> FulfillmentStatus {
    #[derive(PartialEq)]
    enum Unit {
        Here,
        OnTheWay,
        Arrived,
        Back,
    }
    let mut units = Vec::new();
    for c in lines {
        units.extend((0..c.return_received).map(|_| Unit::Back));
        units.extend((c.return_received..c.delivered).map(|_| Unit::Arrived));
        units.extend((c.delivered.max(c.return_received)..c.shipped).map(|_| Unit::OnTheWay));
        units.extend((c.shipped..c.ordered - c.cancelled).map(|_| Unit::Here));
    }
    let count = |unit: Unit| units.iter().filter(|known| **known == unit).count();
    let (here, on_the_way, arrived, back) =
        (count(Unit::Here), count(Unit::OnTheWay), count(Unit::Arrived), count(Unit::Back));
    match (here, on_the_way, arrived, back) {
        (0, 0, 0, 0) => FulfillmentStatus::Cancelled,
        (0, 0, 0, _) => FulfillmentStatus::Returned,
        (0, 0, _, 0) => FulfillmentStatus::Delivered,
        (0, 0, _, _) => FulfillmentStatus::PartiallyReturned,
        (_, 0, 0, 0) => FulfillmentStatus::Unfulfilled,
        (0, _, 0, 0) => FulfillmentStatus::Shipped,
        (_, _, 0, 0) => FulfillmentStatus::PartiallyShipped,
        (_, _, _, _) => FulfillmentStatus::PartiallyDelivered,
    }
}

#[test]
fn every_sound_vector_of_counters_has_the_fulfilment_status_that_its_units_say() {
    let mut lines = placed(&[(100, 1), (200, 1)], None, order_core::policy::Policy::default()).order.lines;
    let one: Vec<_> = (1..=3).flat_map(sound).filter(arrived_before_it_came_back).collect();
    let two: Vec<_> = (1..=2).flat_map(sound).filter(arrived_before_it_came_back).collect();
    assert!(one.len() > 100 && two.len() > 30, "{} {}", one.len(), two.len());
    for counters in &one {
        lines[0].counters = *counters;
        assert_eq!(fulfillment_status(&lines[..1]), by_units(&[*counters]), "{counters:?}");
    }
    for first in &two {
        for second in &two {
            lines[0].counters = *first;
            lines[1].counters = *second;
            assert_eq!(fulfillment_status(&lines), by_units(&[*first, *second]), "{first:?} {second:?}");
        }
    }
}

/// What comes back has arrived before: the only bound that commands keep and counters do not.
fn arrived_before_it_came_back(counters: &Counters) -> bool {
    counters.return_requested <= counters.delivered
}

#[test]
fn whatever_the_counters_every_quantity_that_follows_from_them_fits_the_line() {
    for c in (1..=3).flat_map(sound) {
        assert!(c.to_ship() + c.shipped + c.cancelled == c.ordered, "{c:?}");
        assert!(c.to_allocate() + c.allocated == c.to_ship(), "{c:?}");
        assert!(c.returnable() + c.return_requested >= c.delivered, "{c:?}");
        for refunded in 0..=c.shipped {
            let c = Counters { refunded, ..c };
            assert!(c.is_sound() && c.credited() <= c.ordered, "{c:?}");
            assert_eq!(c.refunded_outside() + c.return_received, c.received_unrefunded() + c.refunded, "{c:?}");
        }
    }
}
