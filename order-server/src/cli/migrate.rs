//! `migrate`: applies missing migrations. Any number of processes may do it at once.

use super::Failure;
use crate::{
    compose,
    config::{Config, Purpose, Raw},
    telemetry,
};

pub(super) fn run(settings: &Raw) -> Result<(), Failure> {
    let config = Config::resolve(settings, Purpose::Database)?;
    telemetry::logging::init(&config.log);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let applied = runtime.block_on(compose::migrate(&config.database))?;
    match applied.as_slice() {
        [] => super::say("the database is up to date\n"),
        names => super::say(&names.iter().map(|name| format!("applied {name}\n")).collect::<String>()),
    }
}
