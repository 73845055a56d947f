"""Note what happens in a drill and when, on the terminal and in a file."""

import asyncio
import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path

from tests.chaos import clock


@dataclass(slots=True)
class Firing:
    """Hold one time that an alert fired, in seconds of the drill.

    cleared_at: None: it still fires.
    """

    alert: str
    fired_at: float
    cleared_at: float | None = None


@dataclass(slots=True)
class Stage:
    """Hold one fault: when it began, and when its cause was gone.

    came_back_at: infinite while it lasts.   due: how many greetings fell due in it.
    """

    title: str
    began_at: float
    came_back_at: float = float("inf")
    due: int = 0


@dataclass(slots=True)
class Ran:
    """Hold one command of the runbook, where it stands there, and how it ended."""

    chapter: str
    heading: str
    line: str
    status: int
    at: float


@dataclass
class Timeline:
    """Collect everything. say: shows a line to whoever waits.   path: the file, always current."""

    path: Path
    say: Callable[[str], None]
    wall: str = field(default_factory=lambda: f"{clock.now():%Y-%m-%d %H:%M:%S} UTC")
    began: float = field(default_factory=lambda: asyncio.get_running_loop().time())
    firings: list[Firing] = field(default_factory=list)
    stages: list[Stage] = field(default_factory=list)
    commands: list[Ran] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)

    @property
    def now(self) -> float:
        """Return the seconds since it began."""
        return asyncio.get_running_loop().time() - self.began

    def note(self, text: str) -> None:
        """Say what happens now."""
        minutes, seconds = divmod(int(self.now), 60)
        line = f"{clock.now():%H:%M:%S}  {minutes:3}:{seconds:02}  {text}"
        self.lines.append(line)
        self.say(line)
        self.write()

    def note_alert(self, alert: str, fires: bool) -> None:  # noqa: FBT001 - the one thing it says
        """Take in that an alert fires, or no longer does."""
        if fires:
            self.firings.append(Firing(alert, self.now))
        else:
            firing = next(f for f in self.firings if f.alert == alert and f.cleared_at is None)
            firing.cleared_at = self.now
        self.note(f"{alert} {'fires' if fires else 'clears'}")

    def begin(self, title: str) -> Stage:
        """Take in that a fault begins."""
        self.stages.append(stage := Stage(title, self.now))
        self.note(f"--- {title}")
        return stage

    def come_back(self, stage: Stage) -> None:
        """Take in that the cause of a fault is gone."""
        stage.came_back_at = self.now
        self.note(f"{stage.title}: over")

    def note_command(self, ran: Ran) -> None:
        """Take in that a command of the runbook was run."""
        self.commands.append(ran)
        self.note(f"$ {ran.line}  -> {ran.status}")

    def write(self, **more: object) -> None:
        """Write all of it down. more: what is known at the end alone."""
        found = {
            "began": self.wall,
            "ended_at": self.now,
            "stages": [asdict(stage) for stage in self.stages],
            "alerts": [asdict(firing) for firing in self.firings],
            "commands": [asdict(ran) for ran in self.commands],
            "lines": self.lines,
            **more,
        }
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.path.write_text(json.dumps(found, indent=1, default=str) + "\n", "utf-8")
