"""Read the rules for Prometheus and the dashboards for Grafana, and what Heyday exports."""

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import yaml
from prometheus_client.metrics import Counter, Histogram, MetricWrapperBase

from heyday.telemetry import Metrics
from tests.deploy.composition import ROOT
from tests.servers import missing

FOLDER = ROOT / "deploy" / "prometheus"
DASHBOARDS = sorted((ROOT / "deploy" / "grafana").glob("*.json"))
RULE_FILES = [FOLDER / "recording.yml", FOLDER / "alerts.yml"]


def groups() -> list[dict[str, Any]]:
    """Return the groups of rules."""
    read = [yaml.safe_load(path.read_text("utf-8")) for path in RULE_FILES]
    return [group for file in read for group in file["groups"]]


def rules() -> list[dict[str, Any]]:
    """Return all rules: what is recorded, and alerts."""
    return [rule for group in groups() for rule in group["rules"]]


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


def promtool(*words: str | Path) -> str:
    """Return what promtool says; fail where it finds a fault."""
    program = shutil.which("promtool")
    if program is None:
        missing("promtool", "apt-get install prometheus")
    done = subprocess.run([program, *words], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
