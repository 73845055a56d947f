"""Read deploy/kubernetes as kubectl renders it, and find what stands in it."""

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.deploy.composition import ROOT
from tests.servers import missing

FOLDER = ROOT / "deploy" / "kubernetes"
# What a company applies; the other folders are parts of these.
OVERLAYS = ("small", "large")
# kubectl that renders them. Debian 12 has an older one.
OLDEST = (1, 22)
Manifest = dict[str, Any]


class Refused(Exception):
    """kubectl did not render a folder, and said why."""


def render(folder: Path) -> list[Manifest]:
    """Return the manifests of a folder with a kustomization, as `kubectl apply -k` sends them."""
    kubectl = shutil.which("kubectl") or missing("kubectl", "apt-get install kubernetes-client")
    if version(kubectl) < OLDEST:
        pytest.skip(f"kubectl is older than {OLDEST}, and knows less than is used here")
    done = subprocess.run(
        [kubectl, "kustomize", folder],
        env={"PATH": os.defpath, "HOME": str(folder)},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise Refused(done.stderr)
    return list(yaml.safe_load_all(done.stdout))


def version(kubectl: str) -> tuple[int, int]:
    """Return what kubectl calls its own version, as (1, 32)."""
    asked = [kubectl, "version", "--client", "--output=json"]
    done = subprocess.run(asked, capture_output=True, check=True)
    told = json.loads(done.stdout)["clientVersion"]
    return int(told["major"]), int(told["minor"].rstrip("+"))


@dataclass(frozen=True)
class Rendered:
    """Hold all manifests of one overlay."""

    name: str
    manifests: list[Manifest]

    def of(self, kind: str) -> list[Manifest]:
        return [manifest for manifest in self.manifests if manifest["kind"] == kind]

    def one(self, kind: str, name: str) -> Manifest:
        (found,) = [each for each in self.of(kind) if each["metadata"]["name"] == name]
        return found

    @property
    def deployments(self) -> list[Manifest]:
        return self.of("Deployment")

    @property
    def pods(self) -> list[dict[str, str]]:
        """The labels of all pods: of ours, and of those that operators make."""
        ours = [each["spec"]["template"]["metadata"]["labels"] for each in self.deployments]
        database = [{"cnpg.io/cluster": each["metadata"]["name"]} for each in self.of("Cluster")]
        broker = [
            {"app.kubernetes.io/name": each["metadata"]["name"]}
            for each in self.of("RabbitmqCluster")
        ]
        return ours + database + broker

    def containers(self) -> Iterator[tuple[Manifest, Manifest]]:
        """Yield every container of ours with its pod, those that come first among them."""
        for deployment in self.deployments:
            pod = deployment["spec"]["template"]["spec"]
            for container in [*pod.get("initContainers", []), *pod["containers"]]:
                yield pod, container


def selects(selector: Manifest, labels: dict[str, str]) -> bool:
    """Tell whether a selector means a pod with these labels."""
    wanted = selector.get("matchLabels", {}).items() <= labels.items()
    rules = selector.get("matchExpressions", [])
    assert {rule["operator"] for rule in rules} <= {"In"}
    return wanted and all(labels.get(rule["key"]) in rule["values"] for rule in rules)


def opened(policies: list[Manifest], labels: dict[str, str], way: str) -> Iterator[Manifest]:
    """Yield the rules that open a way (ingress or egress) for pods with these labels."""
    for policy in policies:
        spec = policy["spec"]
        if way.title() in spec["policyTypes"] and selects(spec["podSelector"], labels):
            yield from spec.get(way, [])


def joins(policies: list[Manifest], source: dict[str, str], to: dict[str, str], port: int) -> bool:
    """Tell whether pods within the namespace may call others at a port: out, and in."""

    def lets(way: str, here: dict[str, str], peers: str, there: dict[str, str]) -> bool:
        return any(
            port in {each["port"] for each in rule["ports"]}
            and any(
                "podSelector" in peer
                and "namespaceSelector" not in peer
                and selects(peer["podSelector"], there)
                for peer in rule.get(peers, [])
            )
            for rule in opened(policies, here, way)
        )

    return lets("egress", source, "to", to) and lets("ingress", to, "from", source)
