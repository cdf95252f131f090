//! How a cart is shown: with what it costs now, and what would keep it from being ordered.

use order_api::v1;
use order_core::{
    cart::{Cart, CartOwner, CartState},
    error::Refusal,
    pricing::Destination,
};

use crate::{
    app::App,
    convert::{cart, line::WantedLine},
    error::ApiError,
    service::assess::{Assessment, Problem, Wanted, assess},
};

/// A cart as it stands, at current prices and with current stock.
///
/// # Errors
/// `CATALOG_UNAVAILABLE`, `INVENTORY_UNAVAILABLE`: never an empty cart.
pub(super) async fn show(app: &App, shown: &Cart) -> Result<v1::Cart, ApiError> {
    let wanted = Wanted {
        lines: shown.items.iter().map(WantedLine::of_item).collect(),
        cart_id: Some(shown.id),
        currency: shown.currency.unwrap_or(app.currency),
        destination: Destination::default(),
        coupon: None,
        discount: None,
    };
    let assessment = assess(app, &wanted).await?;
    Ok(cart::to_proto(shown, &Assessment { problems: problems(shown, assessment.problems), ..assessment }))
}

/// The cart of somebody who has none that can still be changed.
pub(super) fn nothing(app: &App, owner: Option<&CartOwner>) -> v1::Cart {
    cart::none_yet(owner, app.currency, &Refusal::CartEmpty.into())
}

/// What checkout would refuse. It does not refuse a cart that is ordered: it answers the order.
fn problems(cart: &Cart, of_lines: Vec<Problem>) -> Vec<Problem> {
    let whole = |refusal: Refusal| vec![Problem { place: None, error: refusal.into() }];
    match cart.state {
        CartState::Active if cart.items.is_empty() => whole(Refusal::CartEmpty),
        CartState::Active => of_lines,
        CartState::Ordered(_) => Vec::new(),
        CartState::Merged(_) | CartState::Expired => {
            whole(Refusal::CartClosed { state: cart.state.as_str().to_owned() })
        }
    }
}
