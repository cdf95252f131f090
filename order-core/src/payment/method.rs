//! Ways to pay.

use serde::{Deserialize, Serialize};

/// How a customer pays.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum PaymentMethod {
    /// A credit card, by token.
    CreditCard,
    /// A debit card, by token.
    DebitCard,
    /// Unified Payments Interface.
    Upi,
    /// A bank's own page.
    NetBanking,
    /// A stored-value wallet.
    Wallet,
    /// Cash handed over at the door; captured on delivery.
    CashOnDelivery,
    /// Settled outside this service; only imported orders have it.
    External,
}

impl PaymentMethod {
    /// All methods, for tables and tests.
    pub const ALL: [Self; 7] = [
        Self::CreditCard,
        Self::DebitCard,
        Self::Upi,
        Self::NetBanking,
        Self::Wallet,
        Self::CashOnDelivery,
        Self::External,
    ];

    /// The word that is stored and logged.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::CreditCard => "CREDIT_CARD",
            Self::DebitCard => "DEBIT_CARD",
            Self::Upi => "UPI",
            Self::NetBanking => "NET_BANKING",
            Self::Wallet => "WALLET",
            Self::CashOnDelivery => "CASH_ON_DELIVERY",
            Self::External => "EXTERNAL",
        }
    }

    /// Whether the money can be promised first and taken later. The others are taken at once or not at all.
    #[must_use]
    pub const fn authorizes(self) -> bool {
        match self {
            Self::CreditCard | Self::DebitCard | Self::Wallet => true,
            Self::Upi | Self::NetBanking | Self::CashOnDelivery | Self::External => false,
        }
    }

    /// Whether a gateway moves the money.
    #[must_use]
    pub const fn needs_gateway(self) -> bool {
        match self {
            Self::CreditCard | Self::DebitCard | Self::Upi | Self::NetBanking | Self::Wallet => true,
            Self::CashOnDelivery | Self::External => false,
        }
    }
}
