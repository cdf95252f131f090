//! Where events are passed on to.

use http::Uri;

use super::Reader;
use crate::config::{EventsConfig, NatsConfig, Secret, SigningKey, WebhookConfig};

/// Keys at the same time: the new one and the old one, while it is replaced.
const KEYS_MAX: usize = 2;

impl Reader<'_> {
    pub(super) fn events(&mut self) -> Option<EventsConfig> {
        let nats = self.nats();
        let webhook = self.webhook();
        Some(EventsConfig { nats: nats?, webhook: webhook? })
    }

    fn nats(&mut self) -> Option<NatsConfig> {
        let subject = self.name("NATS_SUBJECT", &['.', '-', '_']);
        let stream = self.name("NATS_STREAM", &['-', '_']);
        let url = match self.raw.get("NATS_URL") {
            None => Some(None),
            Some(text) if is_broker(text) => Some(Some(Secret::new(text.to_owned()))),
            Some(_) => self.error("NATS_URL", "must be nats://HOST:PORT or tls://HOST:PORT"),
        };
        Some(NatsConfig { url: url?, subject: subject?, stream: stream? })
    }

    /// Letters, digits and some more; between dots there is something.
    fn name(&mut self, env: &str, more: &[char]) -> Option<String> {
        let text = self.text(env);
        let fits = |c: char| c.is_ascii_alphanumeric() || more.contains(&c);
        if text.len() <= 64 && text.chars().all(fits) && text.split('.').all(|part| !part.is_empty()) {
            return Some(text);
        }
        self.error(env, format!("must be 1 to 64 letters, digits and {}", String::from_iter(more)))
    }

    fn webhook(&mut self) -> Option<Option<WebhookConfig>> {
        let Some(text) = self.raw.get("WEBHOOK_URL") else { return Some(None) };
        let uri = text.parse::<Uri>().ok().filter(|uri| {
            let authority = uri.authority().filter(|authority| !authority.as_str().contains('@'));
            matches!(uri.scheme_str(), Some("http" | "https"))
                && authority.is_some_and(|authority| !authority.host().is_empty())
        });
        let url = match uri {
            Some(uri) => Some(uri),
            None => self.error("WEBHOOK_URL", "must be https://HOST/PATH or http://HOST/PATH, without a user"),
        };
        let keys = self.signing_keys();
        Some(Some(WebhookConfig { url: url?, keys: keys? }))
    }

    fn signing_keys(&mut self) -> Option<Vec<SigningKey>> {
        let (env, text) = match (self.raw.get("WEBHOOK_SECRET"), self.raw.get("WEBHOOK_SECRET_FILE")) {
            (Some(_), Some(_)) => {
                return self.error("WEBHOOK_SECRET", "and WEBHOOK_SECRET_FILE are both given; give one of them");
            }
            (Some(text), None) => ("WEBHOOK_SECRET", text.to_owned()),
            (None, Some(path)) => match std::fs::read_to_string(path) {
                Ok(text) => ("WEBHOOK_SECRET_FILE", text),
                Err(error) => {
                    return self.error("WEBHOOK_SECRET_FILE", format!("cannot be read: {}", error.kind()));
                }
            },
            (None, None) => return self.error("WEBHOOK_SECRET", "is needed with WEBHOOK_URL"),
        };
        let keys: Result<Vec<_>, _> = text.split_ascii_whitespace().map(SigningKey::parse).collect();
        match keys {
            Ok(keys) if (1..=KEYS_MAX).contains(&keys.len()) => Some(keys),
            Ok(_) => self.error(env, format!("must hold 1 to {KEYS_MAX} keys")),
            Err(error) => self.error(env, error),
        }
    }
}

fn is_broker(text: &str) -> bool {
    text.parse::<Uri>().is_ok_and(|uri| {
        matches!(uri.scheme_str(), Some("nats" | "tls")) && uri.host().is_some_and(|host| !host.is_empty())
    })
}

#[cfg(test)]
mod tests {
    use crate::config::{Config, ConfigErrors, Purpose, Raw};

    const KEY: &str = "whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIz";

    fn resolve(values: &[(&str, &str)]) -> Result<Config, ConfigErrors> {
        let values = values.iter().map(|(name, value)| (*name, (*value).to_owned()));
        Config::resolve(&Raw::of(values), Purpose::Serve)
    }

    #[test]
    fn what_is_wrong_with_a_broker_or_an_endpoint_is_named_and_no_secret_is_shown() {
        let long = "s".repeat(65);
        for wrong in [
            vec![("NATS_URL", "http://127.0.0.1:4222")],
            vec![("NATS_SUBJECT", "a..b")],
            vec![("NATS_SUBJECT", "a b")],
            vec![("NATS_STREAM", "a.b")],
            vec![("NATS_STREAM", &long)],
            vec![("WEBHOOK_URL", "ftp://example.com"), ("WEBHOOK_SECRET", KEY)],
            vec![("WEBHOOK_URL", "https://me:hunter2@example.com"), ("WEBHOOK_SECRET", KEY)],
        ] {
            let errors = resolve(&wrong).unwrap_err();
            assert!(errors.lines().len() == 1 && errors.lines()[0].starts_with(wrong[0].0), "{errors}");
            assert!(!errors.to_string().contains("hunter2"));
        }
        let endpoint = ("WEBHOOK_URL", "https://example.com/orders?key=hunter2");
        let three = format!("{KEY} {KEY} {KEY}");
        for wrong in [
            vec![],
            vec![("WEBHOOK_SECRET", "hunter2")],
            vec![("WEBHOOK_SECRET", &three)],
            vec![("WEBHOOK_SECRET", KEY), ("WEBHOOK_SECRET_FILE", "/nonexistent")],
            vec![("WEBHOOK_SECRET_FILE", "/nonexistent")],
        ] {
            let errors = resolve(&[vec![endpoint], wrong].concat()).unwrap_err();
            assert!(errors.lines().len() == 1 && errors.lines()[0].starts_with("WEBHOOK_SECRET"), "{errors}");
        }
        let config =
            resolve(&[endpoint, ("WEBHOOK_SECRET", KEY), ("NATS_URL", "nats://me:hunter2@broker:4222")]).unwrap();
        let subject = resolve(&[("NATS_SUBJECT", "shop.events")]).unwrap().to_string();
        assert!(subject.contains("NATS_SUBJECT=shop.events\n"), "also before there is a broker");
        let shown = config.to_string();
        assert!(shown.contains("WEBHOOK_URL=https://example.com\n") && shown.contains("NATS_URL=nats://broker:4222\n"));
        assert!(!shown.contains("hunter2") && !shown.contains("whsec_"));
        let debugged = format!("{config:?}");
        assert!(!debugged.contains("hunter2") && !debugged.contains("whsec_"));
    }
}
