//! The release server as a process of its own.

use std::{
    net::TcpListener,
    path::PathBuf,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use order_api::integrations::v1::CatalogProduct;
use order_api::v1::{self, admin_service_client::AdminServiceClient};
use tonic::{
    metadata::{Ascii, MetadataValue},
    transport::{Channel, Endpoint},
};

use crate::{Failed, cluster::text, process};

/// How long a server may take to its first answer.
const PATIENCE: Duration = Duration::from_secs(30);
/// Units on every shelf: more than any run sells.
pub(crate) const STOCK: i64 = 900_000_000;
/// Products that one call can put up.
const PRODUCTS_PER_CALL: usize = 500;

/// A server that is ended with this value.
pub(crate) struct Server {
    child: Child,
    address: String,
    /// For calls in the name of a backend service, which no rate limit holds back.
    pub(crate) service: Bearer,
    /// For calls of an administrator.
    pub(crate) admin: Bearer,
}

/// A token, as callers send it.
#[derive(Debug, Clone)]
pub(crate) struct Bearer(MetadataValue<Ascii>);

impl Bearer {
    fn new(token: &str) -> Result<Self, Failed> {
        Ok(Self(format!("Bearer {token}").parse()?))
    }

    /// A request in this name.
    pub(crate) fn with<T>(&self, message: T) -> tonic::Request<T> {
        let mut request = tonic::Request::new(message);
        request.metadata_mut().insert("authorization", self.0.clone());
        request
    }
}

impl Server {
    /// Starts the server on a database and fills its shelves. It lets in as many calls as come, of guests too.
    pub(crate) async fn start(database_url: &str, products: u32) -> Result<Self, Failed> {
        Self::start_with(
            database_url,
            products,
            &[("MAX_CONCURRENT_REQUESTS", "100000"), ("RATE_LIMIT_PER_SECOND", "0"), ("GUEST_CHECKOUT", "on")],
        )
        .await
    }

    /// The same with other settings.
    pub(crate) async fn start_with(
        database_url: &str,
        products: u32,
        settings: &[(&str, &str)],
    ) -> Result<Self, Failed> {
        let binary = binary()?;
        let address = format!("127.0.0.1:{}", TcpListener::bind("127.0.0.1:0")?.local_addr()?.port());
        let secret = "only for this run and for nobody else";
        let token = |role| -> Result<String, Failed> {
            text(
                Command::new(&binary)
                    .args(["token", "--sub", "bench", "--role", role])
                    .env("JWT_SECRET", secret)
                    .output()?,
            )
        };
        let (admin, service) = (Bearer::new(&token("admin")?)?, Bearer::new(&token("service")?)?);
        let child = Command::new(&binary)
            .env_clear()
            .envs([("DATABASE_URL", database_url), ("LISTEN_ADDR", &address), ("OPS_ADDR", "127.0.0.1:0")])
            .envs([("JWT_SECRET", secret), ("DEMO_CATALOG", "off"), ("LOG_LEVEL", "error"), ("MIGRATE_ON_START", "on")])
            .envs(settings.iter().copied())
            .stdout(Stdio::null())
            .spawn()?;
        let server = Self { child, address, service, admin };
        let is_counted_here = settings.iter().all(|(name, _)| *name != "INVENTORY_URL");
        server.fill(products, is_counted_here.then_some(STOCK)).await?;
        Ok(server)
    }

    /// A connection of its own.
    pub(crate) async fn connect(&self) -> Result<Channel, Failed> {
        Ok(Endpoint::from_shared(format!("http://{}", self.address))?.connect().await?)
    }

    async fn fill(&self, products: u32, initial_stock: Option<i64>) -> Result<(), Failed> {
        let until = Instant::now() + PATIENCE;
        let channel = loop {
            match self.connect().await {
                Ok(channel) => break channel,
                Err(error) if Instant::now() > until => return Err(error),
                Err(_not_yet) => tokio::time::sleep(Duration::from_millis(20)).await,
            }
        };
        let mut client = AdminServiceClient::new(channel);
        let products: Vec<_> = (0..products).map(|n| product(n, initial_stock)).collect();
        for products in products.chunks(PRODUCTS_PER_CALL) {
            let message = v1::UpsertProductsRequest { products: products.to_vec(), ..Default::default() };
            client.upsert_products(self.admin.with(message)).await?;
        }
        Ok(())
    }

    /// Processor time that it has used.
    pub(crate) fn processor_time(&self) -> Result<Duration, Failed> {
        process::processor_time(self.child.id(), process::Children::None)
    }

    /// Resident memory in bytes, as the kernel counts it.
    pub(crate) fn resident(&self) -> Option<u64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).ok()?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
        line.split_whitespace().next()?.parse::<u64>().ok().map(|kib| kib * 1024)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let gone = (self.child.kill(), self.child.wait());
        drop(gone);
    }
}

/// The name of the `n`th product.
pub(crate) fn product_id(n: u32) -> String {
    format!("p{n:06}")
}

/// The SKU of the `n`th product.
pub(crate) fn sku(n: u32) -> String {
    format!("SKU-{n:06}")
}

fn name(n: u32) -> String {
    format!("Product number {n}")
}

fn price(n: u32) -> order_api::Money {
    order_api::Money { currency_code: "USD".to_owned(), units: 10 + i64::from(n % 50), nanos: 0 }
}

/// The `n`th product, as a product service knows it.
pub(crate) fn catalog_product(n: u32) -> CatalogProduct {
    CatalogProduct {
        product_id: product_id(n),
        sku: sku(n),
        name: name(n),
        price: Some(price(n)),
        tax_class: "standard".to_owned(),
        active: true,
        ..Default::default()
    }
}

fn product(n: u32, initial_stock: Option<i64>) -> v1::ProductUpsert {
    let product = v1::Product {
        product_id: product_id(n),
        sku: sku(n),
        name: name(n),
        price: Some(price(n)),
        tax_class: "standard".to_owned(),
        active: true,
        ..Default::default()
    };
    v1::ProductUpsert { product: Some(product), initial_stock }
}

/// The server beside this program.
fn binary() -> Result<PathBuf, Failed> {
    let binary = std::env::current_exe()?.with_file_name("order-server");
    if binary.exists() {
        Ok(binary)
    } else {
        Err("there is no order-server beside this program: cargo build --release --workspace".into())
    }
}
