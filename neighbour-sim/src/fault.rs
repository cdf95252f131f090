//! What may befall a call.

use std::{str::FromStr, time::Duration};

use tonic::{Code, Response, Status};

use crate::Shared;

/// One of the services.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Service {
    /// `CatalogService`.
    Catalog,
    /// `InventoryService`.
    Inventory,
    /// `NotificationService`.
    Notification,
    /// `PaymentService`.
    Payment,
    /// `ShippingService`.
    Shipping,
}

/// What befalls a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// UNAVAILABLE at once; nothing is done.
    Down,
    /// INTERNAL at once; nothing is done.
    Error,
    /// INVALID_ARGUMENT at once; nothing is done, and never will be.
    Refused,
    /// It is done, and answered only after this time.
    Slow(Duration),
    /// It is done, and the answer gets lost.
    Lost,
    /// It is done, and the answer is wrong: another price, another key.
    Wrong,
}

/// Whether an answer is to be right.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Truth {
    Right,
    Wrong,
}

/// Takes a call in, lets befall it what is to, and has it done in between.
pub(crate) async fn take<T>(
    state: &Shared,
    service: Service,
    act: impl FnOnce(&Shared, Truth) -> Result<T, Status>,
) -> Result<Response<T>, Status> {
    let fault = {
        let mut state = state.lock();
        *state.calls.entry(service).or_default() += 1;
        state.faults.get(&service).copied()
    };
    match fault {
        None => act(state, Truth::Right).map(Response::new),
        Some(Fault::Down) => Err(Status::new(Code::Unavailable, "simulated: down")),
        Some(Fault::Error) => Err(Status::new(Code::Internal, "simulated: an error")),
        Some(Fault::Refused) => Err(Status::new(Code::InvalidArgument, "simulated: refused for good")),
        Some(Fault::Wrong) => act(state, Truth::Wrong).map(Response::new),
        Some(Fault::Lost) => {
            act(state, Truth::Right).map(drop)?;
            Err(Status::new(Code::Unavailable, "simulated: the answer got lost"))
        }
        Some(Fault::Slow(time)) => {
            let answer = act(state, Truth::Right);
            tokio::time::sleep(time).await;
            answer.map(Response::new)
        }
    }
}

impl FromStr for Service {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "catalog" => Ok(Self::Catalog),
            "inventory" => Ok(Self::Inventory),
            "notification" => Ok(Self::Notification),
            "payment" => Ok(Self::Payment),
            "shipping" => Ok(Self::Shipping),
            other => Err(format!(
                "there is no service {other}; there are catalog, inventory, notification, payment and shipping"
            )),
        }
    }
}

impl FromStr for Fault {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match (text, text.strip_prefix("slow:").map(str::parse)) {
            ("down", _) => Ok(Self::Down),
            ("error", _) => Ok(Self::Error),
            ("lost", _) => Ok(Self::Lost),
            ("refused", _) => Ok(Self::Refused),
            ("wrong", _) => Ok(Self::Wrong),
            (_, Some(Ok(millis))) => Ok(Self::Slow(Duration::from_millis(millis))),
            (other, _) => Err(format!(
                "there is no fault {other}; there are down, error, lost, refused, wrong and slow:MILLISECONDS"
            )),
        }
    }
}
