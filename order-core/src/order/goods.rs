//! What an event means for the shelf.

use super::{
    Order,
    event::EventBody,
    line::{Line, LineQuantity},
    returns::ReceivedLine,
};
use crate::{
    policy::AllocatePolicy,
    stock::{MovementKind, StockChange},
};

impl Order {
    /// What an event, about to be applied to this order, means for the shelf. Placing is not among it: the store promises stock
    /// to a whole batch of new orders at once.
    #[must_use]
    pub fn stock_changes(&self, event: &EventBody) -> Vec<StockChange> {
        match event {
            EventBody::StockAllocated { lines } => self.changes(MovementKind::Allocated, lines),
            EventBody::Shipped { shipment } => self.changes(MovementKind::Shipped, &shipment.lines),
            EventBody::LinesCancelled { released, .. } => self.changes(MovementKind::Released, released),
            EventBody::LinesAdded { lines, allocate: AllocatePolicy::Place, .. } => added(lines),
            EventBody::ReturnedToSender { lines, cancelled, .. } => {
                let back = self.changes(MovementKind::Returned, lines);
                let again = self.changes(MovementKind::Allocated, &less(lines, cancelled));
                back.into_iter().chain(again).collect()
            }
            EventBody::ReturnReceived { lines, .. } => self.changes(MovementKind::Returned, &restocked(lines)),
            EventBody::Cancelled | EventBody::Expired => {
                let allocated: Vec<_> =
                    self.lines.iter().map(|line| part(line.line_id, line.counters.allocated)).collect();
                self.changes(MovementKind::Released, &allocated)
            }
            EventBody::LinesAdded { allocate: AllocatePolicy::Confirm, .. }
            | EventBody::Placed { .. }
            | EventBody::Imported { .. }
            | EventBody::Edited { .. }
            | EventBody::Confirmed
            | EventBody::ProcessingStarted
            | EventBody::ShipmentCreated { .. }
            | EventBody::ShipmentUpdated { .. }
            | EventBody::ShipmentPacked { .. }
            | EventBody::ShipmentCancelled { .. }
            | EventBody::Delivered { .. }
            | EventBody::CarrierEventRecorded { .. }
            | EventBody::Completed
            | EventBody::PaymentOpened { .. }
            | EventBody::OperationStarted { .. }
            | EventBody::OperationAttempted { .. }
            | EventBody::OperationUnknown { .. }
            | EventBody::OperationSettled { .. }
            | EventBody::PaymentMismatch { .. }
            | EventBody::LinesRefunded { .. }
            | EventBody::ReturnRequested { .. }
            | EventBody::ReturnCancelled { .. }
            | EventBody::ReturnApproved { .. }
            | EventBody::ReturnRejected { .. }
            | EventBody::ReturnClosed { .. }
            | EventBody::DetailsUpdated { .. }
            | EventBody::NoteAdded { .. }
            | EventBody::HoldPlaced { .. }
            | EventBody::HoldReleased { .. } => Vec::new(),
        }
    }

    /// One change per SKU, in SKU order, which is the order in which shelves are locked.
    fn changes(&self, kind: MovementKind, lines: &[LineQuantity]) -> Vec<StockChange> {
        let skus = lines.iter().filter(|part| part.quantity > 0).filter_map(|part| {
            let line = self.lines.iter().find(|line| line.line_id == part.line_id)?;
            Some((&line.sku, part.quantity))
        });
        crate::stock::demand(skus).into_iter().map(|(sku, quantity)| StockChange { sku, kind, quantity }).collect()
    }
}

/// What lines that are new to the order ask of the shelf.
fn added(lines: &[Line]) -> Vec<StockChange> {
    let kind = MovementKind::Allocated;
    let demand = crate::stock::demand(lines.iter().map(|line| (&line.sku, line.counters.ordered)));
    demand.into_iter().map(|(sku, quantity)| StockChange { sku, kind, quantity }).collect()
}

const fn part(line_id: u32, quantity: u32) -> LineQuantity {
    LineQuantity { line_id, quantity }
}

fn restocked(lines: &[ReceivedLine]) -> Vec<LineQuantity> {
    lines.iter().map(|line| part(line.line_id, line.restocked)).collect()
}

/// The units of `lines` that are not among `others`.
fn less(lines: &[LineQuantity], others: &[LineQuantity]) -> Vec<LineQuantity> {
    let among =
        |line_id| others.iter().filter(|other| other.line_id == line_id).map(|other| other.quantity).sum::<u32>();
    lines.iter().map(|line| part(line.line_id, line.quantity.saturating_sub(among(line.line_id)))).collect()
}
