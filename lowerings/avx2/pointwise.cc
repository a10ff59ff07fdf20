// Sums, differences, products and activations of single elements in f32 and bf16 that became part of no operator, and
// vector.gate, the product of an activation with another value. Each is computed in f32 and rounded once.

#include <qrules/lowerings/avx2/handlers.h>

#if defined(__x86_64__)

#include <algorithm>
#include <optional>

#include <qrules/lowerings/avx2/epilogue.h>
#include <qrules/lowerings/avx2/load.h>
#include <qrules/lowerings/avx2/tasks.h>

namespace qrules {
namespace avx2 {
namespace {

using int8::is_real;
using int8::Prepared;
using int8::refuse;

constexpr int64_t kBlock = 1024;  // elements: they stay in the first-level cache

// of[i] becomes of[i] + other[i], and so on, of a multiple of eight elements.
QRULES_AVX2 void combine(Combine combine, float* of, const float* other, int64_t count) {
  for (int64_t i = 0; i < count; i += 8) {
    const __m256 a = _mm256_loadu_ps(of + i), b = _mm256_loadu_ps(other + i);
    _mm256_storeu_ps(of + i, combine == Combine::add        ? _mm256_add_ps(a, b)
                             : combine == Combine::subtract ? _mm256_sub_ps(a, b)
                                                            : _mm256_mul_ps(a, b));
  }
}

template <typename T>
QRULES_AVX2 void widen(const T* from, int64_t count, float* to) {
  int64_t i = 0;
  for (; i + 8 <= count; i += 8) _mm256_storeu_ps(to + i, load8(from + i));
  for (; i < count; ++i) to[i] = elements::widen(from[i]);
}

void widen(const void* from, DType dtype, int64_t first, int64_t count, float* to) {
  if (dtype == DType::f32) return widen(static_cast<const float*>(from) + first, count, to);
  widen(static_cast<const elements::Bf16*>(from) + first, count, to);
}

// Lines of elements that follow each other, `step` apart; after `period` elements the first line comes again. Part of a
// tensor has gaps between its lines.
struct Lines {
  int64_t size = 0, step = 0, period = 0;

  static Lines dense(int64_t count) { return {count, count, count}; }

  // Nothing when more than one step would be needed.
  static std::optional<Lines> of(const TensorLayout& layout) {
    Lines lines = dense(1);
    bool gap = false;
    for (size_t d = layout.sizes.size(); d-- > 0;) {
      if (layout.sizes[d] == 1) continue;
      if (!gap && layout.strides[d] != lines.size) {
        if (lines.size == 1) return std::nullopt;
        gap = true;
        lines.step = layout.strides[d];
      } else if (gap && layout.strides[d] != lines.step * (lines.period / lines.size)) {
        return std::nullopt;
      }
      lines.period *= layout.sizes[d];
      if (!gap) lines.size = lines.step = lines.period;
    }
    return lines;
  }

  void widen(const void* from, DType dtype, int64_t first, int64_t count, float* to) const {
    for (int64_t i = 0; i < count;) {
      const int64_t at = (first + i) % period, place = at % size, length = std::min(count - i, size - place);
      avx2::widen(from, dtype, at / size * step + place, length, to + i);
      i += length;
    }
  }
};

struct ElementOperand {
  Lines lines;
  DType dtype = DType::f32;  // f32 or bf16

  // Elements up to a multiple of eight are written, with zeros at the end.
  void widen(const void* from, int64_t first, int64_t count, float* to) const {
    std::fill(to + count, to + (count + 7) / 8 * 8, 0.0f);
    lines.widen(from, dtype, first, count, to);
  }
};

// What is done with the elements of one or two operands.
struct ElementSteps {
  std::optional<Epilogue> of_first;  // an activation, before they are combined
  Combine combine = Combine::none;
  Epilogue of_result;
};

class PointwiseKernel final : public Kernel {
 public:
  PointwiseKernel(int64_t count, const ElementOperand& first, const std::optional<ElementOperand>& second,
                  ElementSteps steps, int threads)
      : count_(count), first_(first), second_(second), steps_(std::move(steps)) {
    constexpr int64_t kWorthAThread = 64'000;  // elements
    threads_ = count < 2 * kWorthAThread ? 1 : threads;
  }

  std::string implementation() const override { return "flat:avx2"; }

  void run(const KernelArguments& arguments) const override {
    const int64_t blocks = (count_ + kBlock - 1) / kBlock, blocks_of_a_task = (blocks + threads_ - 1) / threads_;
    run_tasks(threads_, threads_, nullptr, 0, [&](int64_t task, void*) {
      const int64_t end = std::min(blocks, (task + 1) * blocks_of_a_task);
      for (int64_t block = task * blocks_of_a_task; block < end; ++block) run_block(arguments, block * kBlock);
    });
  }

 private:
  void run_block(const KernelArguments& arguments, int64_t first) const {
    const int64_t count = std::min(kBlock, count_ - first), whole = (count + 7) / 8 * 8;
    alignas(32) float values[kBlock], others[kBlock];
    first_.widen(arguments.inputs[0], first, count, values);
    if (steps_.of_first) EpilogueRun{&*steps_.of_first, values, nullptr}.store_values(values, 1.0f, count, 0);
    if (second_) {
      second_->widen(arguments.inputs[1], first, count, others);
      combine(steps_.combine, values, others, whole);
    }
    EpilogueRun{&steps_.of_result, arguments.outputs[0], nullptr}.store_values(values, 1.0f, count, first);
  }

  int64_t count_;
  ElementOperand first_;
  std::optional<ElementOperand> second_;
  ElementSteps steps_;
  int threads_ = 1;
};

struct Operation {
  const char* op;
  Combine combine;
  const char* post_op;  // null: vector.gate, which says it, and its result, itself
};

constexpr Operation kOperations[] = {
    {"aten.add.Tensor", Combine::add, "none"},      {"aten.sub.Tensor", Combine::subtract, "none"},
    {"aten.mul.Tensor", Combine::multiply, "none"}, {"aten.relu.default", Combine::none, "relu"},
    {"aten.silu.default", Combine::none, "silu"},   {"aten.sigmoid.default", Combine::none, "sigmoid"},
    {"aten.tanh.default", Combine::none, "tanh"},   {"vector.gate.default", Combine::multiply, nullptr},
};

class PointwiseHandler final : public Handler {
 public:
  explicit PointwiseHandler(const Operation& operation) : operation_(operation) {}
  std::string_view name() const override { return "avx2.pointwise"; }

  Prepared prepare(PrepareContext& context) const override {
    if (auto refusal = refuse_without_avx2()) return *refusal;
    const bool binary = operation_.combine != Combine::none;
    const size_t operands = binary ? 2 : 1;
    if (context.input_count() != operands)
      return refuse(is_gate() ? "the result's scale or zero point is known only at run time"
                              : "a number is an operand");
    if (const Argument* alpha = context.node().argument("alpha"); alpha && alpha->number() != 1.0)
      return refuse("the second operand has a factor");
    TensorLayout& out = context.output(0);
    for (size_t i = 0; i < operands; ++i) {
      if (!is_real(context.input(i).dtype)) return refuse("operands are f32 or bf16");
      if (!is_gate() && context.input(i).dtype != out.dtype) return refuse("operands and result have one dtype");
    }
    const TensorLayout first = context.input(0);
    if (first.sizes != out.sizes) return refuse("the first operand is repeated");
    if (out.element_count() == 0) return refuse("there are no elements");
    std::optional<Lines> lines, others;
    if (first.is_channels_last() && !first.is_contiguous() &&
        (!binary || (context.input(1).sizes == first.sizes && context.input(1).strides == first.strides))) {
      // Elements in whatever order, of all alike.
      lines = others = Lines::dense(out.element_count());
      out.strides = first.strides;
    } else {
      lines = lines_of(context, 0);
      if (!lines) return refuse("the operand's elements do not follow each other");
      if (binary) {
        if (!is_repeated(context.input(1).sizes, out.sizes))
          return refuse("the second operand is no part that repeats");
        others = lines_of(context, 1);
        if (!others) return refuse("the second operand's elements do not follow each other");
      }
      out = TensorLayout::contiguous(out.dtype, out.sizes);
    }
    std::optional<ElementOperand> second;
    if (binary) second = {*others, context.input(1).dtype};
    auto steps = read_steps(context);
    if (!steps.ok()) return steps.diagnostics();
    return std::unique_ptr<Kernel>(std::make_unique<PointwiseKernel>(
        out.element_count(), ElementOperand{*lines, first.dtype}, second, std::move(*steps), context.threads()));
  }

 private:
  bool is_gate() const { return operation_.post_op == nullptr; }

  // ATen takes what has none. A gate, which it does not know, asks for elements that follow each other.
  std::optional<Lines> lines_of(PrepareContext& context, size_t operand) const {
    const TensorLayout layout = context.input(operand);
    auto lines = Lines::of(layout);
    if (lines || !is_gate()) return lines;
    context.require_layout(operand, TensorLayout::contiguous(layout.dtype, layout.sizes));
    return Lines::dense(layout.element_count());
  }

  Result<ElementSteps> read_steps(PrepareContext& context) const {
    ElementSteps steps;
    steps.combine = operation_.combine;
    int8::Int8Call result;
    if (is_gate()) {
      if (auto status = int8::read_output(context, result); !status.ok()) return status.diagnostics();
      int8::Int8Call activation;
      activation.out_dtype = DType::f32;
      activation.post_op = *context.node().argument("activation")->get_if<std::string>();
      auto epilogue = Epilogue::make(context, activation, 0);
      if (!epilogue.ok()) return epilogue.diagnostics();
      steps.of_first = std::move(*epilogue);
    } else {
      result.out_dtype = context.output(0).dtype;
      result.post_op = operation_.post_op;
    }
    auto epilogue = Epilogue::make(context, result, 0);
    if (!epilogue.ok()) return epilogue.diagnostics();
    steps.of_result = std::move(*epilogue);
    return steps;
  }

  // Whether a tensor of these sizes follows itself until it has the others: it broadcasts along leading dimensions.
  static bool is_repeated(const std::vector<int64_t>& sizes, const std::vector<int64_t>& whole) {
    if (sizes.size() > whole.size()) return false;
    size_t d = sizes.size(), w = whole.size();
    while (d > 0 && sizes[d - 1] == whole[w - 1]) --d, --w;
    return std::all_of(sizes.begin(), sizes.begin() + static_cast<std::ptrdiff_t>(d),
                       [](int64_t size) { return size == 1; });
  }

  Operation operation_;
};

}  // namespace

void add_pointwise(HandlerRegistry& registry) {
  for (const Operation& operation : kOperations)
    registry.add(operation.op, std::make_shared<PointwiseHandler>(operation));
}

}  // namespace avx2
}  // namespace qrules

#endif
