//! Carts: what somebody may buy. Prices seen are kept as seen; what is charged is decided at checkout.

use serde::{Deserialize, Serialize};

use crate::{
    currency::Currency,
    error::{Refusal, ResourceKind},
    ids::{CartId, CartItemId, CustomerId, IdSeed, OrderId, ProductId, Sku},
    limits,
    money::Money,
    order::Actor,
    product::Product,
    quantity::Quantity,
    stock::{self, Demand},
    time::Timestamp,
};

/// The digest of a guest's cart token. The token itself is shown to the guest once and never stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct GuestKey(pub [u8; 32]);

/// Whose cart it is. Guests come first: that is the order in which carts are locked.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CartOwner {
    /// Whoever holds the token.
    Guest(GuestKey),
    /// Somebody with an account.
    Customer(CustomerId),
}

impl CartOwner {
    /// The owner as the one who acts.
    #[must_use]
    pub fn actor(&self) -> Actor {
        match self {
            Self::Customer(id) => Actor::Customer(id.to_string()),
            Self::Guest(_) => Actor::Guest,
        }
    }
}

/// What became of a cart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CartState {
    /// Lines may change.
    Active,
    /// It became an order.
    Ordered(OrderId),
    /// Its lines went into another cart.
    Merged(CartId),
    /// Nobody came back for it.
    Expired,
}

impl CartState {
    /// The word that is stored and shown.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Active => "ACTIVE",
            Self::Ordered(_) => "ORDERED",
            Self::Merged(_) => "MERGED",
            Self::Expired => "EXPIRED",
        }
    }
}

/// A line of a cart. A product stands in a cart at most once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CartItem {
    /// Identity.
    pub id: CartItemId,
    /// What.
    pub product_id: ProductId,
    /// What is counted on the shelf.
    pub sku: Sku,
    /// How many.
    pub quantity: Quantity,
    /// The price of one unit when it was last put in.
    pub seen_price: Money,
    /// When it was last put in.
    pub seen_time: Timestamp,
}

/// A cart as it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cart {
    /// Identity.
    pub id: CartId,
    /// Whose it is.
    pub owner: CartOwner,
    /// What became of it.
    pub state: CartState,
    /// The currency of its lines; `None` while there are none.
    pub currency: Option<Currency>,
    /// In the order in which they were put in.
    pub items: Vec<CartItem>,
    /// 1 at first, one more with each change: the etag.
    pub revision: i64,
    /// When it was opened.
    pub create_time: Timestamp,
    /// When it last changed.
    pub update_time: Timestamp,
    /// When it expires if nobody comes back.
    pub expire_time: Timestamp,
}

/// A change asked of a cart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CartCommand {
    /// Put more of a product in; the product comes from the catalogue, moments ago.
    Add(Box<Product>, Quantity),
    /// Have so many of a line; none removes it.
    SetQuantity(CartItemId, Option<Quantity>),
    /// Take everything out.
    Clear,
}

/// What became of one line in a merge.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum MergeOutcome {
    /// It was not there before.
    Added,
    /// Its quantity was added to what was there.
    Summed,
    /// The sum was cut at the limit.
    Capped,
    /// The other cart is full.
    SkippedFull,
    /// The other cart is in another currency; both carts stay as they are.
    SkippedCurrency,
}

/// One line of a merge's report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MergedLine {
    /// The product.
    pub product_id: ProductId,
    /// What became of it.
    pub outcome: MergeOutcome,
    /// How many there are now.
    pub quantity: u32,
}

impl Cart {
    /// An empty cart. The caller stores it with its first change.
    #[must_use]
    pub fn open(id: CartId, owner: CartOwner, now: Timestamp) -> Self {
        Self {
            id,
            owner,
            state: CartState::Active,
            currency: None,
            items: Vec::new(),
            revision: 0,
            create_time: now,
            update_time: now,
            expire_time: expiry(now),
        }
    }

    /// Whether it still counts at `now`: an active cart past its time is as good as gone, swept or not.
    #[must_use]
    pub fn is_live(&self, now: Timestamp) -> bool {
        self.state == CartState::Active && now < self.expire_time
    }

    /// Units of each SKU that are in it.
    #[must_use]
    pub fn demand(&self) -> Demand {
        stock::demand(self.items.iter().map(|item| (&item.sku, item.quantity.get())))
    }

    /// The cart after a change. `ids` names the line, should there be a new one.
    ///
    /// # Errors
    /// A refusal; then nothing is to be changed.
    pub fn change(&self, command: &CartCommand, now: Timestamp, ids: IdSeed) -> Result<Self, Refusal> {
        self.ensure_active()?;
        let mut next = self.clone();
        match command {
            CartCommand::Add(product, quantity) => next.add(product, *quantity, now, ids)?,
            CartCommand::SetQuantity(id, quantity) => next.set_quantity(*id, *quantity)?,
            CartCommand::Clear => next.items.clear(),
        }
        next.touch(now);
        Ok(next)
    }

    /// The cart after it became an order.
    ///
    /// # Errors
    /// Where it is not active.
    pub fn ordered(&self, order_id: OrderId, now: Timestamp) -> Result<Self, Refusal> {
        self.ensure_active()?;
        let mut next = self.clone();
        next.state = CartState::Ordered(order_id);
        next.touch(now);
        Ok(next)
    }

    fn ensure_active(&self) -> Result<(), Refusal> {
        if self.state == CartState::Active {
            return Ok(());
        }
        Err(Refusal::CartClosed { state: self.state.as_str().to_owned() })
    }

    fn touch(&mut self, now: Timestamp) {
        self.currency = self.items.first().map(|item| item.seen_price.currency());
        self.revision += 1;
        self.update_time = now;
        self.expire_time = expiry(now);
    }

    fn add(&mut self, product: &Product, quantity: Quantity, now: Timestamp, ids: IdSeed) -> Result<(), Refusal> {
        let currency = product.price.currency();
        if let Some(cart) = self.currency.filter(|cart| *cart != currency) {
            return Err(Refusal::CurrencyMismatch { cart: cart.to_string(), product: currency.to_string() });
        }
        if let Some(item) = self.items.iter_mut().find(|item| item.product_id == product.id) {
            let too_large = |_| Refusal::QuantityTooLarge { max: limits::QUANTITY_MAX };
            item.quantity = item.quantity.checked_add(quantity).map_err(too_large)?;
            item.sku = product.sku.clone();
            item.seen_price = product.price;
            item.seen_time = now;
            return Ok(());
        }
        if self.items.len() >= limits::LINES_PER_ORDER {
            return Err(Refusal::CartFull { max: u32::try_from(limits::LINES_PER_ORDER).unwrap_or(u32::MAX) });
        }
        self.items.push(CartItem {
            id: CartItemId::new(ids.nth(1)),
            product_id: product.id.clone(),
            sku: product.sku.clone(),
            quantity,
            seen_price: product.price,
            seen_time: now,
        });
        Ok(())
    }

    fn set_quantity(&mut self, id: CartItemId, quantity: Option<Quantity>) -> Result<(), Refusal> {
        let position = self.items.iter().position(|item| item.id == id);
        let position = position.ok_or_else(|| Refusal::not_found(ResourceKind::CartItem, id))?;
        match quantity {
            Some(quantity) => self.items[position].quantity = quantity,
            None => drop(self.items.remove(position)),
        }
        Ok(())
    }

    /// Moves this cart's lines into another: both carts as they are afterwards, and what became of each line. Where the
    /// currencies differ, both stay as they are.
    ///
    /// # Errors
    /// Where one of them is not active.
    pub fn merge_into(&self, target: &Self, now: Timestamp) -> Result<Merge, Refusal> {
        self.ensure_active()?;
        target.ensure_active()?;
        let foreign = matches!((self.currency, target.currency), (Some(a), Some(b)) if a != b);
        if foreign {
            let report = self.items.iter().map(|item| merged(item, MergeOutcome::SkippedCurrency, 0)).collect();
            return Ok(Merge { source: self.clone(), target: target.clone(), report });
        }
        let mut source = self.clone();
        let mut next = target.clone();
        let report = self.items.iter().map(|item| next.take_over(item)).collect();
        source.state = CartState::Merged(target.id);
        source.touch(now);
        next.touch(now);
        Ok(Merge { source, target: next, report })
    }

    fn take_over(&mut self, item: &CartItem) -> MergedLine {
        let full = self.items.len() >= limits::LINES_PER_ORDER;
        let Some(own) = self.items.iter_mut().find(|own| own.product_id == item.product_id) else {
            if full {
                return merged(item, MergeOutcome::SkippedFull, 0);
            }
            self.items.push(item.clone());
            return merged(item, MergeOutcome::Added, item.quantity.get());
        };
        let (quantity, outcome) = match own.quantity.checked_add(item.quantity) {
            Ok(quantity) => (quantity, MergeOutcome::Summed),
            Err(_too_large) => (Quantity::MAX, MergeOutcome::Capped),
        };
        own.quantity = quantity;
        merged(item, outcome, quantity.get())
    }
}

fn expiry(now: Timestamp) -> Timestamp {
    now.plus_seconds(i64::from(limits::CART_IDLE_DAYS) * 86_400)
}

/// Two carts after a merge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Merge {
    /// Where the lines came from.
    pub source: Cart,
    /// Where they went.
    pub target: Cart,
    /// What became of each line.
    pub report: Vec<MergedLine>,
}

fn merged(item: &CartItem, outcome: MergeOutcome, quantity: u32) -> MergedLine {
    MergedLine { product_id: item.product_id.clone(), outcome, quantity }
}
