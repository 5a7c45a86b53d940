// Sum of all rows, feature by feature
template <typename Sum, typename X, typename Y>
constexpr void global_sum(const X& x, Y& y) {
    for (std::size_t feature = 0; feature < y.size(); ++feature) {
        Sum sum = 0;
        for (std::size_t e = feature; e < x.size(); e += y.size()) sum += x[e];
        y[feature] = static_cast<typename Y::value_type>(sum);
    }
}
