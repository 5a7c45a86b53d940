"""The files that options name: how they are called in records, and that their content counts."""

from pathlib import Path

import pytest

from codesign.errors import BadInputError
from codesign.flows.input_files import content_sha256, input_files, plain_option


@pytest.fixture
def folder(tmp_path):
    for name in ("a.lib", "b.lib", "d.npz"):
        (tmp_path / name).write_text(name)
    return tmp_path


def test_files_are_found_in_every_form_of_an_option(folder):
    a, b, data = (folder / name for name in ("a.lib", "b.lib", "d.npz"))
    assert list(input_files("liberty", a)) == [("a.lib", a)]
    assert list(input_files("corners", (("slow", a), ("fast", b)))) == [("a.lib", a), ("b.lib", b)]
    assert list(input_files("data", Path(f"{data}:charges"))) == [("d.npz:charges", data)]
    assert list(input_files("tmr", f"selective:{a}")) == [("a.lib", a)]
    for value in (None, 3, "registers", (("conv", 4),)):
        assert list(input_files("tmr", value)) == []


def test_records_name_files_without_their_folder(folder):
    assert plain_option("liberty", folder / "a.lib") == "a.lib"
    assert plain_option("corners", (("slow", folder / "a.lib"),)) == [["slow", "a.lib"]]
    assert plain_option("tmr", f"selective:{folder / 'a.lib'}") == "selective:a.lib"
    assert plain_option("tmr", "full") == "full"
    assert plain_option("reuse", (("conv", 4),)) == [["conv", 4]]


@pytest.mark.parametrize("name", ["nowhere.npz", "nowhere.npz:key", ":key"])
def test_a_missing_file_is_named(name):
    with pytest.raises(BadInputError, match=f"no file {name}: check the path of --data"):
        list(input_files("data", Path(name)))


def test_a_folder_counts_by_names_and_contents(folder):
    before = content_sha256(folder)
    assert content_sha256(folder) == before != content_sha256(folder / "a.lib")
    (folder / "a.lib").write_text("other")
    changed = content_sha256(folder)
    (folder / "a.lib").rename(folder / "c.lib")
    assert len({before, changed, content_sha256(folder)}) == 3
