//! `demo`: starts the real server on free ports and plays a day in a shop through its public API.
//!
//! Without `DATABASE_URL` the database lives in a temporary directory and goes with it. A given database is used as it is,
//! and nothing in it is ever changed or removed but what the demo adds: products `demo-...`, and the orders of a customer of
//! its own. It is refused if its catalogue has other products, since then it is somebody's shop.

use std::{
    error::Error,
    io,
    net::SocketAddr,
    sync::Arc,
    time::{Duration, Instant},
};

use order_core::{currency::Currency, limits};
use order_store::{ProductQuery, Store};
use tokio::{sync::oneshot, task::JoinHandle};

use super::{
    caller::Caller,
    narrator::{Failed, Narrator, Output},
    products::PRODUCTS,
    seed::seed,
    story::{self, Day},
};
use crate::{
    auth::{
        Role,
        verify::{Subject, Tokens},
    },
    clock::{Clock as _, IdSource as _, RandomIds, SystemClock},
    compose::{self, Sources, StoreProbe},
    config::{Config, Environment, Purpose, Raw},
    server::{self, Parts, ServeError},
    service,
    shutdown::Lifecycle,
    telemetry, workers,
};

/// What the demo may fail with; shown to the operator, so it holds no secret.
type Failure = Box<dyn Error>;

/// The demo is over long before.
const TOKEN_TTL: Duration = Duration::from_secs(3600);

/// Runs the command.
///
/// # Errors
/// The configuration, the database, or a step that did not do what it should.
pub fn run(settings: &Raw) -> Result<(), Failure> {
    tell(settings, Box::new(io::stdout()))
}

fn tell(settings: &Raw, out: Output) -> Result<(), Failure> {
    let place = tempfile::tempdir()?;
    let own = settings.get("DATABASE_URL").is_none();
    let config = Config::resolve(&settings_of_demo(settings, place.path()), Purpose::Serve)?;
    if config.environment == Environment::Production {
        return Err("the demo is not for production: it adds products and orders".into());
    }
    telemetry::logging::init(&config.log);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let kept = if own {
        "The database was temporary; `order-server serve` starts a shop with the same catalogue that stays."
    } else {
        "The database keeps the orders of the day."
    };
    runtime.block_on(demonstrate(&config, Narrator::new(out), kept))
}

/// The given settings, with free ports, a directory of its own, a log that does not interrupt the story, and the policies
/// for which the story is written.
fn settings_of_demo(settings: &Raw, directory: &std::path::Path) -> Raw {
    let log_level = settings.get("LOG_LEVEL").unwrap_or("error").to_owned();
    let migrate = settings.get("MIGRATE_ON_START").unwrap_or("on").to_owned();
    settings.clone().with([
        ("LISTEN_ADDR", "127.0.0.1:0".to_owned()),
        ("OPS_ADDR", "127.0.0.1:0".to_owned()),
        // Its customers come over loopback.
        ("TLS_CERT_FILE", String::new()),
        ("TLS_KEY_FILE", String::new()),
        ("TLS_CLIENT_CA_FILE", String::new()),
        ("DATA_DIR", directory.display().to_string()),
        ("MIGRATE_ON_START", migrate),
        ("LOG_LEVEL", log_level),
        ("SHUTDOWN_PROPAGATION_MS", "0".to_owned()),
        ("CONFIRM_POLICY", "manual".to_owned()),
        ("ALLOCATE_ON", "place".to_owned()),
        ("CAPTURE_ON", "place".to_owned()),
        ("PAY_BY_MINUTES", "0".to_owned()),
        ("CART_HOLD_MINUTES", "0".to_owned()),
    ])
}

async fn demonstrate(config: &Config, narrator: Narrator, kept: &str) -> Result<(), Failure> {
    let started = Instant::now();
    let store = compose::connect(&config.database).await?;
    fill(store.as_ref(), config).await?;
    let shop = Shop::open(config, &store).await?;
    let mut day = shop.day(config, narrator).await?;
    day.narrator.title(&format!("A day in a costume shop, on {} with {}", shop.address, store.engine()));
    let outcome = Box::pin(story::play(&mut day)).await;
    let narrator = day.part();
    shop.close().await?;
    store.close().await;
    outcome?;
    let seconds = started.elapsed().as_secs_f32();
    let steps = narrator.steps();
    narrator.end(&format!("{steps} steps, all as they should be, in {seconds:.1} s. {kept}"));
    Ok(())
}

/// Puts the demo catalogue into an empty database, and makes sure that there is no other.
async fn fill(store: &dyn Store, config: &Config) -> Result<(), Failure> {
    seed(store, SystemClock.now(), RandomIds.seed()).await?;
    let all = ProductQuery { active: None, words: Vec::new(), size: limits::PAGE_MAX, after: None };
    let products = store.product_page(all).await?;
    let ours = |id: &str| PRODUCTS.iter().any(|product| product.id == id);
    if products.items.iter().all(|product| ours(product.id.as_str())) {
        return Ok(());
    }
    Err(format!(
        "the catalogue of {} holds products that are not the demo's, so it is somebody's shop; \
         the demo plays in an empty database, one that it played in before, or without DATABASE_URL in a temporary one",
        config.database.url
    )
    .into())
}

/// The server of the demo.
struct Shop {
    address: SocketAddr,
    tokens: Arc<Tokens>,
    stop: oneshot::Sender<()>,
    serving: JoinHandle<Result<(), ServeError>>,
}

impl Shop {
    async fn open(config: &Config, store: &Arc<dyn Store>) -> Result<Self, Failure> {
        let lifecycle = Lifecycle::new();
        let app = compose::app(config, store, &lifecycle, Sources::default());
        let tokens = Arc::new(Tokens::load(&config.identity)?);
        if tokens.set().is_some() {
            return Err("the demo makes its own tokens: run it without JWT_JWKS".into());
        }
        let parts = Parts {
            routes: service::routes(&app),
            probe: Arc::new(StoreProbe::new(Arc::clone(store))),
            tokens: Arc::clone(&tokens),
            shared_limits: app.shared_limits.clone(),
            lifecycle: lifecycle.clone(),
        };
        let server = server::bind(config, parts).await?;
        workers::start(&app, lifecycle.closing());
        let address = server.grpc_addr();
        let (stop, stopped) = oneshot::channel();
        let serving = tokio::spawn(server.run(async {
            // A sender that is gone means the same.
            drop(stopped.await);
        }));
        Ok(Self { address, tokens, stop, serving })
    }

    async fn day(&self, config: &Config, narrator: Narrator) -> Result<Day, Failed> {
        let customer_id = format!("mina-{}", &RandomIds.seed().nth(0).simple().to_string()[20..]);
        let token = |id: &str, role| {
            let subject = Subject { id: id.to_owned(), role, email: None, name: None, ttl: TOKEN_TTL };
            self.tokens.issue(&subject).expect("it was opened with a secret")
        };
        Ok(Day {
            narrator,
            customer: Caller::connect(self.address, &token(&customer_id, Role::Customer)).await?,
            admin: Caller::connect(self.address, &token("office", Role::Admin)).await?,
            customer_id,
            ids: Arc::new(RandomIds),
            worked_example: config.shop.rules_file.is_none().then_some(5_998),
            currency: Currency::parse("USD").expect("it is in the list of ISO 4217"),
        })
    }

    async fn close(self) -> Result<(), Failure> {
        // A server that has ended on its own says why below.
        let _ended = self.stop.send(());
        Ok(self.serving.await??)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use order_core::{
        ids::{ProductId, Sku},
        money::Money,
        order::Actor,
        product::{Product, ProductDraft},
    };
    use order_store::{ConnectOptions, DatabaseUrl, Mode, UpsertProducts};

    use super::*;

    /// A database of the test, and the settings that name it.
    fn database(directory: &std::path::Path) -> (DatabaseUrl, Raw) {
        let url = format!("sqlite://{}", directory.join("demo.db").display());
        (DatabaseUrl::parse(&url).unwrap(), Raw::of([("DATABASE_URL", url)]))
    }

    fn play(settings: &Raw) -> Result<(), String> {
        tell(settings, Box::new(io::sink())).map_err(|error| error.to_string())
    }

    /// Puts a product into the catalogue and answers all that it holds.
    fn with_product(url: &DatabaseUrl, draft: ProductDraft) -> Vec<Product> {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        runtime.block_on(async {
            order_store::migrate(url).await.unwrap();
            let store = order_store::connect(url, &ConnectOptions::default()).await.unwrap();
            let actor = Actor::System("test".into());
            let (now, ids) = (SystemClock.now(), RandomIds.seed());
            let upsert = UpsertProducts {
                request: None,
                drafts: vec![draft],
                expected: BTreeMap::new(),
                mode: Mode::Apply,
                actor,
                now,
                ids,
            };
            store.upsert_products(upsert).await.unwrap();
            let all = ProductQuery { active: None, words: Vec::new(), size: 500, after: None };
            let products = store.product_page(all).await.unwrap().items;
            store.close().await;
            products
        })
    }

    fn draft(id: &str, sku: &str) -> ProductDraft {
        ProductDraft {
            id: ProductId::parse(id).unwrap(),
            sku: Sku::parse(sku).unwrap(),
            name: "Real thing".into(),
            description: String::new(),
            price: Money::new(100, Currency::parse("USD").unwrap()),
            tax_class: "standard".into(),
            active: false,
            initial_stock: 1,
        }
    }

    #[test]
    fn the_day_goes_as_it_is_told_and_can_be_played_again() {
        let directory = tempfile::tempdir().unwrap();
        let (_, settings) = database(directory.path());
        assert_eq!(play(&settings), Ok(()));
        assert_eq!(play(&settings), Ok(()));
    }

    #[test]
    fn a_step_that_does_not_do_what_it_should_fails_the_demo() {
        let directory = tempfile::tempdir().unwrap();
        let (url, settings) = database(directory.path());
        with_product(&url, draft(PRODUCTS[0].id, PRODUCTS[0].sku));
        let error = play(&settings).unwrap_err();
        assert_eq!(error, "step 2 (What is on sale): the number of products is 0 and should be 20");
    }

    #[test]
    fn somebodys_shop_is_left_alone() {
        let directory = tempfile::tempdir().unwrap();
        let (url, settings) = database(directory.path());
        let before = with_product(&url, draft("real-thing", "REAL-1"));
        let error = play(&settings).unwrap_err();
        assert!(error.contains("somebody's shop"), "{error}");
        assert_eq!(with_product(&url, draft("real-thing", "REAL-1")), before);
    }
}
