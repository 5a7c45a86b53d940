"""One run at a time: refused with the holder's name, and never blocked by a process that is gone."""

import os
import socket
import subprocess
import sys

import pytest

from codesign.errors import BadInputError
from codesign.flows.run_lock import HOLDER, locked
from tests.flows.run_zoo import run_zoo


@pytest.fixture
def holder(tmp_path):
    """Another process that holds the lock of `zoo`."""
    code = "import sys, pathlib; from codesign.flows.run_lock import locked\n"
    code += "with locked(pathlib.Path(sys.argv[1])): print('taken', flush=True); sys.stdin.read()"
    command = (sys.executable, "-c", code, str(tmp_path / "zoo"))
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "taken\n"
        yield process
        process.kill()


def test_a_second_run_is_refused_with_who_holds_it(holder, tmp_path):
    name = rf"in use by process {holder.pid} on {socket.gethostname()} since \d{{4}}-.*choose another --tag"
    with pytest.raises(BadInputError, match=name):
        run_zoo(tmp_path)
    run_zoo(tmp_path, tag="other")


def test_a_killed_holder_blocks_nobody(holder, tmp_path):
    holder.kill()
    holder.wait()
    assert (tmp_path / "zoo" / HOLDER).exists()
    run_zoo(tmp_path)
    assert not (tmp_path / "zoo" / HOLDER).exists()


def test_without_a_name_the_holder_is_another_process(tmp_path):
    with locked(tmp_path):
        assert str(os.getpid()) in (tmp_path / HOLDER).read_text()
        (tmp_path / HOLDER).unlink()
        with pytest.raises(BadInputError, match="in use by another process"), locked(tmp_path):
            pass
    with locked(tmp_path):
        pass


def test_a_folder_that_cannot_be_made_is_one_line(tmp_path):
    (tmp_path / "file").write_text("")
    with (
        pytest.raises(BadInputError, match=r"cannot write .*file/run: Not a directory"),
        locked(tmp_path / "file" / "run"),
    ):
        pass
