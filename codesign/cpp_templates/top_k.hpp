// The highest elements of each of `rows` rows in falling order, of equal ones the first; or their positions
template <std::size_t rows, bool positions, typename X, typename Y>
constexpr void top_k(const X& x, Y& y) {
    using Value = typename Y::value_type;
    constexpr std::size_t size = size_of<X> / rows, k = size_of<Y> / rows;
    for (std::size_t row = 0; row < rows; ++row) {
        for (std::size_t e = 0; e < size; ++e) {
            const auto value = x[row * size + e];
            std::size_t before = 0;
            for (std::size_t other = 0; other < size; ++other) {
                const auto rival = x[row * size + other];
                before += rival > value || (rival == value && other < e);
            }
            if (before < k) y[row * k + before] = positions ? static_cast<Value>(e) : static_cast<Value>(value);
        }
    }
}
