"""Prometheus takes its files, each alert fires and clears, and asks for what Heyday exports."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from heyday.domain.error_budget import OBJECTIVE
from heyday.telemetry import Metrics
from tests.deploy.alert_cases import CASES, Case
from tests.deploy.composition import ROOT
from tests.deploy.rules import (
    ALERTS,
    EXPRESSIONS,
    FOLDER,
    RULE_FILES,
    exported,
    promtool,
    rules,
)
from tests.docs.pages import page

# What Prometheus itself adds to every series.
OF_THE_SCRAPE = {"job", "instance", "process"}
SELECTOR = re.compile(r"\b(heyday_\w+)(?:\{([^}]*)\})?")
LABEL = re.compile(r"(\w+)\s*(?:=~|!~|!=|=)")


def unknown(expression: str) -> list[str]:
    """Return the names and labels of an expression that nothing exports."""
    there, found, labels = exported(), [], set(OF_THE_SCRAPE)
    for name, matchers in SELECTOR.findall(expression):
        labels |= there.get(name, set())
        asked = set(LABEL.findall(matchers)) - there.get(name, set()) - OF_THE_SCRAPE
        found += [name] * (name not in there) + sorted(asked)
    for names in re.findall(r"\b(?:by|without|on|ignoring) \(([^)]*)\)", expression):
        found += sorted({each.strip() for each in names.split(",")} - labels)
    recorded = {rule["record"] for rule in rules() if "record" in rule}
    return found + sorted(set(re.findall(r"heyday:[\w:]+", expression)) - recorded)


def proof(case: Case) -> dict[str, Any]:
    """Return a case as promtool reads it."""
    rule = ALERTS[case.alert]
    expected = []
    if case.fires is not None:
        labels = {**rule["labels"], **case.fires}
        expected = [{"exp_labels": labels, "exp_annotations": rule["annotations"]}]
    series = [{"series": name, "values": values} for name, values in case.series.items()]
    test = {"eval_time": case.at, "alertname": case.alert, "exp_alerts": expected}
    return {"interval": "1m", "input_series": series, "alert_rule_test": [test]}


@pytest.mark.parametrize("case", CASES, ids=lambda c: f"{c.alert}-{c.name}")
def test_an_alert_fires_and_clears(tmp_path: Path, case: Case) -> None:
    file = {"rule_files": [str(path) for path in RULE_FILES], "tests": [proof(case)]}
    (tmp_path / "test.json").write_text(json.dumps(file), "utf-8")
    assert "SUCCESS" in promtool("test", "rules", tmp_path / "test.json")


@pytest.mark.parametrize("alert", ALERTS)
def test_an_alert_is_seen_to_fire_and_to_be_silent(alert: str) -> None:
    assert {case.fires is None for case in CASES if case.alert == alert} == {True, False}


def test_prometheus_takes_its_configuration() -> None:
    said = promtool("check", "config", FOLDER / "prometheus.yml")
    assert f"SUCCESS: {len(RULE_FILES)} rule files found" in said
    assert "is valid" in said


def test_every_process_of_compose_is_looked_at() -> None:
    read = yaml.safe_load((FOLDER / "prometheus.yml").read_text("utf-8"))
    (((names),),) = [job["dns_sd_configs"] for job in read["scrape_configs"]]
    services = yaml.safe_load((ROOT / "docker-compose.yml").read_text("utf-8"))["services"]
    ports = {
        name: service["environment"]["HEYDAY_METRICS_PORT"]
        for name, service in services.items()
        if service.get("command") in (["api"], ["scheduler"], ["worker"])
    }
    assert sorted(names["names"]) == sorted(ports)
    assert {str(names["port"])} == set(ports.values())


def test_every_expression_can_be_read(tmp_path: Path) -> None:
    read = [{"record": f"heyday:r{n}", "expr": e} for n, e in enumerate(EXPRESSIONS)]
    file = tmp_path / "all.json"
    file.write_text(json.dumps({"groups": [{"name": "all", "rules": read}]}), "utf-8")
    assert f"SUCCESS: {len(EXPRESSIONS)} rules found" in promtool("check", "rules", file)


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_it_asks_for_what_is_exported(expression: str) -> None:
    assert unknown(expression) == []


@pytest.mark.parametrize(
    ("expression", "wrong"),
    [
        ("sum(heyday_latenes_seconds_count)", ["heyday_latenes_seconds_count"]),
        ('heyday_fenced_total{sender="x"}', ["sender"]),
        ("sum by (colour) (heyday_fenced_total)", ["colour"]),
        ("heyday_fenced", ["heyday_fenced"]),
        ("heyday:nothing:ratio", ["heyday:nothing:ratio"]),
    ],
)
def test_a_wrong_name_is_found(expression: str, wrong: list[str]) -> None:
    assert unknown(expression) == wrong


def test_the_objective_is_that_of_the_code() -> None:
    recorded = [rule["expr"] for rule in rules() if "record" in rule]
    bound = f'le="{OBJECTIVE.within.total_seconds()}"'
    assert recorded
    assert [expression for expression in recorded if bound not in expression] == []
    lateness = Metrics().lateness
    lateness.labels(message_type="BIRTHDAY")
    buckets = [sample.labels.get("le") for each in lateness.collect() for sample in each.samples]
    assert str(OBJECTIVE.within.total_seconds()) in buckets
    burns = [rule["expr"] for name, rule in ALERTS.items() if "Burns" in name]
    shares = {share for e in burns for share in re.findall(r"> [\d.]+ \* ([\d.]+)", e)}
    assert {float(share) for share in shares} == {round(1 - OBJECTIVE.share, 9)}


@pytest.mark.parametrize("alert", ALERTS)
def test_an_alert_says_what_to_do(alert: str) -> None:
    notes = ALERTS[alert]["annotations"]
    assert notes["summary"].endswith(".")
    assert notes["action"].endswith(".")
    name, _, anchor = notes["runbook"].partition("#")
    assert anchor in page(name).anchors
    assert ALERTS[alert]["labels"]["severity"] in {"page", "ticket"}


def test_the_runbook_has_no_alert_that_is_gone() -> None:
    headings = re.findall(r"^## (Heyday\w+)$", page("docs/runbook.md").text, re.MULTILINE)
    assert sorted(headings) == sorted(ALERTS)
