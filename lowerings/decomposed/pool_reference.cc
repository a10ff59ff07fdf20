// onednn.qmaxpool2d: the largest integer of each window.

#include <array>

#include <qrules/lowerings/decomposed/handler.h>

namespace qrules::decomposed {
namespace {

struct Window {
  int64_t size = 0, out = 0, kernel = 1, stride = 1, padding = 0, dilation = 1;
  int64_t in_step = 0, out_step = 0;

  // Taps [first, last) of position o that lie inside the tensor.
  std::pair<int64_t, int64_t> taps(int64_t o) const {
    const int64_t start = o * stride - padding;
    const int64_t first = start < 0 ? (-start + dilation - 1) / dilation : 0;
    const int64_t last = start >= size ? 0 : std::min(kernel, (size - start + dilation - 1) / dilation);
    return {first, last};
  }
};

template <typename T>
void maximum(const T* in, T* out, const Window& h, const Window& w) {
  for (int64_t y = 0; y < h.out; ++y) {
    const auto [first_row, last_row] = h.taps(y);
    for (int64_t x = 0; x < w.out; ++x) {
      const auto [first, last] = w.taps(x);
      T best = std::numeric_limits<T>::lowest();
      for (int64_t i = first_row; i < last_row; ++i) {
        for (int64_t j = first; j < last; ++j) {
          best = std::max(best, in[(y * h.stride - h.padding + i * h.dilation) * h.in_step +
                                   (x * w.stride - w.padding + j * w.dilation) * w.in_step]);
        }
      }
      out[y * h.out_step + x * w.out_step] = best;
    }
  }
}

Prepared maxpool2d(PrepareContext& context) {
  const TensorLayout& in = context.input(0);
  TensorLayout& out = context.output(0);
  const size_t rank = in.sizes.size();
  if (rank != 3 && rank != 4) return refuse_rank(context, "the activation", rank, "ranks 3 and 4");
  if (in.dtype != DType::u8 && in.dtype != DType::s8)
    return refuse_dtype(context, "the activation", in.dtype, "u8 and s8");
  const auto pair = [&](const char* parameter) -> std::optional<std::array<int64_t, 2>> {
    const std::vector<int64_t> list = context.integers(parameter);
    if (list.size() == 1) return std::array{list[0], list[0]};
    if (list.size() == 2) return std::array{list[0], list[1]};
    return std::nullopt;
  };
  const auto kernel = pair("kernel_size"), padding = pair("padding"), dilation = pair("dilation");
  const auto stride = context.integers("stride").empty() ? kernel : pair("stride");
  if (!kernel || !padding || !dilation || !stride)
    return refuse_size(context, "the window is given by lists of one or two integers");

  if (rank == 4 && !in.is_contiguous() && in.is_channels_last())
    out.strides = TensorLayout::channels_last(out.dtype, out.sizes).strides;
  std::array<Window, 2> window;
  for (size_t i = 0; i < 2; ++i) {
    const size_t d = rank - 2 + i;
    window[i] = {in.sizes[d],   out.sizes[d],   (*kernel)[i],  (*stride)[i],
                 (*padding)[i], (*dilation)[i], in.strides[d], out.strides[d]};
    if ((*kernel)[i] < 1 || (*stride)[i] < 1 || (*dilation)[i] < 1 || (*padding)[i] < 0) {
      return refuse_size(context, "kernel, stride and dilation must be positive, padding not negative");
    }
  }
  const auto leading = [&](const std::vector<int64_t>& list) {
    return std::vector<int64_t>(list.begin(), list.end() - 2);
  };
  const StridedLoop<2> planes(leading(out.sizes), {leading(out.strides), leading(in.strides)});
  const bool is_signed = in.dtype == DType::s8;
  context.note("reference kernel");
  return make_kernel("ref", [window, planes, is_signed](const KernelArguments& arguments) {
    planes.run([&](const auto& at, int64_t count, const auto& steps) {
      for (int64_t i = 0; i < count; ++i) {
        const int64_t to = at[0] + i * steps[0], from = at[1] + i * steps[1];
        if (is_signed) {
          maximum(static_cast<const int8_t*>(arguments.inputs[0]) + from,
                  static_cast<int8_t*>(arguments.outputs[0]) + to, window[0], window[1]);
        } else {
          maximum(static_cast<const uint8_t*>(arguments.inputs[0]) + from,
                  static_cast<uint8_t*>(arguments.outputs[0]) + to, window[0], window[1]);
        }
      }
    });
  });
}

}  // namespace

void add_pool(HandlerRegistry& registry) {
  registry.add("onednn.qmaxpool2d.default", std::make_shared<FunctionHandler>("decomposed.qmaxpool2d", maxpool2d));
}

}  // namespace qrules::decomposed
