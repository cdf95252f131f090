//! Who does something, as the domain, the store and the wire name them.

use order_api::v1;
use order_core::{
    cart::{CartOwner, GuestKey},
    order::{Actor, Owner},
};
use order_store::Scope;

use crate::auth::Principal;

/// The actor that events of this caller's commands carry.
#[must_use]
pub fn of(principal: &Principal) -> Actor {
    match principal {
        Principal::Customer { id, .. } => Actor::Customer(id.to_string()),
        Principal::Admin { id } => Actor::Admin(id.clone()),
        Principal::Service { id } => Actor::Service(id.clone()),
        Principal::Guest => Actor::Guest,
    }
}

/// Whose orders a caller may see; `None` for guests, who see none but by number and e-mail.
#[must_use]
pub fn scope(principal: &Principal) -> Option<Scope> {
    match principal {
        Principal::Customer { id, .. } => Some(Scope::Customer(id.clone())),
        Principal::Admin { .. } | Principal::Service { .. } => Some(Scope::All),
        Principal::Guest => None,
    }
}

/// The name under which a caller's request ids are unique. Guests share one: a request id of theirs is a secret as good as
/// any, and another guest who knows it needs the same request to be answered at all.
#[must_use]
pub fn key(principal: &Principal) -> String {
    format!("{}:{}", principal.kind(), principal.id().unwrap_or_default())
}

/// The owner of an order that this caller places for themselves; `None` for those who order for others only.
#[must_use]
pub fn owner(principal: &Principal) -> Option<Owner> {
    match principal {
        Principal::Customer { id, .. } => Some(Owner::Customer(id.clone())),
        Principal::Guest => Some(Owner::Guest),
        Principal::Admin { .. } | Principal::Service { .. } => None,
    }
}

/// The owner of a cart, given the digest of the token that was shown, if any. Only customers have a cart of their own;
/// services and administrators act for the guest whose token they show.
#[must_use]
pub fn cart_owner(principal: &Principal, guest: Option<GuestKey>) -> Option<CartOwner> {
    match principal {
        Principal::Customer { id, .. } => Some(CartOwner::Customer(id.clone())),
        Principal::Admin { .. } | Principal::Service { .. } | Principal::Guest => guest.map(CartOwner::Guest),
    }
}

/// The actor on the wire.
#[must_use]
pub fn to_proto(actor: &Actor) -> v1::Actor {
    let kind = match actor {
        Actor::Customer(_) => v1::ActorType::Customer,
        Actor::Guest => v1::ActorType::Guest,
        Actor::Admin(_) => v1::ActorType::Admin,
        Actor::Service(_) => v1::ActorType::Service,
        Actor::System(_) => v1::ActorType::System,
    };
    v1::Actor { r#type: kind.into(), id: actor.id().to_owned() }
}
