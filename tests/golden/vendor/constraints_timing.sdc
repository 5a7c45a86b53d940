# Timing of layers: 6.25 ns; all clocks come from one source, so paths between count.
create_clock -name clk -period 6.25 [get_ports clk]
set_clock_uncertainty 0.125 [get_clocks clk]
set_input_delay -clock clk 1.25 [get_ports {rst}]
set_input_delay -clock clk 1.25 [get_ports {in_valid}]
set_input_delay -clock clk 1.25 [get_ports {in_data[*]}]
set_output_delay -clock clk 1.25 [get_ports {out_valid}]
set_output_delay -clock clk 1.25 [get_ports {out_data[*]}]
set_output_delay -clock clk 1.25 [get_ports {tmr_err}]
