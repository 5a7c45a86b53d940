// y = base + count of thresholds that x has reached, or base + levels - count where the channel is falling
template <std::int64_t base, typename X, typename T, typename F, typename Y>
constexpr void threshold(const X& x, const T& thresholds, const F& falling, Y& y) {
    constexpr std::size_t channels = size_of<F>, levels = size_of<T> / channels, repeat = size_of<X> / channels;
    for (std::size_t e = 0; e < y.size(); ++e) {
        const std::size_t channel = e / repeat;
        std::int64_t count = 0;
        for (std::size_t k = 0; k < levels; ++k) count += x[e] >= thresholds[channel * levels + k];
        const std::int64_t reached = falling[channel] ? static_cast<std::int64_t>(levels) - count : count;
        y[e] = static_cast<typename Y::value_type>(base + reached);
    }
}
