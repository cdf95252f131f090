//! The domain of the order service.
//!
//! Pure: every function takes the time, identities and rules it needs as arguments and does no I/O. Read [`order`] first:
//! its table of transitions is the heart of the service.

pub mod address;
pub mod apportion;
pub mod audit;
pub mod calendar;
pub mod cart;
pub mod contact;
pub mod country;
pub mod currency;
pub mod discount;
pub mod error;
pub mod ids;
pub mod import_judge;
pub mod limits;
pub mod money;
pub mod order;
pub mod payment;
pub mod policy;
pub mod ports;
pub mod pricing;
pub mod product;
pub mod quantity;
pub mod rounding;
pub mod rules;
pub mod shipping;
pub mod stock;
pub mod tax;
pub mod text;
pub mod time;
pub mod violation;
