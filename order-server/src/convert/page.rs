//! Pages: sizes, and tokens that say where the next page begins.
//!
//! A token is base64url of a version, a digest of the arguments and the position, and the position behind which the next
//! page begins. The digest keeps a position from being used in another list, where it would skip or repeat rows without anybody noticing.
//! It is no signature: who forges a token chooses a position in a list that they may read anyway, since the query's scope
//! comes from the caller and never from the token.

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use order_core::{
    ids::{CouponCode, OrderId, ProductId},
    limits,
    violation::{Violations, reason},
};
use order_store::{FeedCursor, OrderCursor};
use prost::Message;
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::error::{ApiError, Reason};

/// The first byte of every token. Another version is a token of another release, and refused like garbage.
const VERSION: u8 = 1;
/// Of the SHA-256 over the arguments; 128 bits tell any two lists apart.
const DIGEST_BYTES: usize = 16;
const HEADER_BYTES: usize = 1 + DIGEST_BYTES;

/// A position in a list.
pub trait Cursor: Sized {
    /// The position as bytes.
    fn to_bytes(&self) -> Vec<u8>;

    /// Reads the position back; `None` for bytes that no [`to_bytes`](Self::to_bytes) made.
    fn of_bytes(bytes: &[u8]) -> Option<Self>;
}

impl Cursor for OrderCursor {
    fn to_bytes(&self) -> Vec<u8> {
        [&self.value.to_be_bytes()[..], self.id.uuid().as_bytes()].concat()
    }

    fn of_bytes(bytes: &[u8]) -> Option<Self> {
        let (value, id) = bytes.split_at_checked(size_of::<i64>())?;
        let id = Uuid::from_slice(id).ok()?;
        Some(Self { value: i64::of_bytes(value)?, id: OrderId::new(id) })
    }
}

impl Cursor for FeedCursor {
    fn to_bytes(&self) -> Vec<u8> {
        [&self.position.to_be_bytes()[..], self.order_id.uuid().as_bytes(), &self.revision.to_be_bytes()].concat()
    }

    fn of_bytes(bytes: &[u8]) -> Option<Self> {
        let (position, rest) = bytes.split_at_checked(size_of::<i64>())?;
        let (id, revision) = rest.split_at_checked(size_of::<Uuid>())?;
        Some(Self {
            position: i64::of_bytes(position)?,
            order_id: OrderId::new(Uuid::from_slice(id).ok()?),
            revision: i64::of_bytes(revision)?,
        })
    }
}

/// The revision of an event.
impl Cursor for i64 {
    fn to_bytes(&self) -> Vec<u8> {
        self.to_be_bytes().to_vec()
    }

    fn of_bytes(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self::from_be_bytes)
    }
}

impl Cursor for ProductId {
    fn to_bytes(&self) -> Vec<u8> {
        self.as_str().as_bytes().to_vec()
    }

    fn of_bytes(bytes: &[u8]) -> Option<Self> {
        std::str::from_utf8(bytes).ok().and_then(|text| Self::parse(text).ok())
    }
}

impl Cursor for CouponCode {
    fn to_bytes(&self) -> Vec<u8> {
        self.as_str().as_bytes().to_vec()
    }

    fn of_bytes(bytes: &[u8]) -> Option<Self> {
        std::str::from_utf8(bytes).ok().and_then(|text| Self::parse(text).ok())
    }
}

/// The identity of a stock movement.
impl Cursor for Uuid {
    fn to_bytes(&self) -> Vec<u8> {
        self.as_bytes().to_vec()
    }

    fn of_bytes(bytes: &[u8]) -> Option<Self> {
        Self::from_slice(bytes).ok()
    }
}

/// A request for a page of a list.
pub trait PageRequest: Message + Clone + Default {
    /// The method, so that a token of one list is not read as a position in another.
    const METHOD: &'static str;

    /// The field that the token comes in.
    const FIELD: &'static str = "page_token";

    /// The field that it was answered in.
    const ANSWERED: &'static str = "next_page_token";

    /// How many rows the caller would like.
    fn page_size(&self) -> i32;

    /// The token; empty for the first page.
    fn page_token(&self) -> &str;

    /// Clears what may differ from page to page: the token, the size of a page, and whether to count.
    fn clear_paging(&mut self);
}

macro_rules! page_request {
    ($($request:ident: $method:literal $(, $count:ident)?;)+) => {
        $(impl PageRequest for order_api::v1::$request {
            const METHOD: &'static str = $method;

            fn page_size(&self) -> i32 {
                self.page_size
            }

            fn page_token(&self) -> &str {
                &self.page_token
            }

            fn clear_paging(&mut self) {
                self.page_token.clear();
                self.page_size = 0;
                $(self.$count = false;)?
            }
        })+
    };
}

page_request! {
    ListOrdersRequest: "OrderService/ListOrders", include_total_size;
    ListOrderEventsRequest: "OrderService/ListOrderEvents";
    AdminServiceListOrdersRequest: "AdminService/ListOrders", include_total_size;
    ListProductsRequest: "AdminService/ListProducts";
    ListCouponsRequest: "AdminService/ListCoupons";
    ListStockMovementsRequest: "AdminService/ListStockMovements";
    ListPaymentsRequest: "AdminService/ListPayments";
    ListDeadLettersRequest: "AdminService/ListDeadLetters";
}

/// A place in the feed is good for any filters: nothing of the request belongs to it.
impl PageRequest for order_api::v1::WatchOrdersRequest {
    const METHOD: &'static str = "OrderService/WatchOrders";
    const FIELD: &'static str = "cursor";
    const ANSWERED: &'static str = "cursor";

    fn page_size(&self) -> i32 {
        0
    }

    fn page_token(&self) -> &str {
        &self.cursor
    }

    fn clear_paging(&mut self) {
        *self = Self::default();
    }
}

/// Reads the size of a page: 0 means the default, and what is too large is cut.
pub fn size(request: &impl PageRequest, violations: &mut Violations) -> Option<u32> {
    match u32::try_from(request.page_size()) {
        Ok(0) => Some(limits::PAGE_DEFAULT),
        Ok(size) => Some(size.min(limits::PAGE_MAX)),
        Err(_negative) => {
            violations.push("page_size", reason::OUT_OF_RANGE, "must not be negative");
            None
        }
    }
}

/// Bytes of rows in one answer; below the limit of a message by more than what else is in it.
const PAGE_BYTES: usize = limits::MESSAGE_BYTES_OUT / 8 * 7;

/// As many rows as fit into one answer, at least one: a page of large rows ends early rather than not at all.
pub fn fitting<M: Message>(rows: impl Iterator<Item = M>) -> Vec<M> {
    let mut bytes = 0;
    let mut taken = Vec::new();
    for row in rows {
        bytes += row.encoded_len();
        if bytes > PAGE_BYTES && !taken.is_empty() {
            break;
        }
        taken.push(row);
    }
    taken
}

/// The token of the page behind a position.
#[must_use]
pub fn token<R: PageRequest>(request: &R, last: &impl Cursor) -> String {
    let position = last.to_bytes();
    let bytes = [&[VERSION][..], &digest(request, &position), &position].concat();
    BASE64_URL_SAFE_NO_PAD.encode(bytes)
}

/// Where the page begins: behind a position, or at the start.
///
/// # Errors
/// `PAGE_TOKEN_INVALID` for a token that is not ours, or was given for other arguments.
pub fn after<R: PageRequest, C: Cursor>(request: &R) -> Result<Option<C>, ApiError> {
    let text = request.page_token();
    if text.is_empty() {
        return Ok(None);
    }
    let bytes = decode(text).ok_or_else(foreign::<R>)?;
    let (header, position) = bytes.split_at(HEADER_BYTES);
    if header[1..] != digest(request, position) {
        return Err(invalid::<R>("belongs to a request with other arguments; only the size of a page may change"));
    }
    C::of_bytes(position).map(Some).ok_or_else(foreign::<R>)
}

fn foreign<R: PageRequest>() -> ApiError {
    invalid::<R>(&format!("must be a {} as this service gave it", R::ANSWERED))
}

fn invalid<R: PageRequest>(description: &str) -> ApiError {
    Violations::one(R::FIELD, Reason::PageTokenInvalid.as_str(), description).into()
}

fn decode(text: &str) -> Option<Vec<u8>> {
    if text.len() > limits::PAGE_TOKEN_CHARS {
        return None;
    }
    let bytes = BASE64_URL_SAFE_NO_PAD.decode(text).ok()?;
    (bytes.len() > HEADER_BYTES && bytes[0] == VERSION).then_some(bytes)
}

fn digest<R: PageRequest>(request: &R, position: &[u8]) -> [u8; DIGEST_BYTES] {
    let mut arguments = request.clone();
    arguments.clear_paging();
    let mut hash = Sha256::new_with_prefix(R::METHOD);
    // A method's name holds no NUL: where it ends and the message begins is never in doubt.
    hash.update([0]);
    hash.update(arguments.encode_to_vec());
    // So that a token that was cut or altered on the way does not lead somewhere else.
    hash.update(Sha256::digest(position));
    let full: [u8; 32] = hash.finalize().into();
    *full.first_chunk().expect("16 bytes of 32")
}

#[cfg(test)]
mod tests {
    use order_api::v1;

    use super::*;

    fn request() -> v1::ListOrdersRequest {
        v1::ListOrdersRequest { query: "vampire".into(), page_size: 10, include_total_size: true, ..Default::default() }
    }

    fn cursor() -> OrderCursor {
        OrderCursor { value: -5, id: OrderId::parse("018f4e9a-7b1c-7c3e-9d2a-5b6c7d8e9f01").unwrap() }
    }

    fn with_token(page_token: String) -> v1::ListOrdersRequest {
        v1::ListOrdersRequest { page_token, ..request() }
    }

    fn read(request: &impl PageRequest) -> Result<Option<OrderCursor>, ApiError> {
        after(request)
    }

    #[test]
    fn a_token_leads_behind_the_last_row() {
        let next = with_token(token(&request(), &cursor()));
        assert_eq!(read(&next).unwrap(), Some(cursor()));
        assert_eq!(read(&request()).unwrap(), None);
    }

    #[test]
    fn size_and_count_may_change_from_page_to_page() {
        let next = with_token(token(&request(), &cursor()));
        let next = v1::ListOrdersRequest { page_size: 500, include_total_size: false, ..next };
        assert_eq!(read(&next).unwrap(), Some(cursor()));
    }

    #[test]
    fn a_place_in_the_feed_is_good_for_any_filters() {
        let place = FeedCursor { position: 9, order_id: cursor().id, revision: 3 };
        let cursor = token(&v1::WatchOrdersRequest::default(), &place);
        let other = v1::WatchOrdersRequest { cursor, customer_id: "eve".into(), ..Default::default() };
        assert_eq!(after(&other).unwrap(), Some(place));
        let list = v1::ListOrdersRequest { page_token: other.cursor, ..Default::default() };
        assert!(read(&list).is_err(), "and in no list");
        let other = v1::WatchOrdersRequest { cursor: "garbage".into(), ..Default::default() };
        assert_eq!(after::<_, FeedCursor>(&other).unwrap_err().fields()[0].field, "cursor");
    }

    #[test]
    fn other_arguments_are_refused() {
        let next = with_token(token(&request(), &cursor()));
        let other = v1::ListOrdersRequest { query: "werewolf".into(), ..next.clone() };
        assert_eq!(read(&other).unwrap_err().reason(), Reason::PageTokenInvalid);
        let admin = v1::AdminServiceListOrdersRequest {
            query: next.query.clone(),
            page_token: next.page_token.clone(),
            ..Default::default()
        };
        assert_eq!(read(&admin).unwrap_err().reason(), Reason::PageTokenInvalid);
    }

    #[test]
    fn garbage_is_refused() {
        let good = token(&request(), &cursor());
        let cut = good[..good.len() - 4].to_owned();
        let long = "A".repeat(limits::PAGE_TOKEN_CHARS + 1);
        for garbage in ["garbage", "%%%", "AA", "AQ", &cut, &long, &format!("{good}AAAA"), &good.replace('A', "B")] {
            let error = read(&with_token(garbage.to_owned())).unwrap_err();
            assert_eq!(error.reason(), Reason::PageTokenInvalid, "{garbage}");
            assert_eq!(error.fields()[0].field, "page_token");
        }
    }

    #[test]
    fn a_token_that_was_altered_anywhere_is_refused() {
        let good = token(&request(), &cursor());
        for at in 0..good.len() {
            let other = if good.as_bytes()[at] == b'A' { "B" } else { "A" };
            let altered = format!("{}{other}{}", &good[..at], &good[at + 1..]);
            assert!(after::<_, OrderCursor>(&with_token(altered)).is_err(), "at {at}");
        }
    }

    #[test]
    fn every_cursor_round_trips() {
        let product = ProductId::parse("prod_1").unwrap();
        assert_eq!(ProductId::of_bytes(&product.to_bytes()), Some(product));
        let coupon = CouponCode::parse("SUMMER-10").unwrap();
        assert_eq!(CouponCode::of_bytes(&coupon.to_bytes()), Some(coupon));
        assert_eq!(i64::of_bytes(&7_i64.to_bytes()), Some(7));
        let id = cursor().id.uuid();
        assert_eq!(Uuid::of_bytes(&Cursor::to_bytes(&id)), Some(id));
        let feed = FeedCursor { position: 9, order_id: cursor().id, revision: 3 };
        assert_eq!(FeedCursor::of_bytes(&feed.to_bytes()), Some(feed));
        assert_eq!(FeedCursor::of_bytes(&feed.to_bytes()[1..]), None);
        assert_eq!(OrderCursor::of_bytes(&[0; 7]), None);
        assert_eq!(ProductId::of_bytes(b"a b"), None);
    }

    #[test]
    fn sizes_have_a_default_and_a_bound() {
        let read = |page_size| {
            let mut violations = Violations::new();
            size(&v1::ListProductsRequest { page_size, ..Default::default() }, &mut violations).ok_or(violations.len())
        };
        assert_eq!([read(0), read(7), read(500), read(i32::MAX)], [Ok(50), Ok(7), Ok(500), Ok(500)]);
        assert_eq!(read(-1), Err(1));
    }
}
