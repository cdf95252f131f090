//! The domain from outside: worked examples and properties. One binary, so that it links once.
#![expect(clippy::unwrap_used, reason = "a test that unwraps nothing has failed")]

mod limits_table;
mod money_properties;
mod order_states;
mod orders;
mod pricing_golden;
mod pricing_properties;
mod shop;
