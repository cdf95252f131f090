//! The service's neighbours. Each is a port of the domain; the embedded ones make the service complete on its own.

mod embedded;
mod memory;
mod nats;
mod publisher;
mod redis;
mod remote;
mod simulated;
mod webhook;

pub use embedded::{EmbeddedCatalog, EmbeddedInventory, EmbeddedShipping, NoNotifier};
pub use nats::Nats;
pub use publisher::{Message, NotTaken, Publisher, Taken};
pub use redis::{Allowed, REDIS_PATIENCE, Redis};
pub use remote::{
    Allowance, RemoteAddress, RemoteCatalog, RemoteInventory, RemoteNotifier, RemotePayments, RemoteShipping,
};
pub use simulated::{Listener, Mail, SimulatedGateway};
pub use webhook::Webhook;
