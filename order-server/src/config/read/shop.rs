//! The choices of the shop.

use std::path::{Path, PathBuf};

use order_core::{
    limits,
    policy::{AllocatePolicy, CapturePolicy, ConfirmPolicy, Policy, StockKeeping},
    rules::Rules,
};

use super::{Reader, on_in_development};
use crate::config::{Environment, ShopConfig, Switch};

impl Reader<'_> {
    pub(super) fn shop(&mut self, environment: Environment) -> Option<ShopConfig> {
        let rules_file = self.raw.get("RULES_FILE").map(PathBuf::from);
        let rules = self.rules(rules_file.as_deref());
        let guest_checkout = self.switch("GUEST_CHECKOUT", Switch::Off);
        let policy = self.policy();
        let order_number_prefix = self.prefix();
        let order_number_first = self.bounded("ORDER_NUMBER_FIRST", 1, u32::MAX);
        let demo_catalog = self.switch("DEMO_CATALOG", on_in_development(environment));
        Some(ShopConfig {
            rules: rules?,
            rules_file,
            guest_checkout: guest_checkout?,
            policy: policy?,
            order_number_prefix: order_number_prefix?,
            order_number_first: i64::from(order_number_first?),
            demo_catalog: demo_catalog?,
        })
    }

    /// Reads the rules, so that a mistake in them is named with all others, and before anything is bound.
    fn rules(&mut self, file: Option<&Path>) -> Option<Rules> {
        let Some(file) = file else { return Some(Rules::builtin()) };
        let Ok(text) = std::fs::read_to_string(file) else {
            return self.error("RULES_FILE", "names no text file that can be read");
        };
        Rules::from_toml(&text).map_err(|mistakes| self.error::<()>("RULES_FILE", &mistakes.to_string())).ok()
    }

    fn policy(&mut self) -> Option<Policy> {
        let confirm =
            self.one_of("CONFIRM_POLICY", &[("manual", ConfirmPolicy::Manual), ("when_paid", ConfirmPolicy::WhenPaid)]);
        let allocate_on =
            self.one_of("ALLOCATE_ON", &[("place", AllocatePolicy::Place), ("confirm", AllocatePolicy::Confirm)]);
        let capture =
            [("place", CapturePolicy::AtOnce), ("ship", CapturePolicy::OnShipment), ("manual", CapturePolicy::Manual)];
        let capture = self.one_of("CAPTURE_ON", &capture);
        let pay_by_minutes = self.bounded("PAY_BY_MINUTES", 0, 525_600);
        let cart_hold_minutes = self.bounded("CART_HOLD_MINUTES", 0, limits::CART_HOLD_MINUTES_MAX);
        if (confirm, allocate_on) == (Some(ConfirmPolicy::WhenPaid), Some(AllocatePolicy::Confirm)) {
            // A shortage would have to undo a payment that was taken.
            return self.error("ALLOCATE_ON", "must be `place` where CONFIRM_POLICY is `when_paid`");
        }
        let stock_keeping = match self.raw.get("INVENTORY_URL") {
            None => StockKeeping::Embedded,
            Some(_) => StockKeeping::Remote,
        };
        if stock_keeping == StockKeeping::Remote && cart_hold_minutes.is_some_and(|minutes| minutes > 0) {
            return self.error(
                "CART_HOLD_MINUTES",
                "must be 0 where INVENTORY_URL is given: carts hold only what is counted here",
            );
        }
        Some(Policy {
            stock_keeping,
            confirm: confirm?,
            capture: capture?,
            allocate_on: allocate_on?,
            pay_by_minutes: pay_by_minutes.map(|minutes| (minutes > 0).then_some(minutes))?,
            cart_hold_minutes: cart_hold_minutes.map(|minutes| (minutes > 0).then_some(minutes))?,
        })
    }

    fn prefix(&mut self) -> Option<String> {
        let text = self.text("ORDER_NUMBER_PREFIX");
        let fits = (1..=8).contains(&text.len());
        if fits && text.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit()) {
            return Some(text);
        }
        self.error("ORDER_NUMBER_PREFIX", "must be 1 to 8 capital letters and digits")
    }
}
