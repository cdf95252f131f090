//! The configuration as `check-config` prints it: the table, with what holds, and no secret.

use std::fmt;

use order_core::policy::{AllocatePolicy, CapturePolicy, ConfirmPolicy};

use crate::{
    auth::{access::PerClass, jwks::JwksSource},
    gateways::RemoteAddress,
};

use super::{Config, Environment, KeySource, LogFormat, Networks, Origins, Rate, Switch, setting::SETTINGS};

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
                KeySource::Set(_) => "(none)".into(),
                KeySource::Generated(path) => format!("(kept in {})", path.display()),
            },
            "JWT_JWKS" => match &self.identity.key {
                KeySource::Set(JwksSource::File(path)) => path.display().to_string(),
                KeySource::Set(JwksSource::Url(uri)) => uri.to_string(),
                KeySource::Given(_) | KeySource::Generated(_) => "(none)".into(),
            },
            "JWT_ISSUER" => self.identity.issuer.clone(),
            "JWT_AUDIENCE" => self.identity.audience.clone(),
            "REFLECTION" => switch(self.reflection),
            "GRPC_WEB" => switch(self.web.grpc_web),
            "CORS_ORIGINS" => match &self.web.origins {
                Origins::None => "(none)".into(),
                Origins::Any => "*".into(),
                Origins::These(these) => {
                    these.iter().map(|origin| String::from_utf8_lossy(origin.as_bytes())).collect::<Vec<_>>().join(",")
                }
            },
            "MAX_CONCURRENT_REQUESTS" => self.limits.max_concurrent_requests.to_string(),
            "MAX_CONNECTIONS" => self.limits.max_connections.to_string(),
            "MAX_CONNECTIONS_PER_ADDRESS" => self.limits.max_connections_per_address.to_string(),
            "REQUEST_TIMEOUT_MS" => self.limits.request_timeout.as_millis().to_string(),
            "SHUTDOWN_PROPAGATION_MS" => self.shutdown.propagation.as_millis().to_string(),
            "SHUTDOWN_DRAIN_MS" => self.shutdown.drain.as_millis().to_string(),
            "SHUTDOWN_TASKS_MS" => self.shutdown.tasks.as_millis().to_string(),
            "LOG_FORMAT" => match self.log.format {
                LogFormat::Json => "json".into(),
                LogFormat::Text => "text".into(),
            },
            "LOG_LEVEL" | "RUST_LOG" => self.log.filter.clone(),
            "OTEL_EXPORTER_OTLP_ENDPOINT" => {
                self.traces.endpoint.as_ref().map_or_else(|| "(none)".into(), ToString::to_string)
            }
            "OTEL_SERVICE_NAME" => self.traces.service_name.clone(),
            "OTEL_RESOURCE_ATTRIBUTES" if self.traces.attributes.is_empty() => "(none)".into(),
            "OTEL_RESOURCE_ATTRIBUTES" => {
                let pairs = self.traces.attributes.iter().map(|(name, value)| format!("{name}={value}"));
                pairs.collect::<Vec<_>>().join(",")
            }
            "OTEL_TRACES_SAMPLER_ARG" => self.traces.ratio.to_string(),
            other => {
                let shown =
                    self.shown_tls(other).or_else(|| self.shown_neighbour(other)).or_else(|| self.shown_limit(other));
                shown.unwrap_or_else(|| self.shown_shop(other))
            }
        }
    }

    fn shown_tls(&self, env: &str) -> Option<String> {
        let door = self.tls.as_ref().map(|kept| kept.recipe());
        let outward = self.neighbours.tls.as_ref().map(|kept| kept.recipe());
        let (ours, theirs) = (door.map(|door| &door.identity), outward.and_then(|outward| outward.identity.as_ref()));
        let (file, otherwise) = match env {
            "TLS_CERT_FILE" => (ours.map(|identity| &identity.certificates), "(none)"),
            "TLS_KEY_FILE" => (ours.map(|identity| &identity.key), "(none)"),
            "TLS_CLIENT_CA_FILE" => (door.and_then(|door| door.client_authorities.as_ref()), "(none)"),
            "NEIGHBOUR_CA_FILE" => (outward.and_then(|outward| outward.authorities.as_ref()), "(the system's)"),
            "NEIGHBOUR_CERT_FILE" => (theirs.map(|identity| &identity.certificates), "(none)"),
            "NEIGHBOUR_KEY_FILE" => (theirs.map(|identity| &identity.key), "(none)"),
            _ => return None,
        };
        Some(file.map_or_else(|| otherwise.to_owned(), |file| file.path.display().to_string()))
    }

    fn shown_limit(&self, env: &str) -> Option<String> {
        let PerClass { read, write, search } = self.limits.rates;
        let per_second = |rate: Option<Rate>| rate.map_or(0, |rate| rate.per_second.get()).to_string();
        let burst = |rate: Option<Rate>| rate.map_or_else(|| "(no limit)".into(), |rate| rate.burst.to_string());
        Some(match env {
            "RATE_LIMIT_PER_SECOND" => per_second(read),
            "RATE_LIMIT_BURST" => burst(read),
            "RATE_LIMIT_WRITE_PER_SECOND" => per_second(write),
            "RATE_LIMIT_WRITE_BURST" => burst(write),
            "RATE_LIMIT_SEARCH_PER_SECOND" => per_second(search),
            "RATE_LIMIT_SEARCH_BURST" => burst(search),
            "REDIS_URL" => self.redis.as_ref().map_or_else(|| "(none)".into(), ToString::to_string),
            "TRUSTED_PROXIES" if self.trusted_proxies == Networks::default() => "(none)".into(),
            "TRUSTED_PROXIES" => self.trusted_proxies.to_string(),
            _ => return None,
        })
    }

    fn shown_neighbour(&self, env: &str) -> Option<String> {
        let neighbours = &self.neighbours;
        let address =
            |uri: &Option<RemoteAddress>| uri.as_ref().map_or_else(|| "(embedded)".into(), ToString::to_string);
        Some(match env {
            "CATALOG_URL" => address(&neighbours.catalog),
            "INVENTORY_URL" => address(&neighbours.inventory),
            "CATALOG_CACHE_MS" => neighbours.catalog_cache.as_millis().to_string(),
            "PAYMENT_URL" => neighbours.payment.as_ref().map_or_else(|| "(simulated)".into(), ToString::to_string),
            "SHIPPING_URL" => address(&neighbours.shipping),
            "NOTIFICATION_URL" => neighbours.notification.as_ref().map_or_else(|| "(none)".into(), ToString::to_string),
            "NEIGHBOUR_TIMEOUT_MS" => neighbours.allowance.timeout.as_millis().to_string(),
            "NEIGHBOUR_CONCURRENCY" => neighbours.allowance.concurrency.to_string(),
            "NATS_URL" => self.events.nats.url.as_ref().map_or_else(|| "(none)".into(), |url| place(url.expose())),
            "NATS_SUBJECT" => self.events.nats.subject.clone(),
            "NATS_STREAM" => self.events.nats.stream.clone(),
            "WEBHOOK_URL" => {
                self.events.webhook.as_ref().map_or_else(|| "(none)".into(), |hook| place(&hook.url.to_string()))
            }
            "WEBHOOK_SECRET" => self.events.webhook.as_ref().map_or("(none)", |_| "(hidden)").to_owned(),
            _ => return None,
        })
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
            // JWT_SECRET_FILE was read into JWT_SECRET, and so was the other one.
            _ => String::new(),
        }
    }
}

/// Scheme, host and port of an address that may hold secrets everywhere else.
fn place(address: &str) -> String {
    let uri: Option<http::Uri> = address.parse().ok();
    let shown = uri.as_ref().and_then(|uri| {
        let authority = uri.authority()?;
        let port = authority.port().map(|port| format!(":{port}")).unwrap_or_default();
        Some(format!("{}://{}{port}", uri.scheme_str()?, authority.host()))
    });
    shown.unwrap_or_else(|| "(hidden)".into())
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
        let silent = ["JWT_SECRET_FILE", "WEBHOOK_SECRET_FILE"];
        let config = Config::resolve(&Raw::default(), Purpose::Serve).unwrap();
        for setting in SETTINGS.iter().filter(|setting| !silent.contains(&setting.env)) {
            assert!(!config.shown(setting.env).is_empty(), "{}", setting.env);
        }
    }
}
