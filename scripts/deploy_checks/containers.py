"""The compose file and the task definition of ECS."""

import json
import re
from collections.abc import Iterator

import yaml
from botocore.loaders import Loader
from botocore.model import ServiceModel
from botocore.validate import ParamValidator

from . import source
from .tree import Tree, run, said

COMPOSE = "compose.yaml"
TASK = "ecs/task-definition.json"

HEALTHCHECK = ["CMD", "/usr/local/bin/order-server", "healthcheck"]
# Fargate waits no longer for a container to end.
STOP_MAX_S = 120
# Fargate sells processor time with these amounts of memory, in units and MiB.
FARGATE = {
    256: {512, 1024, 2048},
    512: set(range(1024, 4097, 1024)),
    1024: set(range(2048, 8193, 1024)),
    2048: set(range(4096, 16385, 1024)),
    4096: set(range(8192, 30721, 1024)),
}
_SECRET = re.compile(r"arn:aws:secretsmanager:[a-z0-9-]+:\d{12}:secret:[\w/+=.@-]+:[\w-]+::")
_SECRETIVE = re.compile(r"PASSWORD|SECRET$|TOKEN")
# `$$` is a dollar sign; everything else is `${NAME:?what to do}`.
_VARIABLE = re.compile(r"\$\$|\$\{(\w+)(:\?[^}]+)?[^}]*\}|\$(\w+)")


# --- compose ---


def compose(tree: Tree) -> Iterator[str]:
    where, path = f"deploy/{COMPOSE}", tree.deploy / COMPOSE
    result = run(tree.python, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec", path)
    if result.returncode != 0:
        yield f"{where}: {said(result)}"
        return
    file = yaml.safe_load(path.read_text())
    for name, service in file["services"].items():
        for check in (_names_exist, _mounts_exist, _is_locked, _settings_exist, _starts_healthy):
            yield from (f"{where}: {name}: {problem}" for problem in check(tree, file, service))
    used = json.dumps(file["services"])
    for kind in ("volumes", "networks"):
        for name in file[kind]:
            if name not in used:
                yield f"{where}: nobody uses {name} of {kind}"
    lines = (line for line in path.read_text().splitlines() if not line.lstrip().startswith("#"))
    for name, demanded, bare in _VARIABLE.findall("\n".join(lines)):
        if bare or (name and not demanded):
            yield f"{where}: {name or bare} has to be demanded, as in ${{{name or bare}:?what to do}}"


def _names_exist(_: Tree, file: dict, service: dict) -> Iterator[str]:
    for name, condition in service.get("depends_on", {}).items():
        other = file["services"].get(name)
        if other is None:
            yield f"it depends on {name}, which is no service"
        elif condition["condition"] == "service_healthy" and "healthcheck" not in other:
            yield f"it waits until {name} is healthy, which has no check"
    for name in service.get("networks", []):
        if name not in file["networks"]:
            yield f"there is no network {name}"


def _mounts_exist(tree: Tree, file: dict, service: dict) -> Iterator[str]:
    for volume in service.get("volumes", []):
        origin = volume.split(":")[0]
        if origin.startswith("."):
            if not (tree.deploy / origin).exists():
                yield f"{origin} does not exist"
        elif origin not in file["volumes"]:
            yield f"there is no volume {origin}"


def _is_locked(tree: Tree, _: dict, service: dict) -> Iterator[str]:
    if not service.get("read_only") or service.get("cap_drop") != ["ALL"]:
        yield "it is not locked down: read_only and cap_drop"
    if "no-new-privileges:true" not in service.get("security_opt", []):
        yield "it may gain privileges"
    for port in service.get("ports", []):
        if not str(port).startswith("127.0.0.1:"):
            yield f"port {port} is open to everybody; publish it on 127.0.0.1"
    if not service["image"].startswith("order-server") and ":" not in service["image"]:
        yield f"image {service['image']} has no version"
    if tested := source.untested_gateway(tree.root, service["image"]):
        yield f"Envoy is tested in version {tested}; its image is another one"


def _settings_exist(tree: Tree, _: dict, service: dict) -> Iterator[str]:
    environment = service.get("environment", {})
    if service["image"].startswith("order-server"):
        for name in source.unknown_settings(tree.root, environment):
            yield f"{name} is no setting of order-server"
    for name, value in environment.items():
        if _SECRETIVE.search(name) and not str(value).startswith("${"):
            yield f"{name} is a secret, and it is in the file"


def _starts_healthy(tree: Tree, _: dict, service: dict) -> Iterator[str]:
    # The server itself, not its one-shot companions.
    if not service["image"].startswith("order-server") or "command" in service:
        return
    if service.get("healthcheck", {}).get("test") != HEALTHCHECK:
        yield f"its check is not {HEALTHCHECK}"
    if int(service.get("stop_grace_period", "10s").removesuffix("s")) * 1000 < source.shutdown_ms(tree.root, service["environment"]):
        yield "stop_grace_period is shorter than an orderly end may take"


# --- ECS ---


def ecs(tree: Tree) -> Iterator[str]:
    where = f"deploy/{TASK}"
    try:
        task = json.loads((tree.deploy / TASK).read_text())
    except ValueError as error:
        yield f"{where}: {error}"
        return
    model = ServiceModel(Loader().load_service_model("ecs", "service-2"))
    report = ParamValidator().validate(task, model.operation_model("RegisterTaskDefinition").input_shape)
    if report.has_errors():
        yield f"{where}: {report.generate_report()}"
        return
    if int(task["memory"]) not in FARGATE.get(int(task["cpu"]), ()):
        yield f"{where}: Fargate does not sell {task['cpu']} units with {task['memory']} MiB"
    names = [container["name"] for container in task["containerDefinitions"]]
    if not any(container["essential"] for container in task["containerDefinitions"]):
        yield f"{where}: no container is essential"
    for container in task["containerDefinitions"]:
        yield from (f"{where}: {container['name']}: {problem}" for problem in _container(tree, names, container))


def _container(tree: Tree, names: list[str], container: dict) -> Iterator[str]:
    environment = {variable["name"]: variable["value"] for variable in container.get("environment", [])}
    secrets = {secret["name"]: secret["valueFrom"] for secret in container.get("secrets", [])}
    for name in source.unknown_settings(tree.root, environment | secrets):
        yield f"{name} is no setting of order-server"
    for name, origin in secrets.items():
        if not _SECRET.fullmatch(origin):
            yield f"{name} does not come from Secrets Manager, by ARN and key"
    for other in container.get("dependsOn", []):
        if other["containerName"] not in names:
            yield f"there is no container {other['containerName']}"
    if not container.get("readonlyRootFilesystem") or container.get("user") in (None, "0", "root"):
        yield "it is not locked down"
    if container.get("logConfiguration", {}).get("logDriver") != "awslogs":
        yield "its log goes nowhere"
    if not container["essential"]:
        return
    if container.get("healthCheck", {}).get("command") != HEALTHCHECK:
        yield f"its check is not {HEALTHCHECK}"
    if not source.shutdown_ms(tree.root, environment) <= container.get("stopTimeout", 30) * 1000 <= STOP_MAX_S * 1000:
        yield f"stopTimeout has to be as long as an orderly end may take, and {STOP_MAX_S} s at most"
