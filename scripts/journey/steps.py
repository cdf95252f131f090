"""The steps of the journey, in their order. They hold for any `Caller`, whatever it speaks."""

import goods
import office
import refusals
import shopping
from checks import Checks
from world import World

JOURNEY = (
    *shopping.STEPS,
    *refusals.STEPS,
    *office.STEPS,
    *goods.STEPS,
    office.counts_the_orders,
    shopping.sums_up_the_customer,
)


def take(checks: Checks, world: World, steps, over: str = "") -> None:
    """Takes the steps one after the other; their names say over what, where that is more than one thing."""
    for step in steps:
        checks.run(f"{over}{step.__doc__}", lambda step=step: step(world))
