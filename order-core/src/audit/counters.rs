//! The counters of lines keep their bounds, and are what parcels and returns add up to.

use super::{Invariant, Report};
use crate::order::{Line, Order, OrderReturn, ReturnLine, ShipmentStatus};

pub(super) fn check(order: &Order, report: &mut Report) {
    for line in &order.lines {
        if !line.counters.is_sound() {
            let what = format!("the counters of line {} contradict each other: {:?}", line.line_id, line.counters);
            report.order(Invariant::I8, &what);
        }
        // Of what another system sent, there are no parcels here.
        if order.import.is_none() {
            check_parcels(order, line, report);
        }
        check_returns(order, line, report);
    }
}

fn check_parcels(order: &Order, line: &Line, report: &mut Report) {
    let (line_id, counters) = (line.line_id, line.counters);
    let planned = in_parcels(order, line_id, ShipmentStatus::is_open);
    let shipped = |status| matches!(status, ShipmentStatus::Shipped | ShipmentStatus::Delivered);
    let delivered = |status| matches!(status, ShipmentStatus::Delivered);
    for (what, expected, actual) in [
        ("shipped", in_parcels(order, line_id, shipped), counters.shipped),
        ("delivered", in_parcels(order, line_id, delivered), counters.delivered),
    ] {
        let what = format!("units of line {line_id} that were {what} are not those of its parcels");
        report.order_value(Invariant::I8, &what, (expected, u64::from(actual)));
    }
    if planned > u64::from(counters.allocated) {
        let what = format!("more units of line {line_id} are in parcels than are promised to it");
        report.order_value(Invariant::I8, &what, (planned, u64::from(counters.allocated)));
    }
}

fn in_parcels(order: &Order, line_id: u32, among: impl Fn(ShipmentStatus) -> bool) -> u64 {
    let parcels = order.shipments.iter().filter(|parcel| among(parcel.status));
    let parts = parcels.flat_map(|parcel| &parcel.lines).filter(|part| part.line_id == line_id);
    parts.map(|part| u64::from(part.quantity)).sum()
}

fn check_returns(order: &Order, line: &Line, report: &mut Report) {
    let line_id = line.line_id;
    let sum = |part: &dyn Fn(&OrderReturn, &ReturnLine) -> u32| {
        let all = order.returns.iter().flat_map(|back| back.lines.iter().map(move |line| (back, line)));
        all.filter(|(_, line)| line.line_id == line_id).map(|(back, line)| u64::from(part(back, line))).sum::<u64>()
    };
    // What did not come back under a return that is over may be asked to be taken back again.
    let requested = |back: &OrderReturn, line: &ReturnLine| {
        if back.status.is_open() { line.requested } else { line.received() }
    };
    let counters = &line.counters;
    for (what, expected, actual) in [
        ("asked to be taken back", sum(&requested), counters.return_requested),
        ("received back", sum(&|_, line| line.received()), counters.return_received),
        ("restocked", sum(&|_, line| line.restocked), counters.restocked),
        ("written off", sum(&|_, line| line.written_off), counters.written_off),
    ] {
        let what = format!("units of line {line_id} that were {what} are not those of its returns");
        report.order_value(Invariant::I8, &what, (expected, u64::from(actual)));
    }
}
