//! When two orders are taken to be the same.

use order_core::{
    order::{Counters, Order, OrderReturn, PaymentStatus, Shipment, ShipmentStatus, State},
    payment::{Operation, Payment},
};

/// What decides about everything that can become of an order. Compared and hashed as a whole.
#[derive(PartialEq, Eq, Hash)]
pub(super) struct Likeness {
    state: State,
    payment_status: PaymentStatus,
    /// Holds, what is due, shipping refunded, and whether cash is awaited.
    plain: (String, i64, i64, bool),
    counters: Vec<[u32; 10]>,
    payments: Vec<Live>,
    parcels: Vec<(ShipmentStatus, Vec<(u32, u32)>)>,
    returns: Vec<(String, Vec<(u32, u32)>)>,
}

/// A payment through which money may still move: its method, what could be taken, is held, and is on its way, and its requests.
type Live = (&'static str, [i64; 6], Vec<(String, i64, i64)>);

impl Likeness {
    pub(super) fn of(order: &Order) -> Self {
        let mut holds: Vec<_> = order.holds.iter().map(|hold| hold.as_str()).collect();
        holds.sort_unstable();
        Self {
            state: order.state,
            payment_status: order.payment_status,
            plain: (holds.join(" "), order.due(), order.shipping_refunded, order.cash_awaited().is_some()),
            counters: order.lines.iter().map(|line| counters(&line.counters)).collect(),
            payments: sorted(order.payments.iter().filter_map(live)),
            parcels: sorted(order.shipments.iter().filter_map(parcel)),
            returns: sorted(order.returns.iter().filter_map(awaited)),
        }
    }
}

fn sorted<T: Ord>(parts: impl Iterator<Item = T>) -> Vec<T>
where
{
    let mut parts: Vec<_> = parts.collect();
    parts.sort();
    parts
}

fn counters(c: &Counters) -> [u32; 10] {
    [
        c.ordered,
        c.cancelled,
        c.allocated,
        c.shipped,
        c.delivered,
        c.return_requested,
        c.return_received,
        c.restocked,
        c.written_off,
        c.refunded,
    ]
}

fn live(payment: &Payment) -> Option<Live> {
    let amounts = [
        payment.capturable(),
        payment.held(),
        payment.auth_pending,
        payment.capture_pending,
        payment.refund_pending,
        payment.void_pending,
    ];
    let requests =
        payment.open_operations().map(|op: &Operation| (op.kind.as_str().to_owned(), op.amount, op.concession));
    amounts.iter().any(|amount| *amount > 0).then(|| (payment.method.as_str(), amounts, sorted(requests)))
}

fn parcel(shipment: &Shipment) -> Option<(ShipmentStatus, Vec<(u32, u32)>)> {
    let matters = shipment.status.is_open() || shipment.status == ShipmentStatus::Shipped;
    let lines = shipment.lines.iter().map(|part| (part.line_id, part.quantity)).collect();
    matters.then_some((shipment.status, lines))
}

fn awaited(order_return: &OrderReturn) -> Option<(String, Vec<(u32, u32)>)> {
    let lines = order_return.lines.iter().map(|line| (line.line_id, line.outstanding())).collect();
    order_return.status.is_open().then(|| (order_return.status.to_string(), lines))
}
