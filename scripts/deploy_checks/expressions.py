"""What an expression of PromQL asks for: which metrics, and which labels of theirs.

No parser: promtool judges the grammar. This takes away what is neither the name of a metric nor of a label.
"""

import re
from collections.abc import Iterator, Mapping

_TEXT = re.compile(r'"(?:[^"\\]|\\.)*"|\'(?:[^\'\\]|\\.)*\'')
_SELECTOR = re.compile(r"([a-zA-Z_:][\w:]*)\s*\{([^{}]*)\}")
_MATCHER = re.compile(r"(\w+)\s*(?:=~|!~|!=|=)")
_LABELS = re.compile(r"\{[^{}]*\}")
_RANGE = re.compile(r"\[[^\]]*\]")
_CLAUSE = re.compile(r"\b(?:by|without|on|ignoring|group_left|group_right)\s*\(([^()]*)\)")
_NUMBER = re.compile(r"(?<![\w:])[0-9][\w.]*")
_NAME = re.compile(r"[a-zA-Z_:][\w:]*(?!\s*\(|[\w:])")

_WORDS = {"and", "or", "unless", "bool", "offset", "inf", "nan"}
# Made by Prometheus itself: series, and labels of all that it scrapes.
_GIVEN = {"up", "ALERTS"}
_EVERYWHERE = {"job", "instance"}


def unknown(expression: str, series: Mapping[str, frozenset[str]], recorded: set[str]) -> Iterator[str]:
    """What it asks for that is not there. What rules record is known by name; their labels are not looked at."""
    text = _TEXT.sub("", expression)
    metrics = _metrics_of(text)
    for name in sorted(metrics - series.keys() - recorded):
        yield f"{name}, which the server does not have"
    for metric, matchers in _SELECTOR.findall(text):
        if metric in series:
            for label in sorted(set(_MATCHER.findall(matchers)) - series[metric] - _EVERYWHERE):
                yield f"label {label} of {metric}, which has none of that name"
    if metrics and metrics <= series.keys():
        labels = frozenset().union(*(series[metric] for metric in metrics)) | _EVERYWHERE
        for clause in _CLAUSE.findall(text):
            for label in sorted(set(re.findall(r"\w+", clause)) - labels):
                yield f"label {label}, which no metric in it has"


def _metrics_of(text: str) -> set[str]:
    for part in (_LABELS, _RANGE, _CLAUSE, _NUMBER):
        text = part.sub(" ", text)
    return {name for name in _NAME.findall(text) if name.lower() not in _WORDS} - _GIVEN
