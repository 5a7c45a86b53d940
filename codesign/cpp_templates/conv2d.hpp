// Images (channels, rows, columns), weights (filters, channels / groups, kernel rows, kernel columns), biases:
// y[filter, row, column] = (bias << bias_shift) + sum of floor(x * weight / 2**truncate) over the kernel; pixels
// outside of the image have the value pad_value.
template <typename Sum, int channels, int rows, int columns, int kernel_rows, int kernel_columns, int stride_rows,
          int stride_columns, int pad_top, int pad_left, int out_rows, int out_columns, int groups,
          std::int64_t pad_value, int truncate, int bias_shift, typename X, typename W, typename B, typename Y>
constexpr void conv2d(const X& x, const W& weight, const B& bias, Y& y) {
    constexpr int filters = static_cast<int>(size_of<B>), inputs = channels / groups;
    for (int filter = 0; filter < filters; ++filter) {
        const int first_channel = filter / (filters / groups) * inputs;
        for (int out = 0; out < out_rows * out_columns; ++out) {
            const int top = out / out_columns * stride_rows - pad_top;
            const int left = out % out_columns * stride_columns - pad_left;
            Sum sum = 0;
            for (int tap = 0; tap < inputs * kernel_rows * kernel_columns; ++tap) {
                const int channel = first_channel + tap / (kernel_rows * kernel_columns);
                const int row = top + tap / kernel_columns % kernel_rows, column = left + tap % kernel_columns;
                const bool is_inside = row >= 0 && row < rows && column >= 0 && column < columns;
                const int pixel = is_inside ? (channel * rows + row) * columns + column : 0;
                const std::int64_t value = is_inside ? x[static_cast<std::size_t>(pixel)] : pad_value;
                const int place = filter * inputs * kernel_rows * kernel_columns + tap;
                const Sum factor = static_cast<Sum>(weight[static_cast<std::size_t>(place)]);
                sum += floor_shift(static_cast<Sum>(static_cast<Sum>(value) * factor), truncate);
            }
            sum += scaled_up<Sum>(bias[static_cast<std::size_t>(filter)], bias_shift);
            const int place = filter * out_rows * out_columns + out;
            y[static_cast<std::size_t>(place)] = static_cast<typename Y::value_type>(sum);
        }
    }
}
