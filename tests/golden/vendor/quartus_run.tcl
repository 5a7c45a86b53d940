# Quartus project of layers: quartus_sh -t run.tcl; reports are in output_files
load_package flow
set here [file dirname [file normalize [info script]]]
cd $here
project_new -overwrite -revision layers layers
set_global_assignment -name FAMILY "Arria 10"
set_global_assignment -name DEVICE 10AX115N2F45E1SG
set_global_assignment -name TOP_LEVEL_ENTITY layers
set_global_assignment -name VERILOG_INPUT_VERSION VERILOG_2001
set_global_assignment -name PROJECT_OUTPUT_DIRECTORY output_files
set_global_assignment -name VERILOG_FILE [file join $here .. rtl majority_voter.v]
set_global_assignment -name VERILOG_FILE [file join $here .. rtl round_clip.v]
set_global_assignment -name VERILOG_FILE [file join $here .. rtl tmr_register.v]
set_global_assignment -name VERILOG_FILE [file join $here .. rtl tmr_register_full.v]
set_global_assignment -name VERILOG_FILE [file join $here .. rtl layers_q_adders.v]
set_global_assignment -name VERILOG_FILE [file join $here .. rtl layers_out_adders.v]
set_global_assignment -name VERILOG_FILE [file join $here .. rtl layers.v]
set_global_assignment -name SDC_FILE [file join $here .. constraints timing.sdc]
set_instance_assignment -name VIRTUAL_PIN ON -to "rst"
set_instance_assignment -name VIRTUAL_PIN ON -to "in_valid"
set_instance_assignment -name VIRTUAL_PIN ON -to "in_data[*]"
set_instance_assignment -name VIRTUAL_PIN ON -to "out_valid"
set_instance_assignment -name VIRTUAL_PIN ON -to "out_data[*]"
set_instance_assignment -name VIRTUAL_PIN ON -to "tmr_err"
source [file join $here .. constraints quartus.qsf]
execute_flow -compile
project_close
