//! Walking forward to a status word, for people who think in the one word and not in the three axes.

use super::{
    Order, State,
    command::{Command, CommandKind, Context, RefundWish},
    decide::Script,
    shipment::Tracking,
    state::Status,
};
use crate::error::{BarredStatus, Refusal};

/// The words that an order can be walked to now, and why the others are out of reach.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatusOptions {
    /// Within reach.
    pub legal: Vec<Status>,
    /// Out of reach.
    pub barred: Vec<BarredStatus>,
}

impl Order {
    /// Which words `UpdateOrderStatus` would accept now. Stock is not looked at: only the store can.
    #[must_use]
    pub fn status_options(&self, context: &Context) -> StatusOptions {
        let mut options = StatusOptions { legal: Vec::new(), barred: Vec::new() };
        for &status in Status::ALL {
            match Script::new(self, context).steps_to(status, &Tracking::default()) {
                Ok(()) => options.legal.push(status),
                Err(reason) => options.barred.push(BarredStatus { status, reason }),
            }
        }
        options
    }
}

/// How far along the main road a word is; `None` for the words that are not on it.
const fn rank(status: Status) -> Option<u8> {
    match status {
        Status::Pending => Some(0),
        Status::Paid => Some(1),
        Status::Confirmed => Some(2),
        Status::Processing => Some(3),
        Status::Shipped => Some(4),
        Status::Delivered => Some(5),
        Status::Completed => Some(6),
        Status::Cancelled | Status::Refunded => None,
    }
}

/// Whether a step of the main road is still to be taken.
type IsDue = fn(&Order) -> bool;

impl Script<'_> {
    pub(super) fn walk(&mut self, wanted: Status, tracking: &Tracking) -> Result<(), Refusal> {
        let origin = self.order.clone();
        self.steps_to(wanted, tracking).map_err(|reason| {
            let StatusOptions { legal, barred } = origin.status_options(self.context);
            Refusal::IllegalStatus { order_id: origin.id, current: origin.status, wanted, reason, legal, barred }
        })
    }

    /// Takes every step to a word, or says in one sentence what stands in the way.
    fn steps_to(&mut self, wanted: Status, tracking: &Tracking) -> Result<(), String> {
        if wanted == self.order.status {
            return Err(format!("it is {wanted} already"));
        }
        match wanted {
            Status::Pending | Status::Paid => Err("payments lead there, not people; use PayOrder".to_owned()),
            Status::Confirmed | Status::Processing | Status::Shipped | Status::Delivered | Status::Completed => {
                self.forward(wanted, tracking)
            }
            Status::Cancelled => self.step(&Command::Cancel),
            Status::Refunded => self.return_money(),
        }
    }

    fn forward(&mut self, wanted: Status, tracking: &Tracking) -> Result<(), String> {
        let current = self.order.status;
        let (Some(from), Some(to)) = (rank(current), rank(wanted)) else {
            return Err(format!("an order that is {current} goes nowhere from there"));
        };
        if to <= from {
            return Err("an order does not go back".to_owned());
        }
        for (command, due) in self.road(wanted, tracking) {
            if due(&self.order) {
                self.step(&command)?;
            }
        }
        if self.order.status == wanted { Ok(()) } else { Err(format!("it would become {} instead", self.order.status)) }
    }

    /// The steps of the main road up to a word, each with the question whether it is still to be taken.
    fn road(&self, wanted: Status, tracking: &Tracking) -> Vec<(Command, IsDue)> {
        let steps: [(Command, Status, IsDue); 5] = [
            (Command::Confirm, Status::Confirmed, |order| order.state == State::Pending),
            (Command::StartProcessing, Status::Processing, |order| {
                order.state == State::Confirmed && order.status == Status::Confirmed
            }),
            (Command::Ship(tracking.clone()), Status::Shipped, |order| {
                order.lines.iter().any(|line| line.counters.to_ship() > 0)
            }),
            (Command::Deliver, Status::Delivered, |order| {
                order.shipments.iter().any(|s| s.status == super::ShipmentStatus::Shipped)
            }),
            (Command::Complete, Status::Completed, |_| true),
        ];
        let last = rank(wanted);
        steps.into_iter().filter(|step| rank(step.1) <= last).map(|(command, _, due)| (command, due)).collect()
    }

    /// Calls the order off where that is still possible, and gives all money back.
    fn return_money(&mut self) -> Result<(), String> {
        if self.order.money_held() <= 0 {
            return Err("no money was taken for it".to_owned());
        }
        if self.order.refundable() <= 0 {
            return Err("its money was taken outside this service and goes back there".to_owned());
        }
        let untouched = self.order.lines.iter().all(|line| line.counters.shipped == 0);
        let open = match self.order.state {
            State::Pending | State::Confirmed | State::Processing => true,
            State::Cancelled | State::Expired | State::Completed => false,
        };
        let command = if untouched && open { Command::Cancel } else { Command::Refund(RefundWish::All) };
        self.step(&command)
    }

    fn step(&mut self, command: &Command) -> Result<(), String> {
        let kind: CommandKind = command.kind();
        self.run(command).map_err(|refusal| {
            let reason =
                if let Refusal::IllegalTransition { reason, .. } = refusal { reason } else { refusal.to_string() };
            format!("cannot {kind}: {reason}")
        })
    }
}
