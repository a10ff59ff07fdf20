// vector.attention with sums in double.

#include <cmath>
#include <span>

#include <qrules/lowerings/decomposed/epilogue.h>

namespace qrules::decomposed {
namespace {

// Steps of a matrix's two dimensions.
struct Steps {
  size_t operand = 0;
  int64_t row = 0, column = 0;
};

struct Attention {
  Steps q, k, v, mask;
  bool has_mask = false;
  int64_t rows = 0, depth = 0, keys = 0, columns = 0;
  int64_t out_row = 0, out_column = 0;
  double scale = 1;
};

// Softmax of a row of scores; NaN, and rows of -inf alone, give NaN.
void softmax(std::span<double> scores) {
  double largest = -std::numeric_limits<double>::infinity(), sum = 0;
  for (const double score : scores) largest = score > largest ? score : largest;
  for (double& score : scores) sum += score = std::exp(score - largest);
  for (double& score : scores) score /= sum;
}

template <typename T, typename Mask>
void attend(const Attention& attention, const T* q, const T* k, const T* v, const Mask* mask, std::span<double> scores,
            const EpilogueRun& run, int64_t out) {
  for (int64_t m = 0; m < attention.rows; ++m) {
    for (int64_t t = 0; t < attention.keys; ++t) {
      double sum = 0;
      for (int64_t d = 0; d < attention.depth; ++d) {
        sum += static_cast<double>(widen(q[m * attention.q.row + d * attention.q.column])) *
               static_cast<double>(widen(k[d * attention.k.row + t * attention.k.column]));
      }
      double& score = scores[static_cast<size_t>(t)];
      score = sum * attention.scale;
      if (mask) score += static_cast<double>(widen(mask[m * attention.mask.row + t * attention.mask.column]));
    }
    softmax(scores);
    for (int64_t e = 0; e < attention.columns; ++e) {
      double sum = 0;
      for (int64_t t = 0; t < attention.keys; ++t)
        sum += scores[static_cast<size_t>(t)] *
               static_cast<double>(widen(v[t * attention.v.row + e * attention.v.column]));
      run.store_at(out + m * attention.out_row + e * attention.out_column, sum);
    }
  }
}

template <typename T, typename Mask>
void run_batches(const Attention& attention, const StridedLoop<5>& batches, const Epilogue& epilogue,
                 const KernelArguments& arguments) {
  const EpilogueRun run(epilogue, arguments);
  const std::span<double> scores(static_cast<double*>(arguments.scratch), static_cast<size_t>(attention.keys));
  const auto data = [&](const Steps& steps) { return static_cast<const T*>(arguments.inputs[steps.operand]); };
  const Mask* masks = attention.has_mask ? static_cast<const Mask*>(arguments.inputs[attention.mask.operand]) : nullptr;
  batches.run([&](const auto& at, int64_t count, const auto& steps) {
    for (int64_t i = 0; i < count; ++i) {
      attend(attention, data(attention.q) + at[1] + i * steps[1], data(attention.k) + at[2] + i * steps[2],
             data(attention.v) + at[3] + i * steps[3], masks ? masks + at[4] + i * steps[4] : nullptr, scores, run,
             at[0] + i * steps[0]);
    }
  });
}

Prepared prepare_attention(PrepareContext& context) {
  Attention attention;
  for (auto [parameter, steps] :
       {std::pair{"q", &attention.q}, {"k", &attention.k}, {"v", &attention.v}, {"mask", &attention.mask}}) {
    const auto operand = context.operand_of(parameter);
    if (!operand && steps == &attention.mask) continue;
    if (!operand) return refuse_argument(context, parameter, "must be a tensor");
    const TensorLayout& layout = context.input(*operand);
    if (layout.dtype != DType::f32 && layout.dtype != DType::bf16)
      return refuse_dtype(context, "an operand", layout.dtype, "f32 or bf16");
    if (layout.dtype != context.input(attention.q.operand).dtype &&
        (steps != &attention.mask || layout.dtype != DType::f32))
      return refuse_argument(context, parameter, "must have the dtype of q");
    const size_t rank = layout.sizes.size();
    const auto step = [&](size_t from_end) {
      return rank < from_end || layout.sizes[rank - from_end] == 1 ? 0 : layout.strides[rank - from_end];
    };
    *steps = {*operand, step(2), step(1)};
    if (steps == &attention.mask) attention.has_mask = true;
  }
  auto epilogue = Epilogue::prepare(context);
  if (!epilogue) return epilogue.diagnostics();
  const TensorLayout &q = context.input(attention.q.operand), &v = context.input(attention.v.operand),
                     &out = context.output(0);
  const size_t rank = out.sizes.size();
  attention.rows = out.sizes[rank - 2];
  attention.columns = out.sizes[rank - 1];
  attention.depth = q.sizes.back();
  const auto scale = context.node().argument("scale")->number();
  attention.scale = scale ? *scale : 1 / std::sqrt(static_cast<double>(attention.depth));
  attention.keys = v.sizes[v.sizes.size() - 2];
  attention.out_row = out.strides[rank - 2];
  attention.out_column = out.strides[rank - 1];
  const std::vector<int64_t> batch(out.sizes.begin(), out.sizes.end() - 2);
  const auto batch_strides = [&](size_t operand) {
    const TensorLayout& layout = context.input(operand);
    const size_t leading = layout.sizes.size() < 2 ? 0 : layout.sizes.size() - 2;
    TensorLayout rows{layout.dtype, {}, {}};
    for (size_t d = 0; d < leading; ++d) {
      rows.sizes.push_back(layout.sizes[d]);
      rows.strides.push_back(layout.strides[d]);
    }
    return broadcast_strides(rows, batch);
  };
  const StridedLoop<5> batches(
      batch, {std::vector<int64_t>(out.strides.begin(), out.strides.end() - 2), batch_strides(attention.q.operand),
              batch_strides(attention.k.operand), batch_strides(attention.v.operand),
              attention.has_mask ? batch_strides(attention.mask.operand) : std::vector<int64_t>(batch.size(), 0)});
  context.request_scratch(static_cast<size_t>(attention.keys) * sizeof(double));
  context.note("exact reference kernel: slow");
  const DType mask = attention.has_mask ? context.input(attention.mask.operand).dtype : q.dtype;
  return make_kernel(
      "ref", [attention, batches, dtype = q.dtype, mask, epilogue = *epilogue](const KernelArguments& arguments) {
        if (dtype == DType::f32)
          run_batches<float, float>(attention, batches, epilogue, arguments);
        else if (mask == DType::f32)
          run_batches<Bf16, float>(attention, batches, epilogue, arguments);
        else
          run_batches<Bf16, Bf16>(attention, batches, epilogue, arguments);
      });
}

}  // namespace

void add_attention(HandlerRegistry& registry) {
  registry.add("vector.attention.default",
               std::make_shared<FunctionHandler>("decomposed.attention", prepare_attention));
}

}  // namespace qrules::decomposed
