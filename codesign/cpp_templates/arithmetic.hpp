// Whether value is one of low to high
constexpr bool lies_in(std::int64_t value, std::int64_t low, std::int64_t high) {
    return low <= value && value <= high;
}

// Whether Type holds every integer from low to high.
template <typename Type>
constexpr bool holds(std::int64_t low, std::int64_t high) {
    return std::numeric_limits<Type>::min() <= low && high <= std::numeric_limits<Type>::max();
}

static_assert((std::int64_t{-5} >> 1) == -3, "the right shift of a negative number must round down");

// floor(value / 2**shift)
template <typename Sum>
constexpr Sum floor_shift(Sum value, int shift) {
    return static_cast<Sum>(value >> shift);
}

// value * 2**shift; a left shift of a negative number would be undefined in C++17.
template <typename Sum>
constexpr Sum scaled_up(Sum value, int shift) {
    return static_cast<Sum>(value * (Sum{1} << shift));
}

// value / 2**shift, rounded to nearest, ties to even
template <typename Sum>
constexpr Sum round_shift(Sum value, int shift) {
    if (shift == 0) return value;
    const Sum half = Sum{1} << (shift - 1);
    const Sum rounded = floor_shift<Sum>(value + half, shift);
    const bool is_tie = (value & ((Sum{1} << shift) - 1)) == half;
    return is_tie && (rounded & 1) ? rounded - 1 : rounded;
}

// Number of bits up to the leading one; 0 for 0.
constexpr int bit_length(std::int64_t value) {
    int bits = 0;
    for (; value > 0; value >>= 1) ++bits;
    return bits;
}

template <typename Array>
constexpr std::size_t size_of = std::tuple_size<Array>::value;

// Element of an operand for element e of the result: each serves `repeat` in a row, then they start again.
template <typename Array>
constexpr auto spread(const Array& x, std::size_t repeat, std::size_t e) {
    return x[e / repeat % size_of<Array>];
}
