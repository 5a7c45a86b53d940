# Copies of the registers of net. Genus, common user interface: read after elaboration.
set_db [get_db insts -regexp {(^|/)qA_reg}] .preserve true
set_db [get_db insts -regexp {(^|/)qB_reg}] .preserve true
set_db [get_db insts -regexp {(^|/)qC_reg}] .preserve true
set_db [get_db insts -regexp {(^|/)copyA_reg}] .preserve true
set_db [get_db insts -regexp {(^|/)copyB_reg}] .preserve true
set_db [get_db insts -regexp {(^|/)copyC_reg}] .preserve true
set_db [get_db hinsts -regexp {(^|/)voter[ABC]?$}] .preserve true
