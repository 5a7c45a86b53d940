// y = position of the highest element of each of `rows` rows, the first of several
template <std::size_t rows, typename X, typename Y>
constexpr void argmax(const X& x, Y& y) {
    constexpr std::size_t size = size_of<X> / rows;
    for (std::size_t row = 0; row < rows; ++row) {
        std::size_t best = 0;
        for (std::size_t e = 1; e < size; ++e) {
            if (x[row * size + e] > x[row * size + best]) best = e;
        }
        y[row] = static_cast<typename Y::value_type>(best);
    }
}
