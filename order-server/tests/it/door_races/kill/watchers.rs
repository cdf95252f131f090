//! Watchers of processes that are killed: what they read, one process after the other, is the history.

use std::collections::BTreeMap;

use order_api::v1;
use tonic::Streaming;

use super::{Journal, KILLS, load_and_end, open};
use crate::{
    dice::Dice,
    door_races::{
        audit::count,
        call::is_lost,
        kit::{on_both_engines, settled_by_workers},
        process::Process,
    },
    world::Caller,
};

/// How many watch at once.
const WATCHERS: usize = 3;

/// What one has read.
#[derive(Debug, Clone, Default)]
struct Watched {
    cursor: String,
    events: Vec<v1::OrderEvent>,
}

impl Watched {
    async fn stream(&self, mut door: Caller) -> Streaming<v1::WatchOrdersResponse> {
        let request = v1::WatchOrdersRequest {
            cursor: self.cursor.clone(),
            from_beginning: self.cursor.is_empty(),
            heartbeat_seconds: 1,
            ..Default::default()
        };
        door.orders.watch_orders(request).await.unwrap().into_inner()
    }

    /// Takes a message; says whether it was an event.
    fn take(&mut self, message: v1::WatchOrdersResponse) -> bool {
        self.cursor = message.cursor;
        let is_event = message.event.is_some();
        self.events.extend(message.event);
        is_event
    }

    /// Watches until the process is gone.
    async fn until_it_ends(mut self, door: Caller) -> Self {
        let mut stream = self.stream(door).await;
        loop {
            match stream.message().await {
                Ok(Some(message)) => drop(self.take(message)),
                Ok(None) => panic!("a stream has no end of its own"),
                Err(status) => {
                    assert!(is_lost(&status), "{status:?}");
                    return self;
                }
            }
        }
    }

    /// Watches until there is nothing more.
    async fn until_nothing_more(mut self, door: Caller) -> Self {
        let mut stream = self.stream(door).await;
        // The first message says where the stream begins; a heartbeat behind it comes only where nothing else does.
        let mut has_begun = false;
        loop {
            let is_event = self.take(stream.message().await.unwrap().unwrap());
            if has_begun && !is_event {
                return self;
            }
            has_begun = true;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn watchers_of_processes_that_are_killed_miss_nothing_and_hear_nothing_twice() {
    on_both_engines(|database| async move {
        let (journal, mut dice) = (Journal::default(), Dice::of(41));
        let mut watched = vec![Watched::default(); WATCHERS];
        for round in 0..=KILLS {
            let mut process = open(&database).await;
            let watching: Vec<_> =
                watched.into_iter().map(|one| tokio::spawn(one.until_it_ends(process.admin()))).collect();
            // The last one is asked to end, and tells those who watch.
            load_and_end(&mut process, (&journal, &mut dice), async |process| {
                if round < KILLS {
                    process.kill();
                } else {
                    assert!(process.terminate().await.success(), "watchers keep no process from ending");
                }
            })
            .await;
            watched = Vec::new();
            for one in watching {
                watched.push(one.await.unwrap());
            }
        }
        let process = Process::start(&database, &[]).await;
        settled_by_workers(&database).await;
        let stored = count(&database, "SELECT count(*) AS n FROM order_event").await;
        database.feed_is_whole().await;
        let mut streams = Vec::new();
        for one in watched {
            streams.push(one.until_nothing_more(process.admin()).await.events);
        }
        assert!(streams.iter().all(|stream| *stream == streams[0]), "all were told the same");
        assert_eq!(i64::try_from(streams[0].len()).unwrap(), stored, "no more and no less than there is");
        let mut revisions: BTreeMap<&str, Vec<i64>> = BTreeMap::new();
        for event in &streams[0] {
            revisions.entry(&event.order_id).or_default().push(event.revision);
        }
        for (order_id, revisions) in revisions {
            assert!(
                revisions.iter().copied().eq(1..=i64::try_from(revisions.len()).unwrap()),
                "{order_id}: {revisions:?}"
            );
        }
    })
    .await;
}
