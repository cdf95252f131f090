//! What customers, guests and administrators do in a day, through the public door.

mod carts;
mod coupons;
mod discounts;
mod guests;
mod merging;
mod office;
mod orders;
mod quotes;

pub(crate) use orders::walk;
