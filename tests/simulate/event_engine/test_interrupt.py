"""A long run lets itself be interrupted."""

import signal
import time

import pytest

from spikeloop.simulate import Simulation
from spikeloop.simulate.event_engine.engine import EventEngine
from spikeloop.simulate.networks.benchmark_networks import coba


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="needs the timers of POSIX")
def test_a_run_of_minutes_stops_soon_after_an_interrupt():
    def interrupt(number, frame):
        raise KeyboardInterrupt

    engine = EventEngine(coba(4000), Simulation(300.0), seed=0)
    before = signal.signal(signal.SIGVTALRM, interrupt)
    started = time.perf_counter()
    signal.setitimer(signal.ITIMER_VIRTUAL, 0.5)
    try:
        with pytest.raises(KeyboardInterrupt):
            engine.run()
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)
    assert 0.4 < time.perf_counter() - started < 3.0
