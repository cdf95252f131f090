"""Imports two CSV files into an order-server and recounts them: the service's lists, search, statistics and summaries must say
what the files say under the documented corrections.

    python scripts/journey/recount.py --server-binary target/release/order-server --orders orders.csv --items order_items.csv
    python scripts/journey/recount.py ... --database-url postgres://...      (an empty database)

The recount is this program's own: it reads the files with Python's csv module and knows of the service only what the README says
of its corrections. Files with other dirt than missing lines and contradictory payments are beyond it. The last line is
`N passed, M failed`.
"""

import argparse
import csv
import sys
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

from checks import Checks, equal, true
from client import Client, amount, usd
from server import Server

SOURCE = "recount"
# The longest series of days that GetOrderStats answers.
SERIES_DAYS = 731
# The words that revenue is summed over; an import knows only the last one.
REVENUE = {"DELIVERED"}


@dataclass
class Row:
    """An order as the files have it, and what it must have become."""

    customer_id: str
    status: str
    payment: str
    original_total: Decimal
    created: datetime
    lines: list[tuple[str, str, int, Decimal]] = field(default_factory=list)

    @property
    def total(self) -> Decimal:
        return sum((quantity * price for _, _, quantity, price in self.lines), Decimal(0))

    @property
    def paid(self) -> bool:
        return self.payment == "SUCCESS"

    @property
    def word(self) -> str:
        return {"CREATED": "PAID" if self.paid else "PENDING"}.get(self.status, self.status)

    @property
    def corrections(self) -> set[str]:
        named = {
            "TOTAL_RECOMPUTED": self.total != self.original_total,
            "DELIVERED_UNPAID": self.status == "DELIVERED" and not self.paid,
            "CANCELLED_STILL_PAID": self.status == "CANCELLED" and self.paid,
        }
        return {name for name, fits in named.items() if fits}


def read(orders: Path, items: Path) -> tuple[dict[str, Row], int]:
    """The orders that can be taken over, by id, and how many cannot because they have no lines."""
    rows = {}
    with orders.open(newline="") as file:
        for line in csv.DictReader(file):
            created = datetime.fromisoformat(line["created_at"])
            total = Decimal(line["order_total"])
            rows[line["order_id"]] = Row(line["customer_id"], line["order_status"], line["payment_status"], total, created)
    with items.open(newline="") as file:
        for line in csv.DictReader(file):
            bought = (line["product_id"], line["sku"], int(line["quantity"]), Decimal(line["unit_price"]))
            rows[line["order_id"]].lines.append(bought)
    taken = {order_id: row for order_id, row in rows.items() if row.lines}
    return taken, len(rows) - len(taken)


class Recount:
    """The steps, each against the recounted rows."""

    def __init__(self, server: Server, options: argparse.Namespace) -> None:
        self.server = server
        self.options = options
        self.rows, self.refused = read(options.orders, options.items)
        self.token = server.token("recount", "admin")
        self.client = Client(server.target)

    def admin(self, path: str, request: dict | None = None) -> dict:
        return self.client.call(path, request, self.token)

    def listed(self, **filters) -> list[dict]:
        return list(self.client.pages("AdminService/ListOrders", {"page_size": 100, **filters}, "orders", self.token))

    def run_import(self, *extra: str) -> str:
        files = ("--orders", str(self.options.orders), "--items", str(self.options.items), "--source", SOURCE)
        done = self.server._run("import", *files, *extra)
        equal(done.returncode, 0, f"the exit code of import ({done.stderr.strip()[-300:]})")
        return done.stdout

    def dry_run_writes_nothing(self) -> None:
        """a dry run reports and writes nothing"""
        true("Dry run" in self.run_import("--dry-run"), "the report says that it was a dry run")
        equal(self.listed(), [], "the list of orders")

    def imports(self) -> str:
        """every order with lines is taken over, every other one refused"""
        counts = tally(self.run_import())
        equal(counts["IMPORTED"], len(self.rows), "the number of imported orders")
        equal(counts["REFUSED"], self.refused, "the number of refused orders")
        equal(counts["NO_LINES"], self.refused, "the number of refusals for want of lines")
        return f"{len(self.rows)} imported, {self.refused} refused"

    def imports_nothing_twice(self) -> None:
        """the same import again changes nothing"""
        before = self.listed()
        counts = tally(self.run_import())
        equal((counts["IMPORTED"], counts["ALREADY_IMPORTED"]), (0, len(self.rows)), "imported and known orders")
        equal(self.listed(), before, "the list of orders")

    def keeps_every_order(self) -> None:
        """each order has its date, customer, lines, status, both totals and its corrections"""
        listed = {order["import_source"]["external_id"]: order for order in self.listed()}
        equal(listed.keys(), self.rows.keys(), "the set of imported orders")
        for order_id, row in self.rows.items():
            order, source = listed[order_id], listed[order_id]["import_source"]
            created = datetime.fromisoformat(order["create_time"]).replace(tzinfo=None)
            lines = [(line["product_id"], line["sku"], line["quantity"], amount(line["unit_price"])) for line in order["lines"]]
            equal(created, row.created, f"the date of {order_id}")
            equal(order["customer_id"], row.customer_id, f"the customer of {order_id}")
            equal(sorted(lines), sorted(row.lines), f"the lines of {order_id}")
            equal(order["status"], f"ORDER_STATUS_{row.word}", f"the status of {order_id}")
            equal(amount(order["total"]), row.total, f"the total of {order_id}")
            equal(amount(source["original_total"]), row.original_total, f"the original total of {order_id}")
            equal(set(source["corrections"]), row.corrections, f"the corrections of {order_id}")

    def numbers_without_gap(self) -> str:
        """order numbers are gapless within each year"""
        years = defaultdict(set)
        for order in self.listed():
            _, year, counter = order["order_number"].split("-")
            years[year].add(int(counter))
        for year, counters in years.items():
            equal(counters, set(range(min(counters), min(counters) + len(counters))), f"the numbers of {year}")
        equal({year: len(c) for year, c in years.items()}, dict(Counter(str(r.created.year) for r in self.rows.values())), "orders a year")
        return ", ".join(f"{year}: {len(counters)}" for year, counters in sorted(years.items()))

    def filters(self) -> None:
        """filters by status, customer, product, SKU and time find what the files have"""
        for word, count in Counter(row.word for row in self.rows.values()).items():
            equal(len(self.listed(status=[f"ORDER_STATUS_{word}"])), count, f"orders that are {word}")
        some = list(self.rows.values())[:: max(1, len(self.rows) // 20)]
        for row in some:
            product_id, sku, _, _ = row.lines[0]
            self._agree({"customer_id": row.customer_id}, lambda other, row=row: other.customer_id == row.customer_id)
            self._agree({"product_id": product_id}, lambda other, p=product_id: any(line[0] == p for line in other.lines))
            self._agree({"sku": sku}, lambda other, s=sku: any(line[1] == s for line in other.lines))
            since = row.created.isoformat() + "Z"
            self._agree({"create_time_from": since}, lambda other, row=row: other.created >= row.created)

    def searches(self) -> None:
        """search finds every order with a SKU, in any case"""
        for sku in sorted({line[1] for row in self.rows.values() for line in row.lines})[::10]:
            fits = sum(any(line[1] == sku for line in row.lines) for row in self.rows.values())
            equal(len(self.listed(query=sku.lower())), fits, f"orders found by {sku.lower()}")

    def _agree(self, filters: dict, fits) -> None:
        found = {order["import_source"]["external_id"] for order in self.listed(**filters)}
        equal(found, {order_id for order_id, row in self.rows.items() if fits(row)}, f"orders with {filters}")

    def statistics(self) -> str:
        """statistics equal the recount, day by day"""
        first = min(row.created for row in self.rows.values()).date()
        last = max(row.created for row in self.rows.values()).date()
        days = {}
        while first <= last:
            end = min(last, first + timedelta(days=SERIES_DAYS - 1))
            stats = self.admin("AdminService/GetOrderStats", {"start_date": day(first), "end_date": day(end)})
            days.update({(d["date"]["year"], d["date"]["month"], d["date"]["day"]): d for d in stats["daily"]})
            first = end + timedelta(days=1)
        equal(int(stats["total_orders"]), len(self.rows), "total_orders")
        words = Counter(row.word.lower() for row in self.rows.values())
        equal({word: int(stats[word]) for word in words}, dict(words), "orders by status")
        revenue = sum((row.total for row in self.rows.values() if row.word in REVENUE), Decimal(0))
        equal([amount(money) for money in stats["revenue"]], [revenue], "revenue")
        by_day = defaultdict(list)
        for row in self.rows.values():
            by_day[(row.created.year, row.created.month, row.created.day)].append(row)
        for key, said in days.items():
            equal(int(said["orders"]), len(by_day[key]), f"orders of {key}")
            earned = sum((row.total for row in by_day[key] if row.word in REVENUE), Decimal(0))
            equal(sum(map(amount, said["revenue"]), Decimal(0)), earned, f"revenue of {key}")
        return f"{len(days)} days, revenue {revenue}"

    def customers(self) -> str:
        """every customer's summary equals the recount"""
        rows = defaultdict(list)
        for row in self.rows.values():
            rows[row.customer_id].append(row)
        for customer_id, own in rows.items():
            said = self.admin("OrderService/GetCustomerSummary", {"customer_id": customer_id})
            equal(int(said["total_orders"]), len(own), f"orders of customer {customer_id}")
            spent = sum((row.total for row in own if row.paid), Decimal(0))
            equal(sum(map(amount, said["total_spent"]), Decimal(0)), spent, f"money spent by customer {customer_id}")
            last = datetime.fromisoformat(said["last_order_time"]).replace(tzinfo=None)
            equal(last, max(row.created for row in own), f"the last order of customer {customer_id}")
        return f"{len(rows)} customers"

    def goes_on(self) -> str:
        """the next order works and has this year's first number"""
        product = {"product_id": "after", "sku": "AFTER", "name": "After", "price": usd("10.00"), "active": True}
        self.admin("AdminService/UpsertProducts", {"products": [{"product": product, "initial_stock": "1"}]})
        address = {
            "recipient": "Ada",
            "line1": "1 Main Street",
            "city": "Oakland",
            "region": "CA",
            "postal_code": "94607",
            "country_code": "US",
        }
        contact = {"name": "Ada", "email": "ada@example.com"}
        lines = [{"product_id": "after", "quantity": 1}]
        request = {"customer_id": "1", "lines": lines, "contact": contact, "shipping_address": address}
        order = self.admin("OrderService/CreateOrder", request)
        true(order["order_number"].endswith("-001001"), f"{order['order_number']} is the first number of a year")
        return order["order_number"]

    STEPS = (
        dry_run_writes_nothing,
        imports,
        imports_nothing_twice,
        keeps_every_order,
        numbers_without_gap,
        filters,
        searches,
        statistics,
        customers,
        goes_on,
    )


def tally(report: str) -> Counter:
    """The counts of the summary: lines that begin with a name and a number."""
    counts = Counter()
    for words in map(str.split, report.splitlines()):
        if len(words) >= 2 and words[0].isupper() and words[1].isdigit():
            counts[words[0]] = int(words[1])
    return counts


def day(of: date) -> dict:
    """google.type.Date."""
    return {"year": of.year, "month": of.month, "day": of.day}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--server-binary", required=True, type=Path, help="the order-server to import with and to ask")
    parser.add_argument("--orders", required=True, type=Path, help="CSV file of orders")
    parser.add_argument("--items", required=True, type=Path, help="CSV file of their lines")
    parser.add_argument("--database-url", default="", help="DATABASE_URL of an empty database; without it a new SQLite file")
    options = parser.parse_args()
    checks = Checks()
    with Server(options.server_binary.resolve(), options.database_url) as server:
        recount = Recount(server, options)
        for step in Recount.STEPS:
            checks.run(step.__doc__, lambda step=step: step(recount))
    print(f"{checks.passed} passed, {checks.failed} failed", flush=True)
    return 0 if checks.failed == 0 and checks.passed > 0 else 1


if __name__ == "__main__":
    sys.exit(main())
