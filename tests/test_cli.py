"""The command line: options arrive as they were given, every failure is one line and the promised exit code."""

import errno
import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace

import click
import pytest
from click.testing import CliRunner

from codesign import __version__, cli, cli_options, errors
from codesign.answer import Answer
from codesign.cli import execute
from codesign.exits import EXIT_CODES, explain
from codesign.options import RunOptions, parse_reuse

PROGRAM = (sys.executable, "-c", "from codesign.cli import main; main()")
RUN_FUNCTIONS = ("run_demo", "run_design", "check_design", "compile_design", "verify_design", "synthesise_design")


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, object]]:
    """Stand in for the flow: one design called `tiny`; every call is recorded with its argument."""
    calls: list[tuple[str, object]] = []

    def recorder(name: str) -> Callable[[object], Answer]:
        def record(argument: object) -> Answer:
            calls.append((name, argument))
            return Answer(f"{name} done", {"function": name})

        return record

    functions = {name: recorder(name) for name in (*RUN_FUNCTIONS, "show_report", "write_report_page")}
    monkeypatch.setitem(sys.modules, "codesign.flows.run", SimpleNamespace(**functions))
    monkeypatch.setattr(cli_options, "design_names", lambda: ("small", "tiny"))
    return calls


def raising(monkeypatch: pytest.MonkeyPatch, error: BaseException) -> None:
    """Let the command `demo` fail with `error`."""

    def fail(options: RunOptions) -> Answer:
        raise error

    monkeypatch.setitem(sys.modules, "codesign.flows.run", SimpleNamespace(run_demo=fail))


def test_version_and_help_succeed(capsys: pytest.CaptureFixture[str]) -> None:
    assert execute(["--version"]) == 0
    assert __version__ in capsys.readouterr().out
    assert execute(["run", "--help"]) == 0
    assert "--reuse NODE=R" in capsys.readouterr().out


def test_all_options_of_run_arrive(asked: list[tuple[str, object]], tmp_path: Path) -> None:
    model, data, liberty = (tmp_path / name for name in ("m.npz", "d.npz", "l.lib"))
    for path in (model, data, liberty):
        path.touch()
    options = [
        *("--model", model, "--data", data, "--liberty", liberty, "--output", tmp_path / "out"),
        *("--reuse", "conv=4", "--reuse", "encoder.dense = 128", "--tmr", "none", "--clock-ns", "12.5"),
        *("--vectors", "1000", "--constraint", "ii <= 25 ns", "--constraint", "area <= 4 mm2"),
        *("--technology", "xcup", "--ii", "8", "--latency", "20", "--area-budget", "5e4", "--cuts", "encoder.fc=0"),
        *(
            "--tmr-node",
            "conv=full",
            "--tmr-budget",
            "7",
            "--corner",
            f"slow={liberty}",
            "--scale",
            "45:65",
            "--tag",
            "a.1",
            "--from",
            "compile",
            "--to",
            "verify",
        ),
        *("--only", "compile", "--overwrite", "--quiet"),
    ]
    assert execute(["run", "tiny", *map(str, options)]) == 0
    expected = RunOptions(
        "tiny", tmp_path / "out", model, data, liberty, (("conv", 4), ("encoder.dense", 128)), "none", 12.5, 1000,
        ("ii <= 25 ns", "area <= 4 mm2"), technology="xcup", ii_cycles=8, latency_cycles=20, area_budget=5e4,
        inner_cuts=(("encoder.fc", 0),), tmr_nodes=(("conv", "full"),), tmr_budget=7, corners=(("slow", liberty),),
        scale=(45, 65),
        tag="a.1", first_step="compile", last_step="verify", only_step="compile", overwrite=True, quiet=True,
    )  # fmt: skip
    assert asked == [("run_design", expected)]


@pytest.mark.parametrize(
    ("command", "function"),
    [
        ("run", "run_design"),
        ("check", "check_design"),
        ("compile", "compile_design"),
        ("verify", "verify_design"),
        ("synth", "synthesise_design"),
    ],
)
def test_every_command_calls_its_function_with_the_defaults(
    command: str, function: str, asked: list[tuple[str, object]], capsys: pytest.CaptureFixture[str]
) -> None:
    assert execute([command, "tiny"]) == 0
    assert asked == [(function, RunOptions("tiny", Path("runs")))]
    assert capsys.readouterr().out == f"{function} done\n"


def test_train_hands_over_its_options(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from codesign.models.econt import Architecture
    from codesign.train import econt

    asked: list[econt.EcontOptions] = []

    def record(options: econt.EcontOptions) -> SimpleNamespace:
        asked.append(options)
        return SimpleNamespace(best=Path("best.safetensors"), best_epoch=3, validation=1.25)

    monkeypatch.setattr(econt, "train_econt", record)
    data = tmp_path / "d.npz"
    data.touch()
    assert execute(["train", "econt"]) == 0
    assert asked.pop() == econt.EcontOptions(output=Path("runs/train"))
    epochs = ["--float-epochs", "1", "--qat-epochs", "2", "--emd-epochs", "3", "--batch-size", "4", "--seed", "5"]
    bits = ["--weight-bits", "5", "--latent-bits", "4", "--events", "50", "--resume", "--quiet"]
    assert execute(["train", "econt", "--output", str(tmp_path), "--data", str(data), *epochs, *bits]) == 0
    assert asked.pop() == econt.EcontOptions(
        output=tmp_path,
        data=data,
        events=50,
        architecture=Architecture(weight_bits=5, latent_bits=4),
        float_epochs=1,
        qat_epochs=2,
        emd_epochs=3,
        batch_size=4,
        seed=5,
        resume=True,
        progress=False,
    )
    assert capsys.readouterr().out.endswith("epoch 3: mean validation EMD 1.2500\nbest.safetensors\n")
    assert execute(["train", "econt", "--seed", "-1"]) == 2


def test_train_of_the_jet_tagger_hands_over_its_options(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from codesign.models.jet_tagger import Architecture
    from codesign.train import jet_tagger

    asked: list[jet_tagger.JetTaggerOptions] = []

    def record(options: jet_tagger.JetTaggerOptions) -> SimpleNamespace:
        asked.append(options)
        return SimpleNamespace(best=Path("best.safetensors"), best_epoch=3, validation=0.25)

    monkeypatch.setattr(jet_tagger, "train_jet_tagger", record)
    assert execute(["train", "jet_tagger"]) == 0
    assert asked.pop() == jet_tagger.JetTaggerOptions(output=Path("runs/train"))
    given = ["--float-epochs", "1", "--qat-epochs", "2", "--weight-bits", "5", "--activation-bits", "4", "--quiet"]
    assert execute(["train", "jet_tagger", "--output", str(tmp_path), "--events", "50", *given]) == 0
    assert asked.pop() == jet_tagger.JetTaggerOptions(
        output=tmp_path,
        events=50,
        architecture=Architecture(weight_bits=5, activation_bits=4),
        float_epochs=1,
        qat_epochs=2,
        progress=False,
    )
    assert capsys.readouterr().out.endswith("epoch 3: validation accuracy 0.7500\nbest.safetensors\n")


def test_demo_and_report_pass_a_folder(asked: list[tuple[str, object]], tmp_path: Path) -> None:
    assert execute(["demo"]) == 0
    assert execute(["report", str(tmp_path)]) == 0
    assert execute(["report", str(tmp_path), "--html"]) == 0
    folders = [("show_report", tmp_path), ("write_report_page", tmp_path)]
    assert asked == [("run_demo", RunOptions("econt", Path("runs"))), *folders]


@pytest.mark.parametrize(
    ("arguments", "cause"),
    [
        (["frobnicate"], "No such command 'frobnicate'"),
        (["--frobnicate"], "No such option"),
        (["run"], "Missing argument 'DESIGN'"),
        (["run", "nope"], "no design 'nope': choose one of small, tiny"),
        (["run", "../tiny"], "choose one of small, tiny"),
        (["run", "tiny", "--tmr", "some"], "--tmr must be one of none, registers, triplicated_voters, full,"),
        (["run", "tiny", "--tmr", "selective:"], "or selective:FILE, not 'selective:'"),
        (["run", "tiny", "--tmr-node", "fc1"], "--tmr-node 'fc1' must be NODE=MODE, for example --tmr-node fc1=full"),
        (["run", "tiny", "--tmr-node", "a=full", "--tmr-node", "a=none"], "--tmr-node names a more than once"),
        (["run", "tiny", "--model", "nowhere.npz"], "'nowhere.npz' does not exist"),
        (["run", "tiny", "--model", "."], "is a directory"),
        (["run", "tiny", "--clock-ns", "nan"], "finite number above 0, not nan"),
        (["run", "tiny", "--clock-ns", "inf"], "finite number above 0, not inf"),
        (["run", "tiny", "--clock-ns", "0"], "finite number above 0, not 0"),
        (["run", "tiny", "--clock-ns", "-3"], "finite number above 0, not -3"),
        (["run", "tiny", "--clock-ns", "fast"], "finite number above 0, not fast"),
        (["run", "tiny", "--vectors", "0"], "not in the range x>=1"),
        (["run", "tiny", "--vectors", "many"], "'many' is not a valid integer"),
        (["run", "tiny", "--reuse", "conv"], "'conv' must be NODE=R"),
        (["run", "tiny", "--technology", "asap7"], "no technology 'asap7': choose one of nangate45, osu018"),
        (["run", "tiny", "--ii", "0"], "not in the range x>=1"),
        (["run", "tiny", "--latency", "soon"], "'soon' is not a valid integer"),
        (["run", "tiny", "--area-budget", "-1"], "finite number above 0, not -1"),
        (["run", "tiny", "--cuts", "fc=-1"], "the number of cuts must be a whole number from 0, not '-1'"),
        (["run", "tiny", "--cuts", "fc=1", "--cuts", "fc=2"], "--cuts names fc more than once"),
        (["run", "tiny", "a\nb"], "unexpected extra argument"),
        (["report", "nowhere"], "'nowhere' does not exist"),
        (["run", "tiny", "--tag", "../up"], "--tag '../up' must be letters, digits and _.+-"),
        (["run", "tiny", "--tag", ".hidden"], "not beginning with a point"),
    ],
)
def test_bad_options_give_one_line_and_2(
    arguments: list[str], cause: str, asked: list[tuple[str, object]], capsys: pytest.CaptureFixture[str]
) -> None:
    assert execute(arguments) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("codesign: error: ")
    assert cause in err
    assert err.count("\n") == 1 and err.endswith("\n")
    assert asked == []


@pytest.mark.parametrize(
    ("error", "code", "line"),
    [
        (errors.BadInputError("a.npz is truncated:\n fetch it again"), 2, "error: a.npz is truncated: fetch it again"),
        (errors.VerificationError("3 of 100 vectors differ"), 1, "error: 3 of 100 vectors differ"),
        (errors.ToolMissingError("no g++"), 3, "error: no g++"),
        (errors.ToolFailedError("yosys failed"), 4, "error: yosys failed"),
        (MemoryError(), 2, "error: out of memory: use fewer vectors or a smaller model"),
        (
            OSError(errno.ENOSPC, "No space left on device", "out/x.v"),
            2,
            "error: disk full at out/x.v: free some space and run again",
        ),
        (PermissionError(errno.EACCES, "Permission denied", "out"), 2, "error: Permission denied at out"),
        (KeyboardInterrupt(), 130, "interrupted"),
        (EOFError("short"), 70, "internal error: EOFError: short (codesign --traceback ... shows where)"),
        (ZeroDivisionError("x"), 70, "internal error: ZeroDivisionError: x (codesign --traceback ... shows where)"),
    ],
)
def test_failures_have_their_code_and_line(
    error: BaseException, code: int, line: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    raising(monkeypatch, error)
    assert execute(["demo"]) == code
    assert capsys.readouterr() == ("", f"codesign: {line}\n")


def test_every_exit_code_is_documented(capsys: pytest.CaptureFixture[str]) -> None:
    readme = (Path(__file__).parents[1] / "README.md").read_text()
    assert execute(["--help"]) == 0
    shown = " ".join(capsys.readouterr().out.split())
    for code, meaning in EXIT_CODES.items():
        assert f"{code} {meaning}" in shown
        assert f"{code} {meaning}" in " ".join(readme.split())
    codes = {error.exit_code for error in errors.CodesignError.__subclasses__()}
    assert codes <= EXIT_CODES.keys()


def commands(group: click.Group, *path: str) -> Iterator[tuple[str, ...]]:
    """The words of every command below `group`; a group of commands is none itself."""
    for name, command in group.commands.items():
        yield from commands(command, *path, name) if isinstance(command, click.Group) else [(*path, name)]


def lacking(group: click.Group) -> list[str]:
    """Commands below `group` without --json or --quiet, as --help shows them."""
    shown = {path: CliRunner().invoke(group, [*path, "--help"]).output for path in commands(group)}
    return [" ".join(path) for path, text in shown.items() if "--json" not in text or "--quiet" not in text]


def test_every_command_can_be_quiet_and_answer_as_json() -> None:
    assert {("check-tmr",), ("inject",), ("train", "econt")} < set(commands(cli.codesign))
    assert lacking(cli.codesign) == []


def test_a_command_without_these_options_is_noticed() -> None:
    group = click.Group("g", {"inner": click.Group("inner", {"bare": click.Command("bare")})})
    assert lacking(group) == ["inner bare"]


@pytest.mark.parametrize("command", ["run", "check", "compile", "verify", "synth"])
def test_json_is_all_that_is_printed(
    command: str, asked: list[tuple[str, object]], capsys: pytest.CaptureFixture[str]
) -> None:
    assert execute([command, "tiny", "--json"]) == 0
    out, err = capsys.readouterr()
    ((function, options),) = asked
    assert json.loads(out) == {"function": function} and err == ""
    assert isinstance(options, RunOptions) and options.quiet


def test_what_an_answer_found_is_the_exit_code(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    found = SimpleNamespace(run_demo=lambda options: Answer("worse", {"worse": True}, 1))
    monkeypatch.setitem(sys.modules, "codesign.flows.run", found)
    assert execute(["demo", "--json"]) == 1
    assert json.loads(capsys.readouterr().out) == {"worse": True}


def test_traceback_is_shown_on_request_only(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    raising(monkeypatch, ZeroDivisionError("x"))
    assert execute(["--traceback", "demo"]) == 70
    err = capsys.readouterr().err
    assert err.startswith("Traceback")
    assert err.splitlines()[-1].startswith("codesign: internal error: ")


def test_a_usage_error_without_context_still_has_its_line() -> None:
    assert explain(click.UsageError("wrong")) == (2, "error: wrong")


def test_a_group_without_a_command_says_so_in_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert execute(["train"]) == 2
    assert capsys.readouterr().err == "codesign: error: missing command (see: codesign train --help)\n"


@pytest.mark.parametrize("text", ["conv", "=4", "", "conv=", "conv=four", "conv=0", "conv=-1", "conv=1.5", "conv=²"])
def test_reuse_must_be_a_node_and_a_whole_number(text: str) -> None:
    with pytest.raises(errors.BadInputError, match="--reuse"):
        parse_reuse([text])


def test_reuse_names_a_node_once() -> None:
    with pytest.raises(errors.BadInputError, match="conv more than once"):
        parse_reuse(["conv=4", "dense=2", "conv=4"])
    assert parse_reuse(["conv=4", "*=2"]) == (("conv", 4), ("*", 2))


def test_designs_are_the_modules_of_the_designs_folder() -> None:
    folder = Path(cli.__file__).parents[1] / "flows" / "designs"
    assert cli_options.design_names() == tuple(
        sorted(path.stem for path in folder.glob("*.py") if path.stem != "__init__")
    )


def test_doctor_prints_a_table_and_remedies(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert execute(["doctor"]) == 0
    monkeypatch.setenv("PATH", "")
    assert execute(["doctor"]) == 3
    assert "g++ is missing: Debian, Ubuntu: apt install g++" in capsys.readouterr().out


def test_doctor_prints_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert execute(["doctor", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert {"name", "version", "needed_for", "remedy", "required"} == set(found[0])


def test_the_program_prints_its_help_without_arguments() -> None:
    done = subprocess.run(PROGRAM, capture_output=True, text=True, check=True)
    assert done.stdout.startswith("Usage:") and done.stderr == ""


def test_a_full_output_device_gives_one_line() -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run((*PROGRAM, "doctor"), stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert (done.returncode, done.stderr) == (2, "codesign: error: disk full: free some space and run again\n")


def test_an_interrupt_gives_130_and_one_line() -> None:
    hang = (
        "import sys, time, types; from codesign.cli import main; sys.argv = ['codesign', 'demo'];"
        "wait = lambda output: (print('ready', flush=True), time.sleep(60));"
        "sys.modules['codesign.flows.run'] = types.SimpleNamespace(run_demo=wait); main()"
    )
    with subprocess.Popen(
        (sys.executable, "-c", hang), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        time.sleep(0.1)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=20)
    assert (process.returncode, err) == (130, "codesign: interrupted\n")
