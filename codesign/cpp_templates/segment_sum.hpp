// y[n] = sum of the rows of x whose index is n
template <typename Sum, std::size_t segments, typename X, typename Index, typename Y>
constexpr void segment_sum(const X& x, const Index& index, Y& y) {
    constexpr std::size_t size = size_of<Y> / segments;
    std::array<Sum, size_of<Y>> sums{};
    for (std::size_t m = 0; m < index.size(); ++m) {
        const std::size_t segment = static_cast<std::size_t>(index[m]);
        if (segment >= segments) continue;
        for (std::size_t e = 0; e < size; ++e) sums[segment * size + e] += x[m * size + e];
    }
    for (std::size_t e = 0; e < y.size(); ++e) y[e] = static_cast<typename Y::value_type>(sums[e]);
}
