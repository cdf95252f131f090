"""Kubernetes' manifests, as kustomize renders them, and Argo CD's application."""

from collections.abc import Iterator
from functools import cache

import kubernetes_validate
import yaml

from . import source
from .tree import Tree, documents, run, said

# The newest that there are schemas of, and the oldest in which all that is used is switched on (`preStop.sleep`).
VERSIONS = ("1.37", "1.30")
RENDERED = ("base", "overlays/development", "overlays/production", "overlays/production-tls")
# Made by hand, before; the README says how.
SECRETS = {
    "order-server": {"database-url", "database-direct-url", "redis-url", "jwt-secret"},
    "order-server-tls": {"tls.crt", "tls.key", "ca.crt"},
}
# Kinds of other people, of which there is no schema here.
CUSTOM = {("monitoring.coreos.com/v1", "PodMonitor"), ("monitoring.coreos.com/v1", "PrometheusRule")}

APPLICATION = "argocd/application.yaml"


def kubernetes(tree: Tree) -> Iterator[str]:
    for name in RENDERED:
        where = f"deploy/kubernetes/{name}"
        result = run(tree.kubectl, "kustomize", tree.deploy / "kubernetes" / name)
        if result.returncode != 0:
            yield f"{where}: kustomize: {said(result)}"
            continue
        rendered = [document for document in yaml.safe_load_all(result.stdout) if document]
        for check in (_valid, _known_settings, _references, _selectors, _locked, _ends_in_time, _probes, _migration):
            yield from (f"{where}: {problem}" for problem in check(tree, rendered))
        if name != "base":
            yield from (f"{where}: {problem}" for problem in _pinned(tree, rendered))
    yield from _patches_have_targets(tree)


def argocd(tree: Tree) -> Iterator[str]:
    [application] = documents(tree.deploy / APPLICATION)
    where = f"deploy/{APPLICATION}"
    if (application.get("apiVersion"), application.get("kind")) != ("argoproj.io/v1alpha1", "Application"):
        yield f"{where}: no Application of argoproj.io/v1alpha1"
        return
    spec = application["spec"]
    for field in ("project", "source", "destination", "syncPolicy"):
        if field not in spec:
            yield f"{where}: spec.{field} is missing"
    kustomization = tree.root / spec["source"]["path"] / "kustomization.yaml"
    if not kustomization.is_file():
        yield f"{where}: {spec['source']['path']} is no kustomization"
        return
    [overlay] = documents(kustomization)
    if overlay.get("namespace") != spec["destination"]["namespace"]:
        yield f"{where}: its namespace is not that of {spec['source']['path']}"


# --- what holds for everything rendered ---


def _valid(_: Tree, rendered: list[dict]) -> Iterator[str]:
    for document in rendered:
        if (document["apiVersion"], document["kind"]) in CUSTOM:
            continue
        for version in VERSIONS:
            try:
                kubernetes_validate.validate(document, version, strict=True)
            except kubernetes_validate.ValidationError as error:
                path = ".".join(str(part) for part in error.path)
                yield f"{_name(document)} is not valid in Kubernetes {version}: {path}: {error.message}"
                break
            except kubernetes_validate.SchemaNotFoundError as error:
                yield f"{_name(document)}: {error.message}"
                break


def _known_settings(tree: Tree, rendered: list[dict]) -> Iterator[str]:
    for document in rendered:
        if document["kind"] == "ConfigMap" and _is_ours(document["metadata"]["name"]):
            for name in source.unknown_settings(tree.root, document["data"]):
                yield f"{_name(document)}: {name} is no setting of order-server"
    for owner, pod in _pods(rendered):
        for container in _containers(pod):
            if "order-server" in container["image"]:
                for name in source.unknown_settings(tree.root, (variable["name"] for variable in container.get("env", []))):
                    yield f"{_name(owner)}: {name} is no setting of order-server"


def _references(_: Tree, rendered: list[dict]) -> Iterator[str]:
    there = {(document["kind"], document["metadata"]["name"]) for document in rendered}
    for document in rendered:
        if document["kind"] == "Secret":
            yield f"{_name(document)}: a secret does not belong into a repository"
        target = document.get("spec", {}).get("scaleTargetRef")
        if target and (target["kind"], target["name"]) not in there:
            yield f"{_name(document)}: there is no {target['kind']} {target['name']}"
    for owner, pod in _pods(rendered):
        account = pod.get("serviceAccountName")
        if account and ("ServiceAccount", account) not in there:
            yield f"{_name(owner)}: there is no ServiceAccount {account}"
        for name in _config_maps(pod):
            if ("ConfigMap", name) not in there:
                yield f"{_name(owner)}: there is no ConfigMap {name}"
        for name, key in _secret_keys(pod):
            if key not in SECRETS.get(name, ()):
                yield f"{_name(owner)}: key {key} of Secret {name} is not among those that the README makes"
        volumes = {volume["name"] for volume in pod.get("volumes", [])}
        for container in _containers(pod):
            for mount in container.get("volumeMounts", []):
                if mount["name"] not in volumes:
                    yield f"{_name(owner)}: there is no volume {mount['name']}"


def _selectors(_: Tree, rendered: list[dict]) -> Iterator[str]:
    labels = [owner["spec"]["template"]["metadata"]["labels"] for owner, _pod in _pods(rendered)]
    for document in rendered:
        if document["kind"] == "Service":
            selector = document["spec"]["selector"]
        elif document["kind"] in ("PodDisruptionBudget", "PodMonitor"):
            selector = document["spec"]["selector"]["matchLabels"]
        elif document["kind"] == "NetworkPolicy":
            selector = document["spec"]["podSelector"].get("matchLabels", {})
        else:
            continue
        if not any(selector.items() <= those.items() for those in labels):
            yield f"{_name(document)} selects no pod"


def _locked(_: Tree, rendered: list[dict]) -> Iterator[str]:
    for owner, pod in _pods(rendered):
        if pod.get("automountServiceAccountToken") is not False:
            yield f"{_name(owner)}: its pods get a token of the cluster"
        context = pod.get("securityContext", {})
        if not context.get("runAsNonRoot") or context.get("seccompProfile", {}).get("type") != "RuntimeDefault":
            yield f"{_name(owner)}: its pods are to run as another user than root, with seccomp"
        for container in _containers(pod):
            context = container.get("securityContext", {})
            if (
                context.get("allowPrivilegeEscalation") is not False
                or context.get("readOnlyRootFilesystem") is not True
                or context.get("capabilities", {}).get("drop") != ["ALL"]
            ):
                yield f"{_name(owner)}: container {container['name']} is not locked down"
            resources = container.get("resources", {})
            if not {"cpu", "memory"} <= resources.get("requests", {}).keys() or "memory" not in resources.get("limits", {}):
                yield f"{_name(owner)}: container {container['name']} does not say what it needs"


def _ends_in_time(tree: Tree, rendered: list[dict]) -> Iterator[str]:
    data = {document["metadata"]["name"]: document["data"] for document in rendered if document["kind"] == "ConfigMap"}
    for owner, pod in _pods(rendered):
        for container in pod["containers"]:
            sources = [origin["configMapRef"]["name"] for origin in container.get("envFrom", [])]
            if not sources:
                continue
            needed_s = source.shutdown_ms(tree.root, data.get(sources[0], {})) / 1000
            needed_s += container["lifecycle"]["preStop"]["sleep"]["seconds"]
            if pod["terminationGracePeriodSeconds"] < needed_s:
                yield f"{_name(owner)}: an orderly end takes up to {needed_s:.0f} s; terminationGracePeriodSeconds is less"


def _probes(_: Tree, rendered: list[dict]) -> Iterator[str]:
    for owner, pod in _pods(rendered):
        for container in pod["containers"]:
            numbers = {port["containerPort"] for port in container.get("ports", [])}
            for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
                port = container.get(probe, {}).get("grpc", {}).get("port")
                if port is not None and port not in numbers:
                    yield f"{_name(owner)}: {probe} asks port {port}, which {container['name']} does not name"


def _migration(_: Tree, rendered: list[dict]) -> Iterator[str]:
    for document in rendered:
        if document["kind"] == "Job":
            if document["metadata"].get("annotations", {}).get("argocd.argoproj.io/hook") != "PreSync":
                yield f"{_name(document)}: Argo CD would not run it before the sync"
            pod = document["spec"]["template"]
            if pod["spec"].get("serviceAccountName") or list(_config_maps(pod["spec"])):
                yield f"{_name(document)}: before the first sync there is neither ServiceAccount nor ConfigMap"


def _pinned(tree: Tree, rendered: list[dict]) -> Iterator[str]:
    for owner, pod in _pods(rendered):
        for container in _containers(pod):
            tag = container["image"].rpartition("/")[2].partition(":")[2]
            if tag in ("", "latest"):
                yield f"{_name(owner)}: image {container['image']} has no version"
            if tested := source.untested_gateway(tree.root, container["image"]):
                yield f"{_name(owner)}: Envoy is tested in version {tested}; its image is another one"


def _patches_have_targets(tree: Tree) -> Iterator[str]:
    """kustomize passes over a `target` that selects nothing."""
    there = _everything(tree)
    for file in sorted((tree.deploy / "kubernetes").rglob("kustomization.yaml")):
        for patch in documents(file)[0].get("patches", []):
            target = patch.get("target")
            if target and not any(kind == target.get("kind", kind) and name == target.get("name", name) for kind, name in there):
                yield f"{tree.name(file)}: a patch is for {target}, and there is none"


@cache
def _everything(tree: Tree) -> set[tuple[str, str]]:
    files = [file for file in (tree.deploy / "kubernetes").rglob("*.yaml") if file.name != "kustomization.yaml"]
    found = [document for file in files if "overlays" not in file.parts for document in documents(file)]
    return {(document["kind"], document["metadata"]["name"]) for document in found}


# --- where things stand ---


def _name(document: dict) -> str:
    return f"{document['kind']} {document['metadata']['name']}"


def _is_ours(config_map: str) -> bool:
    # The last part is a hash of what is in it.
    return config_map.rpartition("-")[0] == "order-server"


def _pods(rendered: list[dict]) -> Iterator[tuple[dict, dict]]:
    for document in rendered:
        if document["kind"] in ("Deployment", "Job", "StatefulSet", "DaemonSet"):
            yield document, document["spec"]["template"]["spec"]


def _containers(pod: dict) -> list[dict]:
    return pod.get("initContainers", []) + pod["containers"]


def _config_maps(pod: dict) -> Iterator[str]:
    yield from (volume["configMap"]["name"] for volume in pod.get("volumes", []) if "configMap" in volume)
    for container in _containers(pod):
        yield from (origin["configMapRef"]["name"] for origin in container.get("envFrom", []) if "configMapRef" in origin)


def _secret_keys(pod: dict) -> Iterator[tuple[str, str]]:
    for volume in pod.get("volumes", []):
        for item in volume.get("secret", {}).get("items", []):
            yield volume["secret"]["secretName"], item["key"]
    for container in _containers(pod):
        for variable in container.get("env", []):
            reference = variable.get("valueFrom", {}).get("secretKeyRef")
            if reference:
                yield reference["name"], reference["key"]
