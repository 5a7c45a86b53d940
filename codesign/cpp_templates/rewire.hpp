// y[e] = x[index[e]]; index -1 reads zero
template <typename X, typename Index, typename Y>
constexpr void rewire(const X& x, const Index& index, Y& y) {
    for (std::size_t e = 0; e < y.size(); ++e) {
        y[e] = index[e] < 0 ? typename Y::value_type{0} : x[static_cast<std::size_t>(index[e])];
    }
}
