//! The day, in order.

use std::sync::Arc;

use order_api::v1;
use order_core::{currency::Currency, money::Money};

use super::{
    caller::Caller,
    customer,
    narrator::{Failed, Narrator},
    office, party, show,
};
use crate::clock::IdSource;

/// The costume of the worked example: 49.99, and 59.98 with tax and shipping.
pub(super) const COSTUME: &str = "demo-vampire-costume-deluxe";
/// Something to go with it.
pub(super) const LANTERN: &str = "demo-pumpkin-lantern";
/// Of which there are few.
pub(super) const FOG_MACHINE: &str = "demo-fog-machine";

/// Whom and what the steps work with.
pub(super) struct Day {
    pub(super) narrator: Narrator,
    pub(super) customer: Caller,
    /// A name that no earlier day has used, so that her numbers are those of this day.
    pub(super) customer_id: String,
    pub(super) admin: Caller,
    pub(super) ids: Arc<dyn IdSource>,
    /// What the costume alone comes to, in minor units, under the rules that are built in.
    pub(super) worked_example: Option<i64>,
    pub(super) currency: Currency,
}

impl Day {
    /// A fresh idempotency key.
    pub(super) fn request_id(&self) -> String {
        self.ids.seed().nth(0).to_string()
    }

    /// Ends the day. The callers hang up, which the server would otherwise wait for; the teller stays for the last word.
    pub(super) fn part(self) -> Narrator {
        self.narrator
    }

    /// An amount in the smallest unit of its currency; none is nothing.
    pub(super) fn minor(&self, amount: Option<&order_api::Money>) -> i64 {
        let amount = amount.and_then(show::read).filter(|amount| amount.currency() == self.currency);
        amount.map_or(0, Money::minor)
    }

    pub(super) fn contact(&self) -> v1::Contact {
        v1::Contact {
            name: "Mina Murray".to_owned(),
            email: format!("{}@example.com", self.customer_id),
            phone: "+1 555 0142".to_owned(),
        }
    }
}

pub(super) fn address() -> v1::Address {
    v1::Address {
        recipient: "Mina Murray".to_owned(),
        line1: "7 Crescent Street".to_owned(),
        line2: String::new(),
        city: "Salem".to_owned(),
        region: "MA".to_owned(),
        postal_code: "01970".to_owned(),
        country_code: "US".to_owned(),
    }
}

/// A credit card, by a token that tells the simulated gateway what to do.
pub(super) fn card(token: &str) -> v1::PaymentInstrument {
    v1::PaymentInstrument { method: v1::PaymentMethod::CreditCard.into(), token: token.to_owned() }
}

/// Plays the day.
pub(super) async fn play(day: &mut Day) -> Result<(), Failed> {
    day.narrator.chapter("Morning: the shop opens");
    let before = office::opens(day).await?;
    day.narrator.chapter("Mina buys a costume");
    let order = customer::buys(day).await?;
    day.narrator.chapter("The office fulfils the order");
    let order = office::fulfils(day, order).await?;
    day.narrator.chapter("A second order, and second thoughts");
    customer::changes_her_mind(day).await?;
    day.narrator.chapter("A third order goes out in two parcels, and comes back in part");
    let party = party::orders(day).await?;
    party::goes_out_in_two_parcels(day, &party).await?;
    let party = party::comes_back_in_part(day, &party).await?;
    day.narrator.chapter("A fourth order, larger than the shelf");
    customer::wants_too_much(day).await?;
    day.narrator.chapter("Evening: the books");
    office::closes(day, &before, [&order, &party]).await
}
