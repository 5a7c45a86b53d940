# Copies of the registers of net. Vivado; spacing in um has no meaning in an FPGA: give the Pblocks ranges.
create_pblock tmr_A
set_property DONT_TOUCH true [get_cells -hierarchical -regexp {(.*/)?qA_reg.*}]
add_cells_to_pblock [get_pblocks tmr_A] [get_cells -hierarchical -regexp {(.*/)?qA_reg.*}]
set_property DONT_TOUCH true [get_cells -hierarchical -regexp {(.*/)?copyA_reg.*}]
add_cells_to_pblock [get_pblocks tmr_A] [get_cells -hierarchical -regexp {(.*/)?copyA_reg.*}]
create_pblock tmr_B
set_property DONT_TOUCH true [get_cells -hierarchical -regexp {(.*/)?qB_reg.*}]
add_cells_to_pblock [get_pblocks tmr_B] [get_cells -hierarchical -regexp {(.*/)?qB_reg.*}]
set_property DONT_TOUCH true [get_cells -hierarchical -regexp {(.*/)?copyB_reg.*}]
add_cells_to_pblock [get_pblocks tmr_B] [get_cells -hierarchical -regexp {(.*/)?copyB_reg.*}]
create_pblock tmr_C
set_property DONT_TOUCH true [get_cells -hierarchical -regexp {(.*/)?qC_reg.*}]
add_cells_to_pblock [get_pblocks tmr_C] [get_cells -hierarchical -regexp {(.*/)?qC_reg.*}]
set_property DONT_TOUCH true [get_cells -hierarchical -regexp {(.*/)?copyC_reg.*}]
add_cells_to_pblock [get_pblocks tmr_C] [get_cells -hierarchical -regexp {(.*/)?copyC_reg.*}]
set_property DONT_TOUCH true [get_cells -hierarchical -regexp {(.*/)?voter[ABC]?}]
