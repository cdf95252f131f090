//! Who calls, and what they may call.
//!
//! The token names the caller ([`verify`]), the method's path says who may call it ([`access`]). Which orders a customer
//! sees is decided in the store's queries, not here.

pub mod access;
pub mod jwks;
pub mod key;
pub mod verify;

use std::fmt;

use order_core::ids::CustomerId;

/// Who calls. Every request carries one in its extensions once it has passed authentication.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Principal {
    /// Somebody who buys; sees and changes only what is theirs.
    Customer {
        /// The token's `sub`.
        id: CustomerId,
        /// The token's `email`, if it has one.
        email: Option<String>,
        /// The token's `name`, if it has one.
        name: Option<String>,
    },
    /// Somebody who runs the shop.
    Admin {
        /// The token's `sub`.
        id: String,
    },
    /// Another service of the shop, acting for any customer.
    Service {
        /// The token's `sub`.
        id: String,
    },
    /// Nobody we know: no token was sent.
    Guest,
}

/// What a principal is, without who it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Buys.
    Customer,
    /// Runs the shop.
    Admin,
    /// Acts for customers.
    Service,
}

impl Role {
    /// The word in tokens.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Customer => "customer",
            Self::Admin => "admin",
            Self::Service => "service",
        }
    }

    /// Reads the word in tokens; `None` for roles that mean nothing here.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Customer, Self::Admin, Self::Service].into_iter().find(|role| role.as_str() == text)
    }
}

impl Principal {
    /// The role; guests have none.
    #[must_use]
    pub const fn role(&self) -> Option<Role> {
        match self {
            Self::Customer { .. } => Some(Role::Customer),
            Self::Admin { .. } => Some(Role::Admin),
            Self::Service { .. } => Some(Role::Service),
            Self::Guest => None,
        }
    }

    /// The word for logs: the role, or `guest`.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self.role() {
            Some(role) => role.as_str(),
            None => "guest",
        }
    }

    /// The token's `sub`; guests have none.
    #[must_use]
    pub fn id(&self) -> Option<&str> {
        match self {
            Self::Customer { id, .. } => Some(id.as_str()),
            Self::Admin { id } | Self::Service { id } => Some(id),
            Self::Guest => None,
        }
    }

    /// The customer, if it is one.
    #[must_use]
    pub const fn customer_id(&self) -> Option<&CustomerId> {
        match self {
            Self::Customer { id, .. } => Some(id),
            Self::Admin { .. } | Self::Service { .. } | Self::Guest => None,
        }
    }
}

/// Role and id, as they may be logged: some identity providers use e-mail addresses as `sub`, and those are not shown.
impl fmt::Display for Principal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.id() {
            Some(id) if id.contains('@') => write!(f, "{}:(address)", self.kind()),
            Some(id) => write!(f, "{}:{id}", self.kind()),
            None => f.write_str(self.kind()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_not_shown() {
        let principal = |id: &str| Principal::Admin { id: id.to_owned() };
        assert_eq!(principal("7").to_string(), "admin:7");
        assert_eq!(principal("kim@example.com").to_string(), "admin:(address)");
        assert_eq!(Principal::Guest.to_string(), "guest");
    }

    #[test]
    fn roles_are_read_as_they_are_written() {
        for role in [Role::Customer, Role::Admin, Role::Service] {
            assert_eq!(Role::parse(role.as_str()), Some(role));
        }
        assert_eq!(Role::parse("Admin"), None);
    }
}
