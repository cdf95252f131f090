//! What happens at the door when many come at once, come twice, or go away in the middle.
//!
//! Every test runs on both engines. Whatever was done, [`audit`] then looks past the door at the tables: the books must
//! balance.

pub(crate) mod audit;
mod call;
mod checkout;
mod crash;
mod deadlines;
mod going_away;
mod goods;
mod holds;
mod kill;
pub(crate) mod kit;
mod lifecycle;
mod model;
mod money;
mod payments;
pub(crate) mod process;
mod processes;
mod retries;
mod stock;
mod twice;
