//! `feed_consumer`: how far those have come who pass the feed on.

use order_core::ids::OrderId;

use super::row;
use crate::{
    fields::{At, Id},
    query::FeedCursor,
};

row! {
    /// One who passes the feed on.
    feed_consumer, ConsumerRow {
        name: String,
        feed_position: i64,
        order_id: Id,
        revision: i64,
        holder: Option<Id>,
        lease_until: Option<At>,
        update_time: At,
    }
}

impl ConsumerRow {
    /// One that nobody works for.
    pub(crate) fn new(name: &str, place: FeedCursor, now: At) -> Self {
        let free = Self {
            name: name.to_owned(),
            feed_position: 0,
            order_id: Id(uuid::Uuid::nil()),
            revision: 0,
            holder: None,
            lease_until: None,
            update_time: now,
        };
        free.at(place)
    }

    /// The same at another place.
    pub(crate) fn at(self, place: FeedCursor) -> Self {
        let FeedCursor { position, order_id, revision } = place;
        Self { feed_position: position, order_id: Id(order_id.uuid()), revision, ..self }
    }

    /// Where it has come to.
    pub(crate) const fn place(&self) -> FeedCursor {
        FeedCursor { position: self.feed_position, order_id: OrderId::new(self.order_id.0), revision: self.revision }
    }
}
