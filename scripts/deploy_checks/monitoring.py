"""Prometheus' rules with their tests and configuration, and Grafana's dashboard."""

import json
import tempfile
from collections.abc import Iterator

import yaml

from . import source
from .expressions import unknown
from .tree import Tree, documents, run, said

RULES = "prometheus/rules.yaml"
TESTS = "prometheus/rules.test.yaml"
CONFIG = "prometheus/prometheus.yaml"
DASHBOARD = "grafana/order-server.json"
PROMETHEUS_RULE = "kubernetes/components/monitoring/prometheus-rule.yaml"

_SEVERITIES = {"critical", "warning"}
_WORDS = ("summary", "description", "action")


def prometheus(tree: Tree) -> Iterator[str]:
    for command, file in (("check rules", RULES), ("check config", CONFIG)):
        result = run(tree.promtool, *command.split(), tree.deploy / file)
        if result.returncode != 0:
            yield f"deploy/{file}: promtool {command}: {said(result)}"
            return
    rules = _rules(tree)
    problems = [*_metrics_exist(tree, rules), *_alerts_speak(rules), *_alerts_are_tested(tree, rules), *_copy_is_equal(tree)]
    yield from problems
    # Costs seconds, and would say the same once more.
    if not problems:
        result = run(tree.promtool, "test", "rules", tree.deploy / TESTS)
        if result.returncode != 0:
            yield f"deploy/{TESTS}: promtool test rules: {said(result)}"


def grafana(tree: Tree) -> Iterator[str]:
    try:
        dashboard = json.loads((tree.deploy / DASHBOARD).read_text())
    except ValueError as error:
        yield f"deploy/{DASHBOARD}: {error}"
        return
    known = source.series(tree.root), _recorded(_rules(tree))
    panels = dashboard["panels"]
    for panel in panels:
        for target in panel.get("targets", []):
            for what in unknown(target["expr"], *known):
                yield f"deploy/{DASHBOARD}: panel «{panel['title']}» asks for {what}"
    yield from _expressions_parse(tree, panels)
    ids = [panel["id"] for panel in panels]
    for double in sorted({one for one in ids if ids.count(one) > 1}):
        yield f"deploy/{DASHBOARD}: two panels have the id {double}"
    yield from _panels_overlap(panels)
    for file in sorted((tree.deploy / "grafana/provisioning").rglob("*.yaml")):
        if documents(file)[0].get("apiVersion") != 1:
            yield f"{tree.name(file)}: Grafana reads apiVersion 1"


def write_prometheus_rule(tree: Tree) -> None:
    """Makes the operator's resource from the rules."""
    (tree.deploy / PROMETHEUS_RULE).write_text(_prometheus_rule(tree))


def _rules(tree: Tree) -> list[dict]:
    groups = yaml.safe_load((tree.deploy / RULES).read_text())["groups"]
    return [rule for group in groups for rule in group["rules"]]


def _recorded(rules: list[dict]) -> set[str]:
    return {rule["record"] for rule in rules if "record" in rule}


def _metrics_exist(tree: Tree, rules: list[dict]) -> Iterator[str]:
    known = source.series(tree.root), _recorded(rules)
    for rule in rules:
        for what in unknown(rule["expr"], *known):
            yield f"deploy/{RULES}: {_name(rule)} asks for {what}"


def _name(rule: dict) -> str:
    return rule.get("alert") or rule["record"]


def _alerts_speak(rules: list[dict]) -> Iterator[str]:
    for rule in rules:
        if "alert" not in rule:
            continue
        if rule.get("labels", {}).get("severity") not in _SEVERITIES:
            yield f"deploy/{RULES}: {rule['alert']} has no severity of {sorted(_SEVERITIES)}"
        for word in _WORDS:
            if not rule.get("annotations", {}).get(word):
                yield f"deploy/{RULES}: {rule['alert']} has no {word}"


def _alerts_are_tested(tree: Tree, rules: list[dict]) -> Iterator[str]:
    """Each alert fires in a test in which it kept silent before."""
    proven = set()
    for test in yaml.safe_load((tree.deploy / TESTS).read_text())["tests"]:
        outcomes = [str(expected["exp_samples"]) for expected in test.get("promql_expr_test", [])]
        if "[]" in outcomes:
            proven |= {name for rule in rules if (name := rule.get("alert")) and any(f'"{name}"' in outcome for outcome in outcomes)}
    for rule in rules:
        if "alert" in rule and rule["alert"] not in proven:
            yield f"deploy/{TESTS}: no test shows {rule['alert']} silent first and then firing"


def _prometheus_rule(tree: Tree) -> str:
    resource = {
        "apiVersion": "monitoring.coreos.com/v1",
        "kind": "PrometheusRule",
        "metadata": {"name": "order-server", "labels": {"app.kubernetes.io/name": "order-server"}},
        "spec": yaml.safe_load((tree.deploy / RULES).read_text()),
    }
    head = f"# Made from deploy/{RULES} by `scripts/check-deploy --write`; change that one.\n"
    return head + yaml.safe_dump(resource, sort_keys=False, width=120, allow_unicode=True)


def _copy_is_equal(tree: Tree) -> Iterator[str]:
    path = tree.deploy / PROMETHEUS_RULE
    if not path.is_file() or path.read_text() != _prometheus_rule(tree):
        yield f"{tree.name(path)} is not what deploy/{RULES} makes: run scripts/check-deploy --write"


def _expressions_parse(tree: Tree, panels: list[dict]) -> Iterator[str]:
    """Has promtool read what panels ask for, as rules: it judges no expression alone."""
    # With Grafana's own words filled in as Grafana would.
    rules = [
        {
            "record": f"panel_{panel['id']}_{target['refId']}",
            "expr": target["expr"].replace("$__rate_interval", "5m").replace("$instance", ".*"),
        }
        for panel in panels
        for target in panel.get("targets", [])
    ]
    with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
        yaml.safe_dump({"groups": [{"name": "dashboard", "rules": rules}]}, file)
        file.flush()
        result = run(tree.promtool, "check", "rules", file.name)
    if result.returncode != 0:
        yield f"deploy/{DASHBOARD}: promtool check rules: {said(result)}"


def _panels_overlap(panels: list[dict]) -> Iterator[str]:
    taken = {}
    for panel in panels:
        place = panel["gridPos"]
        for x in range(place["x"], place["x"] + place["w"]):
            for y in range(place["y"], place["y"] + place["h"]):
                if (x, y) in taken:
                    yield f"deploy/{DASHBOARD}: panels «{taken[x, y]}» and «{panel['title']}» overlap"
                    return
                taken[x, y] = panel["title"]
