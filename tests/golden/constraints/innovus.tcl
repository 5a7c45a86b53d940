# Copies of the registers of net. Innovus, common user interface: read before placement.
set tmr_spacing_um 15
set_db place_detail_check_inst_space_group true
set tmr_groups {}
foreach tmr_a [get_db [get_db insts -regexp {(^|/)qA_reg}] .name] {
    regsub {(^|.*/)qA_reg} $tmr_a {\1qB_reg} tmr_b
    regsub {(^|.*/)qA_reg} $tmr_a {\1qC_reg} tmr_c
    lappend tmr_groups [list $tmr_a $tmr_b $tmr_c]
}
foreach tmr_a [get_db [get_db insts -regexp {(^|/)copyA_reg}] .name] {
    regsub {(^|.*/)copyA_reg} $tmr_a {\1copyB_reg} tmr_b
    regsub {(^|.*/)copyA_reg} $tmr_a {\1copyC_reg} tmr_c
    lappend tmr_groups [list $tmr_a $tmr_b $tmr_c]
}
foreach tmr_group $tmr_groups {
    foreach tmr_copy $tmr_group { set_dont_touch $tmr_copy true }
    create_inst_space_group -group_name tmr_[incr tmr_number] -inst $tmr_group -spacing_x $tmr_spacing_um -spacing_y $tmr_spacing_um
}
