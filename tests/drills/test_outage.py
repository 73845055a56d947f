"""What the outage drill is held to is in the runbook, and it finds what is not as that says."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
import yaml

from tests.drills import runbook
from tests.drills.outage_record import review_record
from tests.drills.outage_review import Point, review_alerts, review_commands
from tests.drills.prometheus import FOLDER, shorten, speed_up, write_configuration
from tests.drills.runbook import Chapter, Expected, NotInRunbook, read_chapter
from tests.drills.timeline import Firing, Ran, Stage

TEXT = """
## Rain

| alert | fires within | clears within |
|---|---|---|
| [HeydayWet](#heydaywet) | 2 min | 30 s |
| [HeydayCold](#heydaycold) | 3 min | 7 h |
| [HeydayFog](#heydayfog) | may fire | 1 min |

### While it is down

```sh
.venv/bin/heyday status --once
```

## Sun
"""
RAIN = read_chapter("Rain", TEXT)
STAGES = [Stage("Rain", began_at=100, came_back_at=200, due=5)]
LINE = ".venv/bin/heyday status --once"
AS_WRITTEN = [Firing("HeydayWet", 150, 220), Firing("HeydayCold", 160)]


def faults_of(points: Sequence[Point]) -> list[str]:
    return [fault for point in points for fault in point.faults]


def found(*firings: Firing, is_timed: bool = True) -> list[str]:
    return faults_of(review_alerts(STAGES, {"Rain": RAIN}, firings, 400, is_timed=is_timed))


def test_a_chapter_is_read_up_to_the_next() -> None:
    assert RAIN.commands == {"": [], "While it is down": [LINE]}
    assert RAIN.alerts == [
        Expected("HeydayWet", timedelta(minutes=2), timedelta(seconds=30)),
        Expected("HeydayCold", timedelta(minutes=3), timedelta(hours=7)),
        Expected("HeydayFog", None, timedelta(minutes=1)),
    ]
    assert read_chapter("Sun", TEXT) == Chapter("Sun", {"": []}, [])


@pytest.mark.parametrize("wrong", [("2 min", "soon"), ("HeydayWet", "Wet"), ("## Rain", "## Hail")])
def test_what_cannot_be_read_is_said(wrong: tuple[str, str]) -> None:
    with pytest.raises(NotInRunbook):
        read_chapter("Rain", TEXT.replace(*wrong))


@pytest.mark.parametrize("title", [*runbook.FAULTS, runbook.AFTERWARDS])
def test_the_runbook_has_alerts_that_are_there_and_commands(title: str) -> None:
    rules = yaml.safe_load((FOLDER / "alerts.yml").read_text("utf-8"))
    there = {rule["alert"] for group in rules["groups"] for rule in group["rules"]}
    chapter = read_chapter(title)
    assert {expected.alert for expected in chapter.alerts} <= there
    assert bool(chapter.alerts) is (title in runbook.FAULTS)
    # What stood under another heading would never be run.
    assert chapter.commands.keys() <= {"", runbook.WHILE, runbook.ONCE}
    assert any(chapter.commands.values())
    assert bool(chapter.commands[""]) is (title == runbook.AFTERWARDS)


def test_the_runbook_says_what_the_last_full_drill_saw() -> None:
    assert faults_of(review_record()) == []


def test_what_is_as_written_is_right() -> None:
    assert found(*AS_WRITTEN) == []
    ran = [Ran("Rain", "While it is down", LINE, 0, 120)]
    assert faults_of(review_commands({"Rain": RAIN}, STAGES, ran)) == []


@pytest.mark.parametrize(
    ("firings", "said"),
    [
        ([], "did not fire"),
        ([Firing("HeydayWet", 230, 231)], "fired after 130 s"),
        ([Firing("HeydayCold", 110), Firing("HeydayWet", 150, 220)], "fired before the one"),
        ([*AS_WRITTEN, Firing("HeydayHot", 150, 160)], "HeydayHot fired"),
        ([Firing("HeydayWet", 50, 60), *AS_WRITTEN], "HeydayWet"),
        ([Firing("HeydayWet", 150, 240)], "cleared 40 s after"),
        ([Firing("HeydayWet", 150)], "still fires"),
    ],
)
def test_what_is_not_as_written_is_found(firings: list[Firing], said: str) -> None:
    assert any(said in fault for fault in found(*firings))


def test_times_do_not_count_where_rules_are_shorter() -> None:
    late = [Firing("HeydayCold", 110), Firing("HeydayWet", 230, 300), Firing("HeydayFog", 120, 390)]
    assert found(*late, is_timed=False) == []
    assert found(Firing("HeydayWet", 150), is_timed=False) != []


def test_what_two_faults_cause_clears_after_the_second() -> None:
    stages = [*STAGES, Stage("Hail", began_at=300, came_back_at=310, due=1)]
    chapters = {"Rain": RAIN, "Hail": replace(RAIN, title="Hail", alerts=RAIN.alerts[1:2])}
    wet, cold = Firing("HeydayWet", 150, 220), Firing("HeydayCold", 160, 20_000)
    again = replace(cold, fired_at=305)
    assert faults_of(review_alerts(stages, chapters, [wet, cold, again], 400, is_timed=True)) == []
    chapters["Hail"] = replace(RAIN, title="Hail", alerts=[])
    lasting = review_alerts(stages, chapters, [wet, replace(cold, cleared_at=26_000)], 400,
                            is_timed=True)  # fmt: skip
    assert "cleared 25800 s after 'Rain'" in faults_of(lasting)[0]


@pytest.mark.parametrize(
    ("ran", "due", "said"),
    [
        ([], 5, "was not run"),
        ([Ran("Rain", "While it is down", LINE, 1, 120)], 5, "ended with status 1"),
        ([Ran("Rain", "While it is down", LINE, 0, 120)], 0, "none did"),
    ],
)
def test_a_command_that_fails_is_found(ran: list[Ran], due: int, said: str) -> None:
    stages = [replace(STAGES[0], due=due)]
    assert said in " ".join(faults_of(review_commands({"Rain": RAIN}, stages, ran)))


def test_rules_at_their_own_speed_are_the_files_of_deploy(tmp_path: Path) -> None:
    path = write_configuration(tmp_path / "prometheus", [("api", 9100), ("worker", 9101)], 1)
    for name in ("alerts.yml", "recording.yml"):
        assert (path.parent / name).read_bytes() == (FOLDER / name).read_bytes()
    written, ours = (yaml.safe_load(p.read_text()) for p in (path, FOLDER / "prometheus.yml"))
    (job,), (theirs,) = written["scrape_configs"], ours["scrape_configs"]
    assert job.pop("static_configs") == [
        {"targets": ["127.0.0.1:9100"], "labels": {"__meta_dns_name": "api"}},
        {"targets": ["127.0.0.1:9101"], "labels": {"__meta_dns_name": "worker"}},
    ]
    del theirs["dns_sd_configs"]
    assert written == ours


def test_faster_rules_compare_with_what_they_did() -> None:
    assert shorten("30m", 30) == "60000ms"
    expression = "increase(x[15m]) > 300 unless y offset 1h"
    group = {"rules": [{"alert": "A", "expr": expression, "for": "2m"}]}
    (rule,) = speed_up({"groups": [group]}, 60)["groups"][0]["rules"]
    assert rule["expr"] == "increase(x[15000ms]) > 300 unless y offset 60000ms"
    assert rule["for"] == "2000ms"
