//! The configuration as `check-config` prints it: the table, with what holds, and no secret.

use std::fmt;

use order_core::policy::{AllocatePolicy, CapturePolicy, ConfirmPolicy};

use super::{Config, Environment, KeySource, LogFormat, Switch, setting::SETTINGS};

impl Config {
    /// What holds for a setting, in the words in which it would be given. Secrets are replaced.
    fn shown(&self, env: &str) -> String {
        match env {
            "ENVIRONMENT" => match self.environment {
                Environment::Development => "development".into(),
                Environment::Production => "production".into(),
            },
            "LISTEN_ADDR" => self.listen_addr.to_string(),
            "OPS_ADDR" => self.ops_addr.to_string(),
            "DATA_DIR" => self.data_dir.display().to_string(),
            "DATABASE_URL" => self.database.url.to_string(),
            "DATABASE_DIRECT_URL" => self.database.direct_url.to_string(),
            "DATABASE_POOL_SIZE" => self.database.pool_size.to_string(),
            "MIGRATE_ON_START" => switch(self.database.migrate_on_start),
            "JWT_SECRET" => match &self.identity.key {
                KeySource::Given(_) => "(hidden)".into(),
                KeySource::Generated(path) => format!("(kept in {})", path.display()),
            },
            "JWT_ISSUER" => self.identity.issuer.clone(),
            "JWT_AUDIENCE" => self.identity.audience.clone(),
            "REFLECTION" => switch(self.reflection),
            "MAX_CONCURRENT_REQUESTS" => self.limits.max_concurrent_requests.to_string(),
            "MAX_CONNECTIONS" => self.limits.max_connections.to_string(),
            "REQUEST_TIMEOUT_MS" => self.limits.request_timeout.as_millis().to_string(),
            "RATE_LIMIT_PER_SECOND" => self.limits.rate.map_or(0, |rate| rate.per_second.get()).to_string(),
            "RATE_LIMIT_BURST" => self.limits.rate.map_or_else(|| "(no limit)".into(), |rate| rate.burst.to_string()),
            "SHUTDOWN_PROPAGATION_MS" => self.shutdown.propagation.as_millis().to_string(),
            "SHUTDOWN_DRAIN_MS" => self.shutdown.drain.as_millis().to_string(),
            "SHUTDOWN_TASKS_MS" => self.shutdown.tasks.as_millis().to_string(),
            "LOG_FORMAT" => match self.log.format {
                LogFormat::Json => "json".into(),
                LogFormat::Text => "text".into(),
            },
            "LOG_LEVEL" | "RUST_LOG" => self.log.filter.clone(),
            other => self.shown_shop(other),
        }
    }

    fn shown_shop(&self, env: &str) -> String {
        let shop = &self.shop;
        match env {
            "RULES_FILE" => shop.rules_file.as_ref().map_or("(built in)".into(), |path| path.display().to_string()),
            "GUEST_CHECKOUT" => switch(shop.guest_checkout),
            "CONFIRM_POLICY" => match shop.policy.confirm {
                ConfirmPolicy::Manual => "manual".into(),
                ConfirmPolicy::WhenPaid => "when_paid".into(),
            },
            "CAPTURE_ON" => match shop.policy.capture {
                CapturePolicy::AtOnce => "place".into(),
                CapturePolicy::OnShipment => "ship".into(),
                CapturePolicy::Manual => "manual".into(),
            },
            "ALLOCATE_ON" => match shop.policy.allocate_on {
                AllocatePolicy::Place => "place".into(),
                AllocatePolicy::Confirm => "confirm".into(),
            },
            "PAY_BY_MINUTES" => shop.policy.pay_by_minutes.unwrap_or(0).to_string(),
            "CART_HOLD_MINUTES" => shop.policy.cart_hold_minutes.unwrap_or(0).to_string(),
            "ORDER_NUMBER_PREFIX" => shop.order_number_prefix.clone(),
            "ORDER_NUMBER_FIRST" => shop.order_number_first.to_string(),
            "DEMO_CATALOG" => switch(shop.demo_catalog),
            // JWT_SECRET_FILE was read into JWT_SECRET.
            _ => String::new(),
        }
    }
}

fn switch(switch: Switch) -> String {
    if switch.is_on() { "on".into() } else { "off".into() }
}

impl fmt::Display for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = SETTINGS.iter().map(|setting| (setting.env, self.shown(setting.env)));
        shown.filter(|(_, value)| !value.is_empty()).try_for_each(|(env, value)| writeln!(f, "{env}={value}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{
        Purpose, Raw,
        setting::{Default, Exposure},
    };

    #[test]
    fn every_default_of_the_table_is_valid_and_is_what_holds() {
        let config = Config::resolve(&Raw::default(), Purpose::Serve).unwrap();
        for setting in SETTINGS {
            match (setting.default, setting.exposure) {
                (Default::Value(text), Exposure::Shown) => {
                    assert_eq!(config.shown(setting.env), text, "{}", setting.env)
                }
                (Default::Value(_), Exposure::Secret | Exposure::Url) => panic!("{} has a public default", setting.env),
                (Default::Derived(_), _) => {}
            }
        }
    }

    #[test]
    fn every_setting_can_be_shown() {
        let silent = ["JWT_SECRET_FILE"];
        let config = Config::resolve(&Raw::default(), Purpose::Serve).unwrap();
        for setting in SETTINGS.iter().filter(|setting| !silent.contains(&setting.env)) {
            assert!(!config.shown(setting.env).is_empty(), "{}", setting.env);
        }
    }
}
