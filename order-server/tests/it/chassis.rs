//! The chassis: what every call passes, and how the process begins and ends. Driven through the public door, with services
//! that only do what the test needs.

mod browsers;
mod calls;
mod commands;
mod connections;
mod fixture;
mod health;
mod identity;
mod ops;
mod rates;
mod shared_rates;
mod shutdown;
mod tls;
