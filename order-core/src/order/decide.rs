//! What a command does to an order: the only place where that is decided.
//!
//! `decide` never changes the order it is given. It writes a script: each step is checked against the order as the steps
//! before it left it, so that a command made of several steps is refused as a whole or carried out as a whole. The steps of one
//! theme stand together: `cancel`, `edit`, `fulfil`, `paying`, `refund`, `returning`, `walk`.

use super::{
    Order, State,
    command::{Command, CommandKind, Context, TRANSITIONS, legal_in},
    event::{Details, Event, EventBody},
    line::{Line, LineQuantity},
    state::Hold,
};
use crate::{
    error::{Refusal, ResourceKind},
    policy::ConfirmPolicy,
};

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

    /// The commands of [`TRANSITIONS`] that would be carried out now, in their plainest form: a shipment of all that remains, a
    /// cancellation of one unit. Stock is not looked at: only the store can.
    #[must_use]
    pub fn legal_commands(&self, context: &Context) -> Vec<CommandKind> {
        Script::new(self, context).legal_now()
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
        Self::on(order.clone(), context)
    }

    /// A script for an order that nobody else needs as it was.
    pub(super) const fn on(order: Order, context: &'a Context) -> Self {
        Self { order, context, events: Vec::new() }
    }

    pub(super) fn run(&mut self, command: &Command) -> Result<(), Refusal> {
        match command {
            Command::Confirm => self.confirm(),
            Command::StartProcessing => self.start_processing(),
            Command::Cancel => self.cancel(),
            Command::CancelLines(lines) => self.cancel_lines(lines),
            Command::Edit(edit) => self.edit(edit),
            Command::Expire => self.expire(),
            Command::Ship(tracking) => self.ship_all(tracking),
            Command::Deliver => self.deliver_all(),
            Command::CreateShipment { lines, tracking } => self.create_shipment(lines, tracking),
            Command::Shipment(id, step) => self.step_shipment(*id, step),
            Command::Complete => self.complete(),
            Command::Refund(wish) => self.refund(wish),
            Command::PlaceHold(hold) => self.place_hold(*hold),
            Command::ReleaseHold(hold) => self.release_hold(*hold),
            Command::RequestReturn(lines) => self.request_return(lines),
            Command::Return(id, step) => self.step_return(*id, step),
            Command::SetStatus { status, tracking } => self.walk(*status, tracking),
            Command::Pay { method, token, amount } => self.pay((*method, token.as_deref()), *amount),
            Command::Capture { payment_id, amount } => self.capture(*payment_id, *amount),
            Command::Void(payment_id) => self.void(*payment_id),
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

    fn legal_now(&self) -> Vec<CommandKind> {
        legal_in(self.order.state).filter(|command| self.guard(*command).is_ok()).collect()
    }

    /// What else stands in the way of a command of the table.
    fn guard(&self, command: CommandKind) -> Result<(), &'static str> {
        match command {
            CommandKind::Confirm => self.guard_confirm(),
            CommandKind::StartProcessing => self.guard_hold(),
            CommandKind::Cancel => self.guard_cancel(),
            CommandKind::CancelLines => self.guard_unshipped(),
            CommandKind::Edit => self.guard_edit(),
            CommandKind::Expire => self.guard_expire(),
            CommandKind::Ship => self.guard_ship(),
            CommandKind::CreateShipment => self.guard_create_shipment(),
            CommandKind::Deliver => self.guard_deliver(),
            CommandKind::Complete => self.guard_complete(),
            CommandKind::Refund => self.guard_refund(),
            CommandKind::Pay => self.guard_pay(),
            CommandKind::Capture => self.guard_capture(),
            CommandKind::Void => self.guard_void(),
            CommandKind::RequestReturn => self.guard_request_return(),
            CommandKind::PlaceHold
            | CommandKind::ReleaseHold
            | CommandKind::Shipment
            | CommandKind::Return
            | CommandKind::SetStatus
            | CommandKind::AttemptOperation
            | CommandKind::LoseOperation
            | CommandKind::SettleOperation
            | CommandKind::Update
            | CommandKind::AddNote => Ok(()),
        }
    }

    /// Refuses what the table does not allow in this state.
    pub(super) fn check_table(&self, command: CommandKind) -> Result<(), Refusal> {
        let known = TRANSITIONS.iter().any(|step| step.from == self.order.state && step.command == command);
        if known { Ok(()) } else { Err(self.refuse(command, "its state does not allow it")) }
    }

    pub(super) fn check(&self, command: CommandKind) -> Result<(), Refusal> {
        self.check_table(command)?;
        self.guard(command).map_err(|reason| self.refuse(command, reason))
    }

    fn confirm(&mut self) -> Result<(), Refusal> {
        self.check(CommandKind::Confirm)?;
        let lines = self.quantities(|line| line.counters.to_allocate());
        if !lines.is_empty() {
            self.emit(EventBody::StockAllocated { lines });
        }
        self.emit(EventBody::Confirmed);
        Ok(())
    }

    pub(super) fn guard_confirm(&self) -> Result<(), &'static str> {
        let order = &self.order;
        match () {
            () if order.is_given_back() => Err("its money was given back"),
            () if order.holds.contains(&Hold::Payment) => Err("its payment is being looked at"),
            () if order.is_covered() || order.cash_awaited().is_some() => Ok(()),
            () if order.is_collecting() => Err("its payment is on its way"),
            () => Err("it is not paid"),
        }
    }

    pub(super) fn guard_hold(&self) -> Result<(), &'static str> {
        if self.order.holds.is_empty() { Ok(()) } else { Err("it is on hold") }
    }

    fn start_processing(&mut self) -> Result<(), Refusal> {
        self.check(CommandKind::StartProcessing)?;
        self.emit(EventBody::ProcessingStarted);
        Ok(())
    }

    fn guard_expire(&self) -> Result<(), &'static str> {
        match self.order.pay_by {
            None => Err("it has no time limit"),
            Some(pay_by) if self.context.now <= pay_by => Err("its time to pay has not passed"),
            Some(_) if self.order.due() == 0 => Err("nothing is to be paid for it"),
            Some(_) if self.order.money_held() > 0 => Err("money was taken for it"),
            Some(_) if self.order.money_promised() > 0 => Err("money is promised for it"),
            Some(_) if self.order.open_operations().next().is_some() => Err("a payment is on its way"),
            Some(_) => Ok(()),
        }
    }

    fn expire(&mut self) -> Result<(), Refusal> {
        self.check(CommandKind::Expire)?;
        self.emit(EventBody::Expired);
        Ok(())
    }

    fn guard_complete(&self) -> Result<(), &'static str> {
        match () {
            () if !self.order.has_arrived() => Err("not all of it has been delivered"),
            () if self.order.open_operations().next().is_some() => Err("a payment or refund is on its way"),
            () if self.order.money_held() < self.order.due() => Err("it is not paid"),
            () if self.order.money_promised() > 0 => Err("more money is promised for it; capture or void it"),
            () => Ok(()),
        }
    }

    fn complete(&mut self) -> Result<(), Refusal> {
        self.check(CommandKind::Complete)?;
        self.emit(EventBody::Completed);
        Ok(())
    }

    fn place_hold(&mut self, hold: Hold) -> Result<(), Refusal> {
        self.check(CommandKind::PlaceHold)?;
        if !self.order.holds.contains(&hold) {
            self.emit(EventBody::HoldPlaced { hold });
        }
        Ok(())
    }

    /// Allowed in every state: a hold that a gateway's word placed on an order that is over must be possible to tidy up.
    fn release_hold(&mut self, hold: Hold) -> Result<(), Refusal> {
        if self.order.holds.contains(&hold) {
            self.emit(EventBody::HoldReleased { hold });
            self.confirm_by_policy();
        }
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

    pub(super) fn line(&self, line_id: u32) -> Result<&Line, Refusal> {
        let line = self.order.lines.iter().find(|line| line.line_id == line_id);
        line.ok_or_else(|| Refusal::not_found(ResourceKind::OrderLine, line_id))
    }

    /// Units of lines, each line once: those asked for, as far as the lines have them to give.
    ///
    /// # Errors
    /// An unknown line, or one that has fewer.
    pub(super) fn take(
        &self,
        command: CommandKind,
        wanted: &[LineQuantity],
        available: impl Fn(&Line) -> u32,
    ) -> Result<Vec<LineQuantity>, Refusal> {
        let mut taken: Vec<LineQuantity> = Vec::with_capacity(wanted.len());
        for part in wanted.iter().filter(|part| part.quantity > 0) {
            match taken.iter_mut().find(|known| known.line_id == part.line_id) {
                Some(known) => known.quantity = known.quantity.saturating_add(part.quantity),
                None => taken.push(*part),
            }
        }
        for LineQuantity { line_id, quantity: requested } in taken.iter().copied() {
            let available = available(self.line(line_id)?);
            if requested > available {
                return Err(Refusal::LineQuantityExceeded { command, line_id, requested, available });
            }
        }
        Ok(taken)
    }

    /// Units of all lines, where there are any.
    pub(super) fn quantities(&self, units: impl Fn(&Line) -> u32) -> Vec<LineQuantity> {
        let part = |line: &Line| LineQuantity { line_id: line.line_id, quantity: units(line) };
        self.order.lines.iter().map(part).filter(|part| part.quantity > 0).collect()
    }
}
