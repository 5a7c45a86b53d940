enum class Relation { lt, le, eq, ne, ge, gt };

// y = 1 where a stands in the relation to b, else 0
template <Relation relation, std::size_t a_repeat, std::size_t b_repeat, typename A, typename B, typename Y>
constexpr void compare(const A& a, const B& b, Y& y) {
    for (std::size_t e = 0; e < y.size(); ++e) {
        const std::int64_t left = spread(a, a_repeat, e), right = spread(b, b_repeat, e);
        const bool is_less = left < right, is_equal = left == right;
        bool is_true = false;
        switch (relation) {
            case Relation::lt: is_true = is_less; break;
            case Relation::le: is_true = is_less || is_equal; break;
            case Relation::eq: is_true = is_equal; break;
            case Relation::ne: is_true = !is_equal; break;
            case Relation::ge: is_true = !is_less; break;
            case Relation::gt: is_true = !is_less && !is_equal; break;
        }
        y[e] = is_true;
    }
}
