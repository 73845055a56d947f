"""Say for each alert when it fires and when it does not, in promtool's notation of series."""

import re
from dataclasses import dataclass, field

FAST, SLOW = "HeydayLatenessBurnsFast", "HeydayLatenessBurnsSlowly"
_COUNT = 'heyday_lateness_seconds_count{message_type="BIRTHDAY"}'
_KEPT = 'heyday_lateness_seconds_bucket{message_type="BIRTHDAY", le="60.0"}'


@dataclass(frozen=True, slots=True)
class Case:
    """Hold series by the minute, and what an alert makes of them at a moment.

    fires: the labels of what fires; None for silence.
    """

    alert: str
    name: str
    series: dict[str, str]
    at: str
    fires: dict[str, str] | None = field(default=None)


def _lateness(kept: str, minutes: int) -> dict[str, str]:
    return {_COUNT: f"0+1000x{minutes}", _KEPT: kept}


def _jobs(job: str, result: str, values: str) -> dict[str, str]:
    return {f'heyday_job_runs_total{{job="{job}", result="{result}"}}': values}


def _success(job: str) -> str:
    return f'heyday_job_last_success_timestamp_seconds{{job="{job}"}}'


def _gauge(alert: str, gauge: str, bad: str, good: str, minutes: int) -> list[Case]:
    """Return that it fires while the gauge is bad, waits at first, and clears when it is good."""
    labels = dict(re.findall(r'(instance|provider|stage)="(\w+)"', gauge))
    series = {gauge: f"{bad}x{minutes + 5} {good}x10"}
    return [
        Case(alert, "not at once", series, "0m"),
        Case(alert, "while it lasts", series, f"{minutes + 2}m", labels),
        Case(alert, "over", series, f"{minutes + 10}m"),
    ]


def _since(alert: str, gauge: str, minutes: int) -> list[Case]:
    """Return that it fires when nothing was done since the beginning of time, and clears."""
    series = {gauge: f"0x{minutes + 3} {(minutes + 4) * 60}x10"}
    return [
        Case(alert, "not yet", series, f"{minutes - 1}m"),
        Case(alert, "for long", series, f"{minutes + 1}m", {}),
        Case(alert, "done again", series, f"{minutes + 6}m"),
    ]


def _counted(alert: str, counter: str, labels: dict[str, str]) -> list[Case]:
    """Return that it fires for the first one and for one more, and clears a while after."""
    return [
        Case(alert, "the first", {counter: "_x10 1x40"}, "12m", labels),
        Case(alert, "one more", {counter: "1x20 2x40"}, "25m", labels),
        Case(alert, "a while ago", {counter: "_x10 1x40"}, "40m"),
        Case(alert, "none", {counter: "0x40"}, "30m"),
    ]


CASES = [
    # Of 1,000 a minute, 20 late: 20 times what the budget allows; then none.
    Case(FAST, "an hour of 2 %", _lateness("0+980x90", 90), "80m", {}),
    # After six quiet hours, which the longer pair of windows still has in view.
    Case(FAST, "soon", _lateness("0+1000x360 360980+980x60", 420), "411m", {}),
    Case(FAST, "not so fast", _lateness("0+1000x360 360988+988x60", 420), "411m"),
    Case(FAST, "over", _lateness("0+980x90 89200+1000x40", 130), "125m"),
    Case(FAST, "ten times, six hours", _lateness("0+990x400", 400), "390m", {}),
    Case(FAST, "as much as it may", _lateness("0+999x400", 400), "390m"),
    Case(FAST, "nothing to send", {_COUNT: "5x90", _KEPT: "5x90"}, "80m"),
    Case(SLOW, "four times, a day", _lateness("0+996x1500", 1500), "1490m", {}),
    Case(SLOW, "twice, three days", _lateness("0+998x4400", 4400), "4390m", {}),
    Case(SLOW, "half of it", _lateness("0+999.5x4400", 4400), "4390m"),
    Case(
        "HeydayProcessDown",
        "away",
        {'up{job="heyday", instance="api:8000"}': "1x5 0x10"},
        "9m",
        {"job": "heyday", "instance": "api:8000"},
    ),
    Case(
        "HeydayProcessDown",
        "no worker is left",
        {
            'up{job="heyday", process="worker", instance="a"}': "1x5",
            'up{job="heyday", process="api", instance="b"}': "1x30",
        },
        "20m",
        {"process": "worker"},
    ),
    Case(
        "HeydayProcessDown",
        "one worker fewer",
        {
            'up{job="heyday", process="worker", instance="a"}': "1x5",
            'up{job="heyday", process="worker", instance="b"}': "1x30",
        },
        "20m",
    ),
    Case("HeydayProcessDown", "back", {'up{job="heyday"}': "0x5 1x10"}, "9m"),
    Case(
        "HeydaySchedulerFailing",
        "each minute",
        _jobs("minute", "failed", "0+1x20"),
        "15m",
        {"job": "minute"},
    ),
    Case("HeydaySchedulerFailing", "once", _jobs("minute", "failed", "0x5 1x20"), "15m"),
    Case("HeydaySchedulerFailing", "over", _jobs("minute", "failed", "0+1x10 10x30"), "35m"),
    Case(
        "HeydaySchedulerOverdue",
        "the minute's stands still",
        _jobs("minute", "finished", "0+1x10 10x20"),
        "28m",
        {"job": "minute"},
    ),
    Case(
        "HeydaySchedulerOverdue",
        "recovery stands still",
        _jobs("recovery", "finished", "3x60"),
        "55m",
        {"job": "recovery"},
    ),
    Case("HeydaySchedulerOverdue", "it runs", _jobs("minute", "finished", "0+1x60"), "55m"),
    Case(
        "HeydaySchedulerOverdue",
        "it has just begun",
        _jobs("recovery", "finished", "1x9 2x9 3x9"),
        "9m",
    ),
    *_gauge("HeydayBreakerOpen", 'heyday_breaker_state{provider="http"}', "2", "0", 5),
    *_gauge("HeydayClockUntrusted", "heyday_clock_untrusted", "1", "0", 1),
    *_gauge("HeydayHeld", "heyday_held", "1", "0", 1),
    *_gauge("HeydaySendsUnwritable", 'heyday_sends_unwritable{instance="a"}', "1", "0", 1),
    *_gauge("HeydayTransactionOld", "heyday_oldest_transaction_seconds", "400", "3", 5),
    *_gauge("HeydayPlanShort", "heyday_plan_ahead_seconds", "70000", "80000", 30),
    *_gauge("HeydayQueueAway", "heyday_queue_away", "1", "0", 5),
    *_gauge("HeydayBatchesDead", "heyday_queue_dead_batches", "2", "0", 1),
    *_gauge("HeydayUnknownWaiting", "heyday_unknown_greetings", "3", "0", 60),
    *_gauge("HeydayMonthsShort", "heyday_months_ahead", "1", "12", 60),
    *_gauge("HeydayBacklogOld", 'heyday_backlog_age_seconds{stage="leaving"}', "200", "0", 2),
    Case(
        "HeydayBacklogOld",
        "to be tried again",
        {'heyday_backlog_age_seconds{stage="retrying"}': "900x20"},
        "15m",
    ),
    *_since("HeydayDailyOverdue", _success("daily"), 1570),
    *_since("HeydayRetentionOverdue", _success("retention"), 1620),
    Case("HeydayRetentionOverdue", "never", {_success("daily"): "0x90"}, "70m", {}),
    Case("HeydayRetentionOverdue", "it runs still", {_success("daily"): "0x90"}, "50m"),
    *_since("HeydayFactsOld", "heyday_facts_read_timestamp_seconds", 7),
    Case("HeydayFactsOld", "no scheduler is read", {'up{job="heyday"}': "1x20"}, "9m", {}),
    *_gauge("HeydayRedisAway", "heyday_redis_away", "1", "0", 5),
    Case("HeydayOutcomesFenced", "some", {"heyday_fenced_total": "0x5 4x30"}, "10m", {}),
    Case("HeydayOutcomesFenced", "long ago", {"heyday_fenced_total": "0x5 4x40"}, "35m"),
    *_counted(
        "HeydayIllegalMove",
        'heyday_illegal_moves_total{source="SENT", target="FAILED"}',
        {"source": "SENT", "target": "FAILED"},
    ),
    *_counted(
        "HeydayAttemptsAmbiguous",
        'heyday_sender_attempts_total{sender="http", outcome="ambiguous"}',
        {"sender": "http"},
    ),
    Case(
        "HeydayAttemptsAmbiguous",
        "refusals are none",
        {'heyday_sender_attempts_total{sender="http", outcome="refused"}': "0+5x30"},
        "20m",
    ),
]
