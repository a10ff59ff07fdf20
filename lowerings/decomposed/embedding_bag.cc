// onednn.qembedding_bag: sums, means or maxima of integer rows of a table, then the epilogue. Only the rows that the
// bags name are read.

#include <array>

#include <qrules/lowerings/decomposed/epilogue.h>

namespace qrules::decomposed {
namespace {

enum class Mode : int64_t { sum, mean, max };

struct Bags {
  size_t table = 0, indices = 0, offsets = 0;
  DType indices_dtype = DType::s64, offsets_dtype = DType::s64;
  int64_t indices_step = 1, offsets_step = 1;
  int64_t rows = 0, columns = 0, row_step = 0;
  int64_t index_count = 0, bag_count = 0;
  bool last_offset = false;
  int64_t padding = -1;  // rows with this number are passed over
  Mode mode = Mode::sum;
  Number scale, zero_point;
  int64_t out_row = 0, out_column = 0;
};

// The indices and offsets of one run.
class Reader {
 public:
  Reader(const Bags& bags, const KernelArguments& arguments)
      : bags_(bags), indices_(arguments.inputs[bags.indices]), offsets_(arguments.inputs[bags.offsets]) {}

  int64_t index(int64_t i) const { return at(indices_, bags_.indices_dtype, i * bags_.indices_step); }
  int64_t begin(int64_t bag) const { return at(offsets_, bags_.offsets_dtype, bag * bags_.offsets_step); }
  int64_t end(int64_t bag) const {
    return bag + 1 < bags_.bag_count || bags_.last_offset ? begin(bag + 1) : bags_.index_count;
  }

  // Whether every index names a row and the bags follow each other from the first index to the last.
  bool valid() const {
    for (int64_t i = 0; i < bags_.index_count; ++i) {
      const int64_t row = index(i);
      if (row < 0 || row >= bags_.rows) return false;
    }
    int64_t at = 0;
    for (int64_t bag = 0; bag < bags_.bag_count; ++bag) {
      if (begin(bag) != at || end(bag) < at) return false;
      at = end(bag);
    }
    return at <= bags_.index_count;
  }

 private:
  static int64_t at(const void* memory, DType dtype, int64_t i) {
    return dtype == DType::s32 ? static_cast<const int32_t*>(memory)[i] : static_cast<const int64_t*>(memory)[i];
  }

  const Bags& bags_;
  const void* indices_;
  const void* offsets_;
};

constexpr int64_t kBlock = 256;                   // columns that are gathered together
constexpr int64_t kRowsInS32 = int64_t{1} << 22;  // sums of more rows could leave s32

template <typename Sum, typename T>
void gather(const Bags& bags, const Reader& reader, const EpilogueRun& run, const KernelArguments& arguments) {
  const T* table = static_cast<const T*>(arguments.inputs[bags.table]);
  const double scale = bags.scale.read(arguments), zero_point = bags.zero_point.read(arguments);
  // A negative scale turns the order about.
  const bool largest = scale >= 0;
  const int64_t work = bags.index_count * bags.columns;
#pragma omp parallel for schedule(static) if (work > (1 << 15))
  for (int64_t bag = 0; bag < bags.bag_count; ++bag) {
    const int64_t first = reader.begin(bag), last = reader.end(bag);
    for (int64_t block = 0; block < bags.columns; block += kBlock) {
      const int64_t count = std::min(kBlock, bags.columns - block);
      std::array<Sum, kBlock> sums{};
      int64_t taken = 0;
      for (int64_t i = first; i < last; ++i) {
        const int64_t row = reader.index(i);
        if (row == bags.padding) continue;
        const T* from = table + row * bags.row_step + block;
        if (bags.mode != Mode::max || taken == 0) {
          for (int64_t c = 0; c < count; ++c) sums[static_cast<size_t>(c)] += from[c];
        } else if (largest) {
          for (int64_t c = 0; c < count; ++c)
            sums[static_cast<size_t>(c)] = std::max<Sum>(sums[static_cast<size_t>(c)], from[c]);
        } else {
          for (int64_t c = 0; c < count; ++c)
            sums[static_cast<size_t>(c)] = std::min<Sum>(sums[static_cast<size_t>(c)], from[c]);
        }
        ++taken;
      }
      const double shift =
          bags.mode == Mode::max ? (taken > 0 ? zero_point : 0) : static_cast<double>(taken) * zero_point;
      const double divisor = bags.mode == Mode::mean && taken > 0 ? static_cast<double>(taken) : 1;
      for (int64_t c = 0; c < count; ++c) {
        run.store_at(bag * bags.out_row + (block + c) * bags.out_column,
                     scale * (static_cast<double>(sums[static_cast<size_t>(c)]) - shift) / divisor);
      }
    }
  }
}

Status read_indices(PrepareContext& context, Bags& bags) {
  auto indices = tensor_argument(context, "indices"), offsets = tensor_argument(context, "offsets");
  if (!indices) return indices.diagnostics();
  if (!offsets) return offsets.diagnostics();
  bags.indices = *indices;
  bags.offsets = *offsets;
  for (const size_t operand : {*indices, *offsets}) {
    const TensorLayout& layout = context.input(operand);
    if (layout.dtype != DType::s32 && layout.dtype != DType::s64)
      return refuse_dtype(context, "indices or offsets", layout.dtype, "s32 and s64");
    if (layout.sizes.size() != 1)
      return refuse_rank(context, "indices or offsets", layout.sizes.size(), "one dimension");
  }
  bags.indices_dtype = context.input(*indices).dtype;
  bags.offsets_dtype = context.input(*offsets).dtype;
  bags.indices_step = context.input(*indices).strides[0];
  bags.offsets_step = context.input(*offsets).strides[0];
  bags.index_count = context.input(*indices).sizes[0];
  bags.bag_count = context.input(*offsets).sizes[0] - (bags.last_offset ? 1 : 0);
  if (bags.bag_count < 0) return refuse_size(context, "the last offset is missing");
  return Done{};
}

Prepared qembedding_bag(PrepareContext& context) {
  Bags bags;
  auto table = tensor_argument(context, "weight");
  if (!table) return table.diagnostics();
  bags.table = *table;
  const TensorLayout weight = context.input(*table);
  if (weight.dtype != DType::u8 && weight.dtype != DType::s8)
    return refuse_dtype(context, "the table", weight.dtype, "u8 and s8");
  if (weight.sizes.size() != 2) return refuse_rank(context, "the table", weight.sizes.size(), "two dimensions");
  const Argument *last = context.node().argument("include_last_offset"), *mode = context.node().argument("mode"),
                 *padding = context.node().argument("padding_idx");
  const bool* flag = last ? last->get_if<bool>() : nullptr;
  if (!flag) return refuse_argument(context, "include_last_offset", "must be true or false");
  bags.last_offset = *flag;
  const int64_t mode_number = mode ? mode->integer().value_or(-1) : -1;
  if (mode_number < 0 || mode_number > 2) return refuse_argument(context, "mode", "must be 0, 1 or 2");
  bags.mode = static_cast<Mode>(mode_number);
  bags.padding = padding ? padding->integer().value_or(-1) : -1;
  if (auto status = read_indices(context, bags); !status) return status.diagnostics();
  auto scale = number_argument(context, "weight_scale"), zero_point = number_argument(context, "weight_zero_point");
  if (!scale) return scale.diagnostics();
  if (!zero_point) return zero_point.diagnostics();
  bags.scale = *scale;
  bags.zero_point = *zero_point;
  auto epilogue = Epilogue::prepare(context);
  if (!epilogue) return epilogue.diagnostics();
  const TensorLayout& out = context.output(0);
  if (out.sizes != std::vector<int64_t>{bags.bag_count, weight.sizes[1]})
    return refuse_size(context, "the result has a row for each bag, with the table's columns");
  if (weight.strides[1] != 1 && weight.sizes[1] != 1)
    context.require_layout(*table, TensorLayout::contiguous(weight.dtype, weight.sizes));
  bags.rows = weight.sizes[0];
  bags.columns = weight.sizes[1];
  bags.row_step = context.input(*table).strides[0];
  bags.out_row = out.strides[0];
  bags.out_column = out.strides[1];
  const bool is_signed = weight.dtype == DType::s8, narrow = bags.index_count <= kRowsInS32;
  return make_kernel("exact", [bags, epilogue = *epilogue, is_signed, narrow](const KernelArguments& arguments) {
    const Reader reader(bags, arguments);
    if (!reader.valid()) {
      if (arguments.failed) *arguments.failed = true;
      return;
    }
    const EpilogueRun run(epilogue, arguments);
    if (is_signed) {
      narrow ? gather<int32_t, int8_t>(bags, reader, run, arguments)
             : gather<int64_t, int8_t>(bags, reader, run, arguments);
    } else {
      narrow ? gather<int32_t, uint8_t>(bags, reader, run, arguments)
             : gather<int64_t, uint8_t>(bags, reader, run, arguments);
    }
  });
}

}  // namespace

void add_embedding_bag(HandlerRegistry& registry) {
  registry.add("onednn.qembedding_bag.default",
               std::make_shared<FunctionHandler>("decomposed.qembedding_bag", qembedding_bag));
}

}  // namespace qrules::decomposed
