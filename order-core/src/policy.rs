//! The choices a shop makes once, by configuration.

/// When an order is confirmed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ConfirmPolicy {
    /// By an administrator.
    #[default]
    Manual,
    /// As soon as it is paid, and at once when it is to be paid on delivery.
    WhenPaid,
}

/// When stock is promised to an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum AllocatePolicy {
    /// When it is placed.
    #[default]
    Place,
    /// When it is confirmed; placing only checks.
    Confirm,
}

/// The choices together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Policy {
    /// When an order is confirmed.
    pub confirm: ConfirmPolicy,
    /// When stock is promised.
    pub allocate_on: AllocatePolicy,
    /// Minutes that an unpaid order may wait before it expires; `None` means for ever. Not for cash on delivery.
    pub pay_by_minutes: Option<u32>,
}
