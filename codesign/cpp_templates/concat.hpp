// Operands a and b one after the other in each of `rows` rows
template <std::size_t rows, typename A, typename B, typename Y>
constexpr void concat(const A& a, const B& b, Y& y) {
    constexpr std::size_t left = size_of<A> / rows, right = size_of<B> / rows;
    for (std::size_t row = 0; row < rows; ++row) {
        for (std::size_t e = 0; e < left; ++e) y[row * (left + right) + e] = a[row * left + e];
        for (std::size_t e = 0; e < right; ++e) y[row * (left + right) + left + e] = b[row * right + e];
    }
}
