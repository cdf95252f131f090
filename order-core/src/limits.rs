//! Every limit of the service, each with its reason. The README's table is held against [`TABLE`] by a test.
//!
//! A limit that an operator may tune has its default here and its setting in the server's configuration; the others are
//! part of the contract and change with it. Text limits count characters (Unicode scalar values) after trimming.

/// Lines of an order or a cart. A larger order would hold its stock rows locked for too long; split it.
pub const LINES_PER_ORDER: usize = 100;
/// Units of one line. Above it, a typing error is likelier than a wish.
pub const QUANTITY_MAX: u32 = 10_000;
/// Price of one unit, in minor units. Lines, quantity, a tax of 100 % and shipping together then stay well below what a
/// 64-bit total can hold, so no valid order overflows.
pub const UNIT_PRICE_MINOR_MAX: i64 = 10_000_000_000;
/// Total of an order, in minor units. Statistics add totals up in 64 bits: 900 000 orders of this size still fit.
pub const ORDER_TOTAL_MINOR_MAX: i64 = 10_000_000_000_000;
/// Ways in which one order was tried to be paid. Each is read with the order; and a stolen card is not to be guessed here.
pub const PAYMENTS_PER_ORDER: usize = 20;
/// Requests to gateways that people may start for one order. Each is read with the order.
pub const OPERATIONS_PER_ORDER: usize = 200;
/// Parcels of one order: one for each line, since a line has to be in one to leave.
pub const SHIPMENTS_PER_ORDER: usize = 100;
/// What a carrier may say of one parcel; chatty ones have about twenty stations.
pub const CARRIER_EVENTS_PER_SHIPMENT: usize = 100;
/// Returns of one order.
pub const RETURNS_PER_ORDER: usize = 100;
/// A carrier's own word for a station.
pub const CARRIER_CODE_CHARS: usize = 64;
/// The name that a gateway gives to one of its messages.
pub const GATEWAY_EVENT_ID_CHARS: usize = 128;
/// A tax rate, in percent. Above it, a rate was written as 8 instead of 0.08.
pub const TAX_RATE_PERCENT_MAX: u32 = 100;
/// Decimal places of a tax rate. Real rates have up to five (0.08875 in New York); the bound keeps products exact.
pub const TAX_RATE_DECIMALS: u32 = 6;
/// The shortest code of a coupon: of anything shorter, too many would be found by trying.
pub const COUPON_CODE_CHARS_MIN: usize = 3;
/// The longest code of a coupon: people read them out and type them in.
pub const COUPON_CODE_CHARS: usize = 32;
/// Products that a coupon is limited to. Each is compared with every line of an order.
pub const COUPON_PRODUCTS: usize = 500;
/// Times that a limit may allow a coupon to be used. It is counted in 32 bits.
pub const COUPON_USES_MAX: u32 = 1_000_000_000;

/// Notes on an order, by customer or shop: two pages of text.
pub const NOTES_CHARS: usize = 2_000;
/// Why something was done: a cancellation, a hold, a stock correction.
pub const REASON_CHARS: usize = 500;
/// A name of a person or a product, and each line of an address.
pub const NAME_CHARS: usize = 200;
/// A product's description.
pub const DESCRIPTION_CHARS: usize = 2_000;
/// Labels that a caller may hang on an order.
pub const METADATA_PAIRS: usize = 32;
/// A label's key.
pub const METADATA_KEY_CHARS: usize = 64;
/// A label's value.
pub const METADATA_VALUE_CHARS: usize = 512;
/// An e-mail address (RFC 5321, 4.5.3.1.3, less the angle brackets).
pub const EMAIL_CHARS: usize = 254;
/// The part before the @ (RFC 5321, 4.5.3.1.1).
pub const EMAIL_LOCAL_CHARS: usize = 64;
/// A telephone number as people write it; E.164 has 15 digits, the rest is for blanks and signs.
pub const PHONE_CHARS: usize = 32;
/// A postal code; the longest in use have ten characters.
pub const POSTAL_CODE_CHARS: usize = 16;
/// A payment token. Longer ones are not tokens but payloads.
pub const PAYMENT_TOKEN_CHARS: usize = 256;
/// A carrier's tracking number.
pub const TRACKING_NUMBER_CHARS: usize = 64;
/// A URL at which a parcel can be followed.
pub const URL_CHARS: usize = 2_048;

/// A customer's id, which is whatever the identity provider puts in `sub` (OpenID Connect allows 255).
pub const CUSTOMER_ID_CHARS: usize = 255;
/// A product's id.
pub const PRODUCT_ID_CHARS: usize = 64;
/// A stock keeping unit.
pub const SKU_CHARS: usize = 64;
/// A tax class.
pub const TAX_CLASS_CHARS: usize = 64;
/// An order number, prefix and counter included.
pub const ORDER_NUMBER_CHARS: usize = 32;
/// A request id: the hyphenated form of a UUID.
pub const REQUEST_ID_CHARS: usize = 36;
/// An etag.
pub const ETAG_CHARS: usize = 64;
/// A guest's cart token.
pub const CART_TOKEN_CHARS: usize = 128;
/// A search text.
pub const QUERY_CHARS: usize = 200;
/// A page token: it holds a position and a digest of the request, no more.
pub const PAGE_TOKEN_CHARS: usize = 1_024;

/// Entries of a page when the caller does not say.
pub const PAGE_DEFAULT: u32 = 50;
/// Entries of a page at most; larger wishes are cut to it.
pub const PAGE_MAX: u32 = 500;
/// Entries that `total_size` counts at most, so that a count cannot become a scan of everything.
pub const TOTAL_SIZE_MAX: u32 = 10_000;
/// Products in one upsert: what one transaction can write without holding others up.
pub const UPSERT_PRODUCTS: usize = 500;
/// Orders in one import stream: what one caller may occupy a writer with.
pub const IMPORT_ORDERS_PER_STREAM: usize = 10_000;
/// Findings that a verification tells when the caller does not say.
pub const FINDINGS_DEFAULT: u32 = 1_000;
/// Findings that a verification tells at most; larger wishes are cut to it. What is wrong with more than ten thousand things is
/// wrong with one.
pub const FINDINGS_MAX: u32 = 10_000;
/// Days in a daily series of statistics: two years and a leap day.
pub const STATS_DAYS: usize = 731;
/// A request message, in bytes. The largest valid order has less than a quarter of it.
pub const MESSAGE_BYTES_IN: usize = 1024 * 1024;
/// An answer, in bytes: what most gRPC clients accept unless told otherwise.
pub const MESSAGE_BYTES_OUT: usize = 4 * 1024 * 1024;
/// Units on the shelf of one SKU, and in one adjustment.
pub const STOCK_UNITS_MAX: i64 = 1_000_000_000;
/// Days that a cart nobody touches stays active.
pub const CART_IDLE_DAYS: u32 = 30;
/// Minutes for which a cart may hold its goods, at most: a day. Longer, and the shelves are full of what nobody buys.
pub const CART_HOLD_MINUTES_MAX: u32 = 1_440;
/// Hours for which a request id is remembered; retries come within minutes, and a day leaves room for a stuck queue.
pub const REQUEST_ID_RETENTION_HOURS: u32 = 24;

/// Streams that may watch orders through one process.
pub const WATCHERS: usize = 256;
/// Of them, those of customers: they are not to keep services out.
pub const WATCHERS_CUSTOMERS: usize = 128;
/// Of those, one customer's: a few devices.
pub const WATCHERS_OF_A_CUSTOMER: usize = 8;
/// Streams that may watch the health of one process, of all connections together: nobody has to say who they are for one.
pub const HEALTH_WATCHES: usize = 1000;
/// Kinds of events that a watcher may name.
pub const WATCHED_TYPES: usize = 100;
/// Seconds between heartbeats, unless given.
pub const HEARTBEAT_SECONDS_DEFAULT: u32 = 15;
/// Seconds between heartbeats, at most.
pub const HEARTBEAT_SECONDS_MAX: u32 = 300;
/// Seconds for which a watcher may not take a message.
pub const WATCH_STALL_SECONDS: u32 = 60;

/// Orders of a batch.
pub const BATCH_ORDERS: usize = 100;
/// How often a message is refused before it is put aside.
pub const PUBLISH_REFUSALS: u32 = 3;
/// Seconds for which a message is tried at which whoever it is for fails.
pub const PUBLISH_PATIENCE_SECONDS: u32 = 300;
/// Minutes that an export may take: it holds a snapshot.
pub const EXPORT_MINUTES: u32 = 60;
/// Characters of what is noted of a refusal.
pub const DEAD_LETTER_REASON_CHARS: usize = 500;

/// A row of [`TABLE`]: what is limited, the limit, and its unit.
pub type Limit = (&'static str, u64, &'static str);

/// The limits that a caller can run into, as the README shows them.
pub const TABLE: &[Limit] = &[
    ("lines of an order or a cart", LINES_PER_ORDER as u64, "lines"),
    ("quantity of a line", QUANTITY_MAX as u64, "units"),
    ("price of a unit", UNIT_PRICE_MINOR_MAX.unsigned_abs(), "minor units"),
    ("total of an order", ORDER_TOTAL_MINOR_MAX.unsigned_abs(), "minor units"),
    ("payments of an order", PAYMENTS_PER_ORDER as u64, "attempts"),
    ("payment operations of an order", OPERATIONS_PER_ORDER as u64, "operations"),
    ("shipments of an order", SHIPMENTS_PER_ORDER as u64, "shipments"),
    ("carrier events of a shipment", CARRIER_EVENTS_PER_SHIPMENT as u64, "events"),
    ("returns of an order", RETURNS_PER_ORDER as u64, "returns"),
    ("carrier event code", CARRIER_CODE_CHARS as u64, "characters"),
    ("gateway event id", GATEWAY_EVENT_ID_CHARS as u64, "characters"),
    ("notes", NOTES_CHARS as u64, "characters"),
    ("reason", REASON_CHARS as u64, "characters"),
    ("name, line of an address", NAME_CHARS as u64, "characters"),
    ("product description", DESCRIPTION_CHARS as u64, "characters"),
    ("metadata", METADATA_PAIRS as u64, "pairs"),
    ("metadata key", METADATA_KEY_CHARS as u64, "characters"),
    ("metadata value", METADATA_VALUE_CHARS as u64, "characters"),
    ("e-mail address", EMAIL_CHARS as u64, "characters"),
    ("telephone number", PHONE_CHARS as u64, "characters"),
    ("postal code", POSTAL_CODE_CHARS as u64, "characters"),
    ("payment token", PAYMENT_TOKEN_CHARS as u64, "characters"),
    ("customer id", CUSTOMER_ID_CHARS as u64, "characters"),
    ("product id, SKU, tax class", PRODUCT_ID_CHARS as u64, "characters"),
    ("coupon code, at least", COUPON_CODE_CHARS_MIN as u64, "characters"),
    ("coupon code", COUPON_CODE_CHARS as u64, "characters"),
    ("products of a coupon", COUPON_PRODUCTS as u64, "products"),
    ("limit of a coupon", COUPON_USES_MAX as u64, "orders"),
    ("order number", ORDER_NUMBER_CHARS as u64, "characters"),
    ("request id", REQUEST_ID_CHARS as u64, "characters"),
    ("search text", QUERY_CHARS as u64, "characters"),
    ("page size, unless given", PAGE_DEFAULT as u64, "entries"),
    ("page size", PAGE_MAX as u64, "entries"),
    ("total_size", TOTAL_SIZE_MAX as u64, "entries"),
    ("products of an upsert", UPSERT_PRODUCTS as u64, "products"),
    ("orders of an import stream", IMPORT_ORDERS_PER_STREAM as u64, "orders"),
    ("findings of a verification, unless given", FINDINGS_DEFAULT as u64, "findings"),
    ("findings of a verification", FINDINGS_MAX as u64, "findings"),
    ("days of a statistics series", STATS_DAYS as u64, "days"),
    ("streams that watch orders, of a process", WATCHERS as u64, "streams"),
    ("of them, those of customers", WATCHERS_CUSTOMERS as u64, "streams"),
    ("of those, one customer's", WATCHERS_OF_A_CUSTOMER as u64, "streams"),
    ("streams that watch the health of a process", HEALTH_WATCHES as u64, "streams"),
    ("kinds of events of a watcher", WATCHED_TYPES as u64, "kinds"),
    ("time between heartbeats, unless given", HEARTBEAT_SECONDS_DEFAULT as u64, "seconds"),
    ("time between heartbeats", HEARTBEAT_SECONDS_MAX as u64, "seconds"),
    ("time for which a watcher takes nothing", WATCH_STALL_SECONDS as u64, "seconds"),
    ("orders of BatchUpdateOrderStatus", BATCH_ORDERS as u64, "orders"),
    ("refusals of a message before it is put aside", PUBLISH_REFUSALS as u64, "refusals"),
    ("time for which a message is tried that makes an endpoint fail", PUBLISH_PATIENCE_SECONDS as u64, "seconds"),
    ("time of an export", EXPORT_MINUTES as u64, "minutes"),
    ("what is noted of a refusal", DEAD_LETTER_REASON_CHARS as u64, "characters"),
    ("request message", MESSAGE_BYTES_IN as u64, "bytes"),
    ("answer message", MESSAGE_BYTES_OUT as u64, "bytes"),
    ("stock of a SKU", STOCK_UNITS_MAX.unsigned_abs(), "units"),
    ("idle life of a cart", CART_IDLE_DAYS as u64, "days"),
    ("memory of a request id", REQUEST_ID_RETENTION_HOURS as u64, "hours"),
];

const _: () = {
    // Lines x quantity x price, doubled by tax, and as much again for shipping, must fit a 64-bit total.
    let largest = LINES_PER_ORDER as i128 * QUANTITY_MAX as i128 * UNIT_PRICE_MINOR_MAX as i128;
    assert!(4 * largest <= i64::MAX as i128);
    // A hold ends before its cart does, so that the end of a cart leaves nothing to give back.
    assert!(CART_HOLD_MINUTES_MAX < CART_IDLE_DAYS * 24 * 60);
};

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn the_table_names_each_limit_once() {
        let names: BTreeSet<_> = TABLE.iter().map(|(name, ..)| name).collect();
        assert_eq!(names.len(), TABLE.len());
        assert!(TABLE.iter().all(|&(_, value, unit)| value > 0 && !unit.is_empty()));
    }

    #[test]
    fn limits_that_share_a_row_are_equal() {
        assert_eq!([SKU_CHARS, TAX_CLASS_CHARS], [PRODUCT_ID_CHARS; 2]);
    }
}
