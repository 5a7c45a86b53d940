// y[n] = sum of the rows of x whose index is n, times 2**frac, divided by their number: to nearest, ties to even
template <std::size_t segments, int frac, typename X, typename Index, typename Y>
constexpr void segment_mean(const X& x, const Index& index, Y& y) {
    constexpr std::size_t size = size_of<Y> / segments;
    std::array<std::int64_t, size_of<Y>> sums{};
    std::array<std::int64_t, segments> counts{};
    for (std::size_t m = 0; m < index.size(); ++m) {
        const std::size_t segment = static_cast<std::size_t>(index[m]);
        if (segment >= segments) continue;
        ++counts[segment];
        for (std::size_t e = 0; e < size; ++e) sums[segment * size + e] += x[m * size + e];
    }
    for (std::size_t e = 0; e < y.size(); ++e) {
        const std::int64_t count = counts[e / size] > 0 ? counts[e / size] : 1;
        const std::int64_t numerator = 2 * scaled_up(sums[e], frac) + count;
        std::int64_t quotient = numerator / (2 * count), rest = numerator % (2 * count);
        if (rest < 0) {  // division rounds towards zero
            --quotient;
            rest += 2 * count;
        }
        y[e] = static_cast<typename Y::value_type>(rest == 0 && quotient % 2 != 0 ? quotient - 1 : quotient);
    }
}
