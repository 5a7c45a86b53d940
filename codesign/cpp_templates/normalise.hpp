// y = floor(x * 2**frac / 2**floor(log2 total)), of which the low frac + 1 bits are kept; total 0 counts as 1
template <int frac, typename X, typename Total, typename Y>
constexpr void normalise(const X& x, const Total& total, Y& y) {
    const int length = bit_length(total[0]), shift = length > 0 ? length - 1 : 0;
    constexpr std::int64_t mask = (std::int64_t{1} << (frac + 1)) - 1;
    for (std::size_t e = 0; e < y.size(); ++e) {
        const std::int64_t shifted = floor_shift(scaled_up<std::int64_t>(x[e], frac), shift);
        y[e] = static_cast<typename Y::value_type>(shifted & mask);
    }
}
