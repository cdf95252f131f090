//! The goods of one order: calling units off, adding lines, parcels, and what of its money goes back with them.

use std::collections::BTreeMap;

use order_api::v1::{OrderState, OrderStatus, ShipmentStatus};

use super::{
    order::{Line, Order, Parcel, Refused, TOO_MANY},
    price::taxed,
    settings::Confirm,
    step::{Instrument, OrderStep, PRODUCTS, ParcelStep, Units},
};

impl Parcel {
    /// Whether it is still in the house.
    pub(super) fn is_open(&self) -> bool {
        matches!(self.status, ShipmentStatus::Pending | ShipmentStatus::Packed)
    }
}

impl Order {
    /// What is to be done next if something is to come back one day.
    pub(super) fn towards_a_return(&self) -> OrderStep {
        let parcel = |which: fn(&Parcel) -> bool| self.parcels.iter().position(which);
        let on_the_way = parcel(|parcel| parcel.status == ShipmentStatus::Shipped);
        let delivered = self.lines.iter().position(|line| line.delivered > line.announced);
        match (on_the_way, parcel(Parcel::is_open), delivered) {
            _ if !self.holds.is_empty() => OrderStep::Release(self.holds[0]),
            _ if self.is_open() && self.missing() > 0 => OrderStep::Pay(Instrument::Card, None),
            _ if self.state == OrderState::Pending => OrderStep::Walk(OrderStatus::Confirmed),
            (Some(parcel), _, _) => OrderStep::Shipment(parcel, ParcelStep::Deliver),
            (None, Some(parcel), _) => OrderStep::Shipment(parcel, ParcelStep::Ship),
            (None, None, Some(line)) => {
                OrderStep::RequestReturn(vec![(line, self.lines[line].delivered - self.lines[line].announced)])
            }
            (None, None, None) => OrderStep::Parcel(Vec::new()),
        }
    }

    /// Units of lines that exist, each line once.
    pub(super) fn named(&self, units: &Units) -> Units {
        let mut named = BTreeMap::new();
        for (line, quantity) in units {
            named.entry(line % self.lines.len()).or_insert(*quantity);
        }
        named.into_iter().collect()
    }

    /// Refuses more units than lines have.
    pub(super) fn check(&self, units: &Units, available: impl Fn(usize) -> i64) -> Result<(), Refused> {
        if units.iter().all(|(line, quantity)| *quantity <= available(*line)) { Ok(()) } else { Err(TOO_MANY) }
    }

    fn planned(&self, line: usize) -> i64 {
        let open = self.parcels.iter().filter(|parcel| parcel.is_open());
        open.flat_map(|parcel| &parcel.units).filter(|part| part.0 == line).map(|part| part.1).sum()
    }

    /// Units that could go into a parcel.
    fn packable(&self, line: usize) -> i64 {
        self.lines[line].allocated - self.planned(line)
    }

    /// Units that could be called off.
    fn cancellable(&self, line: usize) -> i64 {
        self.lines[line].to_ship() - self.planned(line)
    }

    fn can_change(&self) -> bool {
        self.is_open() && (0..self.lines.len()).any(|line| self.cancellable(line) > 0)
    }

    fn is_all(&self, units: &Units) -> bool {
        let among = |n: usize| units.iter().find(|part| part.0 == n).map_or(0, |part| part.1);
        self.lines.iter().enumerate().all(|(n, line)| line.live() == among(n))
    }

    pub(super) fn cancel_units(&mut self, units: &Units) -> Result<(), Refused> {
        let units = self.named(units);
        self.require(self.can_change())?;
        self.check(&units, |line| self.cancellable(line))?;
        if self.is_all(&units) {
            return self.cancel();
        }
        self.call_off(&units);
        self.confirm_by_policy();
        Ok(())
    }

    fn call_off(&mut self, units: &Units) {
        if units.iter().all(|(_, quantity)| *quantity == 0) {
            return;
        }
        let excess = self.excess();
        for (line, quantity) in units {
            let line = &mut self.lines[*line];
            // What was never promised goes first.
            let unpromised = line.to_ship() - line.allocated;
            line.allocated -= (quantity - unpromised).max(0);
            line.cancelled += quantity;
        }
        self.give_back(self.excess() - excess, 0);
        self.tidy_promises();
    }

    /// By how much it costs more.
    pub(super) fn edit(&mut self, wanted: &Units, added: Option<(usize, i64)>) -> Result<i64, Refused> {
        let wanted = self.named(wanted);
        self.require(self.can_change() && !self.is_given_back())?;
        let due = self.due();
        self.require(wanted.iter().all(|(line, units)| *units <= self.lines[*line].live()))?;
        let fewer: Units = wanted.iter().map(|(line, units)| (*line, self.lines[*line].live() - units)).collect();
        self.check(&fewer, |line| self.cancellable(line))?;
        self.require(added.is_some() || !self.is_all(&fewer))?;
        if let Some((product, ordered)) = added {
            let total = taxed(PRODUCTS[product].1 * ordered);
            let later = self.state == OrderState::Pending && self.settings.confirm == Confirm::Allocating;
            let allocated = if later { 0 } else { ordered };
            self.lines.push(Line { product, ordered, total, allocated, ..Line::default() });
        }
        self.call_off(&fewer);
        if added.is_some() || fewer.iter().any(|(_, quantity)| *quantity > 0) {
            self.confirm_by_policy();
        }
        Ok(self.due() - due)
    }

    fn can_leave(&self) -> bool {
        let at_the_door = self.cash_awaited().is_some() && !self.is_collecting();
        self.holds.is_empty() && !self.is_given_back() && (self.is_covered() || at_the_door)
    }

    pub(super) fn pack(&mut self, units: &Units) -> Result<(), Refused> {
        let confirmed = matches!(self.state, OrderState::Confirmed | OrderState::Processing);
        let all: Units = (0..self.lines.len()).map(|line| (line, self.packable(line))).collect();
        let all: Units = all.into_iter().filter(|(_, quantity)| *quantity > 0).collect();
        self.require(confirmed && self.can_leave() && !all.is_empty())?;
        let units = if units.is_empty() { all } else { self.named(units) };
        self.check(&units, |line| self.packable(line))?;
        self.parcels.push(Parcel { status: ShipmentStatus::Pending, units, news: Vec::new() });
        Ok(())
    }

    /// Everything that is left: what is in parcels, and the rest in one more.
    pub(super) fn ship_all(&mut self) -> Result<(), Refused> {
        let promised = self.lines.iter().all(|line| line.allocated == line.to_ship());
        self.require(self.can_leave() && promised)?;
        let planned: Vec<_> = (0..self.parcels.len()).filter(|n| self.parcels[*n].is_open()).collect();
        for parcel in planned {
            self.ship(parcel);
        }
        let rest = self.lines.iter().enumerate().map(|(n, line)| (n, line.to_ship()));
        let units: Units = rest.filter(|(_, quantity)| *quantity > 0).collect();
        if !units.is_empty() {
            self.parcels.push(Parcel { status: ShipmentStatus::Pending, units, news: Vec::new() });
            self.ship(self.parcels.len() - 1);
        }
        Ok(())
    }

    fn ship(&mut self, parcel: usize) {
        let parcel = &mut self.parcels[parcel];
        parcel.status = ShipmentStatus::Shipped;
        for (line, quantity) in &parcel.units {
            self.lines[*line].allocated -= quantity;
            self.lines[*line].shipped += quantity;
        }
        self.capture_for_shipped();
        self.tidy_promises();
    }

    pub(super) fn deliver_all(&mut self) {
        for parcel in 0..self.parcels.len() {
            if self.parcels[parcel].status == ShipmentStatus::Shipped {
                self.deliver(parcel);
            }
        }
    }

    fn deliver(&mut self, parcel: usize) {
        let parcel = &mut self.parcels[parcel];
        parcel.status = ShipmentStatus::Delivered;
        for (line, quantity) in &parcel.units {
            self.lines[*line].delivered += quantity;
        }
        if self.has_arrived() {
            self.collect_cash();
        }
    }

    /// Back on the shelf and promised again, or called off where the money was given back already.
    fn send_back(&mut self, parcel: usize) {
        let parcel = &mut self.parcels[parcel];
        parcel.status = ShipmentStatus::ReturnedToSender;
        for (line, quantity) in &parcel.units {
            let line = &mut self.lines[*line];
            let paid_back = (line.refunded - line.received).clamp(0, *quantity);
            line.shipped -= quantity;
            line.allocated += quantity - paid_back;
            line.refunded -= paid_back;
            line.cancelled += paid_back;
        }
    }

    /// A step that was taken before changes nothing.
    pub(super) fn step_parcel(&mut self, n: usize, step: ParcelStep) -> Result<(), Refused> {
        let status = self.parcels[n].status;
        let (in_house, on_the_way) = (self.parcels[n].is_open(), status == ShipmentStatus::Shipped);
        match step {
            ParcelStep::Pack if status == ShipmentStatus::Packed => {}
            ParcelStep::Pack => {
                self.require(in_house && self.holds.is_empty())?;
                self.parcels[n].status = ShipmentStatus::Packed;
            }
            ParcelStep::Ship if on_the_way => {}
            ParcelStep::Ship => {
                self.require(in_house && self.can_leave())?;
                self.ship(n);
            }
            ParcelStep::Deliver if status == ShipmentStatus::Delivered => {}
            ParcelStep::Deliver => {
                self.require(on_the_way)?;
                self.deliver(n);
            }
            ParcelStep::Cancel if status == ShipmentStatus::Cancelled => {}
            ParcelStep::Cancel => {
                self.require(in_house)?;
                self.parcels[n].status = ShipmentStatus::Cancelled;
            }
            ParcelStep::SendBack if status == ShipmentStatus::ReturnedToSender => {}
            ParcelStep::SendBack => {
                self.require(on_the_way)?;
                self.send_back(n);
            }
            ParcelStep::Tell(news) => {
                let known = &mut self.parcels[n].news;
                if !known.contains(&news) {
                    known.push(news);
                }
            }
        }
        Ok(())
    }
}
