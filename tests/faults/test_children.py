"""Children: what they tell survives their death, they end with their time, and leave nothing behind."""

import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

from seatrial.faults import race, wire
from seatrial.faults.breaking import representatives
from seatrial.faults.children import children
from seatrial.faults.wire import AFTER_CALL, AFTER_COMMIT, ANSWERED, BEFORE_COMMIT, SQL, Fault, Wire
from seatrial.model.webhooks import Boundary


def three_statements(line: Wire) -> None:
    for number in range(3):
        line.hit(SQL, f"statement {number}")
    line.tell(status=200, w=0)


def test_every_boundary_is_told_in_order() -> None:
    with children(three_statements) as child:
        child.finish(10)
    assert [(m["b"], m["d"]) for m in child.told if "b" in m] == [(n + 1, f"statement {n}") for n in range(3)]
    assert not child.died
    assert not child.hung


def test_a_death_ends_the_process_at_its_boundary_and_what_was_told_is_there() -> None:
    with children(three_statements, Fault(wire.DEATH, 2)) as child:
        child.finish(10)
    assert child.died
    assert [m["b"] for m in child.told if "b" in m] == [1, 2]
    assert not any("status" in m for m in child.told)


def test_a_child_that_does_not_end_is_killed() -> None:
    with children(lambda _: time.sleep(60)) as child:
        child.finish(0.2)
    assert child.hung
    with pytest.raises(ProcessLookupError):
        os.kill(child.pid, 0)


def test_a_gate_waits_for_leave() -> None:
    with children(three_statements, gates=1) as child:
        end = time.monotonic() + 10
        while len(child.told) < 1 and time.monotonic() < end:
            child.listen(0.1)
        child.listen(0.1)
        assert [m["b"] for m in child.told] == [1]
        child.go()
        while len(child.told) < 2 and time.monotonic() < end:
            child.listen(0.1)
        assert [m["b"] for m in child.told] == [1, 2]
        child.open_gates()
        child.finish(10)
    assert any(m.get("status") == 200 for m in child.told)


def test_what_a_child_has_started_ends_with_it() -> None:
    """In a process of its own: it becomes the one that orphans belong to."""
    code = """
        import os, subprocess, time
        from seatrial.faults.children import adopt_orphans, children

        def work(wire):
            sleeper = subprocess.Popen(["sleep", "60"], start_new_session=True)
            wire.tell(status=200, w=0, pid=sleeper.pid)

        adopt_orphans()
        with children(work) as child:
            child.finish(10)
        [pid] = [m["pid"] for m in child.told]
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            print("gone")
        """
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True, timeout=30)
    assert done.stdout.strip() == "gone", done.stderr


def test_a_child_dies_with_its_parent() -> None:
    code = """
        import os, time
        from seatrial.faults.children import Child

        child = Child(lambda wire: time.sleep(60))
        print(child.pid, flush=True)
        time.sleep(60)
        """
    parent = subprocess.Popen([sys.executable, "-c", textwrap.dedent(code)], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    pid = int(parent.stdout.readline())
    os.kill(parent.pid, signal.SIGKILL)
    parent.wait()
    parent.stdout.close()
    end = time.monotonic() + 10
    while alive(pid) and time.monotonic() < end:
        time.sleep(0.02)
    assert not alive(pid)


def alive(pid: int) -> bool:
    try:
        return "State:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return False


def test_brothers_do_not_hold_each_others_gates_open() -> None:
    with children(three_statements, gates=1) as first, children(three_statements, gates=1) as second:
        first.open_gates()
        first.finish(10)
        assert not first.hung
        second.kill()


def test_schedules_are_all_with_one_or_two_preemptions_and_lock_step() -> None:
    ids = [id for id, _ in race.schedules(4)]
    assert ids == ["1", "2", "3", "lockstep", "1.1", "1.2", "1.3", "2.1", "2.2", "2.3", "3.1", "3.2", "3.3"]
    assert len(set(ids)) == len(ids)


def test_one_first_death_stands_for_all_that_leave_the_same_behind() -> None:
    kinds = ["begin", SQL, SQL, BEFORE_COMMIT, AFTER_COMMIT, "http<", AFTER_CALL, SQL, "response", ANSWERED]
    boundaries = tuple(Boundary(number, kind) for number, kind in enumerate(kinds, 1))
    assert [one.number for one in representatives(boundaries)] == [1, 5, 7]
