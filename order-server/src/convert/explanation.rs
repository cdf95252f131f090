//! How a price came about.

use order_api::v1;
use order_core::{
    pricing::{Explanation, Step},
    rounding::{Rounding, RoundingScope},
    rules::PriceMode,
};

use super::{map, money};

/// An explanation on the wire.
#[must_use]
pub fn to_proto(explanation: Explanation) -> v1::PriceExplanation {
    let rounding_mode = match explanation.rounding {
        Rounding::HalfUp => v1::RoundingMode::HalfUp,
        Rounding::HalfEven => v1::RoundingMode::HalfEven,
    };
    let rounding_scope = match explanation.rounding_scope {
        RoundingScope::Line => v1::RoundingScope::Line,
        RoundingScope::Unit => v1::RoundingScope::Unit,
    };
    let price_mode = match explanation.price_mode {
        PriceMode::Exclusive => v1::PriceMode::Exclusive,
        PriceMode::Inclusive => v1::PriceMode::Inclusive,
    };
    v1::PriceExplanation {
        rounding_mode: rounding_mode.into(),
        rounding_scope: rounding_scope.into(),
        price_mode: price_mode.into(),
        steps: explanation.steps.into_iter().map(step).collect(),
    }
}

fn step(step: Step) -> v1::PriceStep {
    v1::PriceStep {
        rule: step.rule,
        subject: step.subject,
        inputs: map::telling(step.inputs),
        exact_value: step.exact,
        rounded: Some(money::to_proto(step.rounded)),
        note: step.note,
    }
}
