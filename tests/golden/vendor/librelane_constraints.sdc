# Timing of layers: 6.25 ns; all clocks come from one source, so paths between count.
create_clock -name clk -period 6.25 [get_ports clk]
set_clock_uncertainty 0.125 [get_clocks clk]
set_input_delay -clock clk 1.25 [get_ports {rst}]
set_input_delay -clock clk 1.25 [get_ports {in_valid}]
set_input_delay -clock clk 1.25 [get_ports {in_data[*]}]
set_output_delay -clock clk 1.25 [get_ports {out_valid}]
set_output_delay -clock clk 1.25 [get_ports {out_data[*]}]
set_output_delay -clock clk 1.25 [get_ports {tmr_err}]
if {[llength [info commands set_dont_touch]]} {
    # Copies of the registers of layers. OpenROAD: Yosys has to name cells by nets (rename -wire).
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
}
