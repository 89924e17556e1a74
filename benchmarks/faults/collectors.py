"""Faults 11, 18 and 19, of the collecting process as a whole."""

import signal
import subprocess
import time
from contextlib import ExitStack
from pathlib import Path

import numpy as np

from benchmarks.faults.collecting import api, argv, asked, begun, collecting, config, count, hole, sound
from benchmarks.faults.fault import Outcome

BUSY = 75
SHORT, LONG = 5.0, 60.0


def two(ground: Path, times: int) -> Outcome:
    """The second says who collects and exits 75; after a kill -9 the next one takes over."""
    outcome = Outcome()
    with api() as url:
        path = config(ground, [url])
        for i in range(times):
            with collecting(path) as first:
                lines = [] if begun(first) else [f"did not start: {first.complaints}"]
                second = subprocess.run(argv(path), capture_output=True, text=True, timeout=30, check=False)
                if second.returncode != BUSY or f"process {first.pid}" not in second.stderr:
                    lines.append(f"the second: exit code {second.returncode}: {second.stderr.strip()[-200:]}")
                first.kill()
            outcome.count(lines + (sound(ground / "data") if (ground / "data").exists() else []), f"pair {i}")
        with collecting(path) as last:
            more = last.until(lambda: count(ground / "data") > 0, 5)
            if not begun(last) or not more or last.stop():
                outcome.count([f"nobody took over: {last.complaints}"])
    return outcome


def stopped(ground: Path, times: int) -> Outcome:
    """SIGSTOP, the first time short: what was missed is counted and not caught up with."""
    outcome = Outcome()
    with api() as url:
        for i in range(times):
            still = LONG if i else SHORT
            lines, said = _stopped(config(ground / str(i), [url]), still)
            outcome.count(lines, f"{still:.0f} s")
            outcome.note += f"{still:.0f} s: {said} "
    return outcome


def _stopped(path: Path, still: float) -> tuple[list[str], str]:
    data = path.parent / "data"
    with collecting(path) as child:
        child.until(lambda: count(data) >= 2, 10)
        child.process.send_signal(signal.SIGSTOP)
        time.sleep(still)
        before = count(data)
        child.process.send_signal(signal.SIGCONT)
        time.sleep(1.5)
        burst = count(data) - before
        goes_on = child.until(lambda: count(data) >= before + 5, 10)
        lines = child.stop()
    missed = asked(data, "trivet_polls_missed_total")["s0"].values[-1]
    lines += [] if goes_on else ["it does not go on"]
    lines += [f"{burst} polls in the first 1.5 s after"] if burst > 3 else []
    lines += [f"{missed:.0f} polls counted as missed"] if not still - 2 <= missed <= still + 1 else []
    return [*lines, *sound(data)], f"{missed:.0f} missed, {burst} at once after"


def hung(ground: Path, times: int) -> Outcome:
    """One of twenty says nothing: the others are polled on time."""
    outcome = Outcome()
    with ExitStack() as stack:
        urls = [stack.enter_context(api()) for _ in range(19)] + [stack.enter_context(hole())]
        path, data = config(ground, urls), ground / "data"
        child = stack.enter_context(collecting(path))
        time.sleep(5.0 + 10.0 * times)
        lines = child.stop()
    missed = {name: points.values[-1] for name, points in asked(data, "trivet_polls_missed_total").items()}
    lags = [points.values[2:] for name, points in asked(data, "trivet_poll_lag_seconds").items() if name != "s19"]
    late = float(np.percentile(np.concatenate(lags), 99))
    up = asked(data, "trivet_source_up")
    lines += [f"{name} missed {n:.0f} polls" for name, n in missed.items() if name != "s19" and n]
    lines += [f"{len(up)} of 20 sources are there"] if len(up) != 20 else []
    lines += [] if "s19" in up and not up["s19"].values.any() else ["the hung one is not seen as down"]
    lines += [f"99 of 100 polls begin within {late * 1000:.0f} ms"] if late > 0.25 else []
    outcome.count([*lines, *sound(data)])
    outcome.note = f"99 of 100 polls of the others begin within {late * 1000:.0f} ms"
    return outcome
