//! Decides by path whether the principal may call. Denies by default: a path without a rule reaches no service, whatever
//! the services behind would have done with it.

use super::{Request, gate::Gate};
use crate::{
    auth::{Principal, access},
    config::Switch,
    error::{ApiError, Reason},
};

/// See the module.
#[derive(Debug)]
pub struct Authorize {
    guest_checkout: Switch,
}

impl Authorize {
    /// With or without guests.
    #[must_use]
    pub const fn new(guest_checkout: Switch) -> Self {
        Self { guest_checkout }
    }
}

impl Gate for Authorize {
    fn check(&self, request: &mut Request) -> Result<(), ApiError> {
        // UNIMPLEMENTED, because that is what the protocol answers to unknown methods, and clients probe for it.
        let method = super::method(request)
            .ok_or_else(|| ApiError::new(Reason::MethodUnknown, "this service has no such method"))?;
        let principal = request.extensions().get::<Principal>().unwrap_or(&Principal::Guest);
        access::authorize(method, principal, self.guest_checkout)
    }
}
