// x < 2**m -> x; else exponent e = bit length - m and the m bits after the leading one: (e << m) | mantissa
template <int mantissa_bits, typename X, typename Y>
constexpr void pack_float(const X& x, Y& y) {
    constexpr std::int64_t mask = (std::int64_t{1} << mantissa_bits) - 1;
    for (std::size_t e = 0; e < y.size(); ++e) {
        const int length = bit_length(x[e]), exponent = length > mantissa_bits ? length - mantissa_bits : 0;
        const std::int64_t mantissa = floor_shift<std::int64_t>(x[e], exponent > 0 ? exponent - 1 : 0) & mask;
        const std::int64_t code = (std::int64_t{exponent} << mantissa_bits) | mantissa;
        y[e] = static_cast<typename Y::value_type>(code);
    }
}
