// y[n] = highest of the rows of x whose index is n, feature by feature; 0 if there is none
template <std::size_t segments, typename X, typename Index, typename Y>
constexpr void segment_max(const X& x, const Index& index, Y& y) {
    constexpr std::size_t size = size_of<Y> / segments;
    std::array<bool, segments> has_one{};
    for (auto& value : y) value = 0;
    for (std::size_t m = 0; m < index.size(); ++m) {
        const std::size_t segment = static_cast<std::size_t>(index[m]);
        if (segment >= segments) continue;
        for (std::size_t e = 0; e < size; ++e) {
            auto& highest = y[segment * size + e];
            if (!has_one[segment] || x[m * size + e] > highest) highest = x[m * size + e];
        }
        has_one[segment] = true;
    }
}
