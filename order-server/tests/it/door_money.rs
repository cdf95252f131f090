//! Money at the door, step by step on both engines: promised, taken, given back and given up, in parts and by several cards, with a
//! gateway that refuses, is late, contradicts itself or says nothing. What happens when several come at once is in
//! `door_races`.
//!
//! Whatever was done, the books and the gateway's own log agree at the end.

mod events;
mod gateway;
mod guests;
pub(crate) mod kit;
mod mismatches;
mod paying;
mod promises;
mod reconciling;
mod refunds;
