"""Dashboards fit Grafana's own model, show every metric, and say what to do about it."""

import copy
import json
import re
from collections.abc import Iterator
from itertools import combinations
from typing import Any

import pytest
import yaml
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.cog.plugins import register_default_plugins
from grafana_foundation_sdk.models.dashboard import Dashboard

from heyday.domain.error_budget import OBJECTIVE
from tests.deploy.composition import ROOT
from tests.deploy.rules import ALERTS, DASHBOARDS, EXPRESSIONS, exported, queries

FOLDER = ROOT / "deploy" / "grafana"
READ = {path.stem: json.loads(path.read_text("utf-8")) for path in DASHBOARDS}
PANELS: dict[str, dict[str, Any]] = {
    f"{name}-{panel['title']}": panel
    for name, dashboard in READ.items()
    for panel in dashboard["panels"]
    if panel["type"] != "row"
}
# Metrics that stand on no dashboard, and why.
NOT_SHOWN: dict[str, str] = {}


def lost(given: Any, kept: Any, place: str = "") -> Iterator[str]:
    """Yield where something was given that was not kept."""
    if isinstance(given, dict) and isinstance(kept, dict):
        for key, value in given.items():
            yield from lost(value, kept.get(key), f"{place}/{key}")
    elif isinstance(given, list) and isinstance(kept, list) and len(given) == len(kept):
        for number, value in enumerate(given):
            yield from lost(value, kept[number], f"{place}/{number}")
    elif given != kept:
        yield place


def unread(dashboard: dict[str, Any]) -> list[str]:
    """Return what of a dashboard Grafana's model does not know, by its place."""
    register_default_plugins()
    kept = json.loads(JSONEncoder().encode(Dashboard.from_json(copy.deepcopy(dashboard))))
    return list(lost(dashboard, kept))


@pytest.mark.parametrize("name", READ)
def test_grafana_knows_every_word_of_it(name: str) -> None:
    assert unread(READ[name]) == []


def test_a_wrong_word_is_found() -> None:
    wrong = copy.deepcopy(READ["heyday-overview"])
    wrong["panels"][1]["targets"][0]["exprr"] = "x"
    wrong["panels"][2]["fieldConfig"]["default"] = {"unit": "s"}
    wrong["refersh"] = "30s"
    expected = ["/refersh", "/panels/1/targets/0/exprr", "/panels/2/fieldConfig/default"]
    assert sorted(unread(wrong)) == sorted(expected)


@pytest.mark.parametrize("name", READ)
def test_panels_lie_side_by_side(name: str) -> None:
    panels = READ[name]["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    places = [panel["gridPos"] for panel in panels]
    assert all(0 <= p["x"] < p["x"] + p["w"] <= 24 for p in places)
    for one, other in combinations(places, 2):
        assert any(
            one[at] + one[size] <= other[at] or other[at] + other[size] <= one[at]
            for at, size in (("x", "w"), ("y", "h"))
        )


@pytest.mark.parametrize("panel", PANELS.values(), ids=PANELS)
def test_a_panel_says_what_to_do(panel: dict[str, Any]) -> None:
    text, _, alerts = panel["description"].partition(" Runbook: ")
    assert text.endswith(".")
    named = alerts.removesuffix(".").split(", ") if alerts else []
    assert set(named) <= set(ALERTS)
    for target in panel["targets"]:
        assert target["datasource"] == panel["datasource"]


def test_every_alert_is_led_to() -> None:
    told = " ".join(panel["description"] for panel in PANELS.values())
    assert [alert for alert in ALERTS if not re.search(rf"\b{alert}\b", told)] == []


@pytest.mark.parametrize("panel", PANELS.values(), ids=PANELS)
def test_a_legend_names_labels_that_the_query_keeps(panel: dict[str, Any]) -> None:
    for target in panel["targets"]:
        named = set(re.findall(r"{{(\w+)}}", target["legendFormat"]))
        grouped = re.findall(r"\bby \(([^)]*)\)", target["expr"])
        kept = {each.strip() for names in grouped for each in names.split(",")} - {"le"}
        if "job=" in target["expr"]:
            kept |= {"process", "instance"}
        assert named <= kept


def test_every_metric_is_shown() -> None:
    shown = {
        name
        for path in DASHBOARDS
        for query in queries(path)
        for name in re.findall(r"heyday_\w+", query)
    }
    metrics = {re.sub(r"_(bucket|count|sum)$", "", name) for name in exported()}
    there = {re.sub(r"_(bucket|count|sum)$", "", name) for name in shown}
    assert metrics - there == set(NOT_SHOWN)
    assert len(metrics) > 40


def test_the_budget_is_that_of_the_code() -> None:
    shares = {
        float(share)
        for expression in EXPRESSIONS
        for share in re.findall(r"ratio_rate\w+ / ([\d.]+)", expression)
    }
    assert shares == {round(1 - OBJECTIVE.share, 9)}


def test_dashboards_ask_the_prometheus_that_is_provisioned(
    services: dict[str, dict[str, Any]],
) -> None:
    file = FOLDER / "provisioning" / "datasources" / "prometheus.yml"
    (source,) = yaml.safe_load(file.read_text("utf-8"))["datasources"]
    assert {panel["datasource"]["uid"] for panel in PANELS.values()} == {source["uid"]}
    assert source["url"] == "http://prometheus:9090"
    assert set(services["prometheus"]["networks"]) & set(services["grafana"]["networks"])


def test_dashboards_are_where_grafana_looks_for_them(services: dict[str, dict[str, Any]]) -> None:
    file = FOLDER / "provisioning" / "dashboards" / "heyday.yml"
    (provider,) = yaml.safe_load(file.read_text("utf-8"))["providers"]
    mounts = {each["target"]: each["source"] for each in services["grafana"]["volumes"]}
    place = provider["options"]["path"]
    assert mounts[place].endswith("deploy/grafana")
    home = services["grafana"]["environment"]["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"]
    assert home.removeprefix(f"{place}/").removesuffix(".json") in READ
    for kind in ("datasources", "dashboards"):
        where = f"/etc/grafana/provisioning/{kind}"
        assert mounts[where].endswith(f"deploy/grafana/provisioning/{kind}")
