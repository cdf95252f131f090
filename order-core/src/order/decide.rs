//! What a command does to an order: the only place where that is decided.
//!
//! `decide` never changes the order it is given. It writes a script: each step is checked against the order as the steps
//! before it left it, so that a command made of several steps is refused as a whole or carried out as a whole.

use super::{
    Order, State,
    command::{Command, CommandKind, Context, TRANSITIONS, legal_in},
    event::{Details, Event, EventBody},
    line::LineQuantity,
    shipment::{Shipment, ShipmentStatus, Tracking},
    state::PaymentStatus,
};
use crate::{error::Refusal, ids::ShipmentId, payment::PaymentMethod, policy::ConfirmPolicy};

impl Order {
    /// What a command would do to this order: the events to apply, in order. None at all means that it has been done before.
    ///
    /// # Errors
    /// A refusal; then nothing of the command is to happen.
    pub fn decide(&self, command: &Command, context: &Context) -> Result<Vec<Event>, Refusal> {
        let mut script = Script::new(self, context);
        script.run(command)?;
        Ok(script.events)
    }
}

/// The events of a command so far, and the order as they leave it.
pub(super) struct Script<'a> {
    pub(super) order: Order,
    pub(super) context: &'a Context,
    pub(super) events: Vec<Event>,
}

impl<'a> Script<'a> {
    pub(super) fn new(order: &Order, context: &'a Context) -> Self {
        Self { order: order.clone(), context, events: Vec::new() }
    }

    pub(super) fn run(&mut self, command: &Command) -> Result<(), Refusal> {
        match command {
            Command::Confirm => self.confirm(),
            Command::StartProcessing => self.start_processing(),
            Command::Cancel => self.cancel(),
            Command::Expire => self.expire(),
            Command::Ship(tracking) => self.ship(tracking),
            Command::Deliver => self.deliver(),
            Command::Complete => self.complete(),
            Command::Refund => self.refund_or_refuse(),
            Command::SetStatus { status, tracking } => self.walk(*status, tracking),
            Command::Pay { method, token } => self.pay(*method, token.as_deref()),
            Command::AttemptOperation(id) => self.attempt(*id),
            Command::LoseOperation(id) => self.lose(*id),
            Command::SettleOperation(id, outcome) => self.settle(*id, outcome),
            Command::Update(details) => self.update(details),
            Command::AddNote(note) => {
                self.emit(EventBody::NoteAdded { note: note.clone() });
                Ok(())
            }
        }
    }

    pub(super) fn emit(&mut self, body: EventBody) {
        let mut event = Event {
            revision: self.order.revision + 1,
            actor: self.context.actor.clone(),
            request_id: self.context.request_id,
            reason: self.context.reason.clone(),
            time: self.context.now,
            status_after: self.order.status,
            body,
        };
        self.order.apply(&event);
        event.status_after = self.order.status;
        self.events.push(event);
    }

    /// The next identity of this command. One event mints at most a few, and each event has its own number.
    pub(super) fn mint(&self, offset: u16) -> uuid::Uuid {
        let position = u16::try_from(self.events.len()).expect("a command has a handful of events");
        self.context.ids.nth(position * 4 + offset + 1)
    }

    pub(super) fn refuse(&self, command: CommandKind, reason: &str) -> Refusal {
        Refusal::IllegalTransition {
            order_id: self.order.id,
            state: self.order.state,
            command,
            reason: reason.to_owned(),
            legal: self.legal_now(),
        }
    }

    /// The commands of the table that would be carried out now.
    fn legal_now(&self) -> Vec<CommandKind> {
        legal_in(self.order.state).into_iter().filter(|command| self.guard(*command).is_ok()).collect()
    }

    /// What else stands in the way of a command of the table.
    fn guard(&self, command: CommandKind) -> Result<(), &'static str> {
        match command {
            CommandKind::Confirm => self.guard_confirm(),
            CommandKind::StartProcessing => self.guard_hold(),
            CommandKind::Cancel => self.guard_cancel(),
            CommandKind::Expire => self.guard_expire(),
            CommandKind::Ship => self.guard_ship(),
            CommandKind::Deliver => self.guard_deliver(),
            CommandKind::Complete => self.guard_complete(),
            CommandKind::Refund
            | CommandKind::SetStatus
            | CommandKind::Pay
            | CommandKind::AttemptOperation
            | CommandKind::LoseOperation
            | CommandKind::SettleOperation
            | CommandKind::Update
            | CommandKind::AddNote => Ok(()),
        }
    }

    /// Refuses what the table does not allow in this state.
    fn check_table(&self, command: CommandKind) -> Result<(), Refusal> {
        let known = TRANSITIONS.iter().any(|step| step.from == self.order.state && step.command == command);
        if known { Ok(()) } else { Err(self.refuse(command, "its state does not allow it")) }
    }

    fn check(&self, command: CommandKind) -> Result<(), Refusal> {
        self.check_table(command)?;
        self.guard(command).map_err(|reason| self.refuse(command, reason))
    }

    pub(super) fn confirm(&mut self) -> Result<(), Refusal> {
        self.check(CommandKind::Confirm)?;
        let lines = self.quantities(|line| line.counters.to_allocate());
        if !lines.is_empty() {
            self.emit(EventBody::StockAllocated { lines });
        }
        self.emit(EventBody::Confirmed);
        Ok(())
    }

    fn guard_confirm(&self) -> Result<(), &'static str> {
        let on_delivery = self.order.payment().is_some_and(|p| p.method == PaymentMethod::CashOnDelivery);
        match self.order.payment_status {
            PaymentStatus::Paid | PaymentStatus::Overpaid | PaymentStatus::Authorized => Ok(()),
            PaymentStatus::Unpaid if on_delivery => Ok(()),
            PaymentStatus::Pending => Err("its payment is on its way"),
            PaymentStatus::Unpaid
            | PaymentStatus::PartiallyPaid
            | PaymentStatus::Failed
            | PaymentStatus::Voided
            | PaymentStatus::PartiallyRefunded
            | PaymentStatus::Refunded => Err("it is not paid"),
        }
    }

    fn guard_hold(&self) -> Result<(), &'static str> {
        if self.order.holds.is_empty() { Ok(()) } else { Err("it is on hold") }
    }

    pub(super) fn start_processing(&mut self) -> Result<(), Refusal> {
        self.check(CommandKind::StartProcessing)?;
        self.emit(EventBody::ProcessingStarted);
        Ok(())
    }

    fn guard_cancel(&self) -> Result<(), &'static str> {
        let shipped = self.order.lines.iter().any(|line| line.counters.shipped > 0);
        if shipped { Err("some of it has been shipped") } else { Ok(()) }
    }

    pub(super) fn cancel(&mut self) -> Result<(), Refusal> {
        self.check(CommandKind::Cancel)?;
        self.emit(EventBody::Cancelled);
        self.refund();
        Ok(())
    }

    fn guard_expire(&self) -> Result<(), &'static str> {
        match self.order.pay_by {
            None => Err("it has no time limit"),
            Some(pay_by) if self.context.now <= pay_by => Err("its time to pay has not passed"),
            Some(_) if self.order.money_held() > 0 => Err("money was taken for it"),
            Some(_) if self.order.is_collecting() => Err("a payment is on its way"),
            Some(_) => Ok(()),
        }
    }

    fn expire(&mut self) -> Result<(), Refusal> {
        self.check(CommandKind::Expire)?;
        self.emit(EventBody::Expired);
        Ok(())
    }

    fn guard_ship(&self) -> Result<(), &'static str> {
        let lines = &self.order.lines;
        self.guard_hold()?;
        match () {
            () if lines.iter().all(|line| line.counters.to_ship() == 0) => Err("nothing is left to ship"),
            () if lines.iter().any(|line| line.counters.to_allocate() > 0) => Err("not all of it has stock promised"),
            () => Ok(()),
        }
    }

    pub(super) fn ship(&mut self, tracking: &Tracking) -> Result<(), Refusal> {
        self.check(CommandKind::Ship)?;
        let now = self.context.now;
        let shipment = Shipment {
            id: ShipmentId::new(self.mint(0)),
            sequence: u32::try_from(self.order.shipments.len()).map_or(u32::MAX, |count| count + 1),
            status: ShipmentStatus::Shipped,
            tracking: tracking.clone(),
            lines: self.quantities(|line| line.counters.to_ship()),
            ship_time: Some(now),
            deliver_time: None,
            create_time: now,
        };
        self.emit(EventBody::Shipped { shipment });
        Ok(())
    }

    fn guard_deliver(&self) -> Result<(), &'static str> {
        let on_the_way = self.order.shipments.iter().any(|s| s.status == ShipmentStatus::Shipped);
        if on_the_way { Ok(()) } else { Err("no parcel is on its way") }
    }

    pub(super) fn deliver(&mut self) -> Result<(), Refusal> {
        self.check(CommandKind::Deliver)?;
        let on_the_way: Vec<_> =
            self.order.shipments.iter().filter(|s| s.status == ShipmentStatus::Shipped).map(|s| s.id).collect();
        for shipment_id in on_the_way {
            self.emit(EventBody::Delivered { shipment_id });
        }
        if self.order.lines.iter().all(|line| line.counters.to_ship() == 0) {
            self.collect_cash();
        }
        Ok(())
    }

    fn guard_complete(&self) -> Result<(), &'static str> {
        let arrived = |line: &super::Line| line.counters.delivered + line.counters.cancelled == line.counters.ordered;
        let settled = match self.order.payment_status {
            PaymentStatus::Paid
            | PaymentStatus::Overpaid
            | PaymentStatus::PartiallyRefunded
            | PaymentStatus::Refunded => true,
            PaymentStatus::Unpaid
            | PaymentStatus::Pending
            | PaymentStatus::Authorized
            | PaymentStatus::PartiallyPaid
            | PaymentStatus::Voided
            | PaymentStatus::Failed => false,
        };
        match () {
            () if !self.order.lines.iter().all(arrived) => Err("not all of it has been delivered"),
            () if !settled => Err("it is not paid"),
            () if self.order.open_operations().next().is_some() => Err("a payment or refund is on its way"),
            () => Ok(()),
        }
    }

    pub(super) fn complete(&mut self) -> Result<(), Refusal> {
        self.check(CommandKind::Complete)?;
        self.emit(EventBody::Completed);
        Ok(())
    }

    /// Confirms where the policy says so and nothing stands in the way. Not where stock is still to be promised: a shortage
    /// must not keep the outcome of a payment from being booked.
    pub(super) fn confirm_by_policy(&mut self) {
        let wanted = match self.context.policy.confirm {
            ConfirmPolicy::Manual => false,
            ConfirmPolicy::WhenPaid => true,
        };
        let promised = self.order.lines.iter().all(|line| line.counters.to_allocate() == 0);
        if wanted && promised && self.order.state == State::Pending && self.guard_confirm().is_ok() {
            self.emit(EventBody::Confirmed);
        }
    }

    fn update(&mut self, details: &Details) -> Result<(), Refusal> {
        let moves_goods = details.shipping_address.is_some() || details.contact.is_some();
        let shipped = self.order.lines.iter().any(|line| line.counters.shipped > 0);
        let closed = match self.order.state {
            State::Cancelled | State::Expired | State::Completed => true,
            State::Pending | State::Confirmed | State::Processing => false,
        };
        if moves_goods && (shipped || closed) {
            return Err(self.refuse(CommandKind::Update, "its address and contact can change only until it ships"));
        }
        if !details.fields().is_empty() {
            self.emit(EventBody::DetailsUpdated { details: details.clone() });
        }
        Ok(())
    }

    fn quantities(&self, units: impl Fn(&super::Line) -> u32) -> Vec<LineQuantity> {
        self.order
            .lines
            .iter()
            .map(|line| LineQuantity { line_id: line.line_id, quantity: units(line) })
            .filter(|part| part.quantity > 0)
            .collect()
    }
}
