//! What the process says about itself: logs, metrics, and the trace it is part of.

pub mod logging;
pub mod metrics;
pub mod trace_context;
