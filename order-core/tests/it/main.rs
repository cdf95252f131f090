//! The domain from outside: worked examples and properties. One binary, so that it links once.
#![expect(clippy::unwrap_used, reason = "a test that unwraps nothing has failed")]

mod discounts;
mod discounts_properties;
mod limits_table;
mod money_properties;
mod order_answers;
mod order_audit;
mod order_edits;
mod order_payments;
mod order_random;
mod order_refunds;
mod order_returns;
mod order_shipments;
mod order_states;
mod order_telescope;
mod orders;
mod pricing_golden;
mod pricing_properties;
mod reachable;
mod shop;
