//! What the service promises, in the plainest terms: words, goods on shelves, and cents.

use order_api::v1::{OrderState, OrderStatus, PaymentStatus};

use super::{
    order::{ILLEGAL, Money, Order, Payment, Refused},
    step::{CUSTOMERS, Instrument, Lines, PRODUCTS, STOCK},
};

/// How long an order waits for its payment, in minutes.
pub(super) const PAY_BY_MINUTES: i64 = 30;

/// How often money is asked for that never arrives, before it counts as refused.
const SENDS: u32 = 5;

/// How often an order may be tried to be paid.
const PAYMENTS: usize = 20;

/// A cart; ordered once, it is only looked at.
#[derive(Debug, Clone, Default)]
pub(super) struct Cart {
    pub(super) lines: Lines,
    /// One more with each change, the checkout included.
    pub(super) changes: usize,
    pub(super) order: Option<usize>,
}

/// Everything.
#[derive(Debug)]
pub(super) struct Reference {
    when_paid: bool,
    /// Minutes since the beginning.
    pub(super) now: i64,
    /// Units on hand.
    pub(super) on_hand: [i64; PRODUCTS.len()],
    pub(super) carts: Vec<Cart>,
    /// The latest cart of each customer.
    pub(super) cart_of: [Option<usize>; CUSTOMERS],
    pub(super) orders: Vec<Order>,
}

impl Reference {
    pub(super) fn new(when_paid: bool) -> Self {
        let (carts, orders) = (Vec::new(), Vec::new());
        Self { when_paid, now: 0, on_hand: [STOCK; PRODUCTS.len()], carts, cart_of: [None; CUSTOMERS], orders }
    }

    /// Units that live orders wait for.
    pub(super) fn allocated(&self, product: usize) -> i64 {
        let waiting = self.orders.iter().filter(|order| !order.is_called_off() && !order.shipped);
        waiting.flat_map(|order| &order.lines).filter(|line| line.0 == product).map(|line| line.1).sum()
    }

    /// The customer's cart, if it can be changed.
    pub(super) fn live_cart(&self, customer: usize) -> Option<usize> {
        self.cart_of[customer].filter(|cart| self.carts[*cart].order.is_none())
    }

    pub(super) fn add(&mut self, customer: usize, (product, quantity): (usize, i64)) -> usize {
        let cart = self.live_cart(customer).unwrap_or_else(|| {
            self.carts.push(Cart::default());
            self.carts.len() - 1
        });
        self.cart_of[customer] = Some(cart);
        let Cart { lines, changes, .. } = &mut self.carts[cart];
        *changes += 1;
        match lines.iter_mut().find(|line| line.0 == product) {
            Some(line) => line.1 += quantity,
            None => lines.push((product, quantity)),
        }
        cart
    }

    pub(super) fn set(&mut self, customer: usize, (line, quantity): (usize, i64)) -> Result<usize, Refused> {
        let cart = self.live_cart(customer).ok_or("CART_NOT_FOUND")?;
        let Cart { lines, changes, .. } = &mut self.carts[cart];
        let (product, _) = *lines.get(line).ok_or("CART_ITEM_NOT_FOUND")?;
        *changes += 1;
        match quantity {
            0 => lines.retain(|kept| kept.0 != product),
            some => lines[line].1 = some,
        }
        Ok(cart)
    }

    pub(super) fn clear(&mut self, customer: usize) -> Result<usize, Refused> {
        let cart = self.live_cart(customer).ok_or("CART_NOT_FOUND")?;
        self.carts[cart].changes += 1;
        self.carts[cart].lines.clear();
        Ok(cart)
    }

    pub(super) fn checkout(&mut self, customer: usize, instrument: Option<Instrument>) -> Result<usize, Refused> {
        let cart = self.cart_of[customer].ok_or("CART_EMPTY")?;
        if let Some(order) = self.carts[cart].order {
            return Ok(order);
        }
        if self.carts[cart].lines.is_empty() {
            return Err("CART_EMPTY");
        }
        let lines = self.carts[cart].lines.clone();
        let order = self.place(customer, (lines, instrument))?;
        self.carts[cart].order = Some(order);
        self.carts[cart].changes += 1;
        Ok(order)
    }

    pub(super) fn place(
        &mut self,
        customer: usize,
        (lines, instrument): (Lines, Option<Instrument>),
    ) -> Result<usize, Refused> {
        for product in 0..PRODUCTS.len() {
            let wanted: i64 = lines.iter().filter(|line| line.0 == product).map(|line| line.1).sum();
            if wanted > self.on_hand[product] - self.allocated(product) {
                return Err("INSUFFICIENT_STOCK");
            }
        }
        let total = total(&lines);
        let pay_by = Some(self.now + PAY_BY_MINUTES);
        let (state, payments) = (OrderState::Pending, Vec::new());
        self.orders.push(Order { customer, lines, total, state, shipped: false, delivered: false, payments, pay_by });
        let order = self.orders.len() - 1;
        if let Some(instrument) = instrument {
            self.charge(order, instrument);
        }
        Ok(order)
    }

    fn charge(&mut self, order: usize, instrument: Instrument) {
        let money = match instrument {
            Instrument::Approved => Money::Taken,
            Instrument::Declined => Money::Failed,
            Instrument::AnswerLost => Money::AnswerLost,
            Instrument::RequestLost => Money::RequestLost { sends: 1 },
            Instrument::Cash => Money::Awaited,
        };
        let cash = instrument == Instrument::Cash;
        self.orders[order].payments.push(Payment { cash, money });
        if cash {
            // Nobody waits for a payment in advance any more.
            self.orders[order].pay_by = None;
        }
        self.confirm_by_policy(order);
    }

    fn confirm_by_policy(&mut self, order: usize) {
        let order = &mut self.orders[order];
        if self.when_paid && order.state == OrderState::Pending && order.can_be_confirmed() {
            order.state = OrderState::Confirmed;
        }
    }

    /// Whether it was refused by the gateway is another question: the order was changed.
    pub(super) fn pay(&mut self, order: usize, instrument: Instrument) -> Result<(), Refused> {
        let payable = &self.orders[order];
        let status = payable.payment_status();
        let due = status == PaymentStatus::Unpaid || status == PaymentStatus::Failed;
        match () {
            () if payable.is_called_off() || payable.payments.len() >= PAYMENTS => Err(ILLEGAL),
            () if status == PaymentStatus::Pending => Err("PAYMENT_IN_PROGRESS"),
            () if !due => Err(ILLEGAL),
            () => {
                self.charge(order, instrument);
                Ok(())
            }
        }
    }

    pub(super) fn cancel(&mut self, order: usize) -> Result<(), Refused> {
        self.orders[order].cancel()
    }

    pub(super) fn walk(&mut self, order: usize, wanted: OrderStatus) -> Result<(), Refused> {
        let mut walked = self.orders[order].clone();
        match wanted {
            _ if wanted == walked.word() => return Err(ILLEGAL),
            OrderStatus::Cancelled => walked.cancel()?,
            OrderStatus::Refunded => walked.refund()?,
            OrderStatus::Pending | OrderStatus::Paid | OrderStatus::Unspecified => return Err(ILLEGAL),
            OrderStatus::Confirmed
            | OrderStatus::Processing
            | OrderStatus::Shipped
            | OrderStatus::Delivered
            | OrderStatus::Completed => walked.forward(wanted)?,
        }
        if walked.shipped && !self.orders[order].shipped {
            for (product, quantity) in &walked.lines {
                self.on_hand[*product] -= quantity;
            }
        }
        self.orders[order] = walked;
        Ok(())
    }

    pub(super) fn adjust(&mut self, product: usize, delta: i64) -> Result<(), Refused> {
        if self.on_hand[product] + delta < self.allocated(product) {
            return Err("STOCK_PROMISED");
        }
        self.on_hand[product] += delta;
        Ok(())
    }

    /// Every lost answer is looked for. A request that never arrived is sent again, and gets lost again, as long as the order
    /// wants it.
    pub(super) fn reconcile(&mut self) {
        for n in 0..self.orders.len() {
            let order = &mut self.orders[n];
            let called_off = order.is_called_off();
            let Some(payment) = order.payments.iter_mut().find(|payment| payment.money.is_unknown()) else { continue };
            payment.money = match payment.money {
                Money::AnswerLost if called_off => Money::GivenBack,
                Money::AnswerLost => Money::Taken,
                Money::RequestLost { sends } if called_off || sends >= SENDS => Money::Failed,
                Money::RequestLost { sends } => Money::RequestLost { sends: sends + 1 },
                decided @ (Money::Awaited | Money::Failed | Money::Taken | Money::GivenBack) => decided,
            };
            self.confirm_by_policy(n);
        }
    }

    pub(super) fn expire(&mut self) {
        let now = self.now;
        for order in &mut self.orders {
            let due = order.state == OrderState::Pending && order.pay_by.is_some_and(|pay_by| now > pay_by);
            if due && !order.has(Money::Taken) && !order.is_collecting() {
                order.state = OrderState::Expired;
            }
        }
    }

    /// Cents of a kind in the whole ledger.
    pub(super) fn money(&self, counts: impl Fn(Money) -> bool) -> i64 {
        let of = |order: &Order| order.payments.iter().filter(|p| counts(p.money)).count() as i64 * order.total;
        self.orders.iter().map(of).sum()
    }
}

/// 8 % tax on each line, half a cent up; shipping 5.99 unless the goods cost more than 50.00.
fn total(lines: &Lines) -> i64 {
    let subtotals = lines.iter().map(|(product, quantity)| PRODUCTS[*product].1 * quantity);
    let subtotal: i64 = subtotals.clone().sum();
    let tax: i64 = subtotals.map(|line| (line * 8 + 50) / 100).sum();
    let shipping = if subtotal > 5_000 { 0 } else { 599 };
    subtotal + tax + shipping
}
