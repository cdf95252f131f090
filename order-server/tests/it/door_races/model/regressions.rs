//! Sequences that once failed, as they were found and shortened: against this service, or against one with a bug put into it to see
//! that it is found.

use order_store::testing::on_both_engines;

use super::{
    Audits, play,
    settings::{Capture, Confirm, Settings},
    step::{
        At, How,
        Instrument::{self, Bad, Card},
        Manner::Plain,
        OrderStep::{self, Cancel, CancelUnits, Refund, Return, Shipment},
        ParcelStep::{Pack, SendBack},
        ReturnStep,
        Step::{self, Create, Reconcile},
        Trouble,
        Wish::Units,
    },
};

const PLAIN: Settings = Settings { capture: Capture::Place, confirm: Confirm::Manual, cart_hold: 0, pay_by: 0 };

async fn replay(steps: &[Step]) {
    on_both_engines(async |database| {
        play(database.url().engine(), (PLAIN, Audits::EveryStep), steps).await;
    })
    .await;
}

fn placed(line: (usize, i64), instrument: Option<Instrument>) -> Step {
    Create { customer: 0, lines: vec![line], how: How { instrument, coupon: None } }
}

fn then(change: OrderStep) -> Step {
    Step::Order { order: 0, change, manner: Plain }
}

#[tokio::test(flavor = "multi_thread")]
async fn stock_of_a_unit_that_is_called_off_is_free_again() {
    replay(&[placed((0, 2), None), then(CancelUnits(vec![(0, 1)]))]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn units_refunded_in_parts_give_back_what_they_cost_together() {
    let (shipping, refund) = (Return(0, ReturnStep::Cancel), |units| Refund(Units(vec![(0, units)])));
    let steps = [Shipment(0, Pack), shipping.clone(), shipping, refund(1), refund(3)];
    let placed = placed((2, 5), Some(Card));
    replay(&std::iter::once(placed).chain(steps.into_iter().map(then)).collect::<Vec<_>>()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn money_that_arrives_after_an_order_was_called_off_goes_back() {
    let lost = Bad(At::Collecting, Trouble::AnswerLost);
    replay(&[placed((0, 1), Some(lost)), then(Cancel), Reconcile]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_whose_refunded_parcel_came_back_has_nothing_left_and_is_not_delivered() {
    let shipping = Return(0, ReturnStep::Cancel);
    let steps = [Shipment(0, Pack), shipping.clone(), shipping, Refund(Units(vec![(0, 2)])), Shipment(0, SendBack)];
    let placed = placed((0, 2), Some(Card));
    replay(&std::iter::once(placed).chain(steps.into_iter().map(then)).collect::<Vec<_>>()).await;
}
