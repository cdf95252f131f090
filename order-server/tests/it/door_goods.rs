//! Goods at the door: parcels, cancellations of units, returns and edits, step by step on both engines. What happens when several
//! come at once is in `door_races`.

mod cancelling;
mod editing;
mod history;
pub(crate) mod kit;
mod parcels;
mod returns;
mod strangers;
