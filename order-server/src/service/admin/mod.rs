//! AdminService: what the people who run the shop do. The layers let nobody in without the role `admin`.

mod add_note;
mod adjust_stock;
mod approve_return;
mod batch_update_order_status;
mod cancel_shipment;
mod capture_payment;
mod close_return;
mod create_shipment;
mod export_orders;
mod get_connectivity;
mod get_coupon;
mod get_order;
mod get_order_stats;
mod get_product;
mod get_stock;
mod hold_order;
mod list_coupons;
mod list_dead_letters;
mod list_orders;
mod list_payments;
mod list_products;
mod list_stock_movements;
mod mark_delivered;
mod mark_packed;
mod mark_returned_to_sender;
mod mark_shipped;
mod our_shelves;
mod receive_return;
mod reconcile_payments;
mod record_carrier_event;
mod record_payment_event;
mod refund_order;
mod reject_return;
mod release_hold;
mod replay_events;
#[cfg(test)]
mod tests;
mod update_order_status;
mod update_shipment;
mod upsert_coupon;
mod upsert_products;
mod verify_invariants;
mod void_payment;

use std::sync::Arc;

use order_api::v1::{self, admin_service_server::AdminService};
use order_core::order::Order;
use tonic::{Request, Response, Status, Streaming, async_trait};

#[cfg(test)]
pub(crate) use self::upsert_products::upsert_products;
use super::{call::answer, telling::Told};
use crate::{app::App, auth::Principal, convert::order, import};

/// The service over an app.
#[derive(Debug)]
pub struct Admin(Arc<App>);

impl Admin {
    /// The service over an app.
    #[must_use]
    pub const fn new(app: Arc<App>) -> Self {
        Self(app)
    }
}

/// An order as administrators see it: with the words that it could be taken to next.
fn show(app: &App, principal: &Principal, shown: Order) -> v1::Order {
    let options = app.looking(principal, &shown);
    order::administered(shown, &options)
}

#[async_trait]
impl AdminService for Admin {
    async fn list_orders(
        &self,
        request: Request<v1::AdminServiceListOrdersRequest>,
    ) -> Result<Response<v1::ListOrdersResponse>, Status> {
        answer(request, async |_caller, message| list_orders::list_orders(&self.0, message).await).await
    }

    async fn get_order(&self, request: Request<v1::GetOrderRequest>) -> Result<Response<v1::Order>, Status> {
        answer(request, async |caller, message| get_order::get_order(&self.0, &caller, message).await).await
    }

    async fn get_order_stats(
        &self,
        request: Request<v1::GetOrderStatsRequest>,
    ) -> Result<Response<v1::OrderStats>, Status> {
        answer(request, async |_caller, message| get_order_stats::get_order_stats(&self.0, message).await).await
    }

    async fn update_order_status(
        &self,
        request: Request<v1::UpdateOrderStatusRequest>,
    ) -> Result<Response<v1::Order>, Status> {
        let use_case =
            async |caller, message| update_order_status::update_order_status(&self.0, &caller, message).await;
        answer(request, use_case).await
    }

    async fn add_note(&self, request: Request<v1::AddNoteRequest>) -> Result<Response<v1::Order>, Status> {
        answer(request, async |caller, message| add_note::add_note(&self.0, &caller, message).await).await
    }

    async fn upsert_products(
        &self,
        request: Request<v1::UpsertProductsRequest>,
    ) -> Result<Response<v1::UpsertProductsResponse>, Status> {
        answer(request, async |caller, message| upsert_products::upsert_products(&self.0, &caller, message).await).await
    }

    async fn get_product(&self, request: Request<v1::GetProductRequest>) -> Result<Response<v1::Product>, Status> {
        answer(request, async |_caller, message| get_product::get_product(&self.0, message).await).await
    }

    async fn list_products(
        &self,
        request: Request<v1::ListProductsRequest>,
    ) -> Result<Response<v1::ListProductsResponse>, Status> {
        answer(request, async |_caller, message| list_products::list_products(&self.0, message).await).await
    }

    async fn upsert_coupon(&self, request: Request<v1::UpsertCouponRequest>) -> Result<Response<v1::Coupon>, Status> {
        answer(request, async |caller, message| upsert_coupon::upsert_coupon(&self.0, &caller, message).await).await
    }

    async fn get_coupon(&self, request: Request<v1::GetCouponRequest>) -> Result<Response<v1::Coupon>, Status> {
        answer(request, async |_caller, message| get_coupon::get_coupon(&self.0, message).await).await
    }

    async fn list_coupons(
        &self,
        request: Request<v1::ListCouponsRequest>,
    ) -> Result<Response<v1::ListCouponsResponse>, Status> {
        answer(request, async |_caller, message| list_coupons::list_coupons(&self.0, message).await).await
    }

    async fn adjust_stock(&self, request: Request<v1::AdjustStockRequest>) -> Result<Response<v1::Stock>, Status> {
        answer(request, async |caller, message| adjust_stock::adjust_stock(&self.0, &caller, message).await).await
    }

    async fn get_stock(&self, request: Request<v1::GetStockRequest>) -> Result<Response<v1::Stock>, Status> {
        answer(request, async |_caller, message| get_stock::get_stock(&self.0, message).await).await
    }

    async fn list_stock_movements(
        &self,
        request: Request<v1::ListStockMovementsRequest>,
    ) -> Result<Response<v1::ListStockMovementsResponse>, Status> {
        answer(request, async |_caller, message| list_stock_movements::list_stock_movements(&self.0, message).await)
            .await
    }

    async fn get_connectivity(
        &self,
        request: Request<v1::GetConnectivityRequest>,
    ) -> Result<Response<v1::GetConnectivityResponse>, Status> {
        answer(request, async |_caller, _message| Ok(get_connectivity::get_connectivity(&self.0).await)).await
    }

    async fn import_orders(
        &self,
        request: Request<Streaming<v1::ImportOrdersRequest>>,
    ) -> Result<Response<v1::ImportOrdersResponse>, Status> {
        answer(request, async |caller, stream| import::receive(&self.0, &caller, stream).await).await
    }

    async fn capture_payment(
        &self,
        request: Request<v1::CapturePaymentRequest>,
    ) -> Result<Response<v1::Order>, Status> {
        answer(request, async |caller, message| capture_payment::capture_payment(&self.0, &caller, message).await).await
    }

    async fn void_payment(&self, request: Request<v1::VoidPaymentRequest>) -> Result<Response<v1::Order>, Status> {
        answer(request, async |caller, message| void_payment::void_payment(&self.0, &caller, message).await).await
    }

    async fn refund_order(
        &self,
        request: Request<v1::RefundOrderRequest>,
    ) -> Result<Response<v1::RefundOrderResponse>, Status> {
        answer(request, async |caller, message| refund_order::refund_order(&self.0, &caller, message).await).await
    }

    async fn hold_order(&self, request: Request<v1::HoldOrderRequest>) -> Result<Response<v1::Order>, Status> {
        answer(request, async |caller, message| hold_order::hold_order(&self.0, &caller, message).await).await
    }

    async fn release_hold(&self, request: Request<v1::ReleaseHoldRequest>) -> Result<Response<v1::Order>, Status> {
        answer(request, async |caller, message| release_hold::release_hold(&self.0, &caller, message).await).await
    }

    async fn create_shipment(
        &self,
        request: Request<v1::CreateShipmentRequest>,
    ) -> Result<Response<v1::Order>, Status> {
        answer(request, async |caller, message| create_shipment::create_shipment(&self.0, &caller, message).await).await
    }

    async fn update_shipment(
        &self,
        request: Request<v1::UpdateShipmentRequest>,
    ) -> Result<Response<v1::Order>, Status> {
        answer(request, async |caller, message| update_shipment::update_shipment(&self.0, &caller, message).await).await
    }

    async fn mark_packed(&self, request: Request<v1::MarkPackedRequest>) -> Result<Response<v1::Order>, Status> {
        answer(request, async |caller, message| mark_packed::mark_packed(&self.0, &caller, message).await).await
    }

    async fn mark_shipped(&self, request: Request<v1::MarkShippedRequest>) -> Result<Response<v1::Order>, Status> {
        answer(request, async |caller, message| mark_shipped::mark_shipped(&self.0, &caller, message).await).await
    }

    async fn mark_delivered(&self, request: Request<v1::MarkDeliveredRequest>) -> Result<Response<v1::Order>, Status> {
        answer(request, async |caller, message| mark_delivered::mark_delivered(&self.0, &caller, message).await).await
    }

    async fn cancel_shipment(
        &self,
        request: Request<v1::CancelShipmentRequest>,
    ) -> Result<Response<v1::Order>, Status> {
        answer(request, async |caller, message| cancel_shipment::cancel_shipment(&self.0, &caller, message).await).await
    }

    async fn mark_returned_to_sender(
        &self,
        request: Request<v1::MarkReturnedToSenderRequest>,
    ) -> Result<Response<v1::Order>, Status> {
        answer(request, async |caller, message| {
            mark_returned_to_sender::mark_returned_to_sender(&self.0, &caller, message).await
        })
        .await
    }

    async fn record_carrier_event(
        &self,
        request: Request<v1::RecordCarrierEventRequest>,
    ) -> Result<Response<v1::Order>, Status> {
        answer(request, async |caller, message| {
            record_carrier_event::record_carrier_event(&self.0, &caller, message).await
        })
        .await
    }

    async fn approve_return(
        &self,
        request: Request<v1::ApproveReturnRequest>,
    ) -> Result<Response<v1::OrderReturn>, Status> {
        answer(request, async |caller, message| approve_return::approve_return(&self.0, &caller, message).await).await
    }

    async fn reject_return(
        &self,
        request: Request<v1::RejectReturnRequest>,
    ) -> Result<Response<v1::OrderReturn>, Status> {
        answer(request, async |caller, message| reject_return::reject_return(&self.0, &caller, message).await).await
    }

    async fn receive_return(
        &self,
        request: Request<v1::ReceiveReturnRequest>,
    ) -> Result<Response<v1::OrderReturn>, Status> {
        answer(request, async |caller, message| receive_return::receive_return(&self.0, &caller, message).await).await
    }

    async fn close_return(
        &self,
        request: Request<v1::CloseReturnRequest>,
    ) -> Result<Response<v1::OrderReturn>, Status> {
        answer(request, async |caller, message| close_return::close_return(&self.0, &caller, message).await).await
    }

    async fn record_payment_event(
        &self,
        request: Request<v1::RecordPaymentEventRequest>,
    ) -> Result<Response<v1::RecordPaymentEventResponse>, Status> {
        answer(request, async |caller, message| {
            record_payment_event::record_payment_event(&self.0, &caller, message).await
        })
        .await
    }

    async fn list_payments(
        &self,
        request: Request<v1::ListPaymentsRequest>,
    ) -> Result<Response<v1::ListPaymentsResponse>, Status> {
        answer(request, async |_caller, message| list_payments::list_payments(&self.0, message).await).await
    }

    async fn reconcile_payments(
        &self,
        request: Request<v1::ReconcilePaymentsRequest>,
    ) -> Result<Response<v1::ReconcilePaymentsResponse>, Status> {
        answer(request, async |_caller, message| reconcile_payments::reconcile_payments(&self.0, message).await).await
    }

    type VerifyInvariantsStream = verify_invariants::Told;

    async fn verify_invariants(
        &self,
        request: Request<v1::VerifyInvariantsRequest>,
    ) -> Result<Response<verify_invariants::Told>, Status> {
        answer(request, async |_caller, message| verify_invariants::verify_invariants(&self.0, message)).await
    }

    async fn list_dead_letters(
        &self,
        request: Request<v1::ListDeadLettersRequest>,
    ) -> Result<Response<v1::ListDeadLettersResponse>, Status> {
        answer(request, async |_caller, message| list_dead_letters::list_dead_letters(&self.0, message).await).await
    }

    type ReplayEventsStream = Told<v1::ReplayEventsResponse>;

    async fn replay_events(
        &self,
        request: Request<v1::ReplayEventsRequest>,
    ) -> Result<Response<Told<v1::ReplayEventsResponse>>, Status> {
        answer(request, async |_caller, message| replay_events::replay_events(&self.0, &message).await).await
    }

    type ExportOrdersStream = Told<v1::ExportOrdersResponse>;

    async fn export_orders(
        &self,
        request: Request<v1::ExportOrdersRequest>,
    ) -> Result<Response<Told<v1::ExportOrdersResponse>>, Status> {
        answer(request, async |_caller, _message| Ok(export_orders::export_orders(&self.0))).await
    }

    async fn batch_update_order_status(
        &self,
        request: Request<v1::BatchUpdateOrderStatusRequest>,
    ) -> Result<Response<v1::BatchUpdateOrderStatusResponse>, Status> {
        let use_case = async |caller, message| {
            batch_update_order_status::batch_update_order_status(&self.0, &caller, message).await
        };
        answer(request, use_case).await
    }
}
