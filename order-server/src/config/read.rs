//! From given values to a valid configuration.

use std::{
    fmt::Display,
    num::NonZeroU32,
    path::{Path, PathBuf},
    str::FromStr,
    time::Duration,
};

use order_core::{
    limits,
    policy::{AllocatePolicy, CapturePolicy, ConfirmPolicy, Policy},
    rules::Rules,
};

use super::{
    Config, ConfigErrors, DatabaseConfig, DatabaseUrl, Environment, IdentityConfig, KeySource, LimitsConfig, LogConfig,
    LogFormat, Purpose, Rate, Raw, Secret, ShopConfig, ShutdownConfig, Switch,
    setting::{Default, SETTINGS},
};

/// RFC 7518, section 3.2: a key of HS256 has at least as many bits as its hash.
const KEY_BYTES_MIN: usize = 32;

/// The file of the generated key, in the data directory.
const KEY_FILE: &str = "jwt.key";

/// The file of the embedded database, in the data directory.
const DATABASE_FILE: &str = "orders.db";

impl Config {
    /// Judges the given values as a whole.
    ///
    /// # Errors
    /// Every mistake at once.
    pub fn resolve(raw: &Raw, purpose: Purpose) -> Result<Self, ConfigErrors> {
        let mut reader = Reader { raw, errors: Vec::new() };
        let config = reader.config(purpose);
        match (config, reader.errors) {
            (Some(config), errors) if errors.is_empty() => Ok(config),
            (_, errors) => Err(ConfigErrors(errors)),
        }
    }
}

/// Reads settings one by one and collects what is wrong with them. A reading that failed is `None` and has left its
/// line in `errors`.
struct Reader<'a> {
    raw: &'a Raw,
    errors: Vec<String>,
}

impl Reader<'_> {
    /// Reads every group before giving up, so that all their mistakes are collected.
    fn config(&mut self, purpose: Purpose) -> Option<Config> {
        let environment = self.one_of(
            "ENVIRONMENT",
            &[("development", Environment::Development), ("production", Environment::Production)],
        );
        // With a bad environment the rest is still judged, by the milder rules.
        let assumed = environment.unwrap_or(Environment::Development);
        let listen_addr = self.parsed("LISTEN_ADDR", "must be an IP address and port such as 127.0.0.1:50051");
        let ops_addr = self.parsed("OPS_ADDR", "must be an IP address and port such as 127.0.0.1:9464");
        let data_dir = PathBuf::from(self.text("DATA_DIR"));
        let database = self.database(assumed, purpose, &data_dir);
        let identity = self.identity(assumed, purpose, &data_dir);
        let shop = self.shop(assumed);
        let limits = self.limits();
        let shutdown = self.shutdown(assumed);
        let log = self.log(assumed);
        let reflection = self.switch("REFLECTION", on_in_development(assumed));
        Some(Config {
            environment: environment?,
            listen_addr: listen_addr?,
            ops_addr: ops_addr?,
            data_dir,
            database: database?,
            identity: identity?,
            shop: shop?,
            limits: limits?,
            shutdown: shutdown?,
            log: log?,
            reflection: reflection?,
        })
    }

    fn database(
        &mut self,
        environment: Environment,
        purpose: Purpose,
        data_dir: &std::path::Path,
    ) -> Option<DatabaseConfig> {
        let used = matches!(purpose, Purpose::Serve | Purpose::Database);
        let embedded = format!("sqlite://{}", data_dir.join(DATABASE_FILE).display());
        let url = match self.raw.get("DATABASE_URL") {
            Some(text) => self.judged("DATABASE_URL", DatabaseUrl::parse(text)),
            None if used && environment == Environment::Production => self.missing("DATABASE_URL"),
            None => self.judged("DATA_DIR", DatabaseUrl::parse(&embedded)),
        };
        let direct_url = match self.raw.get("DATABASE_DIRECT_URL") {
            Some(text) => self.judged("DATABASE_DIRECT_URL", DatabaseUrl::parse(text)),
            None => url.clone(),
        };
        let pool_size = self.bounded("DATABASE_POOL_SIZE", 1, 256).and_then(NonZeroU32::new);
        let migrate_on_start = self.switch("MIGRATE_ON_START", on_in_development(environment));
        Some(DatabaseConfig {
            url: url?,
            direct_url: direct_url?,
            pool_size: pool_size?,
            migrate_on_start: migrate_on_start?,
        })
    }

    fn identity(
        &mut self,
        environment: Environment,
        purpose: Purpose,
        data_dir: &std::path::Path,
    ) -> Option<IdentityConfig> {
        let used = matches!(purpose, Purpose::Serve | Purpose::Key);
        let key = match (self.raw.get("JWT_SECRET"), self.raw.get("JWT_SECRET_FILE")) {
            (Some(_), Some(_)) => self.error("JWT_SECRET", "and JWT_SECRET_FILE are both given; give one of them"),
            (Some(text), None) => self.judged("JWT_SECRET", checked_key(text.to_owned())),
            (None, Some(path)) => self.judged("JWT_SECRET_FILE", read_key(path)),
            (None, None) if used && environment == Environment::Production => {
                self.missing("JWT_SECRET or JWT_SECRET_FILE")
            }
            (None, None) => Some(KeySource::Generated(data_dir.join(KEY_FILE))),
        };
        let (issuer, audience) = (self.text("JWT_ISSUER"), self.text("JWT_AUDIENCE"));
        Some(IdentityConfig { key: key?, issuer, audience })
    }

    fn shop(&mut self, environment: Environment) -> Option<ShopConfig> {
        let rules_file = self.raw.get("RULES_FILE").map(PathBuf::from);
        let rules = self.rules(rules_file.as_deref());
        let guest_checkout = self.switch("GUEST_CHECKOUT", Switch::Off);
        let policy = self.policy();
        let order_number_prefix = self.prefix();
        let order_number_first = self.bounded("ORDER_NUMBER_FIRST", 1, u32::MAX);
        let demo_catalog = self.switch("DEMO_CATALOG", on_in_development(environment));
        Some(ShopConfig {
            rules: rules?,
            rules_file,
            guest_checkout: guest_checkout?,
            policy: policy?,
            order_number_prefix: order_number_prefix?,
            order_number_first: i64::from(order_number_first?),
            demo_catalog: demo_catalog?,
        })
    }

    /// Reads the rules, so that a mistake in them is named with all others, and before anything is bound.
    fn rules(&mut self, file: Option<&Path>) -> Option<Rules> {
        let Some(file) = file else { return Some(Rules::builtin()) };
        let Ok(text) = std::fs::read_to_string(file) else {
            return self.error("RULES_FILE", "names no text file that can be read");
        };
        Rules::from_toml(&text).map_err(|mistakes| self.error::<()>("RULES_FILE", &mistakes.to_string())).ok()
    }

    fn policy(&mut self) -> Option<Policy> {
        let confirm =
            self.one_of("CONFIRM_POLICY", &[("manual", ConfirmPolicy::Manual), ("when_paid", ConfirmPolicy::WhenPaid)]);
        let allocate_on =
            self.one_of("ALLOCATE_ON", &[("place", AllocatePolicy::Place), ("confirm", AllocatePolicy::Confirm)]);
        let capture =
            [("place", CapturePolicy::AtOnce), ("ship", CapturePolicy::OnShipment), ("manual", CapturePolicy::Manual)];
        let capture = self.one_of("CAPTURE_ON", &capture);
        let pay_by_minutes = self.bounded("PAY_BY_MINUTES", 0, 525_600);
        let cart_hold_minutes = self.bounded("CART_HOLD_MINUTES", 0, limits::CART_HOLD_MINUTES_MAX);
        if (confirm, allocate_on) == (Some(ConfirmPolicy::WhenPaid), Some(AllocatePolicy::Confirm)) {
            // A shortage would have to undo a payment that was taken.
            return self.error("ALLOCATE_ON", "must be `place` where CONFIRM_POLICY is `when_paid`");
        }
        Some(Policy {
            confirm: confirm?,
            capture: capture?,
            allocate_on: allocate_on?,
            pay_by_minutes: pay_by_minutes.map(|minutes| (minutes > 0).then_some(minutes))?,
            cart_hold_minutes: cart_hold_minutes.map(|minutes| (minutes > 0).then_some(minutes))?,
        })
    }

    fn prefix(&mut self) -> Option<String> {
        let text = self.text("ORDER_NUMBER_PREFIX");
        let fits = (1..=8).contains(&text.len());
        if fits && text.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit()) {
            return Some(text);
        }
        self.error("ORDER_NUMBER_PREFIX", "must be 1 to 8 capital letters and digits")
    }

    fn limits(&mut self) -> Option<LimitsConfig> {
        let max_concurrent_requests = self.bounded("MAX_CONCURRENT_REQUESTS", 1, 100_000).and_then(NonZeroU32::new);
        let max_connections = self.bounded("MAX_CONNECTIONS", 1, 100_000).and_then(NonZeroU32::new);
        let request_timeout = self.millis("REQUEST_TIMEOUT_MS", 1);
        let per_second = self.bounded("RATE_LIMIT_PER_SECOND", 0, 1_000_000);
        let burst = self.bounded("RATE_LIMIT_BURST", 1, 1_000_000).and_then(NonZeroU32::new);
        let (per_second, burst) = (per_second?, burst?);
        Some(LimitsConfig {
            max_concurrent_requests: max_concurrent_requests?,
            max_connections: max_connections?,
            request_timeout: request_timeout?,
            rate: NonZeroU32::new(per_second).map(|per_second| Rate { per_second, burst }),
        })
    }

    fn shutdown(&mut self, environment: Environment) -> Option<ShutdownConfig> {
        let propagation = match (self.raw.get("SHUTDOWN_PROPAGATION_MS"), environment) {
            (Some(_), _) => self.millis("SHUTDOWN_PROPAGATION_MS", 0),
            (None, Environment::Production) => Some(Duration::from_secs(5)),
            (None, Environment::Development) => Some(Duration::ZERO),
        };
        let drain = self.millis("SHUTDOWN_DRAIN_MS", 0);
        let tasks = self.millis("SHUTDOWN_TASKS_MS", 0);
        Some(ShutdownConfig { propagation: propagation?, drain: drain?, tasks: tasks? })
    }

    fn log(&mut self, environment: Environment) -> Option<LogConfig> {
        let format = match (self.raw.get("LOG_FORMAT"), environment) {
            (Some(_), _) => self.one_of("LOG_FORMAT", &[("json", LogFormat::Json), ("text", LogFormat::Text)]),
            (None, Environment::Production) => Some(LogFormat::Json),
            (None, Environment::Development) => Some(LogFormat::Text),
        };
        let levels = ["error", "warn", "info", "debug", "trace"].map(|level| (level, level));
        let level = self.one_of("LOG_LEVEL", &levels);
        let filter = match self.raw.get("RUST_LOG") {
            Some(text) => {
                let parsed = tracing_subscriber::EnvFilter::try_new(text);
                self.judged("RUST_LOG", parsed.map(|_| text.to_owned()))
            }
            None => level.map(filter),
        };
        Some(LogConfig { format: format?, filter: filter? })
    }

    /// The given text, or the table's default.
    fn text(&self, env: &str) -> String {
        let default = || {
            let setting = SETTINGS.iter().find(|setting| setting.env == env);
            match setting.expect("every setting that is read is in the table").default {
                Default::Value(text) => text,
                Default::Derived(_) => "",
            }
        };
        self.raw.get(env).unwrap_or_else(default).to_owned()
    }

    fn parsed<T: FromStr>(&mut self, env: &str, rule: &str) -> Option<T> {
        match self.text(env).parse() {
            Ok(value) => Some(value),
            Err(_) => self.error(env, rule),
        }
    }

    fn bounded(&mut self, env: &str, min: u32, max: u32) -> Option<u32> {
        let rule = format!("must be a whole number from {min} to {max}");
        let number: u32 = self.parsed(env, &rule)?;
        if (min..=max).contains(&number) { Some(number) } else { self.error(env, rule) }
    }

    /// A time of at most ten minutes.
    fn millis(&mut self, env: &str, min: u32) -> Option<Duration> {
        self.bounded(env, min, 600_000).map(|millis| Duration::from_millis(u64::from(millis)))
    }

    fn one_of<T: Copy>(&mut self, env: &str, choices: &[(&str, T)]) -> Option<T> {
        let text = self.text(env).to_ascii_lowercase();
        if let Some((_, value)) = choices.iter().find(|(name, _)| *name == text) {
            return Some(*value);
        }
        let names: Vec<_> = choices.iter().map(|(name, _)| *name).collect();
        self.error(env, format!("must be one of: {}", names.join(", ")))
    }

    fn switch(&mut self, env: &str, default: Switch) -> Option<Switch> {
        if self.raw.get(env).is_none() {
            return Some(default);
        }
        let choices = [
            ("on", Switch::On),
            ("off", Switch::Off),
            ("true", Switch::On),
            ("false", Switch::Off),
            ("1", Switch::On),
            ("0", Switch::Off),
        ];
        self.one_of(env, &choices)
    }

    fn judged<T, E: Display>(&mut self, env: &str, result: Result<T, E>) -> Option<T> {
        match result {
            Ok(value) => Some(value),
            Err(error) => self.error(env, error),
        }
    }

    fn missing<T>(&mut self, env: &str) -> Option<T> {
        self.error(env, "is needed when ENVIRONMENT is production")
    }

    fn error<T>(&mut self, env: &str, what: impl Display) -> Option<T> {
        self.errors.push(format!("{env} {what}"));
        None
    }
}

const fn on_in_development(environment: Environment) -> Switch {
    match environment {
        Environment::Development => Switch::On,
        Environment::Production => Switch::Off,
    }
}

/// The finer levels are for our own code: the transport's speak of every frame.
fn filter(level: &str) -> String {
    match level {
        "debug" | "trace" => format!("info,order_server={level},order_store={level},access={level}"),
        coarse => coarse.to_owned(),
    }
}

fn checked_key(text: String) -> Result<KeySource, String> {
    if text.len() < KEY_BYTES_MIN {
        return Err(format!("is shorter than {KEY_BYTES_MIN} bytes"));
    }
    Ok(KeySource::Given(Secret::new(text)))
}

fn read_key(path: &str) -> Result<KeySource, String> {
    match std::fs::read_to_string(path) {
        Ok(text) => checked_key(text.trim_end().to_owned()),
        Err(error) => Err(format!("cannot be read: {}", error.kind())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resolve(values: &[(&str, &str)], purpose: Purpose) -> Result<Config, ConfigErrors> {
        Config::resolve(&Raw::of(values.iter().map(|(name, value)| (*name, (*value).to_owned()))), purpose)
    }

    #[test]
    fn every_mistake_is_named_at_once() {
        let bad = [
            ("LISTEN_ADDR", "localhost"),
            ("DATABASE_POOL_SIZE", "0"),
            ("JWT_SECRET", "short"),
            ("RULES_FILE", "/nonexistent"),
            ("GUEST_CHECKOUT", "maybe"),
            ("ALLOCATE_ON", "never"),
            ("PAY_BY_MINUTES", "-1"),
            ("CART_HOLD_MINUTES", "1441"),
            ("ORDER_NUMBER_PREFIX", "spk"),
            ("ORDER_NUMBER_FIRST", "0"),
            ("MAX_CONNECTIONS", "many"),
            ("RATE_LIMIT_BURST", "0"),
            ("SHUTDOWN_DRAIN_MS", "600001"),
            ("LOG_LEVEL", "loud"),
            ("REFLECTION", "2"),
        ];
        let errors = resolve(&bad, Purpose::Serve).unwrap_err();
        for (name, _) in bad {
            assert!(errors.lines().iter().any(|line| line.starts_with(name)), "{name} is not named: {errors}");
        }
        assert_eq!(errors.lines().len(), bad.len());
    }

    #[test]
    fn mistakes_in_the_rules_are_named_with_all_others() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "x = 1\n").unwrap();
        let bad = [("RULES_FILE", file.path().to_str().unwrap()), ("LISTEN_ADDR", "nowhere")];
        let errors = resolve(&bad, Purpose::Serve).unwrap_err().to_string();
        assert!(errors.contains("RULES_FILE") && errors.contains("LISTEN_ADDR"), "{errors}");
    }

    #[test]
    fn what_is_confirmed_when_paid_has_its_stock_promised_before() {
        let both = [("CONFIRM_POLICY", "when_paid"), ("ALLOCATE_ON", "confirm")];
        assert!(resolve(&both, Purpose::Serve).unwrap_err().to_string().contains("ALLOCATE_ON"));
        for one in both {
            resolve(&[one], Purpose::Serve).unwrap();
        }
    }

    #[test]
    fn production_demands_only_what_is_used() {
        let missing = |purpose| match resolve(&[("ENVIRONMENT", "production")], purpose) {
            Ok(_) => 0,
            Err(errors) => errors.lines().len(),
        };
        let demanded = [Purpose::Serve, Purpose::Database, Purpose::Key, Purpose::Probe].map(missing);
        assert_eq!(demanded, [2, 1, 1, 0]);
    }

    #[test]
    fn zero_turns_the_rate_limit_the_payment_deadline_and_the_holds_of_carts_off() {
        let off = ["RATE_LIMIT_PER_SECOND", "PAY_BY_MINUTES", "CART_HOLD_MINUTES"].map(|name| (name, "0"));
        let config = resolve(&off, Purpose::Serve).unwrap();
        assert_eq!(config.limits.rate, None);
        assert_eq!(config.shop.policy.pay_by_minutes, None);
        assert_eq!(config.shop.policy.cart_hold_minutes, None);
    }

    #[test]
    fn a_key_file_is_read_without_its_last_line_break() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), format!("{}\n", "k".repeat(40))).unwrap();
        let config = resolve(&[("JWT_SECRET_FILE", file.path().to_str().unwrap())], Purpose::Serve).unwrap();
        match config.identity.key {
            KeySource::Given(secret) => assert_eq!(secret.expose(), "k".repeat(40)),
            KeySource::Generated(_) => panic!("the file was not read"),
        }
    }
}
