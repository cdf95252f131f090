//! An order that is edited, goes out in two parcels, and comes back in part.

use order_api::v1;

use super::{
    customer::{self, shelf},
    narrator::Failed,
    show,
    story::{COSTUME, Day, LANTERN},
};

/// Two costumes and four lanterns, bought and edited.
pub(super) async fn orders(day: &mut Day) -> Result<v1::Order, Failed> {
    day.narrator.step("She orders two costumes and four lanterns for a party, and pays with her card");
    let request = v1::CreateOrderRequest {
        lines: vec![customer::line(COSTUME, 2), customer::line(LANTERN, 4)],
        payment: Some(super::story::card("tok_approve")),
        ..customer::create(day, COSTUME, 2)
    };
    let order = day.narrator.call("OrderService.CreateOrder", day.customer.orders().create_order(request)).await?;
    day.narrator.table(&show::order_lines(&order));
    day.narrator.check("the status", &order.status(), &v1::OrderStatus::Paid)?;
    edits(day, &order).await
}

async fn edits(day: &mut Day, order: &v1::Order) -> Result<v1::Order, Failed> {
    day.narrator.step("One lantern fewer would do: what would that come to?");
    let changes = vec![v1::LineChange { line_id: 2, quantity: 3 }];
    let edit = v1::EditOrderRequest { order_id: order.order_id.clone(), changes, ..Default::default() };
    let check = v1::EditOrderRequest { validate_only: true, ..edit.clone() };
    let mut orders = day.customer.orders();
    let shown = day.narrator.call("OrderService.EditOrder", orders.edit_order(check)).await?;
    let differs = show::money(shown.difference.as_ref());
    day.narrator.note(&format!("difference {differs}, nothing is done yet"));
    day.narrator.space();

    day.narrator.step("She changes her order, for the difference that she saw; the rest of her money comes back");
    let edit =
        v1::EditOrderRequest { expected_difference: shown.difference.clone(), request_id: day.request_id(), ..edit };
    let edited = day.narrator.call("OrderService.EditOrder", orders.edit_order(edit)).await?;
    let after = day.narrator.given("the order after it", edited.order)?;
    day.narrator.note(&show::order(&after));
    day.narrator.space();
    day.narrator.check("the difference", &edited.difference, &shown.difference)?;
    day.narrator.check("what goes back", &edited.refund, &shown.refund)?;
    let (held, total, back) =
        (day.minor(after.amount_held.as_ref()), day.minor(order.total.as_ref()), day.minor(edited.refund.as_ref()));
    day.narrator.check("what the shop holds in cents", &held, &(total - back))?;
    Ok(after)
}

/// A parcel with one costume, and another one with all the rest.
pub(super) async fn goes_out_in_two_parcels(day: &mut Day, order: &v1::Order) -> Result<(), Failed> {
    day.narrator.step("The office confirms the order, and sends one costume ahead");
    super::office::advance(day, order, v1::OrderStatus::Confirmed).await?;
    let one = vec![v1::LineQuantity { line_id: 1, quantity: 1 }];
    let order = sends(day, order, one).await?;
    let partly = v1::FulfillmentStatus::PartiallyShipped;
    day.narrator.check("the goods", &order.fulfillment_status(), &partly)?;

    day.narrator.step("The second parcel takes all the rest");
    let order = sends(day, &order, Vec::new()).await?;
    day.narrator.check("the goods", &order.fulfillment_status(), &v1::FulfillmentStatus::Shipped)?;

    day.narrator.step("Both parcels arrive, each on its own");
    for parcel in &order.shipments {
        let (order_id, shipment_id) = (order.order_id.clone(), parcel.shipment_id.clone());
        let request =
            v1::MarkDeliveredRequest { order_id, shipment_id, request_id: day.request_id(), ..Default::default() };
        let after = day.narrator.call("AdminService.MarkDelivered", day.admin.admin().mark_delivered(request)).await?;
        day.narrator.note(&show::order(&after));
    }
    day.narrator.space();
    let delivered = v1::ShipmentStatus::Delivered;
    super::office::follows(day, &order, &[delivered, delivered]).await
}

/// Plans a parcel, packs it, and hands it to the carrier.
async fn sends(day: &mut Day, order: &v1::Order, lines: Vec<v1::LineQuantity>) -> Result<v1::Order, Failed> {
    let order_id = order.order_id.clone();
    let mut admin = day.admin.admin();
    let request = v1::CreateShipmentRequest {
        order_id: order_id.clone(),
        lines,
        request_id: day.request_id(),
        ..Default::default()
    };
    let planned = day.narrator.call("AdminService.CreateShipment", admin.create_shipment(request)).await?;
    let parcel = day.narrator.given("the new parcel", planned.shipments.last().cloned())?;
    let shipment_id = parcel.shipment_id;
    let (id, parcel_id) = (order_id.clone(), shipment_id.clone());
    let request = v1::MarkPackedRequest { order_id: id, shipment_id: parcel_id, ..Default::default() };
    day.narrator.call("AdminService.MarkPacked", admin.mark_packed(request)).await?;
    let tracking = Some(v1::TrackingInput {
        carrier: "Night Mail".to_owned(),
        tracking_number: format!("NM-{}", parcel.shipment_number),
        ..Default::default()
    });
    let request =
        v1::MarkShippedRequest { order_id, shipment_id, tracking, request_id: day.request_id(), ..Default::default() };
    let shipped = day.narrator.call("AdminService.MarkShipped", admin.mark_shipped(request)).await?;
    day.narrator.note(&show::order(&shipped));
    day.narrator.space();
    Ok(shipped)
}

/// One costume does not fit: it goes on the shelf again, and its money to the customer.
pub(super) async fn comes_back_in_part(day: &mut Day, order: &v1::Order) -> Result<v1::Order, Failed> {
    let before = shelf(day, COSTUME).await?;
    let back = asks_to_return(day, order).await?;
    receives(day, order, &back).await?;
    let after = shelf(day, COSTUME).await?;
    day.narrator.check("the costumes on the shelf", &after.on_hand, &(before.on_hand + 1))?;
    let request = v1::GetOrderRequest { order_id: order.order_id.clone() };
    let after = day.narrator.call("OrderService.GetOrder", day.customer.orders().get_order(request)).await?;
    day.narrator.note(&show::order(&after));
    day.narrator.space();
    let expected = v1::FulfillmentStatus::PartiallyReturned;
    day.narrator.check("the goods", &after.fulfillment_status(), &expected)?;
    Ok(after)
}

async fn asks_to_return(day: &mut Day, order: &v1::Order) -> Result<v1::OrderReturn, Failed> {
    day.narrator.step("One costume does not fit: she asks to send it back, and the office agrees");
    let line = v1::ReturnLineInput { line_id: 1, quantity: 1, reason: "too small".to_owned() };
    let request = v1::RequestReturnRequest {
        order_id: order.order_id.clone(),
        lines: vec![line],
        reason: "it does not fit".to_owned(),
        request_id: day.request_id(),
        ..Default::default()
    };
    let mut orders = day.customer.orders();
    let back = day.narrator.call("OrderService.RequestReturn", orders.request_return(request)).await?;
    let (order_id, return_id) = (order.order_id.clone(), back.return_id.clone());
    let request = v1::ApproveReturnRequest { order_id, return_id, ..Default::default() };
    let back = day.narrator.call("AdminService.ApproveReturn", day.admin.admin().approve_return(request)).await?;
    day.narrator.note(&show::order_return(&back));
    day.narrator.space();
    day.narrator.check("the return", &back.status(), &v1::ReturnStatus::Approved)?;
    Ok(back)
}

async fn receives(day: &mut Day, order: &v1::Order, back: &v1::OrderReturn) -> Result<(), Failed> {
    day.narrator.step("The costume is back on its shelf, and what was paid for it goes back to her card");
    let request = v1::ReceiveReturnRequest {
        order_id: order.order_id.clone(),
        return_id: back.return_id.clone(),
        lines: vec![v1::ReceivedLineInput { line_id: 1, restock: 1, write_off: 0 }],
        request_id: day.request_id(),
        ..Default::default()
    };
    let check = v1::ReceiveReturnRequest { validate_only: true, ..request.clone() };
    let mut admin = day.admin.admin();
    let shown = day.narrator.call("AdminService.ReceiveReturn", admin.receive_return(check)).await?;
    let done = day.narrator.call("AdminService.ReceiveReturn", admin.receive_return(request)).await?;
    let (order_id, return_id) = (order.order_id.clone(), back.return_id.clone());
    let request = v1::CloseReturnRequest { order_id, return_id, ..Default::default() };
    let closed = day.narrator.call("AdminService.CloseReturn", admin.close_return(request)).await?;
    day.narrator.note(&show::order_return(&closed));
    day.narrator.check("the refund", &done.refunded, &shown.refunded)?;
    let line = order.lines.first().and_then(|line| line.total.as_ref());
    let half = day.minor(line) / 2;
    day.narrator.check("the refund in cents", &day.minor(done.refunded.as_ref()), &half)?;
    day.narrator.check("the return", &closed.status(), &v1::ReturnStatus::Closed)
}
