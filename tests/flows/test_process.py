import os
import signal
import sys
import threading
import time

import pytest

from codesign.errors import BadInputError, ToolFailedError, ToolMissingError
from codesign.flows.process import Command, run_tool
from tests.flows.conftest import gone

# A tool with a child of its own: both must be gone after an interrupt or a time-out.
PARENT = """
import os, subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
open("pid.part", "w").write(str(child.pid))
os.rename("pid.part", "pid")
time.sleep(60)
"""


def command(*arguments):
    return Command("tool", arguments, {})


def interrupt_when_written(path, wait_s=20.0):
    end = time.monotonic() + wait_s
    while not path.exists() and time.monotonic() < end:
        time.sleep(0.05)
    os.kill(os.getpid(), signal.SIGINT)


def test_output_goes_to_the_log_and_the_tool_runs_in_its_directory(tmp_path):
    log = tmp_path / "log"
    run_tool(command(sys.executable, "-c", "import os; print(os.getcwd())"), tmp_path, log, 20)
    assert log.read_text().strip() == str(tmp_path.resolve())


def test_tool_that_is_absent_is_reported_as_missing(tmp_path):
    with pytest.raises(ToolMissingError, match=r"cannot start tool.*codesign doctor"):
        run_tool(command("/nonexistent/tool"), tmp_path, tmp_path / "log", 5)


def test_log_that_cannot_be_written_is_named(tmp_path):
    with pytest.raises(BadInputError, match=r"cannot write .*log"):
        run_tool(command(sys.executable, "-c", ""), tmp_path, tmp_path / "absent" / "log", 5)


def test_failure_names_code_error_line_and_log(tmp_path):
    script = "print('ERROR: no such module'); print('bye'); raise SystemExit(7)"
    with pytest.raises(ToolFailedError, match=r"code 7 \(ERROR: no such module\): see .*log") as caught:
        run_tool(command(sys.executable, "-c", script), tmp_path, tmp_path / "log", 20)
    assert "\n" not in str(caught.value)


def test_time_out_ends_the_whole_process_group(tmp_path):
    with pytest.raises(ToolFailedError, match="did not end within 5 s"):
        run_tool(command(sys.executable, "-c", PARENT), tmp_path, tmp_path / "log", 5)
    assert gone(int((tmp_path / "pid").read_text()))


def test_interrupt_ends_the_whole_process_group(tmp_path):
    threading.Thread(target=interrupt_when_written, args=(tmp_path / "pid",)).start()
    with pytest.raises(KeyboardInterrupt):
        run_tool(command(sys.executable, "-c", PARENT), tmp_path, tmp_path / "log", 30)
    assert gone(int((tmp_path / "pid").read_text()))
