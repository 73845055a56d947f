"""Keep what a full drill saw, so that the runbook is held to it without another one."""

import json
from collections.abc import Sequence
from pathlib import Path

from tests.chaos.processes import ROOT
from tests.drills.outage_review import Point, review_alerts
from tests.drills.runbook import FAULTS, read_chapter
from tests.drills.timeline import Firing, Stage

RECORD = ROOT / "docs" / "outage.json"


def review_record(path: Path = RECORD) -> Sequence[Point]:
    """Return whether the runbook, as it is now, says what was seen then."""
    found = json.loads(path.read_text("utf-8"))
    stages = [Stage(**stage) for stage in found["stages"]]
    firings = [Firing(**alert) for alert in found["alerts"]]
    chapters = {title: read_chapter(title) for title in FAULTS}
    return review_alerts(stages, chapters, firings, found["ended_at"], is_timed=True)


def publish(result: Path) -> None:
    """Write what a full drill noted of faults and alerts into docs/."""
    found = json.loads(result.read_text("utf-8"))
    kept = {name: found[name] for name in ("began", "ended_at", "stages", "alerts")}
    RECORD.write_text(json.dumps(kept, indent=1) + "\n", "utf-8")
