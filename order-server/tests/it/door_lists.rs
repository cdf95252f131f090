//! Lists, searches and sums at the public door, each held against what the test itself works out.

mod export;
mod filters;
mod paging;
mod search;
mod shop;
mod statistics;
mod stock;
mod verification;
mod watching;
