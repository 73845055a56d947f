"""Prometheus takes its files, each alert fires and clears, and asks for what Heyday exports."""

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client.metrics import Counter, Histogram, MetricWrapperBase

from heyday.domain.error_budget import OBJECTIVE
from heyday.telemetry import Metrics
from tests.deploy.alert_cases import CASES, Case
from tests.deploy.composition import ROOT
from tests.docs.pages import page
from tests.servers import missing

FOLDER = ROOT / "deploy" / "prometheus"
DASHBOARDS = sorted((ROOT / "deploy" / "grafana").glob("*.json"))
RULE_FILES = [FOLDER / "recording.yml", FOLDER / "alerts.yml"]
# What Prometheus itself adds to every series.
OF_THE_SCRAPE = {"job", "instance"}
SELECTOR = re.compile(r"\b(heyday_\w+)(?:\{([^}]*)\})?")
LABEL = re.compile(r"(\w+)\s*(?:=~|!~|!=|=)")


def rules() -> list[dict[str, Any]]:
    read = [yaml.safe_load(path.read_text("utf-8")) for path in RULE_FILES]
    return [rule for file in read for group in file["groups"] for rule in group["rules"]]


def queries(path: Path) -> list[str]:
    """Return what the panels of a dashboard ask, with an interval in place of Grafana's."""
    panels = json.loads(path.read_text("utf-8"))["panels"]
    found = [target["expr"] for panel in panels for target in panel.get("targets", [])]
    return [query.replace("$__rate_interval", "5m") for query in found]


ALERTS = {rule["alert"]: rule for rule in rules() if "alert" in rule}
EXPRESSIONS = [rule["expr"] for rule in rules()] + [q for path in DASHBOARDS for q in queries(path)]


def exported() -> dict[str, set[str]]:
    """Return the series that Heyday really exports, with their labels."""
    series: dict[str, set[str]] = {}
    for metric in vars(Metrics()).values():
        if isinstance(metric, MetricWrapperBase):
            name, labels = metric._name, set(metric._labelnames)  # noqa: SLF001 - no public way
            if isinstance(metric, Histogram):
                series |= {f"{name}_bucket": {*labels, "le"}, f"{name}_count": labels}
                series[f"{name}_sum"] = labels
            else:
                series[f"{name}_total" if isinstance(metric, Counter) else name] = labels
    return series


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


def promtool(*words: str | Path) -> str:
    """Return what promtool says; fail where it finds a fault."""
    program = shutil.which("promtool")
    if program is None:
        missing("promtool", "apt-get install prometheus")
    done = subprocess.run([program, *words], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


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


def test_prometheus_takes_its_configuration(tmp_path: Path) -> None:
    shutil.copytree(FOLDER, tmp_path, dirs_exist_ok=True)
    (tmp_path / "heyday.key").touch()
    said = promtool("check", "config", tmp_path / "prometheus.yml")
    assert f"SUCCESS: {len(RULE_FILES)} rule files found" in said
    assert "is valid" in said


def test_every_process_of_compose_is_looked_at() -> None:
    read = yaml.safe_load((FOLDER / "prometheus.yml").read_text("utf-8"))
    ((targets,),) = (
        [each["targets"] for each in job["static_configs"]] for job in read["scrape_configs"]
    )
    services = yaml.safe_load((ROOT / "docker-compose.yml").read_text("utf-8"))["services"]
    ports = {
        name: service["environment"]["PORT" if name == "api" else "HEYDAY_METRICS_PORT"]
        for name, service in services.items()
        if service.get("command") in (["api"], ["scheduler"], ["worker"])
    }
    assert sorted(targets) == sorted(f"{name}:{port}" for name, port in ports.items())


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
