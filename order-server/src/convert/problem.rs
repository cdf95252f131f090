//! What stands in the way of an order, said before it is tried.

use order_api::v1;

use crate::{error::ApiError, service::assess::Problem};

/// A problem on the wire, with the reason, text and facts that the refusal would carry. `list` is the name of the field
/// that holds the lines: `lines` in a quote, `items` in a cart.
#[must_use]
pub fn to_proto(problem: &Problem, list: &str) -> v1::Problem {
    let field = problem.place.map(|place| place.path(list)).unwrap_or_default();
    whole(&problem.error, field)
}

/// A problem with a field of its own, or with none.
#[must_use]
pub fn whole(error: &ApiError, field: String) -> v1::Problem {
    v1::Problem {
        code: error.reason().as_str().to_owned(),
        field,
        message: error.message().to_owned(),
        metadata: error.metadata().clone(),
    }
}
