"""What the steps of a journey share: the client, the people, and what earlier steps have left for later ones."""

import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal

import grpc

from checks import equal, true
from client import Caller, CallError, amount, usd
from server import ForeignServer

# The simulated gateway does what the token says.
APPROVED = {"method": "PAYMENT_METHOD_CREDIT_CARD", "token": "tok_approve"}
DECLINED = {"method": "PAYMENT_METHOD_CREDIT_CARD", "token": "tok_decline_insufficient_funds"}
CASH = {"method": "PAYMENT_METHOD_CASH_ON_DELIVERY"}

# How long something that the service does on its own (a refund, for example) may take.
EVENTUALLY_S = 15


@dataclass
class World:
    """One customer, another one, and an administrator, with names that no earlier run has used."""

    client: Caller
    customer_token: str
    stranger_token: str
    admin_token: str
    run: str
    # Orders by the name the steps give them: "first", "cancelled", ...
    orders: dict[str, dict] = field(default_factory=dict)
    # The request that became the first order.
    checkout: dict = field(default_factory=dict)

    @property
    def customer_id(self) -> str:
        return f"customer-{self.run}"

    def product(self, letter: str) -> str:
        return f"journey-{self.run}-{letter}"

    def sku(self, letter: str) -> str:
        return f"JRN-{self.run}-{letter}".upper()

    def customer(self, path: str, **request) -> dict:
        return self.client.call(path, request, self.customer_token)

    def admin(self, path: str, **request) -> dict:
        return self.client.call(f"AdminService/{path}", request, self.admin_token)

    def place(self, *lines: tuple[str, int], **more) -> dict:
        """CreateOrder for the customer: products by letter, with quantities."""
        return self.customer("OrderService/CreateOrder", **self.order_request(*lines, **more))

    def order_request(self, *lines: tuple[str, int], **more) -> dict:
        ordered = [{"product_id": self.product(letter), "quantity": quantity} for letter, quantity in lines]
        return {"lines": ordered, "contact": contact(self.run), "shipping_address": address(), **more}

    def own_orders(self) -> list[dict]:
        return list(self.client.pages("OrderService/ListOrders", {"page_size": 2}, "orders", self.customer_token))

    def available(self, letter: str) -> int:
        return int(self.admin("GetStock", sku=self.sku(letter))["available"])


def new_world(client: Caller, server: ForeignServer) -> World:
    """People whom nobody has met yet."""
    run = uuid.uuid4().hex[:8]
    return World(
        client=client,
        customer_token=server.token(f"customer-{run}", "customer"),
        stranger_token=server.token(f"stranger-{run}", "customer"),
        admin_token=server.token(f"admin-{run}", "admin"),
        run=run,
    )


def contact(run: str) -> dict:
    return {"name": "Ada Example", "email": f"ada-{run}@example.com", "phone": "+1 555 0100"}


def address() -> dict:
    return {
        "recipient": "Ada Example",
        "line1": "1 Main Street",
        "city": "Springfield",
        "region": "IL",
        "postal_code": "62701",
        "country_code": "US",
    }


def request_id() -> str:
    return str(uuid.uuid4())


def refused(code: grpc.StatusCode, reason: str, call: Callable, /, *arguments, **named) -> CallError:
    """Demands that `call(*arguments, **named)` is refused with this code and this reason, in full."""
    try:
        answer = call(*arguments, **named)
    except CallError as error:
        equal((error.code.name, error.reason), (code.name, reason), "the refusal")
        equal(error.domain, "orders.v1", "the domain of the ErrorInfo")
        true(error.message, "a refusal has a text for people")
        return error
    raise AssertionError(f"not refused with {code.name} {reason}, but answered {str(answer)[:160]}")


def eventually(look: Callable[[], object], wanted, what: str):
    """Looks until the value is there; for what the service does on its own."""
    deadline = time.monotonic() + EVENTUALLY_S
    while (seen := look()) != wanted:
        if time.monotonic() > deadline:
            raise AssertionError(f"{what} is {seen!r}, not {wanted!r}, after {EVENTUALLY_S} s")
        time.sleep(0.05)


def totals(priced: dict, **expected: str) -> None:
    """Compares amounts of a cart, a quote or an order, given as decimal texts."""
    for name, value in expected.items():
        equal(amount(priced[name]), Decimal(value), name)


def axes(order: dict, status: str, payment: str, fulfillment: str) -> None:
    """Compares the word and two of the axes."""
    seen = (order["status"], order["payment_status"], order["fulfillment_status"])
    equal(seen, (f"ORDER_STATUS_{status}", f"PAYMENT_STATUS_{payment}", f"FULFILLMENT_STATUS_{fulfillment}"), "where the order stands")


def product(world: World, letter: str, name: str, price: str, stock: int) -> dict:
    """A ProductUpsert."""
    described = {"product_id": world.product(letter), "sku": world.sku(letter), "name": name, "price": usd(price), "active": True}
    return {"product": described, "initial_stock": str(stock)}
