//! `order-bench`: how fast orders are placed, beside what the database itself can do.
//!
//! Everything is measured in one run on one machine, round by round, so that what is compared ran under the same conditions. A
//! figure is the median of its rounds. What counts are the ratios: absolute figures are this machine's.
#![expect(clippy::float_arithmetic, reason = "figures for people; no money is counted here")]

mod cluster;
mod create;
mod dice;
mod feed;
mod figures;
mod fill;
mod load;
mod measure;
mod pgbench;
mod plot;
mod process;
mod reads;
mod report;
mod server;
mod steps;

use std::{path::PathBuf, process::ExitCode, time::Duration};

use clap::Parser;

/// As in the server: what callers cost is taken from what they measure.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// What went wrong, for people.
type Failed = Box<dyn std::error::Error + Send + Sync>;

/// Measures the release server on a throw-away PostgreSQL and on SQLite, and PostgreSQL alone with pgbench.
///
/// Wants the release binary of order-server beside its own: `cargo run --release -p order-bench` after
/// `cargo build --release --workspace`.
#[derive(Debug, Parser)]
#[command(version)]
struct Args {
    /// Rounds; a figure is the median over them.
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=100))]
    rounds: u32,
    /// Seconds of each measurement.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u64).range(1..=600))]
    seconds: u64,
    /// Products on the shelves.
    #[arg(long, default_value_t = 1000, value_parser = clap::value_parser!(u32).range(2..=100_000))]
    products: u32,
    /// Orders that are there before anything is measured on PostgreSQL.
    #[arg(long, default_value_t = 1_000_000, value_parser = clap::value_parser!(u32).range(2000..=100_000_000))]
    orders: u32,
    /// Seconds of 512 calls in flight before everything else, to see whether the server keeps more and more memory; 0 for none.
    #[arg(long, default_value_t = 0, value_parser = clap::value_parser!(u64).range(0..=86_400))]
    soak: u64,
    /// File for the figures as JSON.
    #[arg(long)]
    json: Option<PathBuf>,
    /// Directory for the plots: `throughput.svg` and `latency.svg`.
    #[arg(long)]
    plots: Option<PathBuf>,
    /// Only what begins with one of these names, such as `postgresql.create.uniform.64` or `pgbench`.
    #[arg(long, value_delimiter = ',')]
    only: Vec<String>,
}

#[tokio::main]
async fn main() -> Result<ExitCode, Failed> {
    let args = Args::parse();
    let plan = measure::Plan {
        rounds: args.rounds,
        time: Duration::from_secs(args.seconds),
        products: args.products,
        orders: args.orders,
        soak: Duration::from_secs(args.soak),
        only: args.only,
    };
    let figures = measure::all(&plan).await?;
    let report = report::Report::of(&figures);
    println!("{report}");
    if let Some(path) = args.json {
        std::fs::write(&path, serde_json::to_string_pretty(&report)?)?;
        eprintln!("figures as JSON: {}", path.display());
    }
    if let Some(directory) = args.plots {
        std::fs::create_dir_all(&directory)?;
        for (name, plot) in
            [("throughput", plot::Plot::throughput(&figures)), ("latency", plot::Plot::latency(&figures))]
        {
            let path = directory.join(name).with_extension("svg");
            std::fs::write(&path, plot.to_string())?;
            eprintln!("plot: {}", path.display());
        }
    }
    for missed in report.missed() {
        eprintln!("below its floor: {missed}");
    }
    Ok(if report.missed().is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
