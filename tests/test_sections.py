"""Sections of several steps become one report; sources follow the folder that they lie in."""

from codesign.report import Comparison, Equality, Quantity, Registers, Resources, Sections
from codesign.sections import in_folder, merged


def quantity(value, source="stat.json"):
    return Quantity(value=value, unit="", kind="synthesised", source=source, sha256="0" * 64)


def resources(value):
    return Resources(name="x", method="m", quantities={"a": quantity(value)}, nodes={"n": {"a": quantity(value)}})


def test_tables_are_joined_comparisons_filled_and_the_last_single_number_counts():
    registers = Registers(declared=quantity(1), expected=quantity(3))
    counted = registers.model_copy(update={"after_synthesis": quantity(3)})
    first = Sections(latency=Comparison(predicted=quantity(5)), area=(resources(1),), registers=registers)
    second = Sections(latency=Comparison(measured=quantity(6)), area=(resources(2),), registers=counted)
    found = merged([first, Sections(), second])
    assert found.latency == Comparison(predicted=quantity(5), measured=quantity(6))
    assert found.area == (resources(1), resources(2))
    assert found.registers == counted
    assert merged([]) == Sections()


def test_every_source_moves_with_its_folder():
    equality = Equality(name="e", equal=1, total=1, source="e.json", sha256="0" * 64)
    moved = in_folder(Sections(area=(resources(1),), equality=(equality,), throughput=quantity(2)), "06-x")
    assert moved.area[0].quantities["a"].source == moved.area[0].nodes["n"]["a"].source == "06-x/stat.json"
    assert (moved.equality[0].source, moved.throughput.source) == ("06-x/e.json", "06-x/stat.json")
    assert moved.model_fields_set == {"area", "equality", "throughput"}
