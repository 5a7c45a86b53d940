// Code (e, m) -> (m if e == 0 else (2**mantissa_bits + m) << (e - 1)) << drop, plus half of the lowest bit if `half`
template <int mantissa_bits, int drop, bool half, typename X, typename Y>
constexpr void unpack_float(const X& x, Y& y) {
    constexpr std::int64_t one = std::int64_t{1} << mantissa_bits;
    for (std::size_t e = 0; e < y.size(); ++e) {
        const std::int64_t exponent = x[e] >> mantissa_bits, mantissa = x[e] & (one - 1);
        const int shift = drop + static_cast<int>(exponent > 1 ? exponent - 1 : 0);
        const std::int64_t linear = (mantissa + (exponent > 0 ? one : 0)) << shift;
        const std::int64_t rounding = half && shift > 0 ? std::int64_t{1} << (shift - 1) : 0;
        y[e] = static_cast<typename Y::value_type>(linear + rounding);
    }
}
