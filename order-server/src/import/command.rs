//! `import`: takes over orders from two CSV files, straight into the configured database, as `migrate` works on it.

use std::{
    error::Error,
    fmt::Write as _,
    io::{self, Write as _},
    path::{Path, PathBuf},
    sync::Arc,
};

use clap::Args;
use order_core::{
    currency::Currency,
    import_judge::{ImportOptions, SourceName},
    order::Actor,
};
use order_store::{Mode, Store};

use super::{
    decision::Decision,
    files::Export,
    importer::{Desk, Importer},
    print,
    progress::Progress,
    report,
};
use crate::{
    clock::{Clock as _, RandomIds, SystemClock},
    compose,
    config::{Config, Purpose, Raw},
    telemetry,
};

/// What the import may fail with; shown to the operator, so it holds no secret.
type Failure = Box<dyn Error>;

/// Arguments of `import`.
#[derive(Debug, Clone, Args)]
pub struct ImportArgs {
    /// CSV file of orders: order_id, customer_id, order_status, payment_status, order_total, created_at.
    #[arg(long, value_name = "FILE")]
    orders: PathBuf,
    /// CSV file of their lines: order_item_id, order_id, product_id, sku, quantity, unit_price.
    #[arg(long, value_name = "FILE")]
    items: PathBuf,
    /// Name of the system they come from; together with an order's id it makes the order known.
    #[arg(long, default_value = "csv", value_parser = SourceName::parse)]
    source: SourceName,
    /// Currency of all amounts, an ISO 4217 code.
    #[arg(long, default_value = "USD", value_parser = Currency::parse)]
    currency: Currency,
    /// Decide and report, write nothing.
    #[arg(long)]
    dry_run: bool,
    /// Write the decision on every row to this file: JSON lines if it ends in .jsonl, otherwise CSV.
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,
}

impl ImportArgs {
    const fn mode(&self) -> Mode {
        if self.dry_run { Mode::Preview } else { Mode::Apply }
    }
}

/// Runs the command. Refused orders are part of the result: it fails only where a file or the database does.
///
/// # Errors
/// The configuration, a file that cannot be read or written, the database.
pub fn run(settings: &Raw, args: &ImportArgs) -> Result<(), Failure> {
    let config = Config::resolve(settings, Purpose::Database)?;
    telemetry::logging::init(&config.log);
    // Before the database is touched: most mistakes are wrong names of files.
    let export = Export::open(&args.orders, &args.items)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    runtime.block_on(import(&config, args, &export))
}

async fn import(config: &Config, args: &ImportArgs, export: &Export) -> Result<(), Failure> {
    let store = compose::connect(&config.database).await?;
    store.ping().await?;
    let options = ImportOptions { source: args.source.clone(), currency: args.currency, now: SystemClock.now() };
    let mut importer = Importer::new(desk(config, Arc::clone(&store)), args.mode(), options);
    let outcome = take_all(&mut importer, export).await;
    let decisions = importer.into_decisions();
    store.close().await;
    if let Some(path) = &args.report {
        write_report(path, export, &decisions)?;
    }
    let headline = headline(args, export, store.engine());
    let text = print::summary(&headline, export, &decisions);
    // Not `print!`, which panics when the reader is gone; the work is done all the same.
    let _unread = io::stdout().write_all(text.as_bytes());
    outcome.map_err(|error| {
        let (done, all) = (decisions.len(), export.rows.len());
        format!("{error}\n{done} of {all} orders are decided; run the same command again to go on").into()
    })
}

async fn take_all(importer: &mut Importer, export: &Export) -> Result<(), Failure> {
    let progress = Progress::new(export.rows.len());
    let outcome = async {
        for row in &export.rows {
            importer.take(&row.order).await?;
            progress.at(importer.taken());
        }
        importer.flush().await
    };
    let outcome = outcome.await;
    progress.end();
    Ok(outcome?)
}

fn desk(config: &Config, store: Arc<dyn Store>) -> Desk {
    Desk {
        store,
        numbering: compose::numbering(&config.shop),
        policy: config.shop.policy,
        clock: Arc::new(SystemClock),
        ids: Arc::new(RandomIds),
        actor: Actor::System("import".to_owned()),
    }
}

fn write_report(path: &Path, export: &Export, decisions: &[Decision]) -> Result<(), Failure> {
    report::write(path, export, decisions)
        .map_err(|error| format!("{} cannot be written: {error}", path.display()).into())
}

fn headline(args: &ImportArgs, export: &Export, engine: &str) -> String {
    let mut text = String::new();
    let what = match args.mode() {
        Mode::Apply => "Import",
        Mode::Preview => "Dry run, no order was written: import",
    };
    let (rows, items) = (export.rows.len(), export.items);
    let _infallible =
        write!(text, "{what} of {rows} orders with {items} lines from {} ({}), {engine}", args.source, args.currency);
    text
}
