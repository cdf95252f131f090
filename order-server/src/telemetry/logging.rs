//! Logs, to standard error: standard output belongs to what a subcommand was asked for.

use std::{io::IsTerminal, panic::PanicHookInfo};

use tracing_subscriber::{EnvFilter, fmt, util::SubscriberInitExt};

use crate::config::{LogConfig, LogFormat};

/// Starts logging, and sends panics there. The first call in a process counts; tests start many servers.
pub fn init(config: &LogConfig) {
    let filter = EnvFilter::try_new(&config.filter).unwrap_or_else(|_checked_before| EnvFilter::new("info"));
    // A line that cannot be written is dropped. Were the failure itself written to standard error, which is what failed,
    // a full disk would end the service by a panic within a panic.
    let builder = fmt().with_env_filter(filter).with_writer(std::io::stderr).log_internal_errors(false);
    let first = match config.format {
        LogFormat::Json => builder.json().flatten_event(true).with_span_list(false).finish().try_init(),
        LogFormat::Text => {
            let colours = std::io::stderr().is_terminal();
            builder.with_target(false).with_ansi(colours).compact().finish().try_init()
        }
    };
    if first.is_ok() {
        std::panic::set_hook(Box::new(log_panic));
    }
}

/// One line like any other, under the span of the call that panicked.
fn log_panic(info: &PanicHookInfo<'_>) {
    let location = info.location().map(ToString::to_string);
    let payload = info.payload();
    let text = payload.downcast_ref::<&str>().copied().or_else(|| payload.downcast_ref::<String>().map(String::as_str));
    let message = text.unwrap_or("no message");
    tracing::error!(location, message, "panic");
}
