// y[m] = row index[m] of x; zeros where there is no such row
template <std::size_t rows, typename X, typename Index, typename Y>
constexpr void take(const X& x, const Index& index, Y& y) {
    constexpr std::size_t size = size_of<X> / rows;
    for (std::size_t m = 0; m < index.size(); ++m) {
        const std::size_t row = static_cast<std::size_t>(index[m]);
        for (std::size_t e = 0; e < size; ++e) {
            y[m * size + e] = row < rows ? x[row * size + e] : typename Y::value_type{0};
        }
    }
}
