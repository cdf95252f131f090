//! The simulated gateway with somebody who stops the time in it.

use std::sync::{
    Arc, Mutex, Weak,
    atomic::{AtomicI64, Ordering},
};

use async_trait::async_trait;
use order_core::{
    ids::OperationId,
    ports::{GatewayAnswer, GatewayRequest, Health, Neighbour, PaymentGateway, Unavailable},
};
use order_server::{
    app::App,
    gateways::{Mail, SimulatedGateway},
};
use tokio_util::sync::CancellationToken;

/// Where a request to a gateway stops.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Moment {
    /// Before the gateway acts, for ever.
    Asked,
    /// After it acted and before it answers, for ever.
    Done,
    /// The same, until all go on at once.
    Answered,
}

/// Who stops requests and counts them.
#[derive(Debug, Default)]
pub(super) struct Stage {
    moment: Mutex<Option<Moment>>,
    here: AtomicI64,
    go_on: CancellationToken,
}

impl Stage {
    /// From now on every request stops there.
    pub(super) fn stop_at(&self, moment: Moment) {
        *self.moment.lock().unwrap() = Some(moment);
    }

    /// Waits until so many have stopped.
    pub(super) async fn reached(&self, requests: i64) {
        let here = || async { self.here.load(Ordering::SeqCst) >= requests };
        super::eventually("the requests are with the gateway", here).await;
    }

    /// Lets those go on that were answered.
    pub(super) fn go_on(&self) {
        self.go_on.cancel();
    }

    /// Carries a request out, as far as it gets.
    async fn pass(&self, request: impl Future<Output = GatewayAnswer> + Send) -> GatewayAnswer {
        let moment = *self.moment.lock().unwrap();
        let Some(moment) = moment else { return request.await };
        let answer = match moment {
            Moment::Asked => None,
            Moment::Done | Moment::Answered => Some(request.await),
        };
        self.here.fetch_add(1, Ordering::SeqCst);
        match (moment, answer) {
            (Moment::Answered, Some(answer)) => {
                self.go_on.cancelled().await;
                answer
            }
            _stopped => std::future::pending().await,
        }
    }
}

/// The line to the gateway.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Line {
    /// As the token says.
    AsIs,
    /// No request gets lost any more.
    Mended,
}

struct Stopping {
    gateway: SimulatedGateway,
    stage: Arc<Stage>,
    line: Line,
}

/// A service that is to die.
pub(super) fn stopping(app: Arc<App>, stage: Arc<Stage>) -> Arc<App> {
    rebuilt(app, (stage, Line::AsIs))
}

/// A service whose requests arrive.
pub(super) fn mended(app: Arc<App>) -> Arc<App> {
    rebuilt(app, (Arc::default(), Line::Mended))
}

fn rebuilt(app: Arc<App>, (stage, line): (Arc<Stage>, Line)) -> Arc<App> {
    let app = Arc::into_inner(app).expect("nobody else has it yet");
    Arc::new_cyclic(|me: &Weak<App>| {
        let mail = Mail::new(me.clone(), app.tasks.clone(), app.draining.clone());
        let gateway = SimulatedGateway::new(Arc::clone(&app.store), mail);
        App { payments: Arc::new(Stopping { gateway, stage, line }), ..app }
    })
}

#[async_trait]
impl Neighbour for Stopping {
    fn name(&self) -> &'static str {
        self.gateway.name()
    }

    async fn check(&self) -> Result<Health, Unavailable> {
        self.gateway.check().await
    }
}

#[async_trait]
impl PaymentGateway for Stopping {
    async fn execute(&self, request: &GatewayRequest) -> GatewayAnswer {
        let mut request = request.clone();
        if self.line == Line::Mended {
            request.token = request.token.filter(|token| !token.ends_with("timeout_lost"));
        }
        self.stage.pass(self.gateway.execute(&request)).await
    }

    async fn look_up(&self, key: OperationId) -> GatewayAnswer {
        self.stage.pass(self.gateway.look_up(key)).await
    }
}
