// onednn.qavgpool2d and onednn.qadaptive_avgpool2d: exact means of windows of integers.

#include <array>

#include <qrules/lowerings/decomposed/handler.h>

namespace qrules::decomposed {
namespace {

// Input positions [first, last) of one output position, and what they count in the divisor.
struct Window {
  int64_t first = 0, last = 0, counted = 0;
};

struct Axis {
  std::vector<Window> windows;
  int64_t in_step = 0, out_step = 0;
};

struct Pool {
  std::array<Axis, 2> axes;
  int64_t batch = 1, channels = 1;
  std::array<int64_t, 2> in_steps{}, out_steps{};  // of batch and channel
  int64_t lanes = 1;  // channels that lie next to each other in both tensors: all of them, or one
  int64_t zero_point = 0;
  std::optional<int64_t> divisor;  // in place of the counted positions
  double empty = 0;                // the result of a window without elements, before saturation
};

// Of a pool with these settings over `size` elements. Positions inside the padding count where `count_padding` says so,
// those that ceil mode adds behind it never do.
std::vector<Window> sliding(int64_t size, int64_t out, int64_t kernel, int64_t stride, int64_t padding,
                            bool count_padding) {
  std::vector<Window> windows;
  for (int64_t o = 0; o < out; ++o) {
    const int64_t start = o * stride - padding, end = std::min(start + kernel, size + padding);
    const int64_t first = std::max<int64_t>(start, 0), last = std::max(std::min(end, size), first);
    windows.push_back({first, last, count_padding ? end - start : last - first});
  }
  return windows;
}

// Windows that cut `size` elements into `out` parts, as equal as they can be; neighbours may share an element.
std::vector<Window> adaptive(int64_t size, int64_t out) {
  std::vector<Window> windows;
  for (int64_t o = 0; o < out; ++o) {
    const int64_t first = o * size / out, last = ((o + 1) * size + out - 1) / out;
    windows.push_back({first, last, last - first});
  }
  return windows;
}

constexpr int64_t kBlock = 256;  // lanes that are summed together

template <typename T>
void average_at(const T* in, T* out, const Pool& pool, const Window& h, const Window& w) {
  using Limits = std::numeric_limits<T>;
  const int64_t taps = (h.last - h.first) * (w.last - w.first);
  const auto divisor = static_cast<double>(pool.divisor.value_or(h.counted * w.counted));
  for (int64_t block = 0; block < pool.lanes; block += kBlock) {
    const int64_t count = std::min(kBlock, pool.lanes - block);
    std::array<int64_t, kBlock> sums;
    std::fill_n(sums.begin(), count, -taps * pool.zero_point);
    for (int64_t y = h.first; y < h.last; ++y) {
      for (int64_t x = w.first; x < w.last; ++x) {
        const T* from = in + y * pool.axes[0].in_step + x * pool.axes[1].in_step + block;
        for (int64_t c = 0; c < count; ++c) sums[static_cast<size_t>(c)] += from[c];
      }
    }
    for (int64_t c = 0; c < count; ++c) {
      const double value = taps == 0 ? pool.empty
                                     : round_half_even(static_cast<double>(sums[static_cast<size_t>(c)]) / divisor) +
                                           static_cast<double>(pool.zero_point);
      out[block + c] =
          static_cast<T>(std::clamp(value, static_cast<double>(Limits::lowest()), static_cast<double>(Limits::max())));
    }
  }
}

template <typename T>
void average(const Pool& pool, const KernelArguments& arguments) {
  const T* in = static_cast<const T*>(arguments.inputs[0]);
  T* out = static_cast<T*>(arguments.outputs[0]);
  const auto &rows = pool.axes[0].windows, &columns = pool.axes[1].windows;
  const auto height = static_cast<int64_t>(rows.size()), width = static_cast<int64_t>(columns.size());
  const int64_t groups = pool.channels / pool.lanes, lines = pool.batch * groups * height;
  const int64_t work = lines * width * pool.lanes;
#pragma omp parallel for schedule(static) if (work > (1 << 14))
  for (int64_t line = 0; line < lines; ++line) {
    const int64_t n = line / (groups * height), c = line / height % groups, y = line % height;
    const T* from = in + n * pool.in_steps[0] + c * pool.in_steps[1];
    T* to = out + n * pool.out_steps[0] + c * pool.out_steps[1] + y * pool.axes[0].out_step;
    for (int64_t x = 0; x < width; ++x) {
      average_at(from, to + x * pool.axes[1].out_step, pool, rows[static_cast<size_t>(y)],
                 columns[static_cast<size_t>(x)]);
    }
  }
}

// The kernel of a pool whose windows are given.
Prepared prepare_pool(PrepareContext& context, Pool pool) {
  const TensorLayout& in = context.input(0);
  TensorLayout& out = context.output(0);
  const size_t rank = in.sizes.size();
  if (rank == 4 && !in.is_contiguous() && in.is_channels_last())
    out.strides = TensorLayout::channels_last(out.dtype, out.sizes).strides;
  for (size_t i = 0; i < 2; ++i) {
    pool.axes[i].in_step = in.strides[rank - 2 + i];
    pool.axes[i].out_step = out.strides[rank - 2 + i];
  }
  pool.batch = rank == 4 ? in.sizes[0] : 1;
  pool.channels = in.sizes[rank - 3];
  pool.in_steps = {rank == 4 ? in.strides[0] : 0, in.strides[rank - 3]};
  pool.out_steps = {rank == 4 ? out.strides[0] : 0, out.strides[rank - 3]};
  if (out.element_count() == 0) return make_kernel("nothing", [](const KernelArguments&) {});
  pool.lanes = pool.in_steps[1] == 1 && pool.out_steps[1] == 1 ? pool.channels : 1;
  const bool is_signed = in.dtype == DType::s8;
  return make_kernel("exact", [pool = std::move(pool), is_signed](const KernelArguments& arguments) {
    is_signed ? average<int8_t>(pool, arguments) : average<uint8_t>(pool, arguments);
  });
}

// Checks the operand and reads the zero point.
Result<Pool> read_pool(const PrepareContext& context) {
  const TensorLayout& in = context.input(0);
  const size_t rank = in.sizes.size();
  if (rank != 3 && rank != 4) return refuse_rank(context, "the activation", rank, "ranks 3 and 4");
  if (in.dtype != DType::u8 && in.dtype != DType::s8)
    return refuse_dtype(context, "the activation", in.dtype, "u8 and s8");
  Pool pool;
  const std::vector<int64_t> zero_point = context.integers("zero_point");
  if (zero_point.size() != 1) return refuse_argument(context, "zero_point", "must be an integer");
  pool.zero_point = zero_point[0];
  pool.empty = static_cast<double>(pool.zero_point);
  return pool;
}

Prepared avgpool2d(PrepareContext& context) {
  auto pool = read_pool(context);
  if (!pool) return pool.diagnostics();
  const TensorLayout &in = context.input(0), &out = context.output(0);
  const auto pair = [&](const char* parameter) -> std::optional<std::array<int64_t, 2>> {
    const std::vector<int64_t> list = context.integers(parameter);
    if (list.size() == 1) return std::array{list[0], list[0]};
    if (list.size() == 2) return std::array{list[0], list[1]};
    return std::nullopt;
  };
  const auto kernel = pair("kernel_size"), padding = pair("padding");
  const auto stride = context.integers("stride").empty() ? kernel : pair("stride");
  if (!kernel || !padding || !stride)
    return refuse_size(context, "the window is given by lists of one or two integers");
  const Argument* count_padding = context.node().argument("count_include_pad");
  const bool* counts = count_padding ? count_padding->get_if<bool>() : nullptr;
  if (!counts) return refuse_argument(context, "count_include_pad", "must be true or false");
  const Argument* divisor = context.node().argument("divisor_override");
  if (divisor && !divisor->is_none()) {
    pool->divisor = divisor->integer();
    if (pool->divisor.value_or(0) == 0) return refuse_argument(context, "divisor_override", "must be an integer but 0");
  }
  for (size_t i = 0; i < 2; ++i) {
    if ((*kernel)[i] < 1 || (*stride)[i] < 1 || (*padding)[i] < 0)
      return refuse_size(context, "kernel and stride must be positive, padding not negative");
    const size_t d = in.sizes.size() - 2 + i;
    pool->axes[i].windows = sliding(in.sizes[d], out.sizes[d], (*kernel)[i], (*stride)[i], (*padding)[i], *counts);
  }
  return prepare_pool(context, std::move(*pool));
}

Prepared adaptive_avgpool2d(PrepareContext& context) {
  auto pool = read_pool(context);
  if (!pool) return pool.diagnostics();
  const TensorLayout &in = context.input(0), &out = context.output(0);
  pool->empty = 0;  // the mean of nothing is NaN, which quantize makes 0
  for (size_t i = 0; i < 2; ++i) {
    const size_t d = in.sizes.size() - 2 + i;
    pool->axes[i].windows = adaptive(in.sizes[d], out.sizes[d]);
  }
  return prepare_pool(context, std::move(*pool));
}

}  // namespace

void add_average_pool(HandlerRegistry& registry) {
  registry.add("onednn.qavgpool2d.default", std::make_shared<FunctionHandler>("decomposed.qavgpool2d", avgpool2d));
  registry.add("onednn.qadaptive_avgpool2d.default",
               std::make_shared<FunctionHandler>("decomposed.qadaptive_avgpool2d", adaptive_avgpool2d));
}

}  // namespace qrules::decomposed
