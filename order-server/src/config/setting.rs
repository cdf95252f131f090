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
    derived(
        "TLS_CERT_FILE",
        "none",
        "PEM file with the certificate of the gRPC API and those that lead to its authority; without it the API speaks plain text",
    ),
    derived("TLS_KEY_FILE", "none", "PEM file with its key, not encrypted"),
    derived(
        "TLS_CLIENT_CA_FILE",
        "none",
        "PEM file with authorities: only clients with a certificate of theirs may connect",
    ),
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
        "shared connections to PostgreSQL (besides: 2 to place orders, 2 to look products up, 1 for surveys, 1 for the search index), or readers of SQLite, 1 to 256",
    ),
    derived("MIGRATE_ON_START", "on in development", "apply missing migrations before serving: `on` or `off`"),
    exposed(
        derived("JWT_SECRET", "generated in development", "HS256 key, at least 32 bytes; prefer `JWT_SECRET_FILE`"),
        Exposure::Secret,
    ),
    derived("JWT_SECRET_FILE", "none", "file with the HS256 key; white space at its end is dropped"),
    derived(
        "JWT_JWKS",
        "none",
        "instead of a secret: public keys of whoever makes tokens (RS256, ES256, EdDSA), a file or `https://HOST/PATH`, read every 5 minutes",
    ),
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
    derived(
        "CATALOG_URL",
        "embedded",
        "product service, `https://HOST:PORT` or `http://HOST:PORT`; speaks `integrations.v1.CatalogService`",
    ),
    value(
        "CATALOG_CACHE_MS",
        "5000",
        "milliseconds for which a product of that service is remembered, 0 to 600000: how old a price or `active` may be",
    ),
    derived(
        "INVENTORY_URL",
        "embedded",
        "inventory service, `https://HOST:PORT` or `http://HOST:PORT`; speaks `integrations.v1.InventoryService` and counts the goods of all orders placed from then on",
    ),
    derived(
        "PAYMENT_URL",
        "simulated",
        "payment service, `https://HOST:PORT` or `http://HOST:PORT`; speaks `integrations.v1.PaymentService`",
    ),
    derived(
        "SHIPPING_URL",
        "embedded",
        "shipping service, `https://HOST:PORT` or `http://HOST:PORT`; speaks `integrations.v1.ShippingService`",
    ),
    derived(
        "NOTIFICATION_URL",
        "none",
        "notification service, `https://HOST:PORT` or `http://HOST:PORT`; speaks `integrations.v1.NotificationService`",
    ),
    value(
        "NEIGHBOUR_TIMEOUT_MS",
        "2000",
        "longest time of a call to one of these services in milliseconds, all attempts together, 1 to 9000",
    ),
    value("NEIGHBOUR_CONCURRENCY", "64", "calls under way to each of these services, 1 to 10000; further ones wait"),
    derived(
        "NEIGHBOUR_CA_FILE",
        "the system's",
        "PEM file with the authorities that certificates of these services must come from, at `https://` addresses",
    ),
    derived(
        "NEIGHBOUR_CERT_FILE",
        "none",
        "PEM file with the certificate that is shown to them, and those that lead to its authority",
    ),
    derived("NEIGHBOUR_KEY_FILE", "none", "PEM file with its key, not encrypted"),
    exposed(
        derived(
            "NATS_URL",
            "none",
            "broker that events are passed on to, `nats://HOST:PORT` or `tls://HOST:PORT`, with JetStream",
        ),
        Exposure::Url,
    ),
    value("NATS_SUBJECT", "orders.v1.events", "what subjects begin with; the kind of event follows, such as `.placed`"),
    value("NATS_STREAM", "ORDERS", "name of the stream that is made where no stream takes these subjects"),
    exposed(
        derived(
            "WEBHOOK_URL",
            "none",
            "endpoint that events are posted to, `https://HOST/PATH`; http for your own network only",
        ),
        Exposure::Url,
    ),
    exposed(
        derived(
            "WEBHOOK_SECRET",
            "none",
            "key that they are signed with, `whsec_` and base64 of 24 to 64 bytes; two with a blank between while it is replaced",
        ),
        Exposure::Secret,
    ),
    derived("WEBHOOK_SECRET_FILE", "none", "file with the same"),
    derived("REFLECTION", "on in development", "serve gRPC reflection: `on` or `off`"),
    derived("GRPC_WEB", "on in development", "speak gRPC-Web, over HTTP/1.1 too: `on` or `off`"),
    derived("CORS_ORIGINS", "none", "origins whose pages may call, `https://HOST` with commas between, or `*`"),
    value(
        "MAX_CONCURRENT_REQUESTS",
        "1024",
        "calls in progress, 1 to 100000; further ones are refused with OVERLOADED",
    ),
    value("MAX_CONNECTIONS", "1000", "open connections, 1 to 100000; further ones are closed at once"),
    derived(
        "MAX_CONNECTIONS_PER_ADDRESS",
        "half of `MAX_CONNECTIONS`",
        "the same for one address (of IPv6 the first 64 bits of it)",
    ),
    value(
        "REQUEST_TIMEOUT_MS",
        "30000",
        "longest time of a unary call in milliseconds, 1 to 600000; clients may ask for less",
    ),
    value(
        "RATE_LIMIT_PER_SECOND",
        "100",
        "sustained calls a second of one customer or guest address that read, up to 1000000; 0 means no limit",
    ),
    value("RATE_LIMIT_BURST", "200", "such calls at once, 1 to 1000000"),
    derived("RATE_LIMIT_WRITE_PER_SECOND", "a fifth of `RATE_LIMIT_PER_SECOND`", "the same for calls that write"),
    derived("RATE_LIMIT_WRITE_BURST", "a fifth of `RATE_LIMIT_BURST`", "such calls at once"),
    derived("RATE_LIMIT_SEARCH_PER_SECOND", "a fifth of `RATE_LIMIT_PER_SECOND`", "the same for calls that search"),
    derived("RATE_LIMIT_SEARCH_BURST", "a fifth of `RATE_LIMIT_BURST`", "such calls at once"),
    exposed(
        derived(
            "REDIS_URL",
            "none",
            "where all processes count these calls together, `redis://` or `rediss://USER:PASSWORD@HOST:PORT/DB`; without it each counts for itself",
        ),
        Exposure::Url,
    ),
    derived(
        "TRUSTED_PROXIES",
        "none",
        "addresses and networks, with commas between, whose `x-forwarded-for` says where a guest calls from: gateways of your own",
    ),
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
    derived(
        "OTEL_EXPORTER_OTLP_ENDPOINT",
        "none",
        "collector that traces are sent to, `http://HOST:PORT`; speaks OTLP over gRPC",
    ),
    value("OTEL_SERVICE_NAME", "order-server", "what this service is called in traces"),
    derived(
        "OTEL_RESOURCE_ATTRIBUTES",
        "none",
        "what else traces say about this process, `NAME=VALUE` with commas between and values percent-encoded",
    ),
    value(
        "OTEL_TRACES_SAMPLER_ARG",
        "1",
        "part of the traces that begin here that is sent, 0 to 1; a caller that comes with a trace has decided",
    ),
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
