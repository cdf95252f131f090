//! What the changes to an existing cart have in common.

use order_api::v1;
use order_core::{
    cart::{CartCommand, CartOwner},
    violation::Violations,
};
use order_store::{CartChange, Request};

use super::{owner, view};
use crate::{
    app::App,
    auth::Principal,
    convert::{
        etag,
        request::{self, Idempotent},
    },
    error::ApiError,
};

/// A change as a caller asks for it.
pub(super) struct Change {
    pub(super) owner: Option<CartOwner>,
    pub(super) expected_revision: Option<i64>,
    pub(super) request: Option<Request>,
}

impl Change {
    /// Reads all but the change itself. `shown` are the token and the etag of the message.
    pub(super) fn read<M: Idempotent>(
        (app, principal): (&App, &Principal),
        (message, [cart_token, etag]): (&M, [&str; 2]),
        violations: &mut Violations,
    ) -> Option<Self> {
        let owner = owner::read(principal, cart_token, violations);
        let expected_revision = etag::optional(etag, "etag", violations);
        let request = request::optional(message, (principal, app.clock.now()), violations);
        Some(Self { owner: owner?, expected_revision: expected_revision?, request: request? })
    }

    /// Carries the change out and shows the cart as it is afterwards.
    ///
    /// # Errors
    /// `CART_NOT_FOUND`, `ETAG_MISMATCH`, `INSUFFICIENT_STOCK` where carts hold their goods, `REQUEST_ID_REUSED`, and as the cart's own rules say.
    pub(super) async fn carry_out(self, app: &App, command: CartCommand) -> Result<v1::Cart, ApiError> {
        let Self { owner, expected_revision, request } = self;
        let owner = owner.ok_or_else(owner::no_cart)?;
        let (now, ids) = (app.clock.now(), app.ids.seed());
        let hold_until = app.policy.hold_until(now);
        let change = CartChange { request, owner, expected_revision, command, hold_until, now, ids };
        let cart = app.store.change_cart(change).await?;
        view::show(app, &cart).await
    }
}
