# Copies of the registers of net. OpenROAD: Yosys has to name cells by nets (rename -wire).
set tmr_groups {}
set tmr_spacing_um 15
foreach tmr_cell [get_cells -regexp {(.*[./])?qA([^A-Za-z].*)?}] {
    set tmr_a [get_full_name $tmr_cell]
    regsub {(^|.*[./])qA} $tmr_a {\1qB} tmr_b
    regsub {(^|.*[./])qA} $tmr_a {\1qC} tmr_c
    lappend tmr_groups [list $tmr_a $tmr_b $tmr_c]
}
foreach tmr_cell [get_cells -regexp {(.*[./])?copyA([^A-Za-z].*)?}] {
    set tmr_a [get_full_name $tmr_cell]
    regsub {(^|.*[./])copyA} $tmr_a {\1copyB} tmr_b
    regsub {(^|.*[./])copyA} $tmr_a {\1copyC} tmr_c
    lappend tmr_groups [list $tmr_a $tmr_b $tmr_c]
}
foreach tmr_group $tmr_groups { foreach tmr_copy $tmr_group { set_dont_touch $tmr_copy } }
