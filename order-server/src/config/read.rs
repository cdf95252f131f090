//! From given values to a valid configuration.

mod admission;
mod events;
mod neighbours;
mod shop;
mod tls;
mod traces;

use std::{fmt::Display, num::NonZeroU32, path::PathBuf, str::FromStr, time::Duration};

use http::{HeaderValue, Uri};

use crate::auth::jwks::{self, JwksSource};

use super::{
    Config, ConfigErrors, DatabaseConfig, DatabaseUrl, Environment, IdentityConfig, KeySource, LogConfig, LogFormat,
    Origins, Purpose, Raw, Secret, ShutdownConfig, Switch, WebConfig,
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
        let neighbours = self.neighbours(purpose);
        let events = self.events();
        let limits = self.limits();
        let redis = self.redis();
        let trusted_proxies = self.trusted_proxies();
        let shutdown = self.shutdown(assumed);
        let log = self.log(assumed);
        let traces = self.traces();
        let reflection = self.switch("REFLECTION", on_in_development(assumed));
        let web = self.web(assumed);
        let tls = self.door(purpose, web.as_ref().map_or(Switch::Off, |web| web.grpc_web));
        Some(Config {
            environment: environment?,
            listen_addr: listen_addr?,
            ops_addr: ops_addr?,
            tls: tls?,
            data_dir,
            database: database?,
            identity: identity?,
            shop: shop?,
            neighbours: neighbours?,
            events: events?,
            limits: limits?,
            redis: redis?,
            trusted_proxies: trusted_proxies?,
            shutdown: shutdown?,
            log: log?,
            traces: traces?,
            reflection: reflection?,
            web: web?,
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
        let secrets = (self.raw.get("JWT_SECRET"), self.raw.get("JWT_SECRET_FILE"));
        let key = match secrets {
            (None, None) if self.raw.get("JWT_JWKS").is_some() => self.jwks(),
            _ if self.raw.get("JWT_JWKS").is_some() => {
                self.error("JWT_JWKS", "and a secret are both given; tokens are judged by one of them")
            }
            (Some(_), Some(_)) => self.error("JWT_SECRET", "and JWT_SECRET_FILE are both given; give one of them"),
            (Some(text), None) => self.judged("JWT_SECRET", checked_key(text.to_owned())),
            (None, Some(path)) => self.judged("JWT_SECRET_FILE", read_key(path)),
            (None, None) if used && environment == Environment::Production => {
                self.missing("JWT_JWKS, JWT_SECRET or JWT_SECRET_FILE")
            }
            (None, None) => Some(KeySource::Generated(data_dir.join(KEY_FILE))),
        };
        let (issuer, audience) = (self.text("JWT_ISSUER"), self.text("JWT_AUDIENCE"));
        Some(IdentityConfig { key: key?, issuer, audience })
    }

    /// A set in a file is looked at now, so that a mistake is named before anything is bound.
    fn jwks(&mut self) -> Option<KeySource> {
        let text = self.text("JWT_JWKS");
        let source = match text.parse::<Uri>() {
            Ok(uri) if matches!(uri.scheme_str(), Some("http" | "https")) => JwksSource::Url(uri),
            _ => {
                let set = std::fs::read_to_string(&text).map_err(|error| format!("cannot be read: {}", error.kind()));
                self.judged("JWT_JWKS", set.and_then(|set| jwks::check(&set)))?;
                JwksSource::File(PathBuf::from(text))
            }
        };
        Some(KeySource::Set(source))
    }

    fn web(&mut self, environment: Environment) -> Option<WebConfig> {
        let grpc_web = self.switch("GRPC_WEB", on_in_development(environment));
        let origins = self.origins();
        Some(WebConfig { grpc_web: grpc_web?, origins: origins? })
    }

    fn origins(&mut self) -> Option<Origins> {
        match self.raw.get("CORS_ORIGINS") {
            None => return Some(Origins::None),
            Some("*") => return Some(Origins::Any),
            Some(_) => {}
        }
        let origins: Option<Vec<_>> = self.text("CORS_ORIGINS").split(',').map(|text| origin(text.trim())).collect();
        match origins {
            Some(origins) => Some(Origins::These(origins)),
            None => self
                .error("CORS_ORIGINS", "must be `*`, or origins such as https://shop.example.com with commas between"),
        }
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

/// Scheme, host and port, as browsers write it.
fn origin(text: &str) -> Option<HeaderValue> {
    let uri = text.parse::<Uri>().ok()?;
    let is_bare = uri.path() == "/" && uri.query().is_none() && !text.ends_with('/');
    let is_web = matches!(uri.scheme_str(), Some("http" | "https"));
    (is_bare && is_web && uri.authority().is_some_and(|authority| !authority.as_str().contains('@')))
        .then(|| text.to_ascii_lowercase().parse().ok())?
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
    use crate::auth::access::PerClass;

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
            ("GRPC_WEB", "perhaps"),
            ("CORS_ORIGINS", "https://shop.example.com/"),
        ];
        let errors = resolve(&bad, Purpose::Serve).unwrap_err();
        for (name, _) in bad {
            assert!(errors.lines().iter().any(|line| line.starts_with(name)), "{name} is not named: {errors}");
        }
        assert_eq!(errors.lines().len(), bad.len());
    }

    #[test]
    fn origins_are_what_browsers_send() {
        let origins = |text| resolve(&[("CORS_ORIGINS", text)], Purpose::Serve).map(|config| config.web.origins);
        assert_eq!(origins("*").unwrap(), Origins::Any);
        let two = ["https://shop.example.com", "http://localhost:3000"].map(HeaderValue::from_static);
        assert_eq!(origins("https://Shop.example.com, http://localhost:3000").unwrap(), Origins::These(two.into()));
        for wrong in
            ["shop.example.com", "https://shop.example.com/cart", "ftp://x", "https://me@x", "https://x,", "null"]
        {
            assert!(origins(wrong).is_err(), "{wrong}");
        }
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
        assert_eq!(config.limits.rates, PerClass::default());
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
            KeySource::Generated(_) | KeySource::Set(_) => panic!("the file was not read"),
        }
    }
}
