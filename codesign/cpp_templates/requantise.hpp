// y = clip(round((x * multiplier + addend) / 2**shift), low, high); one multiplier and addend for each channel
template <typename Sum, int shift, bool half_even, std::int64_t low, std::int64_t high,
          typename X, typename M, typename A, typename Y>
constexpr void requantise(const X& x, const M& multiplier, const A& addend, Y& y) {
    constexpr std::size_t repeat = size_of<X> / size_of<M>;
    for (std::size_t e = 0; e < y.size(); ++e) {
        const Sum factor = static_cast<Sum>(multiplier[e / repeat]), added = static_cast<Sum>(addend[e / repeat]);
        const Sum scaled = static_cast<Sum>(x[e]) * factor + added;
        const std::int64_t rounded = half_even ? round_shift(scaled, shift) : floor_shift(scaled, shift);
        y[e] = static_cast<typename Y::value_type>(rounded < low ? low : rounded > high ? high : rounded);
    }
}
