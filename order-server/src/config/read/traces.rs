//! Where traces are sent.

use http::Uri;
use percent_encoding::percent_decode_str;

use super::{Reader, neighbours::bare};
use crate::config::TracesConfig;

impl Reader<'_> {
    pub(super) fn traces(&mut self) -> Option<TracesConfig> {
        let endpoint = self.collector();
        let attributes = self.attributes();
        let ratio = self.ratio();
        let attributes = attributes?;
        let service_name = self.service_name(&attributes);
        Some(TracesConfig { endpoint: endpoint?, service_name, attributes, ratio: ratio? })
    }

    /// A collector is near by, on the machine or in the cluster, and knows the way and the secrets to wherever traces are
    /// kept.
    fn collector(&mut self) -> Option<Option<Uri>> {
        let Some(text) = self.raw.get("OTEL_EXPORTER_OTLP_ENDPOINT") else { return Some(None) };
        match bare(text).filter(|uri| uri.scheme_str() == Some("http")) {
            Some(uri) => Some(Some(uri)),
            None => self.error("OTEL_EXPORTER_OTLP_ENDPOINT", "must be http://HOST:PORT, with nothing behind it"),
        }
    }

    /// The setting of its own, else what the attributes say, as OpenTelemetry has it; else the default.
    fn service_name(&self, attributes: &[(String, String)]) -> String {
        let attribute = attributes.iter().find(|(name, _)| name == "service.name");
        match (self.raw.get("OTEL_SERVICE_NAME"), attribute) {
            (None, Some((_, name))) => name.clone(),
            (Some(_), _) | (None, None) => self.text("OTEL_SERVICE_NAME"),
        }
    }

    fn attributes(&mut self) -> Option<Vec<(String, String)>> {
        let text = self.text("OTEL_RESOURCE_ATTRIBUTES");
        let pairs = text.split(',').map(str::trim).filter(|pair| !pair.is_empty());
        let attributes: Option<Vec<_>> = pairs.map(attribute).collect();
        match attributes {
            Some(attributes) => Some(attributes),
            None => self.error("OTEL_RESOURCE_ATTRIBUTES", "must be NAME=VALUE with commas between, percent-encoded"),
        }
    }

    fn ratio(&mut self) -> Option<f64> {
        let rule = "must be a number from 0 to 1";
        let ratio: f64 = self.parsed("OTEL_TRACES_SAMPLER_ARG", rule)?;
        if (0.0..=1.0).contains(&ratio) { Some(ratio) } else { self.error("OTEL_TRACES_SAMPLER_ARG", rule) }
    }
}

fn attribute(pair: &str) -> Option<(String, String)> {
    let (name, value) = pair.split_once('=')?;
    let value = percent_decode_str(value.trim()).decode_utf8().ok()?;
    (!name.trim().is_empty()).then(|| (name.trim().to_owned(), value.into_owned()))
}

#[cfg(test)]
mod tests {
    use crate::config::{Config, ConfigErrors, Purpose, Raw};

    fn resolve(values: &[(&str, &str)]) -> Result<Config, ConfigErrors> {
        let values = values.iter().map(|(name, value)| (*name, (*value).to_owned()));
        Config::resolve(&Raw::of(values), Purpose::Serve)
    }

    #[test]
    fn what_traces_say_is_read_and_shown() {
        let config = resolve(&[
            ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://collector:4317"),
            ("OTEL_RESOURCE_ATTRIBUTES", "deployment.environment.name=test, shop=Spooky%20%26%20Co,"),
            ("OTEL_TRACES_SAMPLER_ARG", "0.25"),
        ])
        .unwrap();
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let attributes = [pair("deployment.environment.name", "test"), pair("shop", "Spooky & Co")];
        assert_eq!(config.traces.attributes, attributes);
        let shown = config.to_string();
        assert!(shown.contains("OTEL_EXPORTER_OTLP_ENDPOINT=http://collector:4317/\nOTEL_SERVICE_NAME=order-server\n"));
        assert!(shown.contains("OTEL_TRACES_SAMPLER_ARG=0.25\n"), "{shown}");
    }

    #[test]
    fn mistakes_are_named() {
        for wrong in [
            ("OTEL_EXPORTER_OTLP_ENDPOINT", "https://collector:4317"),
            ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://collector:4317/v1/traces"),
            ("OTEL_RESOURCE_ATTRIBUTES", "test"),
            ("OTEL_RESOURCE_ATTRIBUTES", "=test"),
            ("OTEL_RESOURCE_ATTRIBUTES", "shop=%ff"),
            ("OTEL_TRACES_SAMPLER_ARG", "1.5"),
            ("OTEL_TRACES_SAMPLER_ARG", "NaN"),
        ] {
            let errors = resolve(&[wrong]).unwrap_err();
            assert!(errors.lines().len() == 1 && errors.lines()[0].starts_with(wrong.0), "{errors}");
        }
    }
}
