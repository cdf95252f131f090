//! What the shop promises, in the plainest terms: shelves, carts, coupons, and its orders.

use order_api::v1::{OrderHold, OrderState};

use super::{
    carts::Cart,
    money::{Kind, Stage},
    order::{Line, Order, Refused},
    price::{COUPONS, price},
    settings::{Confirm, Settings},
    step::{CUSTOMERS, How, Lines, OrderStep, PRODUCTS, STOCK},
};

/// The refusal of what is not on the shelf.
pub(super) const SHORT: Refused = "INSUFFICIENT_STOCK";

/// Everything.
#[derive(Debug)]
pub(super) struct Reference {
    pub(super) settings: Settings,
    /// Minutes since the beginning.
    pub(super) now: i64,
    /// Units that were ever put on each shelf.
    supplied: [i64; PRODUCTS.len()],
    /// Units that may be promised beyond those on the shelf.
    pub(super) backorders: [i64; PRODUCTS.len()],
    pub(super) carts: Vec<Cart>,
    /// The latest cart of each customer.
    pub(super) cart_of: [Option<usize>; CUSTOMERS],
    pub(super) orders: Vec<Order>,
}

/// What a change of an order came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Done {
    /// It changed.
    Changed,
    /// Money was asked for, by this request to the gateway.
    Asked(usize, usize),
    /// So much goes back.
    Refunded(i64),
    /// It costs so much more.
    Edited(i64),
    /// This return changed.
    Return(usize),
}

impl Reference {
    pub(super) fn new(settings: Settings) -> Self {
        Self {
            settings,
            now: 0,
            supplied: [STOCK; PRODUCTS.len()],
            backorders: [0; PRODUCTS.len()],
            carts: Vec::new(),
            cart_of: [None; CUSTOMERS],
            orders: Vec::new(),
        }
    }

    fn units(&self, product: usize, of: impl Fn(&Line) -> i64) -> i64 {
        self.orders.iter().flat_map(|order| &order.lines).filter(|line| line.product == product).map(of).sum()
    }

    pub(super) fn on_hand(&self, product: usize) -> i64 {
        self.supplied[product] - self.units(product, |line| line.shipped - line.restocked)
    }

    pub(super) fn allocated(&self, product: usize) -> i64 {
        self.units(product, |line| line.allocated)
    }

    /// What carts hold, but for one of them.
    pub(super) fn reserved(&self, product: usize, but: Option<usize>) -> i64 {
        let others = self.carts.iter().enumerate().filter(|(n, _)| Some(*n) != but);
        others.map(|(_, cart)| cart.holds(product, self.now)).sum()
    }

    /// Units that could be promised to somebody with this cart.
    pub(super) fn available(&self, product: usize, cart: Option<usize>) -> i64 {
        self.on_hand(product) + self.backorders[product] - self.allocated(product) - self.reserved(product, cart)
    }

    /// Nothing is sold that is not there, and nothing leaves that is not there.
    fn is_sound(&self) -> bool {
        (0..PRODUCTS.len()).all(|product| self.on_hand(product) >= 0 && self.available(product, None) >= 0)
    }

    pub(super) fn checkout(&mut self, customer: usize, how: How) -> Result<usize, Refused> {
        let cart = self.cart_of[customer].ok_or("CART_EMPTY")?;
        if let Some(order) = self.carts[cart].order {
            return Ok(order);
        }
        if self.carts[cart].lines.is_empty() {
            return Err("CART_EMPTY");
        }
        let lines = self.carts[cart].lines.clone();
        let order = self.place((customer, Some(cart)), &lines, how)?;
        self.carts[cart].ordered(order);
        Ok(order)
    }

    pub(super) fn place(
        &mut self,
        (customer, cart): (usize, Option<usize>),
        lines: &Lines,
        how: How,
    ) -> Result<usize, Refused> {
        let coupon = how.coupon.map(|n| &COUPONS[n]);
        let uses = |who: Option<usize>| {
            let live = self.orders.iter().filter(|order| order.coupon == how.coupon && !order.is_called_off());
            live.filter(|order| who.is_none_or(|who| who == order.customer)).count()
        };
        let (totals, shipping) = price(lines, coupon).ok_or("COUPON_NOT_APPLICABLE")?;
        if coupon.is_some_and(|coupon| uses(None) >= coupon.total || uses(Some(customer)) >= coupon.each) {
            return Err("COUPON_NOT_APPLICABLE");
        }
        let wanted = |product: usize| lines.iter().filter(|line| line.0 == product).map(|line| line.1).sum::<i64>();
        if (0..PRODUCTS.len()).any(|product| wanted(product) > self.available(product, cart).max(0)) {
            return Err(SHORT);
        }
        let promised = self.settings.confirm != Confirm::Allocating;
        let line = |((product, ordered), total): (&(usize, i64), i64)| Line {
            product: *product,
            ordered: *ordered,
            total,
            allocated: if promised { *ordered } else { 0 },
            ..Line::default()
        };
        let mut order = Order {
            settings: self.settings,
            customer,
            coupon: how.coupon,
            state: OrderState::Pending,
            holds: Vec::new(),
            lines: lines.iter().zip(totals).map(line).collect(),
            parcels: Vec::new(),
            returns: Vec::new(),
            payments: Vec::new(),
            shipping,
            shipping_refunded: 0,
            pay_by: (self.settings.pay_by > 0).then_some(self.now + self.settings.pay_by),
        };
        if let Some(instrument) = how.instrument {
            order.pay(instrument, None).expect("a new order can be paid");
            order.send(self.now);
        }
        self.orders.push(order);
        Ok(self.orders.len() - 1)
    }

    /// Changes an order, all or nothing.
    pub(super) fn change(&mut self, n: usize, step: &OrderStep) -> Result<Done, Refused> {
        let mut order = self.orders[n].clone();
        let done = self.decide(&mut order, step)?;
        let before = std::mem::replace(&mut self.orders[n], order);
        if !self.is_sound() {
            self.orders[n] = before;
            return Err(SHORT);
        }
        self.orders[n].send(self.now);
        Ok(done)
    }

    fn decide(&self, order: &mut Order, step: &OrderStep) -> Result<Done, Refused> {
        match step {
            OrderStep::Pay(instrument, part) => {
                let asked = order.pay(*instrument, *part)?;
                return Ok(asked.map_or(Done::Changed, |(payment, op)| Done::Asked(payment, op)));
            }
            OrderStep::Capture(payment, part) => {
                let (payment, op) = order.capture(*payment, *part)?;
                return Ok(Done::Asked(payment, op));
            }
            OrderStep::Refund(wish) => return order.refund(wish).map(Done::Refunded),
            OrderStep::Edit(units, added) => return order.edit(units, *added).map(Done::Edited),
            OrderStep::RequestReturn(units) => {
                order.request_return(units)?;
                return Ok(Done::Return(order.returns.len() - 1));
            }
            OrderStep::Return(order_return, step) => {
                order.step_return(*order_return, step)?;
                return Ok(Done::Return(*order_return));
            }
            OrderStep::Cancel => order.cancel()?,
            OrderStep::CancelUnits(units) => order.cancel_units(units)?,
            OrderStep::Note(_) => {}
            OrderStep::Move(_) => order.require(order.is_open() && order.units(|line| line.shipped) == 0)?,
            OrderStep::Walk(word) => order.walk(*word)?,
            OrderStep::Hold(hold) => order.hold(*hold)?,
            OrderStep::Release(hold) => order.release(*hold),
            OrderStep::Void(payment) => order.void(*payment)?,
            OrderStep::Tell(_) | OrderStep::Contradict(_) => {}
            OrderStep::Parcel(units) => order.pack(units)?,
            OrderStep::Shipment(parcel, step) => order.step_parcel(*parcel, *step)?,
            OrderStep::Reconcile => order.reconcile(self.now),
        }
        Ok(Done::Changed)
    }

    /// The gateway tells what became of a request; whether that was news.
    pub(super) fn tell(&mut self, n: usize, (payment, op): (usize, usize), says: Stage) -> bool {
        let order = &mut self.orders[n];
        let known = order.payments[payment].ops[op].stage;
        let news = known.is_open();
        if news {
            order.settle((payment, op), says);
            order.send(self.now);
        } else if known == Stage::Done && says == Stage::Failed && !order.holds.contains(&OrderHold::Payment) {
            order.holds.push(OrderHold::Payment);
        }
        news
    }

    pub(super) fn adjust(&mut self, product: usize, delta: i64, backorders: Option<i64>) -> Result<(), Refused> {
        let before = (self.supplied[product], self.backorders[product]);
        self.supplied[product] += delta;
        self.backorders[product] = backorders.unwrap_or(before.1);
        if self.is_sound() {
            return Ok(());
        }
        (self.supplied[product], self.backorders[product]) = before;
        Err("STOCK_PROMISED")
    }

    pub(super) fn orders_that(&self, which: impl Fn(&Order) -> bool) -> Vec<usize> {
        (0..self.orders.len()).filter(|n| which(&self.orders[*n])).collect()
    }

    /// Every lost answer is looked for.
    pub(super) fn reconcile(&mut self) {
        for order in &mut self.orders {
            order.reconcile(self.now);
        }
    }

    pub(super) fn expire(&mut self) {
        for order in self.orders.iter_mut().filter(|order| order.is_overdue(self.now)) {
            order.close(OrderState::Expired);
        }
    }

    /// Cents that requests of a kind have moved, in the whole ledger.
    pub(super) fn moved(&self, kinds: &[Kind]) -> i64 {
        self.orders.iter().map(|order| order.sum(|payment| payment.done(kinds))).sum()
    }
}
