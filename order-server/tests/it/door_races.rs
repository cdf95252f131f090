//! What happens at the door when many come at once, come twice, or go away in the middle.
//!
//! Every test runs on both engines. Whatever was done, [`audit`] then looks past the door at the tables: the books must
//! balance.

mod audit;
mod checkout;
mod deadlines;
mod going_away;
mod kill;
mod kit;
mod lifecycle;
mod model;
mod payments;
mod retries;
mod stock;
mod twice;
