# Analysis view of layers, read by run.tcl, which sets here
create_library_set -name libraries -timing [list \
    $here/../libraries/slow.lib \
    $here/../libraries/io.lib]
create_timing_condition -name condition -library_sets libraries
create_rc_corner -name wires -qrc_tech $here/../wires.tch
create_delay_corner -name corner -timing_condition condition -rc_corner wires
create_constraint_mode -name mode -sdc_files [list $here/../genus/out/layers.sdc]
create_analysis_view -name view -constraint_mode mode -delay_corner corner
set_analysis_view -setup view -hold view
