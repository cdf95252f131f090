//! The order service: transport, process and policy over `order-core` and `order-store`.
//!
//! A library with a thin binary, so that tests and the demo start the same server that production runs.

pub mod app;
pub mod auth;
pub mod cli;
pub mod clock;
pub mod compose;
pub mod config;
pub mod convert;
mod crowd;
pub mod demo;
pub mod error;
pub mod feed;
pub mod gateways;
pub mod health;
pub mod import;
pub mod layers;
pub mod openapi;
pub mod ops;
mod outbound;
mod recent;
pub mod server;
pub mod service;
pub mod shutdown;
pub mod telemetry;
pub mod terminal;
pub mod tls;
pub mod workers;
