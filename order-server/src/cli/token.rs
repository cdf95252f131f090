//! `token`: makes tokens with the configured key.

use std::time::Duration;

use clap::Args;

use super::Failure;
use crate::{
    auth::{
        Role,
        verify::{Subject, Tokens},
    },
    config::{Config, Purpose, Raw},
};

/// Arguments of `token`.
#[derive(Debug, Args)]
pub(super) struct TokenArgs {
    /// Whom the token names.
    #[arg(long)]
    sub: String,
    /// `customer`, `admin` or `service`.
    #[arg(long, default_value = "customer", value_parser = parse_role)]
    role: Role,
    /// How long it is good for: a number and s, m, h or d.
    #[arg(long, default_value = "24h", value_parser = parse_ttl)]
    ttl: Duration,
    /// The customer's e-mail address.
    #[arg(long)]
    email: Option<String>,
    /// The customer's name.
    #[arg(long)]
    name: Option<String>,
}

pub(super) fn run(settings: &Raw, args: TokenArgs) -> Result<(), Failure> {
    let identity = Config::resolve(settings, Purpose::Key)?.identity;
    let tokens = Tokens::load(&identity)?;
    let TokenArgs { sub: id, role, ttl, email, name } = args;
    let token = tokens.issue(&Subject { id, role, email, name, ttl });
    let token = token.ok_or("tokens are made by whoever holds the keys of JWT_JWKS")?;
    // The server would refuse an id that is none; better to hear it now.
    tokens.verify(&token)?;
    super::say(&format!("{token}\n"))
}

fn parse_role(text: &str) -> Result<Role, String> {
    Role::parse(text).ok_or_else(|| "must be customer, admin or service".to_owned())
}

fn parse_ttl(text: &str) -> Result<Duration, String> {
    let rule = || "must be a number and s, m, h or d, such as 12h".to_owned();
    let (digits, unit) = text.split_at_checked(text.len().saturating_sub(1)).ok_or_else(rule)?;
    let number: u32 = digits.parse().map_err(|_malformed| rule())?;
    let seconds = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3600,
        "d" => 86_400,
        _ => return Err(rule()),
    };
    Ok(Duration::from_secs(u64::from(number) * seconds))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lifetimes_are_a_number_and_a_unit() {
        assert_eq!(parse_ttl("90s"), Ok(Duration::from_secs(90)));
        assert_eq!(parse_ttl("2d"), Ok(Duration::from_secs(172_800)));
        for text in ["", "h", "-1h", "1", "1w", "1.5h", "é"] {
            assert!(parse_ttl(text).is_err(), "{text}");
        }
    }
}
