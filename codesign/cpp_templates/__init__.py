"""C++17 templates of the operators, one file each with the operator's name; `arithmetic.hpp` is what they share."""
