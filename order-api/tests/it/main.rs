//! The contract as tests: what holds for every method, message and enum, and a listing that shows each change in review.
#![forbid(unsafe_code)]

mod contract;
mod conventions;
mod listing;
