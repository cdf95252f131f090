//! Callers who look.

use std::time::Instant;

use order_api::v1::{self, admin_service_client::AdminServiceClient, order_service_client::OrderServiceClient};
use tonic::{Status, transport::Channel};

use crate::{
    Failed,
    create::Create,
    dice::Dice,
    fill::Filled,
    load::Call,
    server::{Bearer, Server},
};

/// Orders of a page.
const PAGE: i32 = 50;
/// Orders of a page on the way to a deep one: as many as there may be.
const STRIDE: u32 = 500;
/// How many pages lie before the deep one, where there are enough orders.
const DEEP: u32 = 10_000;
/// Of a hundred calls of the mix, how many look.
const LOOKS_PER_CENT: u32 = 80;

/// What is looked at.
#[derive(Debug, Clone)]
pub(crate) enum Look {
    /// One order, by identity.
    Order,
    /// The page behind a token; the first one without.
    Page(String),
    /// Orders by their number, in the search.
    Search,
    /// The newest orders with a SKU.
    Sku,
    /// Statistics of the last thirty days.
    Stats,
}

/// A caller.
pub(crate) struct Reader {
    orders: OrderServiceClient<Channel>,
    admin: AdminServiceClient<Channel>,
    bearer: Bearer,
    dice: Dice,
    look: Look,
    filled: Filled,
}

impl Reader {
    pub(crate) fn new(server: &Server, (channel, dice): (Channel, Dice), (look, filled): (Look, Filled)) -> Self {
        Self {
            orders: OrderServiceClient::new(channel.clone()),
            admin: AdminServiceClient::new(channel),
            bearer: server.admin.clone(),
            dice,
            look,
            filled,
        }
    }

    fn any(&mut self) -> u32 {
        1 + self.dice.below(self.filled.count())
    }
}

impl Call for Reader {
    async fn make(&mut self) -> Result<Instant, Status> {
        let began = Instant::now();
        self.look().await?;
        Ok(began)
    }
}

impl Reader {
    async fn look(&mut self) -> Result<(), Status> {
        match self.look.clone() {
            Look::Order => {
                let order_id = self.filled.id(self.any());
                let request = self.bearer.with(v1::GetOrderRequest { order_id });
                self.orders.get_order(request).await.map(drop)
            }
            Look::Page(page_token) => {
                let request = v1::AdminServiceListOrdersRequest { page_size: PAGE, page_token, ..Default::default() };
                let page = self.admin.list_orders(self.bearer.with(request)).await?.into_inner();
                full(&page, usize::try_from(PAGE).expect("a page is small"))
            }
            Look::Search => {
                let query = Filled::number(self.any());
                let request = v1::AdminServiceListOrdersRequest { query, page_size: PAGE, ..Default::default() };
                let page = self.admin.list_orders(self.bearer.with(request)).await?.into_inner();
                full(&page, 1)
            }
            Look::Sku => {
                let sku = self.filled.sku(self.any());
                let request = v1::AdminServiceListOrdersRequest { sku, page_size: PAGE, ..Default::default() };
                let page = self.admin.list_orders(self.bearer.with(request)).await?.into_inner();
                full(&page, page.orders.len().max(1))
            }
            Look::Stats => {
                let request = self.bearer.with(v1::GetOrderStatsRequest::default());
                self.admin.get_order_stats(request).await.map(drop)
            }
        }
    }
}

/// A page that holds less than it should would be fast for a bad reason.
fn full(page: &v1::ListOrdersResponse, orders: usize) -> Result<(), Status> {
    if page.orders.len() == orders { Ok(()) } else { Err(Status::internal("the page is not full")) }
}

/// The token of a page so deep, or half way through, if there are fewer orders; walks there.
pub(crate) async fn deep_page(server: &Server, filled: Filled) -> Result<String, Failed> {
    let mut admin = AdminServiceClient::new(server.connect().await?);
    let strides = (DEEP * PAGE.unsigned_abs() / STRIDE).min(filled.count() / STRIDE / 2).max(1);
    let mut page_token = String::new();
    for _ in 0..strides {
        let page_size = i32::try_from(STRIDE)?;
        let request = v1::AdminServiceListOrdersRequest { page_size, page_token, ..Default::default() };
        page_token = admin.list_orders(server.admin.with(request)).await?.into_inner().next_page_token;
        if page_token.is_empty() {
            return Err("there are fewer pages than orders make".into());
        }
    }
    Ok(page_token)
}

/// Four of five calls look at an order, the others place one.
pub(crate) struct Mix {
    pub(crate) reader: Reader,
    pub(crate) create: Create,
}

impl Call for Mix {
    async fn make(&mut self) -> Result<Instant, Status> {
        if self.reader.dice.below(100) < LOOKS_PER_CENT { self.reader.make().await } else { self.create.make().await }
    }
}
