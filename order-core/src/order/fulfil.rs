//! Parcels: what goes into them, and what becomes of them.

use super::{
    command::{CommandKind, ShipmentStep},
    decide::Script,
    event::EventBody,
    line::{Line, LineQuantity},
    shipment::{CarrierEvent, Shipment, ShipmentStatus, Tracking, TrackingChange},
};
use crate::{
    error::{Refusal, ResourceKind},
    ids::ShipmentId,
    limits,
};

impl Script<'_> {
    /// Units of a line that are in parcels which have not left.
    pub(super) fn planned(&self, line_id: u32) -> u32 {
        let open = self.order.shipments.iter().filter(|shipment| shipment.status.is_open());
        open.flat_map(|shipment| &shipment.lines).filter(|part| part.line_id == line_id).map(|part| part.quantity).sum()
    }

    /// Units of a line that could go into a parcel now.
    fn packable(&self, line: &Line) -> u32 {
        line.counters.allocated.saturating_sub(self.planned(line.line_id))
    }

    /// Nothing leaves the house while somebody wants to look at the order, or before it is paid, promised, or to be paid at the door.
    fn guard_leaving(&self) -> Result<(), &'static str> {
        self.guard_hold()?;
        match () {
            () if self.order.is_given_back() => Err("its money was given back"),
            () if self.order.is_covered() => Ok(()),
            // Even of an order to be paid at the door: once that payment was promised, nobody would ask for cash.
            () if self.order.is_collecting() => Err("its payment is on its way"),
            () if self.order.cash_awaited().is_some() => Ok(()),
            () => Err("it is not paid in full"),
        }
    }

    pub(super) fn guard_create_shipment(&self) -> Result<(), &'static str> {
        self.guard_leaving()?;
        match () {
            () if self.order.shipments.len() >= limits::SHIPMENTS_PER_ORDER => {
                Err("it has as many shipments as it may")
            }
            () if self.order.lines.iter().any(|line| self.packable(line) > 0) => Ok(()),
            () if self.order.lines.iter().any(|line| line.counters.to_allocate() > 0) => {
                Err("it has no stock promised")
            }
            () => Err("nothing is left to ship that is in no shipment yet"),
        }
    }

    pub(super) fn create_shipment(&mut self, lines: &[LineQuantity], tracking: &Tracking) -> Result<(), Refusal> {
        self.check(CommandKind::CreateShipment)?;
        let lines = if lines.is_empty() {
            self.quantities(|line| self.packable(line))
        } else {
            self.take(CommandKind::CreateShipment, lines, |line| self.packable(line))?
        };
        if lines.is_empty() {
            return Err(self.refuse(CommandKind::CreateShipment, "no units were named"));
        }
        let shipment = self.new_shipment(lines, tracking);
        self.emit(EventBody::ShipmentCreated { shipment });
        Ok(())
    }

    fn new_shipment(&self, lines: Vec<LineQuantity>, tracking: &Tracking) -> Shipment {
        Shipment {
            id: ShipmentId::new(self.mint(0)),
            sequence: u32::try_from(self.order.shipments.len()).map_or(u32::MAX, |count| count + 1),
            status: ShipmentStatus::Pending,
            tracking: tracking.clone(),
            lines,
            carrier_events: Vec::new(),
            pack_time: None,
            ship_time: None,
            deliver_time: None,
            create_time: self.context.now,
        }
    }

    pub(super) fn guard_ship(&self) -> Result<(), &'static str> {
        let lines = &self.order.lines;
        self.guard_leaving()?;
        match () {
            () if lines.iter().all(|line| line.counters.to_ship() == 0) => Err("nothing is left to ship"),
            () if lines.iter().any(|line| line.counters.to_allocate() > 0) => Err("not all of it has stock promised"),
            () => Ok(()),
        }
    }

    /// Ships what is in parcels already, and all the rest in one more.
    pub(super) fn ship_all(&mut self, tracking: &Tracking) -> Result<(), Refusal> {
        self.check(CommandKind::Ship)?;
        let planned: Vec<_> = self.order.shipments.iter().filter(|s| s.status.is_open()).cloned().collect();
        for shipment in planned {
            self.hand_to_carrier(shipment, tracking);
        }
        let rest = self.quantities(|line| line.counters.to_ship());
        if !rest.is_empty() {
            self.hand_to_carrier(self.new_shipment(rest, &Tracking::default()), tracking);
        }
        Ok(())
    }

    fn hand_to_carrier(&mut self, mut shipment: Shipment, tracking: &Tracking) {
        shipment.status = ShipmentStatus::Shipped;
        shipment.tracking = shipment.tracking.updated(tracking);
        shipment.ship_time = Some(self.context.now);
        self.emit(EventBody::Shipped { shipment });
        self.capture_for_shipped();
        self.tidy_promises();
    }

    pub(super) fn guard_deliver(&self) -> Result<(), &'static str> {
        let on_the_way = self.order.shipments.iter().any(|s| s.status == ShipmentStatus::Shipped);
        if on_the_way { Ok(()) } else { Err("nothing is on its way") }
    }

    pub(super) fn deliver_all(&mut self) -> Result<(), Refusal> {
        self.check(CommandKind::Deliver)?;
        let on_the_way: Vec<_> =
            self.order.shipments.iter().filter(|s| s.status == ShipmentStatus::Shipped).map(|s| s.id).collect();
        for shipment_id in on_the_way {
            self.deliver(shipment_id);
        }
        Ok(())
    }

    /// Cash changes hands with the last parcel.
    fn deliver(&mut self, shipment_id: ShipmentId) {
        self.emit(EventBody::Delivered { shipment_id });
        if self.order.has_arrived() {
            self.collect_cash();
        }
    }

    /// Carries out a step of a parcel. A step that was taken before changes nothing.
    pub(super) fn step_shipment(&mut self, id: ShipmentId, step: &ShipmentStep) -> Result<(), Refusal> {
        let shipment = self.order.shipments.iter().find(|shipment| shipment.id == id).cloned();
        let shipment = shipment.ok_or_else(|| Refusal::not_found(ResourceKind::Shipment, id))?;
        match step {
            ShipmentStep::Update(change) => self.update_shipment(&shipment, change),
            ShipmentStep::Pack => self.pack(&shipment),
            ShipmentStep::Ship(tracking) => self.ship_one(shipment, tracking),
            ShipmentStep::Deliver => self.deliver_one(&shipment),
            ShipmentStep::Cancel => self.cancel_shipment(&shipment),
            ShipmentStep::ReturnToSender => self.return_to_sender(&shipment),
            ShipmentStep::Record(carrier_event) => self.record_carrier_event(&shipment, carrier_event),
        }
    }

    fn refuse_shipment(&self, shipment: &Shipment, why: &str) -> Refusal {
        self.refuse(CommandKind::Shipment, &format!("shipment {} is {}: {why}", shipment.sequence, shipment.status))
    }

    fn update_shipment(&mut self, shipment: &Shipment, change: &TrackingChange) -> Result<(), Refusal> {
        if shipment.status == ShipmentStatus::Cancelled {
            return Err(self.refuse_shipment(shipment, "there is nothing to follow"));
        }
        let tracking = shipment.tracking.changed(change);
        if tracking != shipment.tracking {
            self.emit(EventBody::ShipmentUpdated { shipment_id: shipment.id, tracking });
        }
        Ok(())
    }

    fn pack(&mut self, shipment: &Shipment) -> Result<(), Refusal> {
        match shipment.status {
            ShipmentStatus::Pending => {
                self.guard_hold().map_err(|reason| self.refuse(CommandKind::Shipment, reason))?;
                self.emit(EventBody::ShipmentPacked { shipment_id: shipment.id });
                Ok(())
            }
            ShipmentStatus::Packed => Ok(()),
            ShipmentStatus::Shipped
            | ShipmentStatus::Delivered
            | ShipmentStatus::Cancelled
            | ShipmentStatus::ReturnedToSender => Err(self.refuse_shipment(shipment, "it cannot be packed any more")),
        }
    }

    fn ship_one(&mut self, shipment: Shipment, tracking: &Tracking) -> Result<(), Refusal> {
        match shipment.status {
            ShipmentStatus::Pending | ShipmentStatus::Packed => {
                self.guard_leaving().map_err(|reason| self.refuse(CommandKind::Shipment, reason))?;
                self.hand_to_carrier(shipment, tracking);
                Ok(())
            }
            ShipmentStatus::Shipped => Ok(()),
            ShipmentStatus::Delivered | ShipmentStatus::Cancelled | ShipmentStatus::ReturnedToSender => {
                Err(self.refuse_shipment(&shipment, "it cannot be shipped any more"))
            }
        }
    }

    fn deliver_one(&mut self, shipment: &Shipment) -> Result<(), Refusal> {
        match shipment.status {
            ShipmentStatus::Shipped => {
                self.deliver(shipment.id);
                Ok(())
            }
            ShipmentStatus::Delivered => Ok(()),
            ShipmentStatus::Pending
            | ShipmentStatus::Packed
            | ShipmentStatus::Cancelled
            | ShipmentStatus::ReturnedToSender => Err(self.refuse_shipment(shipment, "it is not on its way")),
        }
    }

    fn cancel_shipment(&mut self, shipment: &Shipment) -> Result<(), Refusal> {
        match shipment.status {
            ShipmentStatus::Pending | ShipmentStatus::Packed => {
                self.emit(EventBody::ShipmentCancelled { shipment_id: shipment.id });
                Ok(())
            }
            ShipmentStatus::Cancelled => Ok(()),
            ShipmentStatus::Shipped | ShipmentStatus::Delivered | ShipmentStatus::ReturnedToSender => {
                Err(self.refuse_shipment(shipment, "it has left the house"))
            }
        }
    }

    /// What comes back undelivered goes on the shelf and is promised to the order again, so that it can be sent once more or
    /// called off. Units whose money was given back meanwhile count as called off.
    fn return_to_sender(&mut self, shipment: &Shipment) -> Result<(), Refusal> {
        match shipment.status {
            ShipmentStatus::Shipped => {}
            ShipmentStatus::ReturnedToSender => return Ok(()),
            ShipmentStatus::Pending
            | ShipmentStatus::Packed
            | ShipmentStatus::Delivered
            | ShipmentStatus::Cancelled => return Err(self.refuse_shipment(shipment, "it is not on its way")),
        }
        let mut cancelled = Vec::new();
        for part in &shipment.lines {
            let quantity = self.line(part.line_id)?.counters.refunded_outside().min(part.quantity);
            if quantity > 0 {
                cancelled.push(LineQuantity { line_id: part.line_id, quantity });
            }
        }
        self.emit(EventBody::ReturnedToSender { shipment_id: shipment.id, lines: shipment.lines.clone(), cancelled });
        Ok(())
    }

    /// Carriers tell the same news twice: it is kept once.
    fn record_carrier_event(&mut self, shipment: &Shipment, carrier_event: &CarrierEvent) -> Result<(), Refusal> {
        if shipment.carrier_events.iter().any(|known| known.says_the_same(carrier_event)) {
            return Ok(());
        }
        if shipment.carrier_events.len() >= limits::CARRIER_EVENTS_PER_SHIPMENT {
            return Err(self.refuse_shipment(shipment, "it has as many carrier events as it may"));
        }
        let carrier_event = carrier_event.clone();
        self.emit(EventBody::CarrierEventRecorded { shipment_id: shipment.id, carrier_event });
        Ok(())
    }
}
