"""What the journey does not call: each step calls some more methods by their REST paths, with success."""

from checks import equal, true
from client import amount, usd
from rest import Rest
from shopping import CANDLES, COSTUME
from world import APPROVED, CASH, World, axes, product, request_id

IMPORTED = {
    "external_id": "1001",
    "customer_id": "import-1",
    "status": "DELIVERED",
    "payment_status": "SUCCESS",
    "total": "20.00",
    "created_at": "2026-01-05 10:00:00",
    "items": [{"external_id": "1", "product_id": "lamp", "sku": "LAMP-1", "quantity": "2", "unit_price": "10.00"}],
}


def stocks_the_shop(world: World) -> None:
    """products are put on sale, found and read"""
    products = [product(world, COSTUME, "Costume", "49.99", 50), product(world, CANDLES, "Candles", "12.50", 40)]
    world.admin("UpsertProducts", products=products, request_id=request_id())
    read = world.admin("GetProduct", product_id=world.product(COSTUME))
    equal((read["name"], amount(read["price"])), ("Costume", amount(usd("49.99"))), "the product")
    found = world.admin("ListProducts", query=world.sku(CANDLES), active=True, page_size=5)["products"]
    equal([product["name"] for product in found], ["Candles"], "the products that were found")


def reads_odd_names(world: World) -> None:
    """a name in the path may hold every character that names have, encoded"""
    name = f"odd.{world.run}_:@+-"
    described = product(world, "odd", "Odd: 100 % & more", "1.00", 1)
    described["product"] |= {"product_id": name, "sku": name}
    world.admin("UpsertProducts", products=[described])
    equal(world.admin("GetProduct", product_id=name)["product_id"], name, "the name of the product")
    equal(world.admin("AdjustStock", sku=name, delta="2", reason="found")["on_hand"], "3", "what is there of it")
    found = world.admin("ListProducts", query="100 % & more")["products"]
    true(name in [product["product_id"] for product in found], "the query does not find it")


def makes_coupons(world: World) -> None:
    """a coupon is made, read and listed"""
    code = f"WALK-{world.run}".upper()
    coupon = {"coupon_code": code, "percentage": {"rate": "0.10"}, "active": True}
    made = world.admin("UpsertCoupon", coupon=coupon, request_id=request_id())
    equal(world.admin("GetCoupon", coupon_code=code), made, "the coupon")
    true(made in world.admin("ListCoupons", active=True, page_size=500)["coupons"], "the list lacks the coupon")


def clears_the_cart(world: World) -> None:
    """a cart is emptied; its etag is a parameter of the query"""
    etag = world.customer("CartService/AddCartItem", product_id=world.product(CANDLES), quantity=2)["etag"]
    equal(world.customer("CartService/ClearCart", etag=etag, request_id=request_id())["items"], [], "the items")


def holds_an_order(world: World) -> None:
    """an order is held, seen by the administrator, and released"""
    order_id = world.place((CANDLES, 1), payment=APPROVED)["order_id"]
    held = world.admin("HoldOrder", order_id=order_id, hold="ORDER_HOLD_FRAUD", reason="looks odd", request_id=request_id())
    equal(held["holds"], ["ORDER_HOLD_FRAUD"], "the holds")
    equal(world.admin("GetOrder", order_id=order_id)["holds"], held["holds"], "the holds as they are read")
    equal(world.admin("ReleaseHold", order_id=order_id, hold="ORDER_HOLD_FRAUD", etag=held["etag"])["holds"], [], "the holds after it")


def sends_a_parcel_in_vain(world: World) -> None:
    """a parcel is planned, changed, called off, planned anew, sent, and comes back"""
    order_id = world.place((COSTUME, 1), payment=APPROVED)["order_id"]
    world.admin("UpdateOrderStatus", order_id=order_id, status="ORDER_STATUS_CONFIRMED")

    def planned() -> dict:
        shipment = world.admin("CreateShipment", order_id=order_id)["shipments"][-1]
        return {"order_id": order_id, "shipment_id": shipment["shipment_id"]}

    first = planned()
    tracking = {"carrier": "UPS", "tracking_number": "1Z 999", "estimated_delivery": "2030-01-02T12:00:00Z"}
    (changed,) = world.admin("UpdateShipment", **first, tracking=tracking, update_mask="carrier,trackingNumber")["shipments"]
    equal((changed["carrier"], changed["tracking_number"]), ("UPS", "1Z 999"), "the tracking")
    true("estimated_delivery" not in changed, "a field was changed that the mask does not name")
    world.admin("CancelShipment", **first, reason="wrong box")
    second = planned()
    world.admin("MarkShipped", **second)
    back = world.admin("MarkReturnedToSender", **second, reason="nobody there")
    equal(
        [shipment["status"] for shipment in back["shipments"]], ["SHIPMENT_STATUS_CANCELLED", "SHIPMENT_STATUS_RETURNED_TO_SENDER"], "them"
    )
    axes(back, "CONFIRMED", "PAID", "UNFULFILLED")


def gives_money_back(world: World) -> str:
    """a payment is listed with its operations, told again by its gateway, and refunded in part"""
    order_id = world.place((COSTUME, 1), payment=APPROVED)["order_id"]
    (ledger,) = world.admin("ListPayments", order_id=order_id, page_size=10)["payments"]
    (sale,) = ledger["operations"]
    told = {
        "event_id": f"event-{world.run}",
        "operation_id": sale["operation_id"],
        "succeeded": {"reference": sale["gateway_reference"], "amount": sale["amount"]},
        "event_time": "2026-01-01T00:00:00Z",
    }
    equal(world.admin("RecordPaymentEvent", **told)["order_id"], order_id, "the order of the event")
    asked = world.admin("ReconcilePayments", order_id=order_id)
    equal((asked["asked"], asked["still_unknown"]), (0, 0), "operations without an outcome")
    refund = world.admin("RefundOrder", order_id=order_id, amount=usd("1.00"), reason="a scratch", request_id=request_id())
    equal(amount(refund["split"]["total"]), amount(usd("1.00")), "the refund")
    return sale["kind"]


def takes_cash(world: World) -> None:
    """cash on delivery is captured by hand; two variables stand in one path"""
    order = world.place((CANDLES, 1), payment=CASH)
    names = {"order_id": order["order_id"], "payment_id": order["payment"]["payment_id"]}
    captured = world.admin("CapturePayment", **names, amount=order["total"], request_id=request_id())
    equal(captured["payment"]["captured"], order["total"], "what was taken")


def imports_orders(world: World) -> str:
    """a stream of requests is an array, however long; it is passed on message by message"""
    options = {"source": f"walk-{world.run}"}
    # More than a single request may be.
    padding = "x" * 1000
    orders = [{**IMPORTED, "external_id": str(number), "customer_id": padding if number > 1 else "import-1"} for number in range(1, 1501)]
    answer = world.client.call(
        "AdminService/ImportOrders", [{"options": options}, *({"order": order} for order in orders)], world.admin_token
    )
    equal((answer["received"], answer["imported"], answer["refused"]), (1500, 1, 1499), "received, imported, refused")
    imported = answer["decisions"][0]
    equal(world.admin("GetOrder", order_id=imported["order_id"])["customer_id"], "import-1", "the customer of the imported order")
    return imported["order_number"]


def verifies(world: World) -> str:
    """what is stored agrees with itself, said line by line"""
    rest: Rest = world.client
    with rest.stream("AdminService/VerifyInvariants", {"max_findings": 10}, world.admin_token) as messages:
        *_, last = messages
    equal(last["summary"]["findings"], "0", "the findings")
    return f"{last['summary']['orders']} orders"


def exports_orders(world: World) -> str:
    """all orders come line by line, and the last line says where the feed goes on"""
    order_id = world.place((CANDLES, 1))["order_id"]
    rest: Rest = world.client
    with rest.stream("AdminService/ExportOrders", {}, world.admin_token) as messages:
        *told, last = messages
    orders = [message["order"]["order_id"] for message in told]
    true(order_id in orders, "the export lacks an order")
    equal((last["end"]["order_count"], orders == sorted(orders)), (str(len(orders)), True), "how many, and in the order of their ids")
    return f"{len(orders)} orders"


def confirms_many(world: World) -> None:
    """of a batch each order has a result of its own"""
    order_id = world.place((CANDLES, 1), payment=APPROVED)["order_id"]
    requests = [{"order_id": each, "status": "ORDER_STATUS_CONFIRMED", "request_id": request_id()} for each in (order_id, request_id())]
    good, bad = world.admin("BatchUpdateOrderStatus", requests=requests)["results"]
    equal(good["updated"]["status"], "ORDER_STATUS_CONFIRMED", "the one that is there")
    equal((bad["refusal"]["code"], bad["refusal"]["reason"]), (5, "ORDER_NOT_FOUND"), "the one that is not")


STEPS = (
    stocks_the_shop,
    reads_odd_names,
    makes_coupons,
    clears_the_cart,
    holds_an_order,
    sends_a_parcel_in_vain,
    gives_money_back,
    takes_cash,
    imports_orders,
    verifies,
    exports_orders,
    confirms_many,
)


def voids_a_promise(world: World) -> None:
    """what a card has promised is given up; needs CAPTURE_ON=manual"""
    order = world.place((CANDLES, 1), payment=APPROVED)
    equal(order["payment_status"], "PAYMENT_STATUS_AUTHORIZED", "the payment")
    names = {"order_id": order["order_id"], "payment_id": order["payment"]["payment_id"]}
    voided = world.admin("VoidPayment", **names, reason="sold elsewhere", request_id=request_id())
    equal(voided["payment_status"], "PAYMENT_STATUS_VOIDED", "the payment after it")


def passes_events_on_again(world: World) -> str:
    """nothing was put aside for the endpoint, and passing that on again says so; needs WEBHOOK_URL"""
    webhook = {"publisher": "EVENT_PUBLISHER_WEBHOOK"}
    equal(world.admin("ListDeadLetters", **webhook, page_size=5)["dead_letters"], [], "what was put aside")
    rest: Rest = world.client
    with rest.stream("AdminService/ReplayEvents", {**webhook, "dead_letters": True}, world.admin_token) as messages:
        *_, last = messages
    equal((last["published_count"], last["refused_count"]), ("0", "0"), "passed on and refused")
    return last["cursor"]
