//! What tokens mean.

use std::time::Duration;

use order_core::{currency::Currency, payment::OperationKind};

/// The longest that a token can make the gateway take.
const SLOWEST: Duration = Duration::from_secs(10);

/// What a token asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Behaviour {
    Approve,
    Decline { code: String },
    Limit { most: i64 },
    Slow { after: Duration },
    ChargeSlow { after: Duration },
    LoseAnswer,
    LoseRequest,
    Late { after: Duration },
    Twice,
    Reversed,
    Amount { minor: i64 },
    Currency { currency: Currency },
}

impl Behaviour {
    /// What the token of a payment asks for when an operation of this kind is to be done.
    pub(super) fn of(token: Option<&str>, kind: OperationKind) -> Self {
        let Some(words) = token.and_then(|token| token.strip_prefix("tok_")) else { return Self::Approve };
        let wanted = if words == "reversed" { Some(words) } else { aimed_at(kind, words) };
        wanted.and_then(Self::parse).unwrap_or(Self::Approve)
    }

    fn parse(words: &str) -> Option<Self> {
        match words {
            "timeout_charged" => return Some(Self::LoseAnswer),
            "timeout_lost" => return Some(Self::LoseRequest),
            "twice" => return Some(Self::Twice),
            "reversed" => return Some(Self::Reversed),
            _other => {}
        }
        let after = |prefix| words.strip_prefix(prefix).and_then(|ms| ms.parse().ok()).map(time);
        let minor = |prefix| words.strip_prefix(prefix).and_then(|minor| minor.parse::<u32>().ok()).map(i64::from);
        let currency = words.strip_prefix("currency_").and_then(|code| Currency::parse(code).ok());
        let code = words.strip_prefix("decline_").map(str::to_owned);
        None.or_else(|| code.map(|code| Self::Decline { code }))
            .or_else(|| after("slow_").map(|after| Self::Slow { after }))
            .or_else(|| after("charge_slow_").map(|after| Self::ChargeSlow { after }))
            .or_else(|| after("late_").map(|after| Self::Late { after }))
            .or_else(|| minor("limit_").map(|most| Self::Limit { most }))
            .or_else(|| minor("amount_").map(|minor| Self::Amount { minor }))
            .or_else(|| currency.map(|currency| Self::Currency { currency }))
    }
}

fn time(ms: u64) -> Duration {
    Duration::from_millis(ms).min(SLOWEST)
}

/// What is left of a token's words once they are found to aim at this kind of operation; `None` if they aim at another.
fn aimed_at(kind: OperationKind, words: &str) -> Option<&str> {
    let mut others = ["capture_", "refund_", "void_"].iter().filter_map(|prefix| words.strip_prefix(prefix));
    match kind {
        OperationKind::Sale | OperationKind::Authorize => others.next().is_none().then_some(words),
        OperationKind::Capture => words.strip_prefix("capture_"),
        OperationKind::Refund => words.strip_prefix("refund_"),
        OperationKind::Void => words.strip_prefix("void_"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(token: &str, kind: OperationKind) -> Behaviour {
        Behaviour::of(Some(token), kind)
    }

    #[test]
    fn the_token_chooses_what_happens_to_the_first_operation() {
        let after = |ms| Duration::from_millis(ms);
        for kind in [OperationKind::Sale, OperationKind::Authorize] {
            for (token, expected) in [
                ("tok_approve", Behaviour::Approve),
                ("", Behaviour::Approve),
                ("tok_slow_250", Behaviour::Slow { after: after(250) }),
                ("tok_slow_999999999", Behaviour::Slow { after: after(10_000) }),
                ("tok_slow_x", Behaviour::Approve),
                ("tok_charge_slow_5", Behaviour::ChargeSlow { after: after(5) }),
                ("tok_late_20", Behaviour::Late { after: after(20) }),
                ("tok_decline_expired_card", Behaviour::Decline { code: "expired_card".into() }),
                ("tok_limit_5000", Behaviour::Limit { most: 5000 }),
                ("tok_amount_0", Behaviour::Amount { minor: 0 }),
                ("tok_amount_-1", Behaviour::Approve),
                ("tok_currency_JPY", Behaviour::Currency { currency: Currency::parse("JPY").unwrap() }),
                ("tok_currency_money", Behaviour::Approve),
                ("tok_timeout_charged", Behaviour::LoseAnswer),
                ("tok_timeout_lost", Behaviour::LoseRequest),
                ("tok_twice", Behaviour::Twice),
                ("tok_reversed", Behaviour::Reversed),
            ] {
                assert_eq!(of(token, kind), expected, "{token}");
            }
            assert_eq!(Behaviour::of(None, kind), Behaviour::Approve);
        }
    }

    #[test]
    fn a_prefix_aims_at_one_kind_of_operation_and_spares_the_others() {
        let kinds = OperationKind::ALL;
        let declined = Behaviour::Decline { code: "x".into() };
        for (token, hit) in [
            ("tok_decline_x", vec![OperationKind::Sale, OperationKind::Authorize]),
            ("tok_capture_decline_x", vec![OperationKind::Capture]),
            ("tok_refund_decline_x", vec![OperationKind::Refund]),
            ("tok_void_decline_x", vec![OperationKind::Void]),
        ] {
            for kind in kinds {
                let expected = if hit.contains(&kind) { declined.clone() } else { Behaviour::Approve };
                assert_eq!(of(token, kind), expected, "{token} {kind:?}");
            }
        }
        for kind in kinds {
            assert_eq!(of("tok_reversed", kind), Behaviour::Reversed, "it is about all operations");
        }
        assert_eq!(of("tok_refund_reversed", OperationKind::Sale), Behaviour::Approve);
        assert_eq!(of("tok_refund_reversed", OperationKind::Refund), Behaviour::Reversed);
    }
}
