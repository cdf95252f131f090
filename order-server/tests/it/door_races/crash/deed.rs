//! What is done while the process dies.

use order_api::v1::{OrderStatus as Word, PaymentStatus as Paid};

use crate::{
    door_money::kit::{only, succeeded},
    door_races::call::{Call, Desk, is_lost},
};

/// Something that asks a gateway to move money.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Deed {
    /// An order is placed and paid at once.
    Create,
    /// The same, from a cart.
    Checkout,
    /// An order is paid later.
    Pay,
    /// An order is called off, and its money goes back.
    Cancel,
    /// Some of the money goes back.
    Refund,
    /// A unit comes back, and its money goes back.
    Receive,
    /// An order was called off while nobody knew of its payment; now an event tells that it was taken, and it goes back.
    Tell,
    /// A paid order is shipped: nothing of money, but of everything else.
    Ship,
    /// An order is placed and its money promised.
    Authorize,
    /// What was promised is taken.
    Capture,
    /// What was promised is given up.
    Void,
    /// An order is called off before its money was taken.
    CallOff,
}

impl Deed {
    /// Whether a gateway can do so. The payment of an event has a token of its own; and an order that was called off and whose
    /// money a gateway refuses to give back is a matter for people.
    pub(super) fn can_meet(self, behaviour: Behaviour) -> bool {
        match self {
            Self::Tell => behaviour == Behaviour::Approve,
            Self::Cancel | Self::CallOff => behaviour != Behaviour::Decline,
            Self::Create | Self::Checkout | Self::Pay | Self::Ship | Self::Authorize => true,
            Self::Refund | Self::Receive | Self::Capture | Self::Void => true,
        }
    }
}

/// What the gateway does with the request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Behaviour {
    Approve,
    Decline,
    /// It is carried out; the answer gets lost.
    LoseAnswer,
    /// It gets lost on its way, until the line is mended.
    LoseRequest,
}

impl Behaviour {
    pub(super) const ALL: [Self; 4] = [Self::Approve, Self::Decline, Self::LoseAnswer, Self::LoseRequest];

    /// The token by which the gateway is told so, for operations of this kind.
    fn token(self, kind: &str) -> String {
        let words = match self {
            Self::Approve => "approve",
            Self::Decline => "decline_expired_card",
            Self::LoseAnswer => "timeout_charged",
            Self::LoseRequest => "timeout_lost",
        };
        format!("tok_{kind}{words}")
    }
}

/// A call of somebody's, and what must come of it.
#[derive(Debug, Clone)]
pub(super) struct Subject {
    pub(super) customer: String,
    pub(super) call: Call,
    /// Whether the gateway has heard of it before the process died: then its first transaction was committed.
    pub(super) has_begun: bool,
    order_id: Option<String>,
    deed: Deed,
    behaviour: Behaviour,
}

impl Subject {
    /// Does everything that comes before the call.
    pub(super) async fn prepare(desk: &Desk, customer: String, (deed, behaviour): (Deed, Behaviour)) -> Self {
        let (order_id, call) = match deed {
            Deed::Create | Deed::Authorize => (None, Call::create(Some(&behaviour.token("")))),
            Deed::Checkout => {
                desk.buyer.add("ware", 2).await.unwrap();
                (None, Call::checkout(&behaviour.token("")))
            }
            Deed::Pay => {
                let id = place(desk, None).await;
                let call = Call::pay(&id, &behaviour.token(""));
                (Some(id), call)
            }
            Deed::Cancel => {
                let id = place(desk, Some(&behaviour.token("refund_"))).await;
                let call = Call::cancel(&id);
                (Some(id), call)
            }
            Deed::CallOff => {
                let id = place(desk, Some(&behaviour.token("void_"))).await;
                let call = Call::cancel(&id);
                (Some(id), call)
            }
            Deed::Ship => {
                let id = place(desk, Some(&behaviour.token(""))).await;
                let call = Call::walk(&id, Word::Shipped);
                (Some(id), call)
            }
            Deed::Refund => {
                let id = place(desk, Some(&behaviour.token("refund_"))).await;
                let call = Call::refund(&id, 1000);
                (Some(id), call)
            }
            Deed::Receive => {
                let id = place(desk, Some(&behaviour.token("refund_"))).await;
                desk.office.walk(&id, Word::Delivered).await.unwrap();
                let back = desk.office.approved_return(&desk.buyer, (&id, &[(1, 1)])).await;
                let call = Call::receive(&id, &back);
                (Some(id), call)
            }
            Deed::Tell => {
                let id = place(desk, Some("tok_timeout_charged")).await;
                let paying = desk.office.newest_operation(&id).await;
                let order = desk.buyer.cancel(&id).await.unwrap();
                let event = succeeded(&crate::world::request_id(), &paying.operation_id, order.total.unwrap());
                (Some(id), Call::Tell(event))
            }
            Deed::Capture => promised(desk, &behaviour.token("capture_"), Call::capture).await,
            Deed::Void => promised(desk, &behaviour.token("void_"), Call::void).await,
        };
        Self { customer, call, has_begun: true, order_id, deed, behaviour }
    }

    /// A call of which nobody knows how far it got.
    pub(super) fn of_unknown_fate(self) -> Self {
        Self { has_begun: false, ..self }
    }

    /// Makes the call again; which order it is about.
    pub(super) async fn ask_again(&self, desk: &Desk) -> String {
        match (self.call.make(desk).await, &self.order_id) {
            (Ok(made), order_id) => {
                assert!(order_id.as_ref().is_none_or(|id| *id == made.order_id), "{self:?} {made:?}");
                made.order_id
            }
            // Declined once is declined again.
            (Err(status), Some(order_id)) if self.behaviour == Behaviour::Decline && !is_lost(&status) => {
                order_id.clone()
            }
            (Err(status), _) => panic!("{self:?} {status:?}"),
        }
    }

    /// How the order's payment stands in the end, wherever the process died. What got lost has been sent again.
    pub(super) fn expected(&self) -> Paid {
        let (done, declined) = match self.deed {
            Deed::Create | Deed::Checkout | Deed::Pay => (Paid::Paid, Paid::Failed),
            Deed::Authorize => (Paid::Authorized, Paid::Failed),
            Deed::Cancel => (Paid::Refunded, Paid::Paid),
            Deed::Ship => (Paid::Paid, Paid::Paid),
            Deed::Tell => (Paid::Refunded, Paid::Refunded),
            Deed::Refund => (Paid::PartiallyRefunded, Paid::Paid),
            // A unit that is back is not owed any more, whether or not its money could be given back.
            Deed::Receive => (Paid::PartiallyRefunded, Paid::Overpaid),
            Deed::Capture => (Paid::Paid, Paid::Authorized),
            Deed::Void | Deed::CallOff => (Paid::Voided, Paid::Authorized),
        };
        match self.behaviour {
            Behaviour::Approve | Behaviour::LoseAnswer | Behaviour::LoseRequest => done,
            Behaviour::Decline => declined,
        }
    }
}

async fn place(desk: &Desk, token: Option<&str>) -> String {
    Call::create(token).make(desk).await.unwrap().order_id
}

/// An order with a promise, and what is done to the promise.
async fn promised(desk: &Desk, token: &str, call: impl Fn(&str, &str) -> Call) -> (Option<String>, Call) {
    let id = place(desk, Some(token)).await;
    let order = desk.office.order(&id).await;
    let call = call(&id, &only(&order).payment_id);
    (Some(id), call)
}
