//! Whose cart a call is about.

use order_core::{
    cart::CartOwner,
    error::{Refusal, ResourceKind},
    violation::{Violations, reason},
};

use crate::{
    auth::Principal,
    convert::{actor, cart_token},
};

/// Reads whose cart it is; `None` inside for a guest who has shown no token, and so has no cart.
///
/// A customer who shows a guest's token most likely wants the two carts merged, which only [`MergeCarts`] does: to ignore
/// the token would hide the guest's items, to follow it would change a cart that is not the customer's.
///
/// [`MergeCarts`]: super::merge_carts
pub(super) fn read(principal: &Principal, token: &str, violations: &mut Violations) -> Option<Option<CartOwner>> {
    let guest = cart_token::optional(token, violations)?;
    if guest.is_some() && principal.customer_id().is_some() {
        violations.push("cart_token", reason::UNKNOWN_VALUE, "must be empty for customers; MergeCarts takes it");
        return None;
    }
    Some(actor::cart_owner(principal, guest))
}

/// The cart that there is not. The token that was shown is a secret, and not repeated.
pub(super) fn no_cart() -> Refusal {
    Refusal::not_found(ResourceKind::Cart, "")
}

#[cfg(test)]
mod tests {
    use order_core::ids::CustomerId;

    use super::*;
    use crate::convert::cart_token::CartToken;

    fn customer() -> Principal {
        Principal::Customer { id: CustomerId::parse("42").unwrap(), email: None, name: None }
    }

    #[test]
    fn customers_have_a_cart_of_their_own_and_everybody_else_the_one_whose_token_they_show() {
        let token = CartToken::mint().unwrap();
        let key = token.key();
        let text = token.into_text();
        let owner = |principal: &Principal, token: &str| read(principal, token, &mut Violations::new());
        assert_eq!(owner(&customer(), ""), Some(Some(CartOwner::Customer(CustomerId::parse("42").unwrap()))));
        assert_eq!(owner(&customer(), &text), None);
        for principal in
            [Principal::Guest, Principal::Service { id: "web".into() }, Principal::Admin { id: "1".into() }]
        {
            assert_eq!(owner(&principal, ""), Some(None));
            assert_eq!(owner(&principal, &text), Some(Some(CartOwner::Guest(key))));
            assert_eq!(owner(&principal, "garbage"), None);
        }
    }
}
