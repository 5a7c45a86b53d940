// y = a where the condition is 1, else b
template <std::size_t c_repeat, std::size_t a_repeat, std::size_t b_repeat,
          typename C, typename A, typename B, typename Y>
constexpr void select(const C& condition, const A& a, const B& b, Y& y) {
    using Value = typename Y::value_type;
    for (std::size_t e = 0; e < y.size(); ++e) {
        const bool is_a = spread(condition, c_repeat, e) == 1;
        y[e] = is_a ? static_cast<Value>(spread(a, a_repeat, e)) : static_cast<Value>(spread(b, b_repeat, e));
    }
}
