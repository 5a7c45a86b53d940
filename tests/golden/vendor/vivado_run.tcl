# Vivado project of layers: vivado -mode batch -source run.tcl
set here [file dirname [file normalize [info script]]]
file copy -force [file join $here .. constraints timing.sdc] [file join $here timing.xdc]
file mkdir [file join $here reports]
create_project -force layers [file join $here project] -part xcvu13p-flga2577-2-e
add_files -norecurse [list \
    [file join $here .. rtl majority_voter.v] \
    [file join $here .. rtl round_clip.v] \
    [file join $here .. rtl tmr_register.v] \
    [file join $here .. rtl tmr_register_full.v] \
    [file join $here .. rtl layers_q_adders.v] \
    [file join $here .. rtl layers_out_adders.v] \
    [file join $here .. rtl layers.v]]
add_files -fileset constrs_1 -norecurse [list \
    [file join $here timing.xdc] \
    [file join $here .. constraints vivado.xdc]]
set_property top layers [current_fileset]
set_property -name {STEPS.SYNTH_DESIGN.ARGS.MORE OPTIONS} -value {-mode out_of_context} -objects [get_runs synth_1]
launch_runs impl_1 -to_step route_design
wait_on_run impl_1
open_run impl_1
report_utilization -file [file join $here reports utilization.rpt]
report_timing_summary -file [file join $here reports timing_summary.rpt]
report_power -file [file join $here reports power.rpt]
report_utilization -hierarchical -file [file join $here reports utilization_hierarchical.rpt]
