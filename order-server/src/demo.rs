//! The demonstration: a small catalogue to try things with ([`seed`]), and a day in a shop ([`run`]).

mod caller;
mod command;
mod customer;
mod narrator;
mod office;
mod party;
mod products;
mod seed;
mod show;
mod story;

pub use self::{
    command::run,
    products::{DemoProduct, PRODUCTS},
    seed::{Seeded, seed},
};
