//! What goes back: money that the shop gives, and goods that the customer sends.

use order_api::v1::{OrderState, ReturnStatus};

use super::{
    money::percent,
    order::{Order, Refused, Return, TOO_MANY},
    step::{OrderStep, ReturnStep, Units, Wish},
};

impl Order {
    /// What goes back, in cents.
    pub(super) fn refund(&mut self, wish: &Wish) -> Result<i64, Refused> {
        self.require(self.held() > 0)?;
        let held = self.held();
        match wish {
            Wish::All => self.refund_amount(held)?,
            Wish::Part(part) if percent(*part, held) > held => return Err("AMOUNT_EXCEEDED"),
            Wish::Part(part) => self.refund_amount(percent(*part, held))?,
            Wish::Units(units) => self.refund_units(units, 0)?,
            Wish::UnitsAndShipping(units) => self.refund_units(units, self.shipping - self.shipping_refunded)?,
        }
        Ok(held - self.held())
    }

    /// What was paid too much goes first; the rest is a favour, unless it stays owed.
    pub(super) fn refund_amount(&mut self, amount: i64) -> Result<(), Refused> {
        self.require(self.held() > 0)?;
        let favour = if self.is_covered() { (amount - self.excess()).max(0) } else { 0 };
        self.give_back(amount, favour);
        Ok(())
    }

    fn refund_units(&mut self, units: &Units, shipping: i64) -> Result<(), Refused> {
        let units = self.named(units);
        self.check(&units, |line| self.lines[line].shipped - self.lines[line].refunded)?;
        let worth = shipping + self.pay_back(&units);
        self.require(worth > 0)?;
        self.shipping_refunded += shipping;
        self.give_back(worth.min(self.held()), 0);
        Ok(())
    }

    /// Counts units as paid back: what they are worth. All parts of a line add up to the line.
    fn pay_back(&mut self, units: &Units) -> i64 {
        let mut worth = 0;
        for (line, quantity) in units {
            let line = &mut self.lines[*line];
            worth -= line.credit();
            line.refunded += quantity;
            worth += line.credit();
        }
        worth
    }

    pub(super) fn request_return(&mut self, units: &Units) -> Result<(), Refused> {
        let units = self.named(units);
        let returnable = |line: usize| self.lines[line].delivered - self.lines[line].announced;
        let left = !self.is_called_off() && self.state != OrderState::Pending;
        self.require(left && (0..self.lines.len()).any(|line| returnable(line) > 0))?;
        self.check(&units, returnable)?;
        for (line, quantity) in &units {
            self.lines[*line].announced += quantity;
        }
        let units = units.into_iter().map(|(line, quantity)| (line, [quantity, 0, 0])).collect();
        self.returns.push(Return { status: ReturnStatus::Requested, units });
        Ok(())
    }

    /// A step of a return, after the one that has to come before it; `None` where the return is over.
    pub(super) fn next_of(&self, n: usize, step: &ReturnStep) -> Option<OrderStep> {
        match (self.returns[n].status, step) {
            (ReturnStatus::Requested, ReturnStep::Receive { .. } | ReturnStep::Close) => {
                Some(OrderStep::Return(n, ReturnStep::Approve))
            }
            (ReturnStatus::Requested | ReturnStatus::Approved | ReturnStatus::Received, step) => {
                Some(OrderStep::Return(n, step.clone()))
            }
            (_over, _) => None,
        }
    }

    pub(super) fn step_return(&mut self, n: usize, step: &ReturnStep) -> Result<(), Refused> {
        use ReturnStatus::{Approved, Cancelled, Closed, Received, Rejected, Requested};
        let status = self.returns[n].status;
        match step {
            ReturnStep::Cancel => self.end_return(n, &[Requested, Approved], Cancelled),
            ReturnStep::Reject => self.end_return(n, &[Requested], Rejected),
            ReturnStep::Close => self.end_return(n, &[Approved, Received], Closed),
            ReturnStep::Approve => {
                self.require(status == Requested || status == Approved)?;
                self.returns[n].status = Approved;
                Ok(())
            }
            ReturnStep::Receive { lines, unpaid } => {
                self.require(status == Approved || status == Received)?;
                let lines = self.returns[n].named(lines);
                self.receive(n, &lines)?;
                if !unpaid {
                    self.pay_for(&lines);
                }
                Ok(())
            }
        }
    }

    /// What did not come back may be announced again. A step that was taken before changes nothing.
    fn end_return(&mut self, n: usize, from: &[ReturnStatus], to: ReturnStatus) -> Result<(), Refused> {
        if self.returns[n].status == to {
            return Ok(());
        }
        self.require(from.contains(&self.returns[n].status))?;
        self.returns[n].status = to;
        for (line, [announced, restocked, written_off]) in &self.returns[n].units {
            self.lines[*line].announced -= announced - restocked - written_off;
        }
        Ok(())
    }

    fn receive(&mut self, n: usize, lines: &[(usize, i64, i64)]) -> Result<(), Refused> {
        let order_return = &mut self.returns[n];
        for (line, restock, write_off) in lines {
            let (_, [announced, restocked, written_off]) =
                order_return.units.iter_mut().find(|(known, _)| known == line).unwrap();
            *restocked += restock;
            *written_off += write_off;
            if *restocked + *written_off > *announced {
                return Err(TOO_MANY);
            }
            let line = &mut self.lines[*line];
            line.restocked += restock;
            line.written_off += write_off;
            line.received += restock + write_off;
        }
        order_return.status = ReturnStatus::Received;
        Ok(())
    }

    /// Nobody pays for what came back, and nobody is paid for it twice.
    fn pay_for(&mut self, lines: &[(usize, i64, i64)]) {
        let unpaid = |(n, restock, write_off): &(usize, i64, i64)| {
            let line = &self.lines[*n];
            (*n, (restock + write_off).min(line.received - line.refunded))
        };
        let units: Units = lines.iter().map(unpaid).filter(|(_, quantity)| *quantity > 0).collect();
        if units.is_empty() {
            return;
        }
        let excess = self.excess();
        self.pay_back(&units);
        self.give_back(self.excess() - excess, 0);
        self.tidy_promises();
    }
}

impl Return {
    /// Units of lines that are in it, each line once and none without units.
    pub(super) fn named(&self, lines: &[(usize, i64, i64)]) -> Vec<(usize, i64, i64)> {
        let mut named: Vec<(usize, i64, i64)> = Vec::new();
        for (line, restock, write_off) in lines {
            let (line, _) = self.units[line % self.units.len()];
            if !named.iter().any(|known| known.0 == line) {
                named.push((line, *restock, (*write_off).max(i64::from(*restock == 0))));
            }
        }
        named
    }
}
