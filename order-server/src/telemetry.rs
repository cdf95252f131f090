//! What the process says about itself: logs, metrics and traces.

pub mod logging;
pub mod metrics;
mod trace_context;
pub mod traces;
