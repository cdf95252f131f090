"""Runs the checks of some areas of deploy/, or of all. scripts/check-deploy brings the tools."""

import argparse
import sys
from pathlib import Path

from .containers import compose, ecs
from .kubernetes import argocd, kubernetes
from .monitoring import grafana, prometheus, write_prometheus_rule
from .selftest import self_test
from .tree import Tree

AREAS = {check.__name__: check for check in (kubernetes, argocd, prometheus, grafana, compose, ecs)}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--root", required=True, type=Path, help="the checkout")
    parser.add_argument("--kubectl", required=True)
    parser.add_argument("--promtool", required=True)
    parser.add_argument("--self-test", action="store_true", help="plant mistakes in a copy and demand that each is found")
    parser.add_argument("--write", action="store_true", help="make the PrometheusRule anew")
    parser.add_argument("areas", nargs="*", metavar="AREA", help=f"one of {', '.join(AREAS)}; all if none is given")
    options = parser.parse_args()
    tree = Tree(options.root.resolve(), options.kubectl, options.promtool, sys.executable)
    if unknown := set(options.areas) - AREAS.keys():
        parser.error(f"there is no area {', '.join(sorted(unknown))}")
    if options.write:
        write_prometheus_rule(tree)
        return 0
    if options.self_test:
        return self_test(tree, AREAS)
    problems = 0
    for name in options.areas or AREAS:
        found = list(AREAS[name](tree))
        print("\n".join(f"wrong: {problem}" for problem in found) or f"{name} holds", flush=True)
        problems += len(found)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
