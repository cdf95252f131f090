//! What buyers and the shop do all day.

use order_api::v1::OrderStatus as Word;

use super::{Gone, Journal};
use crate::{
    dice::Dice,
    door_races::call::{Call, Desk, Made},
};

/// Cards, and what gateways make of them.
const TOKENS: [&str; 12] = [
    "tok_approve",
    "tok_approve",
    "tok_slow_20",
    "tok_charge_slow_20",
    "tok_timeout_charged",
    "tok_timeout_lost",
    "tok_decline_expired_card",
    "tok_late_10",
    "tok_twice",
    "tok_reversed",
    "tok_refund_timeout_charged",
    "tok_refund_charge_slow_20",
];

/// One order after the other, until the process is gone.
pub(super) async fn lead(desk: Desk, journal: Journal, mut dice: Dice) {
    while live_once((&desk, &journal), &mut dice).await.is_ok() {}
}

/// The life of one order. It ends early where the shop says no.
async fn live_once((desk, journal): (&Desk, &Journal), dice: &mut Dice) -> Result<(), Gone> {
    let token = TOKENS[dice.below(TOKENS.len())];
    let pays_later = dice.below(3) == 0;
    let Some(order) = journal.make(desk, Call::create((!pays_later).then_some(token))).await? else { return Ok(()) };
    let id = order.order_id.as_str();
    if pays_later {
        journal.make(desk, Call::pay(id, token)).await?;
    }
    match dice.below(4) {
        0 => drop(journal.make(desk, Call::cancel(id)).await?),
        1 => drop(journal.make(desk, Call::refund(id, 500)).await?),
        2 => drop(send((desk, journal), id).await?),
        _ => {
            // What was not sent off would be by the step to DELIVERED, once a late payment allows it, and no call counts that.
            if send((desk, journal), id).await?.is_some() {
                come_back((desk, journal), id).await?;
            }
        }
    }
    Ok(())
}

/// Confirms an order, packs it, and sends it off. Nothing is sent where the shop says no.
async fn send((desk, journal): (&Desk, &Journal), id: &str) -> Result<Option<Made>, Gone> {
    if journal.make(desk, Call::walk(id, Word::Confirmed)).await?.is_none() {
        return Ok(None);
    }
    if journal.make(desk, Call::pack(id)).await?.is_none() {
        return Ok(None);
    }
    let parcel = parcel(desk, id).await?;
    journal.make(desk, Call::ship(id, &parcel)).await
}

async fn parcel(desk: &Desk, id: &str) -> Result<String, Gone> {
    let request = order_api::v1::GetOrderRequest { order_id: id.to_owned() };
    let order = desk.office.orders.clone().get_order(request).await.map_err(|_gone| Gone)?.into_inner();
    Ok(order.shipments.into_iter().next().unwrap().shipment_id)
}

/// Has an order arrive, and one unit of it come back; the rest of its price is given back by hand.
async fn come_back((desk, journal): (&Desk, &Journal), id: &str) -> Result<(), Gone> {
    if journal.make(desk, Call::walk(id, Word::Delivered)).await?.is_none() {
        return Ok(());
    }
    let Some(back) = journal.make(desk, Call::ask_back(id)).await? else { return Ok(()) };
    journal.make(desk, Call::approve(id, &back.name)).await?;
    journal.make(desk, Call::receive(id, &back.name)).await?;
    journal.make(desk, Call::refund_units(id, &[(1, 1)])).await.map(drop)
}
