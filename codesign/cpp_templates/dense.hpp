// y[row, o] = (bias[o] << bias_shift) + sum over i of floor(x[row, i] * weight[o, i] / 2**truncate)
template <typename Sum, int truncate, int bias_shift, typename X, typename W, typename B, typename Y>
constexpr void dense(const X& x, const W& weight, const B& bias, Y& y) {
    constexpr std::size_t outputs = size_of<B>, inputs = size_of<W> / outputs, rows = size_of<X> / inputs;
    for (std::size_t row = 0; row < rows; ++row) {
        for (std::size_t o = 0; o < outputs; ++o) {
            Sum sum = 0;
            for (std::size_t i = 0; i < inputs; ++i) {
                const Sum product = static_cast<Sum>(x[row * inputs + i]) * static_cast<Sum>(weight[o * inputs + i]);
                sum += floor_shift(product, truncate);
            }
            sum += scaled_up<Sum>(bias[o], bias_shift);
            y[row * outputs + o] = static_cast<typename Y::value_type>(sum);
        }
    }
}
