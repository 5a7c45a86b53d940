"""Reports of vendors' tools: in the forms of several versions, with numbers of our own, whole and broken."""

import json

import pytest

from codesign.errors import BadInputError
from codesign.flows.vendor_reports import read_vendor_report, vendor_resources

VIVADO_HEAD = """\
Copyright 1986-20{year} Xilinx, Inc. All Rights Reserved.
-----------------------------------------------------------------------------------
| Tool Version : Vivado v.20{year}.2 (lin64) Build 1 Tue Oct 19 02:47:39 MDT 20{year}
| Design       : block
| Device       : {device}
| Design State : {state}
-----------------------------------------------------------------------------------
"""
ULTRASCALE = (
    VIVADO_HEAD.format(year=21, device="xcvu13p-flga2577-2-e", state="Fully Placed")
    + """\
1. CLB Logic
------------

+----------------------------+------+-------+------------+-----------+-------+
|          Site Type         | Used | Fixed | Prohibited | Available | Util% |
+----------------------------+------+-------+------------+-----------+-------+
| CLB LUTs                   | 4100 |     0 |          0 |   1728000 |  0.24 |
|   LUT as Logic             | 4000 |     0 |          0 |   1728000 |  0.23 |
|   LUT as Memory            |  100 |     0 |          0 |    791040 |  0.01 |
|     LUT as Distributed RAM |    0 |     0 |            |           |       |
| CLB Registers              | 1,234 |     0 |          0 |   3456000 |  0.04 |
| CARRY8                     |  353 |     0 |          0 |    216000 |  0.16 |
| F7 Muxes                   |    7 |     0 |          0 |    864000 | <0.01 |
| Block RAM Tile             |  2.5 |     0 |          0 |      2688 |  0.09 |
| DSPs                       |   12 |     0 |          0 |     12288 |  0.10 |
+----------------------------+------+-------+------------+-----------+-------+
"""
)
SEVEN_SERIES = (
    VIVADO_HEAD.format(year=18, device="7z020clg400-1", state="Routed")
    + """\
+----------------------------+-------+-------+-----------+-------+
|          Site Type         |  Used | Fixed | Available | Util% |
+----------------------------+-------+-------+-----------+-------+
| Slice LUTs*                |  3730 |     0 |     53200 |  7.01 |
|   LUT as Logic             |  2986 |     0 |     53200 |  5.61 |
|   LUT as Memory            |   744 |     0 |     17400 |  4.28 |
| Slice Registers            |  4000 |     0 |    106400 |  3.76 |
+----------------------------+-------+-------+-----------+-------+
"""
)
TIMING = (
    VIVADO_HEAD.format(year=20, device="xcku115-flvb2104", state="Routed")
    + """\

Timing Summary Report

------------------------------------------------------------------------------------------------
| Design Timing Summary
| ---------------------
------------------------------------------------------------------------------------------------

    WNS(ns)      TNS(ns)  TNS Failing Endpoints  TNS Total Endpoints      WHS(ns)      THS(ns)
    -------      -------  ---------------------  -------------------      -------      -------
     -0.250       -1.500                      9                 1696        0.057        0.000


------------------------------------------------------------------------------------------------
| Clock Summary
| -------------
------------------------------------------------------------------------------------------------

Clock  Waveform(ns)         Period(ns)      Frequency(MHz)
-----  ------------         ----------      --------------
clk    {0.000 1.875}        3.750           266.667
"""
)
POWER = (
    VIVADO_HEAD.format(year=22, device="xczu7ev", state="routed")
    + """\
+--------------------------+--------------+
| Total On-Chip Power (W)  | 1.250        |
| Design Power Budget (W)  | Unspecified* |
| Dynamic (W)              | 0.500        |
| Device Static (W)        | 0.750        |
| Confidence Level         | Low          |
+--------------------------+--------------+
"""
)
FIT = """\
Fitter Status : Successful - Sat Oct 10 13:08:36 2020
Quartus Prime Version : 20.1.0 Build 711 06/05/2020 SJ Lite Edition
Revision Name : block
Family : Cyclone V
Device : 5CSEBA6U23I7
Logic utilization (in ALMs) : 4,333 / 41,910 ( 10 % )
Total registers : 1898
Total block memory bits : 2,595,040 / 5,662,720 ( 46 % )
Total RAM Blocks : 338 / 553 ( 61 % )
Total DSP Blocks : 5 / 112 ( 4 % )
"""
FIT_RPT = """\
Fitter report for block
Quartus II 64-Bit Version 13.0.1 Build 232 06/12/2013 Service Pack 1 SJ Web Edition
+----------------------------------------------------------------------------------+
; Fitter Summary                                                                   ;
+------------------------------------+---------------------------------------------+
; Fitter Status                      ; Successful - Mon Jun 01 14:29:24 2020       ;
; Family                             ; Cyclone IV E                                ;
; Device                             ; EP4CE40F23C8                                ;
; Total logic elements               ; 338 / 39,600 ( < 1 % )                      ;
;     Dedicated logic registers      ; 174 / 39,600 ( < 1 % )                      ;
; Total registers                    ; 174                                         ;
; Total memory bits                  ; 36,864 / 1,161,216 ( 3 % )                  ;
; Embedded Multiplier 9-bit elements ; 2 / 232 ( < 1 % )                           ;
"""
STA_SUMMARY = """\
------------------------------------------------------------
Timing Analyzer Summary
------------------------------------------------------------

Type  : Slow 1100mV 85C Model Setup 'clk'
Slack : -0.125
TNS   : -2.000

Type  : Slow 1100mV 0C Model Setup 'clk'
Slack : 0.250
TNS   : 0.000

Type  : Fast 1100mV 0C Model Hold 'clk'
Slack : 0.085
TNS   : 0.000
"""
STA_RPT = """\
Timing Analyzer report for block
Quartus Prime Version 23.1std.0 Build 991 11/28/2023 SC Lite Edition
; Device Name                            ; 5CSEMA5F31C6                            ;
+--------------------------------------------------+
; Slow 1100mV 85C Model Fmax Summary               ;
+------------+-----------------+------------+------+
; Fmax       ; Restricted Fmax ; Clock Name ; Note ;
+------------+-----------------+------------+------+
; 160.0 MHz  ; 160.0 MHz       ; clk        ;      ;
; 1322.5 MHz ; 250.0 MHz       ; tck        ;      ;
"""
GENUS_HEAD = """\
============================================================
  Generated by:           {tool}
  Generated on:           Dec 26 2023  12:06:52 pm
  Module:                 block
  Operating conditions:   typical (balanced_tree)
============================================================

"""
GENUS = GENUS_HEAD.format(tool="Genus(TM) Synthesis Solution 21.10-p002_1")
RTL_COMPILER = GENUS_HEAD.format(tool="Encounter(R) RTL Compiler v14.20-s013_1")
GENUS_AREA = (
    GENUS
    + """\
Instance Module  Cell Count  Cell Area  Net Area   Total Area   Wireload
--------------------------------------------------------------------------
block                   493   1526.164     0.500     1526.664 <none> (D)
  u_fc   block_fc       100    300.000     0.100      300.100 <none> (D)
"""
)
RC_AREA = (
    RTL_COMPILER
    + """\
Instance  Cells  Cell Area  Net Area  Total Area  Wireload
------------------------------------------------------------
block        14    137.318     0.000     137.318    <none> (D)
"""
)
QOR = (
    GENUS
    + """\
Instance Count
--------------
Leaf Instance Count             669
Sequential Instance Count        42

Area
----
Cell Area                          1982.793
Total Cell Area (Cell+Physical)    1990.000
"""
)
GENUS_TIMING = (
    GENUS
    + """\
Path 1: VIOLATED (-250 ps) Setup Check with Pin q_reg[0]/CLK->D
                     Capture       Launch
        Clock Edge:+    5000            0
             Slack:=    -250

Path 2: MET (4 ps) Setup Check with Pin q_reg[1]/CLK->D
        Clock Edge:+    5000            0
             Slack:=       4
"""
)
GENUS_POWER = """\
Instance: /block
Power Unit: {unit}
    Category         Leakage      Internal    Switching        Total    Row%
    register     1.00000e-03   1.00000e-03  1.00000e-03  3.00000e-03  50.00%
    Subtotal     1.00000e-03   2.00000e-03  3.00000e-03  6.00000e-03 100.00%
"""
INNOVUS = """\
#  Generated by:      Cadence Innovus 21.15-s110_1
------------------------------------------------------------
          timeDesign Summary
------------------------------------------------------------

+--------------------+---------+---------+---------+
|     {mode} mode     |   all   | reg2reg | default |
+--------------------+---------+---------+---------+
|           WNS (ns):| -0.093  | -0.093  |  0.350  |
|           TNS (ns):| -0.941  | -0.941  |  0.000  |
+--------------------+---------+---------+---------+
"""
INNOVUS_AREA = """\
==============================
Floorplan/Placement Information
==============================
Total area of Standard cells: 163.800 um^2
Total area of Standard cells(Subtracting Physical Cells): 113.400 um^2
Total area of Core: 200.000 um^2
"""
METRICS = {
    "design__instance__count__stdcell": 5806, "design__instance__area__stdcell": 54135.5, "design__die__area": 75602.5,
    "timing__setup__ws": 1.25, "timing__setup__ws__corner:nom_tt_025C_1v80": 2.0, "timing__hold__ws": 0.1,
    "power__total": 0.004, "power__internal__total": 0.003, "power__switching__total": 0.00075,
    "power__leakage__total": 0.00025,
}  # fmt: skip
CSV = "Metric,Value\n" + "".join(f"{key},{value}\n" for key, value in METRICS.items())
NEXTPNR = json.dumps({
    "fmax": {"clk": {"achieved": 125.0, "constraint": 100.0}, "slow": {"achieved": 80.0, "constraint": 50.0}},
    "utilization": {"TRELLIS_COMB": {"available": 83640, "used": 747}, "DP16KD": {"available": 208, "used": 0}},
})  # fmt: skip
LIBRELANE_AREA = ("area", "LibreLane", {"cell area": 54135.5, "die area": 75602.5, "cells": 5806})
LIBRELANE_TIMING = ("timing", "LibreLane", {"setup slack": 1.25, "hold slack": 0.1})
LIBRELANE_POWER = ("power", "LibreLane", {"total": 4.0, "internal": 3.0, "switching": 0.75, "leakage": 0.25})
LIBRELANE = [LIBRELANE_AREA, LIBRELANE_TIMING, LIBRELANE_POWER]
CASES = [
    (ULTRASCALE, [("fpga", "Vivado 2021.2", {
        "LUT": 4000, "LUT as memory": 100, "FF": 1234, "CARRY": 353, "MUXF7": 7, "DSP": 12, "BRAM": 2.5})]),
    (SEVEN_SERIES, [("fpga", "Vivado 2018.2", {"LUT": 2986, "LUT as memory": 744, "FF": 4000})]),
    (TIMING, [("timing", "Vivado 2020.2", {
        "setup slack": -0.25, "total negative slack": -1.5, "hold slack": 0.057,
        "critical path": 4.0, "Fmax": 250.0})]),
    (POWER, [("power", "Vivado 2022.2", {"total on chip": 1250.0, "dynamic": 500.0, "static": 750.0})]),
    (FIT, [("fpga", "Quartus Prime 20.1.0", {
        "ALM": 4333, "FF": 1898, "memory bits": 2595040, "BRAM": 338, "DSP": 5})]),
    (FIT_RPT, [("fpga", "Quartus II 13.0.1", {"LE": 338, "FF": 174, "memory bits": 36864, "9-bit multipliers": 2})]),
    (STA_SUMMARY, [("timing", "Quartus", {"setup slack": -0.125, "hold slack": 0.085})]),
    (STA_RPT, [("timing", "Quartus Prime 23.1std.0", {"Fmax": 160.0, "critical path": 6.25})]),
    (GENUS_AREA, [("area", "Genus 21.10-p002_1", {"cells": 493, "cell area": 1526.164})]),
    (RC_AREA, [("area", "Genus v14.20-s013_1", {"cells": 14, "cell area": 137.318})]),
    (QOR, [("area", "Genus 21.10-p002_1", {"cells": 669, "cell area": 1982.793})]),
    (GENUS_TIMING, [("timing", "Genus 21.10-p002_1", {
        "setup slack": -0.25, "critical path": 5.25, "Fmax": 1e3 / 5.25})]),
    (GENUS_POWER.format(unit="W"), [("power", "Genus", {
        "leakage": 1.0, "internal": 2.0, "switching": 3.0, "total": 6.0})]),
    (INNOVUS.format(mode="Setup"), [("timing", "Innovus 21.15-s110_1", {"setup slack": -0.093})]),
    (INNOVUS.format(mode="Hold"), [("timing", "Innovus 21.15-s110_1", {"hold slack": -0.093})]),
    (INNOVUS_AREA, [("area", "Innovus", {"cell area": 113.4, "core area": 200.0})]),
    (json.dumps(METRICS), LIBRELANE),
    (CSV, LIBRELANE),
    (NEXTPNR, [("fpga", "nextpnr", {"Fmax": 80.0, "critical path": 12.5, "TRELLIS_COMB": 747})]),
]  # fmt: skip


def written(tmp_path, text):
    path = tmp_path / "tool.rpt"
    path.write_text(text)
    return path


@pytest.mark.parametrize(("text", "expected"), CASES)
def test_numbers_of_a_whole_report(tmp_path, text, expected):
    read = read_vendor_report(written(tmp_path, text))
    found = [(one.section, one.tool, {name: value for name, (value, _) in one.numbers.items()}) for one in read]
    assert [one[:2] for one in found] == [one[:2] for one in expected]
    for (_, _, numbers), (_, _, wanted) in zip(found, expected, strict=True):
        assert numbers == pytest.approx(wanted)


def test_timing_counts_as_measured_only_after_routing(tmp_path):
    assert read_vendor_report(written(tmp_path, TIMING))[0].kind == "measured"
    placed = TIMING.replace("Design State : Routed", "Design State : Fully Placed")
    assert read_vendor_report(written(tmp_path, placed))[0].kind == "synthesised"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("nothing", "is no report that is read here: Vivado utilization .*metrics.json"),
        (ULTRASCALE.replace("LUT as Logic", "LUT"), "lacks the row of LUT: write it with report_utilization"),
        (ULTRASCALE.replace("| 4000 |", "| many |"), "holds 'many' where a number is due"),
        (ULTRASCALE.replace("Tool Version", "Version"), "lacks the version of Vivado"),
        (TIMING.replace("-0.250       -1.500", "NA NA"), "no constrained path: give the design a clock"),
        (TIMING[: TIMING.index("    -------")], "lacks the row of the design timing summary"),
        (POWER.replace("Dynamic (W) ", "Dynamic (A) "), "lacks dynamic; it is written by report_power"),
        (FIT.replace("Successful", "Failed"), "is of a fit that ended Failed"),
        (FIT.replace("Logic utilization", "Utilization"), "lacks 'Logic utilization .in ALMs.' and 'Total logic"),
        (STA_SUMMARY.replace("Setup", "Recovery"), "names no setup slack"),
        (STA_RPT.replace("MHz", "Hz"), "holds no row of an Fmax summary"),
        (GENUS_AREA.replace("block    ", "other    "), "lacks the row of block"),
        (GENUS_AREA.replace("Genus(TM)", "Other"), "lacks the version of Genus"),
        (GENUS_TIMING.replace("Slack:=", "Slack:"), "lacks the slack of a path"),
        (GENUS_TIMING.replace("-250", "9000"), "slack of 9 ns at a period of 5 ns: no path is timed"),
        (GENUS_POWER.format(unit="hp"), "counts power in 'hp', which is none of W, mW"),
        (INNOVUS.format(mode="Setup").replace("-0.093", "N/A"), "holds 'N/A' where a number is due"),
        (INNOVUS_AREA.replace("Core", "Heart"), "lacks the area of the core"),
        (json.dumps(METRICS)[:-1], "is no whole JSON file"),
        (CSV.replace("timing__hold__ws", "timing__hold__tns"), "lacks the metric timing__hold__ws"),
        (NEXTPNR[:-1], "is no whole report of nextpnr"),
        (json.dumps({"fmax": {}, "utilization": {}}), "names no clock"),
    ],
)
def test_what_a_report_lacks_is_named_in_one_line(tmp_path, text, message):
    with pytest.raises(BadInputError, match=message) as caught:
        read_vendor_report(written(tmp_path, text))
    assert str(tmp_path / "tool.rpt") in str(caught.value)
    assert "\n" not in str(caught.value)


def test_numbers_enter_the_report_with_tool_and_source(tmp_path):
    ((section, resources),) = vendor_resources(written(tmp_path, GENUS_AREA), "reports/area.rpt")
    area = resources.quantities["cell area"]
    assert (section, resources.name) == ("area", "Genus 21.10-p002_1, block")
    assert (area.value, area.unit, area.kind, area.source) == (1526.164, "um2", "synthesised", "reports/area.rpt")
