//! The table of settings: the one place that says what can be configured. clap's flags and variables, the defaults, the
//! help and the README's table all come from here or are tested against it.

/// What holds when nothing is given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Default {
    /// This value.
    Value(&'static str),
    /// Something that depends on other settings, in words.
    Derived(&'static str),
}

/// Whether a value may be shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exposure {
    /// Printed by `check-config`.
    Shown,
    /// Never printed; `check-config` says only whether it is set.
    Secret,
    /// Printed without the password that it may hold.
    Url,
}

/// One setting.
#[derive(Debug, Clone, Copy)]
pub struct Setting {
    /// The environment variable. The flag is the same in lower case with dashes.
    pub env: &'static str,
    /// What holds when it is not given.
    pub default: Default,
    /// What it means, with its unit and bounds.
    pub meaning: &'static str,
    /// Whether it may be shown.
    pub exposure: Exposure,
}

impl Setting {
    /// The name of the flag, without its dashes.
    #[must_use]
    pub fn flag(&self) -> String {
        self.env.to_ascii_lowercase().replace('_', "-")
    }

    /// The default, in words.
    #[must_use]
    pub const fn default_text(&self) -> &'static str {
        match self.default {
            Default::Value(text) | Default::Derived(text) => text,
        }
    }
}

/// The table as the README shows it, in Markdown.
#[must_use]
pub fn markdown() -> String {
    let rows = SETTINGS.iter().map(|setting| {
        let default = match setting.default {
            Default::Value(text) => format!("`{text}`"),
            Default::Derived(text) => text.to_owned(),
        };
        format!("| `{}` | {default} | {} |\n", setting.env, setting.meaning)
    });
    format!("| setting | default | meaning |\n|---|---|---|\n{}", rows.collect::<String>())
}

const fn value(env: &'static str, default: &'static str, meaning: &'static str) -> Setting {
    Setting { env, default: Default::Value(default), meaning, exposure: Exposure::Shown }
}

const fn derived(env: &'static str, default: &'static str, meaning: &'static str) -> Setting {
    Setting { env, default: Default::Derived(default), meaning, exposure: Exposure::Shown }
}

const fn exposed(setting: Setting, exposure: Exposure) -> Setting {
    Setting { exposure, ..setting }
}

/// Every setting, in the order of the README's table.
pub const SETTINGS: &[Setting] = &[
    value("ENVIRONMENT", "development", "`development` or `production`; production demands `DATABASE_URL` and a key"),
    value("LISTEN_ADDR", "127.0.0.1:50051", "address and port of the gRPC API; port 0 takes a free one"),
    value("OPS_ADDR", "127.0.0.1:9464", "address and port of metrics, health and readiness, in plain text"),
    value("DATA_DIR", "./data", "directory of the embedded database and of the generated key"),
    exposed(
        derived("DATABASE_URL", "`sqlite://` in `DATA_DIR`; none in production", "`sqlite://PATH` or `postgres://...`"),
        Exposure::Url,
    ),
    exposed(
        derived(
            "DATABASE_DIRECT_URL",
            "`DATABASE_URL`",
            "PostgreSQL without a pooler in between, for migrations and LISTEN",
        ),
        Exposure::Url,
    ),
    value(
        "DATABASE_POOL_SIZE",
        "8",
        "shared connections to PostgreSQL (besides: 2 to place orders, 2 to look products up, 1 for surveys), or readers of SQLite, 1 to 256",
    ),
    derived("MIGRATE_ON_START", "on in development", "apply missing migrations before serving: `on` or `off`"),
    exposed(
        derived("JWT_SECRET", "generated in development", "HS256 key, at least 32 bytes; prefer `JWT_SECRET_FILE`"),
        Exposure::Secret,
    ),
    derived("JWT_SECRET_FILE", "none", "file with the HS256 key; white space at its end is dropped"),
    value("JWT_ISSUER", "order-server", "the `iss` that tokens must carry"),
    value("JWT_AUDIENCE", "orders", "the `aud` that tokens must carry"),
    derived("RULES_FILE", "built in", "TOML file with the rules of tax and shipping"),
    value("GUEST_CHECKOUT", "off", "carts and orders without a token: `on` or `off`"),
    value("CONFIRM_POLICY", "manual", "who confirms orders: `manual` (an administrator) or `when_paid`"),
    value(
        "CAPTURE_ON",
        "place",
        "when card and wallet payments are taken: `place` (in one step), `ship` (with each parcel what is in it) or `manual` (by CapturePayment)",
    ),
    value(
        "ALLOCATE_ON",
        "place",
        "when stock is promised to an order: `place` or `confirm`; `place` with `CONFIRM_POLICY=when_paid`",
    ),
    value("PAY_BY_MINUTES", "0", "minutes until an unpaid order expires, up to 525600; 0 means never"),
    value(
        "CART_HOLD_MINUTES",
        "0",
        "minutes for which a cart holds its goods after each change, up to 1440; 0 means that carts hold nothing",
    ),
    value("ORDER_NUMBER_PREFIX", "SPK", "start of order numbers, 1 to 8 capital letters and digits"),
    value("ORDER_NUMBER_FIRST", "1001", "first number of a year, at least 1"),
    derived(
        "DEMO_CATALOG",
        "on in development",
        "put demo products on the shelves of an empty catalogue: `on` or `off`",
    ),
    derived("REFLECTION", "on in development", "serve gRPC reflection: `on` or `off`"),
    value(
        "MAX_CONCURRENT_REQUESTS",
        "1024",
        "calls in progress, 1 to 100000; further ones are refused with OVERLOADED",
    ),
    value("MAX_CONNECTIONS", "1000", "open connections, 1 to 100000; further ones are closed at once"),
    value(
        "REQUEST_TIMEOUT_MS",
        "30000",
        "longest time of a unary call in milliseconds, 1 to 600000; clients may ask for less",
    ),
    value(
        "RATE_LIMIT_PER_SECOND",
        "100",
        "sustained calls a second of one customer or guest address, up to 1000000; 0 means no limit",
    ),
    value("RATE_LIMIT_BURST", "200", "calls that one customer or guest address may send at once, 1 to 1000000"),
    derived(
        "SHUTDOWN_PROPAGATION_MS",
        "5000 in production, else 0",
        "milliseconds between NOT_SERVING and the last accepted connection",
    ),
    value("SHUTDOWN_DRAIN_MS", "20000", "milliseconds that calls in progress get to finish"),
    value("SHUTDOWN_TASKS_MS", "10000", "milliseconds that background work gets to finish after the calls"),
    derived("LOG_FORMAT", "`json` in production, else `text`", "`json` or `text`"),
    value("LOG_LEVEL", "info", "`error`, `warn`, `info`, `debug` or `trace`"),
    derived("RUST_LOG", "`LOG_LEVEL`", "levels by module, such as `info,order_server=debug`; wins over `LOG_LEVEL`"),
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::SETTINGS;

    #[test]
    fn settings_are_distinct() {
        let names: BTreeSet<_> = SETTINGS.iter().map(|setting| setting.env).collect();
        assert_eq!(names.len(), SETTINGS.len());
    }
}
