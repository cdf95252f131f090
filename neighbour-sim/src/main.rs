//! The services around the order service, simulated: `neighbour-sim --help`.

use std::{error::Error, fs::read_to_string, io, net::SocketAddr, path::PathBuf};

use clap::Parser;
use neighbour_sim::{Fault, Neighbours, Service, Tls};
use order_api::{Money, integrations::v1::CatalogProduct};

/// Serves CatalogService, InventoryService, NotificationService, PaymentService and ShippingService of `integrations.v1` from memory.
/// Start the order service with `CATALOG_URL`, `INVENTORY_URL`, `NOTIFICATION_URL`, `PAYMENT_URL` and `SHIPPING_URL` set to the address
/// that this prints, or some of them.
#[derive(Debug, Parser)]
#[command(version)]
struct Arguments {
    /// Where to listen.
    #[arg(long, default_value = "127.0.0.1:50060")]
    listen: SocketAddr,
    /// A product, as `ID=PRICE` in whole US dollars; its SKU is the id in capitals. May be given often.
    #[arg(long, value_name = "ID=PRICE", value_parser = product)]
    product: Vec<CatalogProduct>,
    /// Units on a shelf, as `SKU=UNITS`. May be given often.
    #[arg(long, value_name = "SKU=UNITS", value_parser = stock)]
    stock: Vec<(String, i64)>,
    /// What befalls the calls to a service, as `SERVICE=FAULT`: catalog, inventory, notification, payment or shipping; down, error, lost, refused, wrong or
    /// slow:MILLISECONDS. May be given once for each.
    #[arg(long, value_name = "SERVICE=FAULT", value_parser = fault)]
    fault: Vec<(Service, Fault)>,
    /// PEM file with a certificate: with it they speak TLS.
    #[arg(long, value_name = "FILE", requires = "key")]
    cert: Option<PathBuf>,
    /// PEM file with its key.
    #[arg(long, value_name = "FILE", requires = "cert")]
    key: Option<PathBuf>,
    /// PEM file with authorities: only clients with a certificate of theirs are served.
    #[arg(long, value_name = "FILE", requires = "cert")]
    client_ca: Option<PathBuf>,
}

impl Arguments {
    fn tls(&self) -> io::Result<Option<Tls>> {
        let (Some(certificates), Some(key)) = (&self.cert, &self.key) else { return Ok(None) };
        Ok(Some(Tls {
            certificates: read_to_string(certificates)?,
            key: read_to_string(key)?,
            client_authorities: self.client_ca.as_ref().map(read_to_string).transpose()?,
        }))
    }
}

fn product(text: &str) -> Result<CatalogProduct, String> {
    let (id, price) = text.split_once('=').ok_or("must be ID=PRICE")?;
    let units = price.parse().map_err(|_not_a_number| "the price must be a whole number".to_owned())?;
    let price = Some(Money { currency_code: "USD".to_owned(), units, nanos: 0 });
    let (product_id, sku, name) = (id.to_owned(), id.to_ascii_uppercase(), format!("The {id}"));
    Ok(CatalogProduct { product_id, sku, name, price, active: true, ..Default::default() })
}

fn stock(text: &str) -> Result<(String, i64), String> {
    let (sku, units) = text.split_once('=').ok_or("must be SKU=UNITS")?;
    let units = units.parse().map_err(|_not_a_number| "the units must be a whole number".to_owned())?;
    Ok((sku.to_owned(), units))
}

fn fault(text: &str) -> Result<(Service, Fault), String> {
    let (service, fault) = text.split_once('=').ok_or("must be SERVICE=FAULT")?;
    Ok((service.parse()?, fault.parse()?))
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments = Arguments::parse();
    let tls = arguments.tls()?;
    let Arguments { listen, product, stock, fault, .. } = arguments;
    let neighbours = match &tls {
        Some(tls) => Neighbours::start_over_tls(listen, tls).await?,
        None => Neighbours::start(listen).await?,
    };
    product.into_iter().for_each(|product| neighbours.put_product(product));
    stock.into_iter().for_each(|(sku, units)| neighbours.put_stock(&sku, units));
    fault.into_iter().for_each(|(service, fault)| neighbours.befall(service, fault));
    println!("catalog, inventory, notification, payment and shipping on {}", neighbours.url());
    tokio::signal::ctrl_c().await?;
    Ok(())
}
