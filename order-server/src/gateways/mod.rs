//! The service's neighbours. Each is a port of the domain; the embedded ones make the service complete on its own.

mod embedded;
mod simulated;

pub use embedded::{EmbeddedCatalog, EmbeddedInventory, EmbeddedShipping, LoggingNotifier};
pub use simulated::{Listener, Mail, SimulatedGateway};
