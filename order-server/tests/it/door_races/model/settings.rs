//! The shop's choices.

use proptest::{prelude::*, sample::select};

/// When cards are charged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Capture {
    Place,
    Ship,
    Manual,
}

/// Who confirms orders, and when their stock is promised.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Confirm {
    /// The shop; the stock is promised when an order is placed.
    Manual,
    /// The shop; the stock is promised then.
    Allocating,
    /// Nobody has to; an order is confirmed once it is paid.
    WhenPaid,
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Settings {
    pub(super) capture: Capture,
    pub(super) confirm: Confirm,
    /// For how many minutes carts hold what is in them; 0 means that they hold nothing.
    pub(super) cart_hold: i64,
    /// How many minutes an order waits for its payment; 0 means for ever.
    pub(super) pay_by: i64,
}

impl Settings {
    /// As the server is told of them.
    pub(super) fn given(self) -> [(&'static str, String); 5] {
        let capture = match self.capture {
            Capture::Place => "place",
            Capture::Ship => "ship",
            Capture::Manual => "manual",
        };
        let (confirm, allocate) = match self.confirm {
            Confirm::Manual => ("manual", "place"),
            Confirm::Allocating => ("manual", "confirm"),
            Confirm::WhenPaid => ("when_paid", "place"),
        };
        [
            ("CAPTURE_ON", capture.to_owned()),
            ("CONFIRM_POLICY", confirm.to_owned()),
            ("ALLOCATE_ON", allocate.to_owned()),
            ("CART_HOLD_MINUTES", self.cart_hold.to_string()),
            ("PAY_BY_MINUTES", self.pay_by.to_string()),
        ]
    }
}

/// Any of them.
pub(super) fn settings() -> impl Strategy<Value = Settings> {
    let capture = select(vec![Capture::Place, Capture::Ship, Capture::Manual]);
    let confirm = select(vec![Confirm::Manual, Confirm::Allocating, Confirm::WhenPaid]);
    let minutes = || select(vec![0_i64, 30]);
    (capture, confirm, minutes(), minutes()).prop_map(|(capture, confirm, cart_hold, pay_by)| Settings {
        capture,
        confirm,
        cart_hold,
        pay_by,
    })
}
