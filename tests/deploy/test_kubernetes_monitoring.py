"""deploy/kubernetes/monitoring has the Prometheus operator do what deploy/prometheus does.

Of its own kinds no schema is at hand: what is checked of them is what Heyday relies on.
"""

import os
from pathlib import Path

import kubernetes_validate
import pytest
import yaml

from tests.deploy import prometheus_rule, rules
from tests.deploy.composition import ROOT
from tests.deploy.manifests import FOLDER, OVERLAYS, Rendered, opened, render, selects
from tests.docs.pages import page

# Of a Prometheus of the operator's, as its own examples put it up.
PROMETHEUS = {"app.kubernetes.io/name": "prometheus"}


@pytest.fixture(scope="module", params=OVERLAYS)
def rendered(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Rendered:
    """An overlay as a company has it that names the component in a folder of its own."""
    folder = tmp_path_factory.mktemp("company").resolve()
    names = {
        "resources": [os.path.relpath(FOLDER / request.param, folder)],
        "components": [os.path.relpath(FOLDER / "monitoring", folder)],
    }
    (folder / "kustomization.yaml").write_text(yaml.safe_dump(names), "utf-8")
    return Rendered(request.param, render(folder))


def test_it_adds_three_manifests_and_changes_none(rendered: Rendered) -> None:
    plain = render(FOLDER / rendered.name)
    added = [each for each in rendered.manifests if each not in plain]
    assert len(rendered.manifests) == len(plain) + len(added)
    kinds = [each["kind"] for each in added]
    assert sorted(kinds) == ["NetworkPolicy", "PodMonitor", "PrometheusRule"]
    assert {each["metadata"]["namespace"] for each in added} == {"heyday"}


def test_the_rules_are_those_of_prometheus(rendered: Rendered) -> None:
    (rule,) = rendered.of("PrometheusRule")
    assert rule["spec"]["groups"] == rules.groups()


def test_the_rules_are_made_anew_where_one_has_changed() -> None:
    written = prometheus_rule.FILE.read_text("utf-8")
    assert written == prometheus_rule.manifest(), "run: python -m tests.deploy.prometheus_rule"


def test_every_process_is_read_as_by_our_own_configuration(rendered: Rendered) -> None:
    ((job),) = yaml.safe_load((rules.FOLDER / "prometheus.yml").read_text("utf-8"))[
        "scrape_configs"
    ]
    spec = rendered.one("PodMonitor", "heyday")["spec"]
    (endpoint,) = spec["podMetricsEndpoints"]
    (relabeling,) = endpoint["relabelings"]
    assert endpoint["honorLabels"] is job["honor_labels"] is True
    assert relabeling["targetLabel"] == job["relabel_configs"][0]["target_label"]
    # Prometheus writes what a label is called with _ in place of all else.
    component = "app.kubernetes.io/component".replace(".", "_").replace("/", "_")
    assert relabeling["sourceLabels"] == [f"__meta_kubernetes_pod_label_{component}"]
    for deployment in rendered.deployments:
        template = deployment["spec"]["template"]
        labels = template["metadata"]["labels"]
        assert selects(spec["selector"], labels)
        assert labels[spec["jobLabel"]] == job["job_name"]
        (container,) = template["spec"]["containers"]
        assert endpoint["port"] in {port["name"] for port in container["ports"]}


def test_prometheus_comes_in_and_nobody_else(rendered: Rendered) -> None:
    port = int(rendered.of("ConfigMap")[0]["data"]["HEYDAY_METRICS_PORT"])
    policies = rendered.of("NetworkPolicy")
    for labels in rendered.pods:
        at_metrics = [
            rule
            for rule in opened(policies, labels, "ingress")
            if port in {each["port"] for each in rule["ports"]}
        ]
        if labels.get("app.kubernetes.io/name") != "heyday":
            assert at_metrics == []
            continue
        ((peer),) = [peer for rule in at_metrics for peer in rule["from"]]
        assert peer == {
            "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "monitoring"}},
            "podSelector": {"matchLabels": PROMETHEUS},
        }


def test_without_it_nobody_comes_in() -> None:
    for overlay in OVERLAYS:
        plain = Rendered(overlay, render(FOLDER / overlay))
        port = int(plain.of("ConfigMap")[0]["data"]["HEYDAY_METRICS_PORT"])
        ingress = [
            rule for each in plain.of("NetworkPolicy") for rule in each["spec"].get("ingress", [])
        ]
        assert [rule for rule in ingress if port in {p["port"] for p in rule["ports"]}] == []


def test_the_folder_of_the_page_renders(tmp_path: Path) -> None:
    (example,) = page("docs/deploy.md").blocks("text")
    place = os.path.relpath(ROOT, tmp_path.resolve())
    text = example.replace("[heyday/", f"[{place}/")
    (tmp_path / "kustomization.yaml").write_text(text, "utf-8")
    found = Rendered("the page's", render(tmp_path))
    for kind in ("PodMonitor", "PrometheusRule"):
        assert found.one(kind, "heyday")["metadata"]["labels"] == {"release": "prometheus"}
    assert "registry.acme.example/heyday:7" in {each["image"] for _, each in found.containers()}
    claim = found.one("PersistentVolumeClaim", "heyday-sends")["spec"]
    assert claim["storageClassName"] == "nfs"
    policy = found.one("NetworkPolicy", "calls-to-the-api")["spec"]["ingress"][0]["from"]
    assert "traefik" in str(policy)


@pytest.mark.parametrize("version", ["1.30", "1.34"])
def test_what_is_kubernetes_own_fits_its_schema(rendered: Rendered, version: str) -> None:
    policy = rendered.one("NetworkPolicy", "looks-at-heyday")
    kubernetes_validate.validate(policy, version, strict=True)
