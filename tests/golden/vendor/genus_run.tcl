# Synthesis of layers: genus -files run.tcl
set here [file dirname [file normalize [info script]]]
file mkdir $here/reports $here/out
read_libs [list \
    $here/../libraries/slow.lib \
    $here/../libraries/io.lib]
read_physical -lefs [list \
    $here/../technology.lef]
read_hdl -language v2001 [list \
    $here/../rtl/majority_voter.v \
    $here/../rtl/round_clip.v \
    $here/../rtl/tmr_register.v \
    $here/../rtl/tmr_register_full.v \
    $here/../rtl/layers_q_adders.v \
    $here/../rtl/layers_out_adders.v \
    $here/../rtl/layers.v]
elaborate layers
read_sdc $here/../constraints/timing.sdc
source $here/../constraints/genus.tcl
syn_generic
syn_map
syn_opt
report_qor > $here/reports/qor.rpt
report_area > $here/reports/area.rpt
report_timing > $here/reports/timing.rpt
report_power > $here/reports/power.rpt
write_hdl > $here/out/layers.v
write_sdc > $here/out/layers.sdc
