"""The stand-ins of the tests are what the ports ask for. mypy checks the shapes, this the rest."""

from heyday.domain.ports import Clock, Sender, Wakeup
from tests.fakes import FakeClock, FakeWakeup, RecordingSender


def test_stand_ins_fit_their_ports():
    clock: Clock = FakeClock()
    wakeup: Wakeup = FakeWakeup(FakeClock())
    sender: Sender = RecordingSender()
    for port, stand_in in ((Clock, clock), (Wakeup, wakeup), (Sender, sender)):
        assert {name for name in vars(port) if not name.startswith("_")} <= set(dir(stand_in))
