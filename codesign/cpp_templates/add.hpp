// y = (a << left_shift) + (b << right_shift)
template <typename Sum, std::size_t a_repeat, std::size_t b_repeat, int left_shift, int right_shift,
          typename A, typename B, typename Y>
constexpr void add(const A& a, const B& b, Y& y) {
    for (std::size_t e = 0; e < y.size(); ++e) {
        const Sum left = scaled_up<Sum>(spread(a, a_repeat, e), left_shift);
        const Sum right = scaled_up<Sum>(spread(b, b_repeat, e), right_shift);
        y[e] = static_cast<typename Y::value_type>(left + right);
    }
}
