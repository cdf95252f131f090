//! `dead_letter`: events that somebody who passes the feed on could not get rid of.

use order_core::ids::OrderId;

use super::row;
use crate::{
    fields::{At, Id},
    query::{DeadLetter, FeedCursor},
};

row! {
    /// An event that was refused.
    dead_letter, DeadLetterRow {
        consumer: String,
        feed_position: i64,
        order_id: Id,
        revision: i64,
        reason: String,
        create_time: At,
    }
}

impl DeadLetterRow {
    /// The row of a letter.
    pub(crate) fn new(letter: &DeadLetter) -> Self {
        let FeedCursor { position, order_id, revision } = letter.event;
        Self {
            consumer: letter.consumer.clone(),
            feed_position: position,
            order_id: Id(order_id.uuid()),
            revision,
            reason: letter.reason.clone(),
            create_time: At(letter.time),
        }
    }

    /// The letter of a row.
    pub(crate) fn into_letter(self) -> DeadLetter {
        let (position, order_id, revision) = (self.feed_position, OrderId::new(self.order_id.0), self.revision);
        let event = FeedCursor { position, order_id, revision };
        DeadLetter { consumer: self.consumer, event, reason: self.reason, time: self.create_time.0 }
    }
}
