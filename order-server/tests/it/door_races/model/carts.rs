//! Carts, and what they hold.

use super::{
    order::Refused,
    reference::{Reference, SHORT},
    step::{CartStep, Lines, PRODUCTS},
};

/// A cart; ordered once, it is only looked at.
#[derive(Debug, Clone, Default)]
pub(super) struct Cart {
    pub(super) lines: Lines,
    /// One more with each change, the checkout included.
    pub(super) changes: usize,
    pub(super) order: Option<usize>,
    held: [i64; PRODUCTS.len()],
    /// In minutes since the beginning.
    until: i64,
}

impl Cart {
    fn has(&self, product: usize) -> i64 {
        self.lines.iter().filter(|line| line.0 == product).map(|line| line.1).sum()
    }

    /// Units that it holds now.
    pub(super) const fn holds(&self, product: usize, now: i64) -> i64 {
        if now < self.until { self.held[product] } else { 0 }
    }

    pub(super) fn ordered(&mut self, order: usize) {
        self.order = Some(order);
        self.changes += 1;
        self.until = 0;
    }

    /// It with other lines.
    fn changed(&self, change: CartStep) -> Result<Self, Refused> {
        let mut cart = self.clone();
        let item = |n: usize| self.lines.get(n).map(|line| line.0).ok_or("CART_ITEM_NOT_FOUND");
        match change {
            CartStep::Add { product, quantity } => match cart.lines.iter_mut().find(|line| line.0 == product) {
                Some(line) => line.1 += quantity,
                None => cart.lines.push((product, quantity)),
            },
            CartStep::Set { line, quantity: 0 } | CartStep::Remove { line } => {
                let product = item(line)?;
                cart.lines.retain(|line| line.0 != product);
            }
            CartStep::Set { line, quantity } => {
                item(line)?;
                cart.lines[line].1 = quantity;
            }
            CartStep::Clear => cart.lines.clear(),
        }
        cart.changes += 1;
        Ok(cart)
    }
}

impl Reference {
    /// The customer's cart, if it can be changed.
    pub(super) fn live_cart(&self, customer: usize) -> Option<usize> {
        self.cart_of[customer].filter(|cart| self.carts[*cart].order.is_none())
    }

    /// The cart that was changed.
    pub(super) fn change_cart(&mut self, customer: usize, change: CartStep) -> Result<usize, Refused> {
        let live = self.live_cart(customer);
        let before = match (live, change) {
            (Some(cart), _) => self.carts[cart].clone(),
            (None, CartStep::Add { .. }) => Cart::default(),
            (None, _) => return Err("CART_NOT_FOUND"),
        };
        let mut after = before.changed(change)?;
        if self.settings.cart_hold > 0 {
            after.held = self.hold(live, (&before, &after))?;
            after.until = self.now + self.settings.cart_hold;
        }
        let cart = live.unwrap_or(self.carts.len());
        self.carts.resize(self.carts.len().max(cart + 1), Cart::default());
        self.carts[cart] = after;
        self.cart_of[customer] = Some(cart);
        Ok(cart)
    }

    /// What a changed cart holds: all that is in it. Where that is not there, it is refused if it asks for more than before;
    /// otherwise it keeps what it held of that.
    fn hold(&self, cart: Option<usize>, (before, after): (&Cart, &Cart)) -> Result<[i64; PRODUCTS.len()], Refused> {
        let mut held = [0; PRODUCTS.len()];
        let mut short = false;
        for (product, held) in held.iter_mut().enumerate() {
            *held = after.has(product);
            if *held > self.available(product, cart).max(0) {
                *held = before.holds(product, self.now);
                short = true;
            }
        }
        let asks_for_more = (0..PRODUCTS.len()).any(|product| after.has(product) > before.has(product));
        if short && asks_for_more { Err(SHORT) } else { Ok(held) }
    }
}
