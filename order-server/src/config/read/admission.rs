//! How much is let in, and of whom.

use std::num::NonZeroU32;

use super::Reader;
use crate::{
    auth::access::PerClass,
    config::{LimitsConfig, Networks, Rate, RedisUrl},
};

/// What one customer may reasonably write or search for, of what they may read.
const SHARE: u32 = 5;
/// The most of a rate and of a burst.
const MOST: u32 = 1_000_000;

impl Reader<'_> {
    pub(super) fn limits(&mut self) -> Option<LimitsConfig> {
        let max_concurrent_requests = self.bounded("MAX_CONCURRENT_REQUESTS", 1, 100_000).and_then(NonZeroU32::new);
        let max_connections = self.bounded("MAX_CONNECTIONS", 1, 100_000).and_then(NonZeroU32::new);
        let max_connections_per_address = self.connections_per_address(max_connections);
        let request_timeout = self.millis("REQUEST_TIMEOUT_MS", 1);
        let rates = self.rates();
        Some(LimitsConfig {
            max_concurrent_requests: max_concurrent_requests?,
            max_connections: max_connections?,
            max_connections_per_address: max_connections_per_address?,
            request_timeout: request_timeout?,
            rates: rates?,
        })
    }

    /// One address is not to keep all others out.
    fn connections_per_address(&mut self, all: Option<NonZeroU32>) -> Option<NonZeroU32> {
        match self.raw.get("MAX_CONNECTIONS_PER_ADDRESS") {
            Some(_) => self.bounded("MAX_CONNECTIONS_PER_ADDRESS", 1, 100_000).and_then(NonZeroU32::new),
            None => all.and_then(|all| NonZeroU32::new(all.get().div_ceil(2))),
        }
    }

    fn rates(&mut self) -> Option<PerClass<Option<Rate>>> {
        let per_second = self.bounded("RATE_LIMIT_PER_SECOND", 0, MOST);
        let burst = self.bounded("RATE_LIMIT_BURST", 1, MOST);
        let write_per_second = self.share("RATE_LIMIT_WRITE_PER_SECOND", (0, per_second));
        let write_burst = self.share("RATE_LIMIT_WRITE_BURST", (1, burst));
        let search_per_second = self.share("RATE_LIMIT_SEARCH_PER_SECOND", (0, per_second));
        let search_burst = self.share("RATE_LIMIT_SEARCH_BURST", (1, burst));
        Some(PerClass {
            read: rate(per_second?, burst?),
            write: rate(write_per_second?, write_burst?),
            search: rate(search_per_second?, search_burst?),
        })
    }

    /// A number that is a part of another one where it is not given: at least one, and nothing of nothing.
    fn share(&mut self, env: &str, (least, of): (u32, Option<u32>)) -> Option<u32> {
        match self.raw.get(env) {
            Some(_) => self.bounded(env, least, MOST),
            None => of.map(|of| of.div_ceil(SHARE)),
        }
    }

    pub(super) fn redis(&mut self) -> Option<Option<RedisUrl>> {
        match self.raw.get("REDIS_URL") {
            None => Some(None),
            Some(text) => self.judged("REDIS_URL", RedisUrl::parse(text)).map(Some),
        }
    }

    pub(super) fn trusted_proxies(&mut self) -> Option<Networks> {
        if self.raw.get("TRUSTED_PROXIES").is_none() {
            return Some(Networks::default());
        }
        self.parsed("TRUSTED_PROXIES", "must be addresses or networks such as 10.0.0.0/8, with commas between")
    }
}

fn rate(per_second: u32, burst: u32) -> Option<Rate> {
    Some(Rate { per_second: NonZeroU32::new(per_second)?, burst: NonZeroU32::new(burst)? })
}

#[cfg(test)]
mod tests {
    use crate::{
        auth::access::PerClass,
        config::{Config, ConfigErrors, Purpose, Rate, Raw},
    };

    fn resolve(values: &[(&str, &str)]) -> Result<Config, ConfigErrors> {
        let values = values.iter().map(|(name, value)| (*name, (*value).to_owned()));
        Config::resolve(&Raw::of(values), Purpose::Serve)
    }

    fn rates(values: &[(&str, &str)]) -> PerClass<Option<(u32, u32)>> {
        let pair = |rate: Option<Rate>| rate.map(|Rate { per_second, burst }| (per_second.get(), burst.get()));
        resolve(values).unwrap().limits.rates.map(pair)
    }

    #[test]
    fn writing_and_searching_follow_reading_unless_they_have_a_rate_of_their_own() {
        let (read, fifth) = (Some((100, 200)), Some((20, 40)));
        assert_eq!(rates(&[]), PerClass { read, write: fifth, search: fifth });
        let small = [("RATE_LIMIT_PER_SECOND", "2"), ("RATE_LIMIT_BURST", "4")];
        assert_eq!(rates(&small), PerClass { read: Some((2, 4)), write: Some((1, 1)), search: Some((1, 1)) });
        let own = [("RATE_LIMIT_WRITE_PER_SECOND", "3"), ("RATE_LIMIT_SEARCH_BURST", "7")];
        assert_eq!(rates(&own), PerClass { read, write: Some((3, 40)), search: Some((20, 7)) });
    }

    #[test]
    fn zero_is_no_limit() {
        assert_eq!(rates(&[("RATE_LIMIT_PER_SECOND", "0")]), PerClass::default());
        let only = [("RATE_LIMIT_PER_SECOND", "0"), ("RATE_LIMIT_WRITE_PER_SECOND", "3")];
        assert_eq!(rates(&only), PerClass { write: Some((3, 40)), ..PerClass::default() });
        let open = [("RATE_LIMIT_WRITE_PER_SECOND", "0")];
        assert_eq!(rates(&open).write, None);
    }

    #[test]
    fn mistakes_are_named_without_the_password() {
        for wrong in [
            ("RATE_LIMIT_WRITE_PER_SECOND", "1000001"),
            ("RATE_LIMIT_SEARCH_BURST", "0"),
            ("REDIS_URL", "http://:hunter2@cache"),
            ("TRUSTED_PROXIES", "10.0.0.0/8,gateway"),
        ] {
            let errors = resolve(&[wrong]).unwrap_err();
            assert!(errors.lines().len() == 1 && errors.lines()[0].starts_with(wrong.0), "{errors}");
            assert!(!errors.to_string().contains("hunter2"));
        }
    }

    #[test]
    fn what_is_shared_and_trusted_is_shown() {
        let config =
            resolve(&[("REDIS_URL", "redis://:hunter2@cache:6379"), ("TRUSTED_PROXIES", "10.0.0.0/8, ::1")]).unwrap();
        let shown = config.to_string();
        assert!(shown.contains("REDIS_URL=redis://:(hidden)@cache:6379\nTRUSTED_PROXIES=10.0.0.0/8,::1\n"), "{shown}");
        assert!(!format!("{config:?}").contains("hunter2"));
    }
}
