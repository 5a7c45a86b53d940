"""Changes to a module of Yosys JSON keep a port and the net of its name one wire."""

from codesign.flows.proofs.edit import Editor


def module() -> dict:
    """Input a, output y = ~a."""
    pins = {"A": [2], "Y": [3]}
    cell = {"type": "$not", "parameters": {}, "connections": pins, "port_directions": {"A": "input", "Y": "output"}}
    ports = {"a": {"direction": "input", "bits": [2]}, "y": {"direction": "output", "bits": [3]}}
    netnames = {name: {"hide_name": 0, "bits": port["bits"], "attributes": {}} for name, port in ports.items()}
    return {"ports": ports, "cells": {"inverter": cell}, "netnames": netnames, "attributes": {}}


def test_an_output_that_reads_another_net_has_it_under_its_name_too() -> None:
    editor = Editor(module())
    editor.replace_readers({3: 2})
    assert editor.module["ports"]["y"]["bits"] == editor.module["netnames"]["y"]["bits"] == [2]
    assert editor.cells["inverter"]["connections"] == {"A": [2], "Y": [3]}


def test_new_nets_are_free_and_the_original_is_kept() -> None:
    original = module()
    editor = Editor(original)
    assert editor.input("b", 2) == [4, 5]
    assert editor.gate("$and", [2], [4]) == [6]
    assert original == module()
