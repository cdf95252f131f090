//! News.

use order_api::integrations::v1::{NotifyRequest, NotifyResponse, notification_service_server::NotificationService};
use tonic::{Request, Response, Status};

use crate::{
    Shared,
    fault::{Service, take},
};

#[derive(Debug)]
pub(crate) struct Notification(pub(crate) Shared);

#[tonic::async_trait]
impl NotificationService for Notification {
    async fn notify(&self, request: Request<NotifyRequest>) -> Result<Response<NotifyResponse>, Status> {
        let news = request.into_inner();
        take(&self.0, Service::Notification, move |state, _truth| {
            state.lock().news.push(news);
            Ok(NotifyResponse {})
        })
        .await
    }
}
