"""The OpenAPI document that the server offers: valid by its own rules, and with the routes of the contract."""

import json
import re
import urllib.request
from collections.abc import Iterator

from openapi_spec_validator import OpenAPIV31SpecValidator
from referencing.exceptions import PointerToNowhere

from checks import equal, true
from client import TIMEOUT_S
from routes import Route

DOCUMENT = "/openapi.json"
# What a path item may hold beside verbs.
NO_VERBS = {"$ref", "summary", "description", "servers", "parameters"}


def describes_every_route(base_url: str, routes: dict[str, Route]) -> str:
    """/openapi.json is valid, and has every path of the contract with its verb, and no other"""
    document = fetch(base_url)
    faults = list(faults_of(document))
    true(not faults, f"{len(faults)} faults, the first of them {faults[:3]}")
    described = {
        (verb.upper(), path, operation["operationId"])
        for path, item in document["paths"].items()
        for verb, operation in item.items()
        if verb not in NO_VERBS
    }
    expected = {(route.verb, path_of(route), route.path.replace("/", "_")) for route in routes.values()}
    equal((described - expected, expected - described), (set(), set()), "what only the document and only the contract has")
    return f"{len(described)} operations"


def faults_of(document: dict) -> Iterator[str]:
    """What the validator finds. It gives up at a reference that leads nowhere."""
    try:
        for fault in OpenAPIV31SpecValidator(document).iter_errors():
            yield f"{'/'.join(map(str, fault.path))}: {fault.message[:200]}"
    except PointerToNowhere as error:
        # Its own text holds the whole document.
        yield f"{error.ref} leads nowhere"


def fetch(base_url: str) -> dict:
    """The document; `base_url` has neither path nor slash behind the port."""
    with urllib.request.urlopen(f"{base_url}{DOCUMENT}", timeout=TIMEOUT_S) as response:
        equal((response.status, response.headers.get_content_type()), (200, "application/json"), "status and content-type")
        return json.load(response)


def path_of(route: Route) -> str:
    """A path as OpenAPI writes it: a variable has the last name of its field, without a pattern."""
    return re.sub(r"\{(?:\w+\.)*(\w+)(?:=[^}]*)?}", r"{\1}", route.template)
