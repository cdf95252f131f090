//! AdminService.GetConnectivity: whether the database and every neighbour can be reached.

use std::{
    future::Future,
    time::{Duration, Instant},
};

use futures_util::future::join_all;
use order_api::v1;
use order_core::ports::{Health, Neighbour};

use crate::{
    app::App,
    convert::{int32, time},
};

/// What one dependency gets to answer.
const PATIENCE: Duration = Duration::from_secs(2);

/// Asks the database and every neighbour at the same time. A dependency that cannot be reached is part of the answer.
pub(super) async fn get_connectivity(app: &App) -> v1::GetConnectivityResponse {
    let shared = app.shared_limits.iter().map(|redis| {
        let asked: &dyn Neighbour = &**redis;
        neighbour(app, (asked, v1::DependencyKind::RateLimits))
    });
    let publishers = app.publishers.iter().map(|publisher| {
        let asked: &dyn Neighbour = &**publisher;
        neighbour(app, (asked, v1::DependencyKind::EventPublisher))
    });
    let (database, catalog, inventory, notification, payment, shipping, publishers, shared) = tokio::join!(
        database(app),
        neighbour(app, (&*app.catalog, v1::DependencyKind::Catalog)),
        neighbour(app, (&*app.inventory, v1::DependencyKind::Inventory)),
        neighbour(app, (&*app.notifier, v1::DependencyKind::Notification)),
        neighbour(app, (&*app.payments, v1::DependencyKind::Payment)),
        neighbour(app, (&*app.shipping, v1::DependencyKind::Shipping)),
        join_all(publishers),
        join_all(shared),
    );
    let dependencies =
        [vec![database, catalog, inventory, notification, payment, shipping], publishers, shared].concat();
    let summary = Some(summary(&dependencies));
    v1::GetConnectivityResponse { dependencies, summary }
}

async fn database(app: &App) -> v1::Dependency {
    let ping = async { app.store.ping().await.map(|()| Health::Connected) };
    check(app, ("database", v1::DependencyKind::Database), ping).await
}

async fn neighbour(app: &App, (asked, kind): (&dyn Neighbour, v1::DependencyKind)) -> v1::Dependency {
    check(app, (asked.name(), kind), asked.check()).await
}

/// What an error says stays in the log: it may name hosts and accounts.
async fn check<E: std::fmt::Display>(
    app: &App,
    (name, kind): (&'static str, v1::DependencyKind),
    answer: impl Future<Output = Result<Health, E>>,
) -> v1::Dependency {
    let began = Instant::now();
    let outcome = tokio::time::timeout(PATIENCE, answer).await;
    let took = prost_types::Duration::try_from(began.elapsed()).ok();
    let (status, latency, last_error) = match outcome {
        Ok(Ok(Health::Embedded)) => (v1::DependencyStatus::Embedded, None, String::new()),
        Ok(Ok(Health::Connected)) => (v1::DependencyStatus::Connected, took, String::new()),
        Ok(Err(error)) => {
            tracing::warn!(dependency = name, %error, "a connectivity check failed");
            (v1::DependencyStatus::Failed, took, "it is not available".to_owned())
        }
        Err(_elapsed) => {
            (v1::DependencyStatus::Failed, took, format!("it did not answer within {} seconds", PATIENCE.as_secs()))
        }
    };
    v1::Dependency {
        name: name.to_owned(),
        kind: kind.into(),
        status: status.into(),
        latency,
        last_error,
        last_check_time: Some(time::to_proto(app.clock.now())),
    }
}

fn summary(dependencies: &[v1::Dependency]) -> v1::ConnectivitySummary {
    let count = |counted: fn(v1::DependencyStatus) -> bool| {
        int32(dependencies.iter().filter(|dependency| counted(dependency.status())).fold(0, |count, _| count + 1))
    };
    v1::ConnectivitySummary {
        total: count(|_| true),
        connected: count(|status| status != v1::DependencyStatus::Failed),
        failed: count(|status| status == v1::DependencyStatus::Failed),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn embedded_counts_as_connected() {
        let dependency = |status: v1::DependencyStatus| v1::Dependency { status: status.into(), ..Default::default() };
        let all = [v1::DependencyStatus::Connected, v1::DependencyStatus::Embedded, v1::DependencyStatus::Failed];
        let summed = summary(&all.map(dependency));
        assert_eq!((summed.total, summed.connected, summed.failed), (3, 2, 1));
    }
}
