# Place and route of layers: innovus -stylus -files run.tcl, after Genus
set here [file dirname [file normalize [info script]]]
file mkdir $here/reports $here/out
set_db init_power_nets VDD
set_db init_ground_nets VSS
read_mmmc $here/views.tcl
read_physical -lef [list \
    $here/../technology.lef]
read_netlist $here/../genus/out/layers.v -top layers
init_design
connect_global_net VDD -type pg_pin -pin_base_name VDD -all
connect_global_net VSS -type pg_pin -pin_base_name VSS -all
create_floorplan -core_density_size 1.0 0.5 5 5 5 5
source $here/../constraints/innovus.tcl
place_opt_design
clock_opt_design
route_design
opt_design -post_route
time_design -post_route -report_dir $here/reports
time_design -post_route -hold -report_dir $here/reports
report_summary -no_html -out_file $here/reports/summary.rpt
report_power > $here/reports/power.rpt
write_netlist $here/out/layers.v
