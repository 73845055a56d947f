"""Pods of deploy/kubernetes reach what they need, and nothing else."""

import pytest

from tests.deploy.manifests import FOLDER, OVERLAYS, Rendered, joins, opened, render, selects

API, SCHEDULER, WORKER = (
    {"app.kubernetes.io/name": "heyday", "app.kubernetes.io/component": part}
    for part in ("api", "scheduler", "worker")
)
DATABASE = {"cnpg.io/cluster": "heyday-database"}
BROKER = {"app.kubernetes.io/name": "heyday-rabbitmq"}


@pytest.fixture(scope="module", params=OVERLAYS)
def rendered(request: pytest.FixtureRequest) -> Rendered:
    return Rendered(request.param, render(FOLDER / request.param))


def test_nothing_goes_in_or_out_unless_a_policy_says_so(rendered: Rendered) -> None:
    nothing = rendered.one("NetworkPolicy", "nothing")["spec"]
    assert nothing == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}


def test_every_policy_is_about_pods_that_are_there(rendered: Rendered) -> None:
    for policy in rendered.of("NetworkPolicy"):
        spec = policy["spec"]
        rules = [*spec.get("ingress", []), *spec.get("egress", [])]
        peers = [peer for rule in rules for peer in [*rule.get("from", []), *rule.get("to", [])]]
        own = [peer["podSelector"] for peer in peers if peer.keys() == {"podSelector"}]
        for selector in [spec["podSelector"], *own]:
            found = [labels for labels in rendered.pods if selects(selector, labels)]
            assert found, f"{policy['metadata']['name']} selects no pod: {selector}"


def test_every_rule_names_its_ports(rendered: Rendered) -> None:
    for policy in rendered.of("NetworkPolicy"):
        for rule in [*policy["spec"].get("ingress", []), *policy["spec"].get("egress", [])]:
            assert rule["ports"]


def test_pods_reach_each_other_where_they_have_to_and_nowhere_else(rendered: Rendered) -> None:
    policies = rendered.of("NetworkPolicy")
    names = {"api": API, "scheduler": SCHEDULER, "worker": WORKER, "database": DATABASE}
    ours = ("api", "scheduler", "worker")
    expected = {(name, "database", 5432) for name in (*ours, "database")}
    expected |= {("database", "database", 8000)}
    if rendered.name == "large":
        names["broker"] = BROKER
        expected |= {(name, "broker", 5672) for name in ours}
        expected |= {("broker", "broker", port) for port in (4369, 25672)}
    assert len(rendered.pods) == len(names)
    found = {
        (source, target, port)
        for source in names
        for target in names
        for port in (4369, 5432, 5672, 8000, 15672, 25672)
        if joins(policies, names[source], names[target], port)
    }
    assert found == expected


def test_only_those_who_call_providers_reach_the_internet(rendered: Rendered) -> None:
    policies = rendered.of("NetworkPolicy")
    for labels in rendered.pods:
        blocks = [
            peer["ipBlock"]
            for rule in opened(policies, labels, "egress")
            for peer in rule.get("to", [])
            if "ipBlock" in peer
        ]
        assert bool(blocks) is (labels in (API, WORKER))
        # Nor where clouds hand out their machines' credentials.
        assert all("169.254.0.0/16" in block["except"] for block in blocks)


def test_every_pod_may_ask_for_names(rendered: Rendered) -> None:
    for labels in rendered.pods:
        rules = opened(rendered.of("NetworkPolicy"), labels, "egress")
        asked = [each for rule in rules for each in rule["ports"] if each["port"] == 53]
        assert {each["protocol"] for each in asked} == {"TCP", "UDP"}


def test_from_outside_only_those_come_in_who_are_named(rendered: Rendered) -> None:
    namespaces = {
        (peer["namespaceSelector"]["matchLabels"]["kubernetes.io/metadata.name"], port["port"])
        for labels in rendered.pods
        for rule in opened(rendered.of("NetworkPolicy"), labels, "ingress")
        for peer in rule["from"]
        if "namespaceSelector" in peer
        for port in rule["ports"]
    }
    expected = {("ingress-nginx", 8000), ("cnpg-system", 5432), ("cnpg-system", 8000)}
    if rendered.name == "large":
        expected |= {("keda", 5432)}
    assert namespaces == expected
