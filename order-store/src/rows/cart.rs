//! `cart` and `cart_item`.

use order_core::{
    cart::{Cart, CartItem, CartOwner, CartState, GuestKey},
    ids::{CartId, CartItemId, CustomerId, OrderId, ProductId, Sku},
    quantity::Quantity,
};

use super::{currency, key, money, position, row, stored};
use crate::{
    error::StoreError,
    fields::{At, Id},
};

row! {
    /// A cart.
    cart, CartRow {
        cart_id: Id,
        customer_id: Option<String>,
        guest_key: Option<Vec<u8>>,
        state: String,
        order_id: Option<Id>,
        merged_into: Option<Id>,
        currency: Option<String>,
        revision: i64,
        create_time: At,
        update_time: At,
        expire_time: At,
    }
}

row! {
    /// A line of a cart.
    cart_item, CartItemRow {
        cart_id: Id,
        item_id: Id,
        position: i32,
        product_id: String,
        sku: String,
        quantity: i32,
        seen_price: i64,
        seen_currency: String,
        seen_time: At,
    }
}

/// A cart with its items.
pub(crate) type CartRows = (CartRow, Vec<CartItemRow>);

/// A cart as rows.
pub(crate) fn cart_rows(cart: &Cart) -> CartRows {
    let (order_id, merged_into) = match cart.state {
        CartState::Ordered(id) => (Some(Id(id.uuid())), None),
        CartState::Merged(id) => (None, Some(Id(id.uuid()))),
        CartState::Active | CartState::Expired => (None, None),
    };
    let (customer_id, guest_key) = match &cart.owner {
        CartOwner::Customer(id) => (Some(id.to_string()), None),
        CartOwner::Guest(key) => (None, Some(key.0.to_vec())),
    };
    let row = CartRow {
        cart_id: Id(cart.id.uuid()),
        customer_id,
        guest_key,
        state: cart.state.as_str().to_owned(),
        order_id,
        merged_into,
        currency: cart.currency.map(|currency| currency.code().to_owned()),
        revision: cart.revision,
        create_time: At(cart.create_time),
        update_time: At(cart.update_time),
        expire_time: At(cart.expire_time),
    };
    let items = cart.items.iter().enumerate().map(|(at, item)| item_row(cart.id, at, item)).collect();
    (row, items)
}

fn item_row(cart_id: CartId, at: usize, item: &CartItem) -> CartItemRow {
    CartItemRow {
        cart_id: Id(cart_id.uuid()),
        item_id: Id(item.id.uuid()),
        position: position(at),
        product_id: item.product_id.to_string(),
        sku: item.sku.to_string(),
        quantity: stored(item.quantity.get()),
        seen_price: item.seen_price.minor(),
        seen_currency: item.seen_price.currency().code().to_owned(),
        seen_time: At(item.seen_time),
    }
}

/// A cart from its rows; the items by position.
pub(crate) fn cart_from_rows(row: CartRow, items: Vec<CartItemRow>) -> Result<Cart, StoreError> {
    let id = CartId::new(row.cart_id.0);
    Ok(Cart {
        id,
        owner: owner(row.customer_id.as_deref(), row.guest_key)?,
        state: state(&row.state, row.order_id, row.merged_into)?,
        currency: row.currency.as_deref().map(currency).transpose()?,
        items: items.into_iter().map(item).collect::<Result<_, _>>()?,
        revision: row.revision,
        create_time: row.create_time.0,
        update_time: row.update_time.0,
        expire_time: row.expire_time.0,
    })
}

fn owner(customer_id: Option<&str>, guest_key: Option<Vec<u8>>) -> Result<CartOwner, StoreError> {
    match (customer_id, guest_key) {
        (Some(id), None) => Ok(CartOwner::Customer(key(CustomerId::parse(id))?)),
        (None, Some(bytes)) => {
            let bytes = bytes.try_into().map_err(|_wrong: Vec<u8>| StoreError::corrupt("guest key"))?;
            Ok(CartOwner::Guest(GuestKey(bytes)))
        }
        (Some(_), Some(_)) | (None, None) => Err(StoreError::corrupt("cart owner")),
    }
}

fn state(word: &str, order_id: Option<Id>, merged_into: Option<Id>) -> Result<CartState, StoreError> {
    match (word, order_id, merged_into) {
        ("ACTIVE", None, None) => Ok(CartState::Active),
        ("ORDERED", Some(id), None) => Ok(CartState::Ordered(OrderId::new(id.0))),
        ("MERGED", None, Some(id)) => Ok(CartState::Merged(CartId::new(id.0))),
        ("EXPIRED", None, None) => Ok(CartState::Expired),
        _ => Err(StoreError::corrupt(format!("cart state {word}"))),
    }
}

fn item(row: CartItemRow) -> Result<CartItem, StoreError> {
    Ok(CartItem {
        id: CartItemId::new(row.item_id.0),
        product_id: key(ProductId::parse(&row.product_id))?,
        sku: key(Sku::parse(&row.sku))?,
        quantity: Quantity::new(row.quantity).map_err(StoreError::corrupt)?,
        seen_price: money(row.seen_price, &row.seen_currency)?,
        seen_time: row.seen_time.0,
    })
}
