// Maximum of all rows, feature by feature
template <typename X, typename Y>
constexpr void global_max(const X& x, Y& y) {
    for (std::size_t feature = 0; feature < y.size(); ++feature) {
        auto highest = x[feature];
        for (std::size_t e = feature; e < x.size(); e += y.size()) highest = x[e] > highest ? x[e] : highest;
        y[feature] = highest;
    }
}
