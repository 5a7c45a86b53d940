// Images (channels, rows, columns): the highest pixel under the kernel; pixels outside are never the highest.
template <int channels, int rows, int columns, int kernel_rows, int kernel_columns, int stride_rows,
          int stride_columns, int pad_top, int pad_left, int out_rows, int out_columns, typename X, typename Y>
constexpr void max_pool(const X& x, Y& y) {
    for (int out = 0; out < channels * out_rows * out_columns; ++out) {
        const int channel = out / (out_rows * out_columns);
        const int top = out / out_columns % out_rows * stride_rows - pad_top;
        const int left = out % out_columns * stride_columns - pad_left;
        bool has_one = false;
        typename Y::value_type highest = 0;
        for (int tap = 0; tap < kernel_rows * kernel_columns; ++tap) {
            const int row = top + tap / kernel_columns, column = left + tap % kernel_columns;
            if (row < 0 || row >= rows || column < 0 || column >= columns) continue;
            const auto pixel = x[static_cast<std::size_t>((channel * rows + row) * columns + column)];
            if (!has_one || pixel > highest) highest = pixel;
            has_one = true;
        }
        y[static_cast<std::size_t>(out)] = highest;
    }
}
