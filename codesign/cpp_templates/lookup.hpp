// y = table[x - low]
template <std::int64_t low, typename X, typename Table, typename Y>
constexpr void lookup(const X& x, const Table& table, Y& y) {
    for (std::size_t e = 0; e < y.size(); ++e) y[e] = table[static_cast<std::size_t>(x[e] - low)];
}
