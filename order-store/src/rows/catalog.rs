//! `product`, `stock`, `stock_movement` and `reservation`.

use order_core::{
    ids::{CartId, OrderId, ProductId, Sku},
    order::Actor,
    product::Product,
    stock::{MovementKind, Reservation, StockChange, StockLevel},
    time::Timestamp,
};

use super::{key, money, row, word};
use crate::{
    error::StoreError,
    fields::{At, Id},
    query::Movement,
};

row! {
    /// A product.
    product, ProductRow {
        product_id: String,
        sku: String,
        name: String,
        description: String,
        price: i64,
        currency: String,
        tax_class: String,
        active: bool,
        revision: i64,
        create_time: At,
        update_time: At,
    }
}

row! {
    /// A shelf.
    stock, StockRow {
        sku: String,
        on_hand: i64,
        reserved: i64,
        allocated: i64,
        backorder_limit: i64,
        last_movement_id: Option<Id>,
    }
}

row! {
    /// What a cart holds of a shelf.
    reservation, ReservationRow {
        cart_id: Id,
        sku: String,
        quantity: i64,
        expire_time: At,
    }
}

row! {
    /// One change of a shelf. Its history begins with the movement that the shelf names, and each names the one before it.
    stock_movement, MovementRow {
        movement_id: Id,
        sku: String,
        kind: String,
        on_hand_delta: i64,
        reserved_delta: i64,
        allocated_delta: i64,
        order_id: Option<Id>,
        cart_id: Option<Id>,
        reason: Option<String>,
        actor_kind: String,
        actor_id: String,
        create_time: At,
        previous_movement_id: Option<Id>,
    }
}

impl From<&Product> for ProductRow {
    fn from(product: &Product) -> Self {
        Self {
            product_id: product.id.to_string(),
            sku: product.sku.to_string(),
            name: product.name.clone(),
            description: product.description.clone(),
            price: product.price.minor(),
            currency: product.price.currency().code().to_owned(),
            tax_class: product.tax_class.clone(),
            active: product.active,
            revision: product.revision,
            create_time: At(product.create_time),
            update_time: At(product.update_time),
        }
    }
}

impl TryFrom<ProductRow> for Product {
    type Error = StoreError;

    fn try_from(row: ProductRow) -> Result<Self, StoreError> {
        Ok(Self {
            id: key(ProductId::parse(&row.product_id))?,
            sku: key(Sku::parse(&row.sku))?,
            name: row.name,
            description: row.description,
            price: money(row.price, &row.currency)?,
            tax_class: row.tax_class,
            active: row.active,
            revision: row.revision,
            create_time: row.create_time.0,
            update_time: row.update_time.0,
        })
    }
}

impl StockRow {
    /// A level, and the last movement that led to it.
    pub(crate) fn new(level: &StockLevel, last: Option<uuid::Uuid>) -> Self {
        Self {
            sku: level.sku.to_string(),
            on_hand: level.on_hand,
            reserved: level.reserved,
            allocated: level.allocated,
            backorder_limit: level.backorder_limit,
            last_movement_id: last.map(Id),
        }
    }
}

impl TryFrom<StockRow> for StockLevel {
    type Error = StoreError;

    fn try_from(row: StockRow) -> Result<Self, StoreError> {
        let level = Self {
            sku: key(Sku::parse(&row.sku))?,
            on_hand: row.on_hand,
            reserved: row.reserved,
            allocated: row.allocated,
            backorder_limit: row.backorder_limit,
        };
        if level.is_sound() { Ok(level) } else { Err(StoreError::corrupt(format!("stock of {}", level.sku))) }
    }
}

impl From<&Reservation> for ReservationRow {
    fn from(reservation: &Reservation) -> Self {
        Self {
            cart_id: Id(reservation.cart_id.uuid()),
            sku: reservation.sku.to_string(),
            quantity: reservation.quantity,
            expire_time: At(reservation.expire_time),
        }
    }
}

impl TryFrom<ReservationRow> for Reservation {
    type Error = StoreError;

    fn try_from(row: ReservationRow) -> Result<Self, StoreError> {
        Ok(Self {
            cart_id: CartId::new(row.cart_id.0),
            sku: key(Sku::parse(&row.sku))?,
            quantity: row.quantity,
            expire_time: row.expire_time.0,
        })
    }
}

/// Who changes a shelf, when, why and for which order or cart: what all movements of one transaction share.
#[derive(Debug, Clone, Copy)]
pub(crate) struct MovementCause<'a> {
    pub(crate) order_id: Option<OrderId>,
    pub(crate) cart_id: Option<CartId>,
    pub(crate) reason: Option<&'a str>,
    pub(crate) actor: &'a Actor,
    pub(crate) time: Timestamp,
}

impl MovementRow {
    /// A change under an identity, behind another of the same shelf.
    pub(crate) fn new(
        (id, previous): (uuid::Uuid, Option<uuid::Uuid>),
        change: &StockChange,
        cause: MovementCause<'_>,
    ) -> Self {
        let [on_hand_delta, reserved_delta, allocated_delta] = change.deltas();
        Self {
            movement_id: Id(id),
            sku: change.sku.to_string(),
            kind: change.kind.as_str().to_owned(),
            on_hand_delta,
            reserved_delta,
            allocated_delta,
            order_id: cause.order_id.map(|id| Id(id.uuid())),
            cart_id: cause.cart_id.map(|id| Id(id.uuid())),
            reason: cause.reason.map(str::to_owned),
            actor_kind: cause.actor.kind().to_owned(),
            actor_id: cause.actor.id().to_owned(),
            create_time: At(cause.time),
            previous_movement_id: previous.map(Id),
        }
    }
}

impl TryFrom<MovementRow> for Movement {
    type Error = StoreError;

    fn try_from(row: MovementRow) -> Result<Self, StoreError> {
        let actor = Actor::from_parts(&row.actor_kind, &row.actor_id);
        Ok(Self {
            id: row.movement_id.0,
            sku: key(Sku::parse(&row.sku))?,
            kind: word(&MovementKind::ALL, MovementKind::as_str, &row.kind)?,
            deltas: [row.on_hand_delta, row.reserved_delta, row.allocated_delta],
            order_id: row.order_id.map(|id| OrderId::new(id.0)),
            cart_id: row.cart_id.map(|id| CartId::new(id.0)),
            reason: row.reason,
            actor: actor.ok_or_else(|| StoreError::corrupt(format!("unknown actor {}", row.actor_kind)))?,
            time: row.create_time.0,
        })
    }
}
