// y = a * b
template <typename Sum, std::size_t a_repeat, std::size_t b_repeat, typename A, typename B, typename Y>
constexpr void multiply(const A& a, const B& b, Y& y) {
    for (std::size_t e = 0; e < y.size(); ++e) {
        const Sum product = static_cast<Sum>(spread(a, a_repeat, e)) * static_cast<Sum>(spread(b, b_repeat, e));
        y[e] = static_cast<typename Y::value_type>(product);
    }
}
