// onednn.qconv and onednn.qconv_binary: exact sums, then the epilogue. One to three spatial dimensions.

#include <array>

#include <qrules/lowerings/decomposed/contraction.h>

namespace qrules::decomposed {
namespace {

constexpr size_t kSpatial = 3;  // fewer are padded with leading dimensions of size 1

struct Axis {
  int64_t in = 1, out = 1, kernel = 1, stride = 1, padding = 0, dilation = 1;
  int64_t x_step = 0, weight_step = 0, out_step = 0, other_step = 0;
};

struct Geometry {
  int64_t batch = 0, channels = 0, inner = 0, groups = 1;                        // inner: input channels of a group
  std::array<int64_t, 2> x_steps{}, weight_steps{}, out_steps{}, other_steps{};  // of the two leading dimensions
  std::array<Axis, kSpatial> axes;
  int64_t products() const { return inner * axes[0].kernel * axes[1].kernel * axes[2].kernel; }
};

// Adds one tap of the kernel to a row of sums: positions that read padding add zero.
template <typename Sum, typename X>
void add_tap(Sum* sums, const X* x, const Axis& w, int64_t tap, Sum zero_point, Sum weight) {
  const int64_t shift = tap * w.dilation - w.padding;  // input position of output 0
  const int64_t first = shift < 0 ? std::min(w.out, (-shift + w.stride - 1) / w.stride) : 0;
  const int64_t last = w.in <= shift ? 0 : std::min(w.out, (w.in - shift + w.stride - 1) / w.stride);
  const int64_t step = w.stride * w.x_step;
  if (step == 1) {
    for (int64_t o = first; o < last; ++o) sums[o] += (static_cast<Sum>(widen(x[o + shift])) - zero_point) * weight;
  } else {
    for (int64_t o = first; o < last; ++o)
      sums[o] += (static_cast<Sum>(widen(x[shift * w.x_step + o * step])) - zero_point) * weight;
  }
}

// Sums of one output row.
template <typename Sum, typename X, typename W>
void sum_row(Sum* sums, const X* x, const W* weight, const Geometry& g, int64_t depth, int64_t height, Sum zero_point) {
  const auto& [d, h, w] = g.axes;
  std::fill(sums, sums + w.out, Sum{0});
  for (int64_t c = 0; c < g.inner; ++c) {
    for (int64_t i = 0; i < d.kernel; ++i) {
      const int64_t z = depth * d.stride - d.padding + i * d.dilation;
      if (z < 0 || z >= d.in) continue;
      for (int64_t j = 0; j < h.kernel; ++j) {
        const int64_t y = height * h.stride - h.padding + j * h.dilation;
        if (y < 0 || y >= h.in) continue;
        const X* row = x + c * g.x_steps[1] + z * d.x_step + y * h.x_step;
        const W* taps = weight + c * g.weight_steps[1] + i * d.weight_step + j * h.weight_step;
        for (int64_t k = 0; k < w.kernel; ++k)
          add_tap<Sum>(sums, row, w, k, zero_point, static_cast<Sum>(widen(taps[k * w.weight_step])));
      }
    }
  }
}

template <typename Sum, typename X, typename W>
void convolve(const Geometry& g, const Contraction& contraction, const ContractionRun& run,
              const KernelArguments& arguments) {
  const auto* x = static_cast<const X*>(arguments.inputs[contraction.x]);
  const auto* weight = static_cast<const W*>(arguments.inputs[contraction.weight]);
  auto* sums = static_cast<Sum*>(arguments.scratch);
  const auto& [d, h, w] = g.axes;
  const auto zero_point = static_cast<Sum>(run.zero_point());
  const int64_t channels_of_group = g.channels / g.groups;
  for (int64_t n = 0; n < g.batch; ++n) {
    for (int64_t c = 0; c < g.channels; ++c) {
      const X* input = x + n * g.x_steps[0] + (c / channels_of_group) * g.inner * g.x_steps[1];
      for (int64_t z = 0; z < d.out; ++z) {
        for (int64_t y = 0; y < h.out; ++y) {
          sum_row<Sum>(sums, input, weight + c * g.weight_steps[0], g, z, y, zero_point);
          const int64_t to = n * g.out_steps[0] + c * g.out_steps[1] + z * d.out_step + y * h.out_step;
          const int64_t other = n * g.other_steps[0] + c * g.other_steps[1] + z * d.other_step + y * h.other_step;
          for (int64_t o = 0; o < w.out; ++o) run.store_at(to + o * w.out_step, other + o * w.other_step, c, sums[o]);
        }
      }
    }
  }
}

// Sizes of the call. Strides of the result and of other are filled in later.
Result<Geometry> read_geometry(PrepareContext& context, const TensorLayout& x, const TensorLayout& weight,
                               const TensorLayout& out) {
  const size_t rank = x.sizes.size();
  if (rank < 3 || rank > 2 + kSpatial) return refuse_rank(context, "the activation", rank, "ranks 3, 4 and 5");
  if (weight.sizes.size() != rank || out.sizes.size() != rank)
    return refuse_rank(context, "the weight", weight.sizes.size(), "the activation's rank");
  Geometry g;
  const Argument* groups = context.node().argument("groups");
  g.groups = groups ? groups->integer().value_or(0) : 0;
  g.batch = x.sizes[0];
  g.channels = weight.sizes[0];
  g.inner = weight.sizes[1];
  if (g.groups < 1 || g.channels % g.groups != 0)
    return refuse_argument(context, "groups", "does not divide the output channels");
  if (x.sizes[1] != g.inner * g.groups)
    return refuse_size(context, "the activation's channels are not groups times the weight's");
  if (out.sizes[0] != g.batch || out.sizes[1] != g.channels)
    return refuse_size(context, "the result's type has other sizes");
  const size_t spatial = rank - 2;
  const auto list = [&](const char* parameter) {
    std::vector<int64_t> values = context.integers(parameter);
    if (values.size() == 1) values.resize(spatial, values[0]);
    return values;
  };
  const auto stride = list("stride"), dilation = list("dilation");
  auto padding = list("padding");
  if (padding.size() == 2 * spatial) padding.resize(spatial);  // the sizes of the result say what is behind
  if (stride.size() != spatial || padding.size() != spatial || dilation.size() != spatial) {
    return refuse_size(context, "stride, padding and dilation have one number for each spatial dimension");
  }
  for (size_t i = 0; i < spatial; ++i) {
    Axis& axis = g.axes[kSpatial - spatial + i];
    axis = {x.sizes[2 + i], out.sizes[2 + i], weight.sizes[2 + i],   stride[i], padding[i],
            dilation[i],    x.strides[2 + i], weight.strides[2 + i], 0,         0};
    if (axis.stride < 1 || axis.dilation < 1 || axis.padding < 0) {
      return refuse_size(context, "stride and dilation must be positive, padding not negative");
    }
  }
  g.x_steps = {x.strides[0], x.strides[1]};
  g.weight_steps = {weight.strides[0], weight.strides[1]};
  return g;
}

Prepared qconv(PrepareContext& context) {
  auto x_operand = tensor_argument(context, "x"), weight_operand = tensor_argument(context, "weight");
  if (!x_operand) return x_operand.diagnostics();
  if (!weight_operand) return weight_operand.diagnostics();
  const TensorLayout &x = context.input(*x_operand), &weight = context.input(*weight_operand);
  TensorLayout& out = context.output(0);
  auto geometry = read_geometry(context, x, weight, out);
  if (!geometry) return geometry.diagnostics();
  auto contraction = Contraction::prepare(context, weight.sizes[0]);
  if (!contraction) return contraction.diagnostics();

  if (!x.is_contiguous() && x.is_channels_last())
    out.strides = TensorLayout::channels_last(out.dtype, out.sizes).strides;
  const size_t spatial = x.sizes.size() - 2;
  for (size_t i = 0; i < spatial; ++i) {
    Axis& axis = geometry->axes[kSpatial - spatial + i];
    axis.out_step = out.strides[2 + i];
    axis.other_step = contraction->other_strides[2 + i];
  }
  geometry->out_steps = {out.strides[0], out.strides[1]};
  geometry->other_steps = {contraction->other_strides[0], contraction->other_strides[1]};
  context.request_scratch(static_cast<size_t>(geometry->axes.back().out) * sizeof(int64_t));
  note_reference(context, *contraction);
  return make_kernel("ref", [g = *geometry, contraction = *contraction](const KernelArguments& arguments) {
    const ContractionRun run(contraction, arguments);
    with_types(contraction, run, g.products(), [&]<typename Sum, typename X, typename W>(Tag<Sum>, Tag<X>, Tag<W>) {
      convolve<Sum, X, W>(g, contraction, run, arguments);
    });
  });
}

}  // namespace

void add_convolution(HandlerRegistry& registry) {
  registry.add("onednn.qconv.default", std::make_shared<FunctionHandler>("decomposed.qconv", qconv));
  registry.add("onednn.qconv_binary.default", std::make_shared<FunctionHandler>("decomposed.qconv_binary", qconv));
}

}  // namespace qrules::decomposed
