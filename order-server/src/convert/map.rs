//! Maps on the wire.

use std::collections::BTreeMap;

/// The entries that say something. An entry without its value is right on the wire, and Envoy's transcoder dies of it: whoever could have one
/// stored could end the gateway.
#[must_use]
pub fn telling(mut map: BTreeMap<String, String>) -> BTreeMap<String, String> {
    map.retain(|_, value| !value.is_empty());
    map
}
