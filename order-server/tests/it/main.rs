//! Integration tests of the server: one binary, a module for each part.
#![expect(clippy::unwrap_used, reason = "clippy spares the functions marked #[test], not their helpers")]
#![expect(clippy::large_futures, reason = "a test's future is built once and polled where it lies")]

mod certificates;
mod chassis;
mod daemon;
mod dice;
mod door_goods;
mod door_input;
mod door_journeys;
mod door_lists;
mod door_money;
mod door_neighbours;
mod door_races;
mod readme;
mod world;
