// aten._int_mm: a product of s8 (or u8) and s8 matrices with exact sums in s32. PyTorch's own saturates pairs of
// products on CPUs without VNNI, and with one column in the first operand reads a transposed second one in the wrong
// order.

#include <algorithm>

#include <qrules/lowerings/decomposed/handler.h>

namespace qrules::decomposed {
namespace {

struct Product {
  size_t a = 0, b = 0;
  int64_t rows = 0, inner = 0, columns = 0;
  int64_t a_row = 0, a_step = 0, b_step = 0, b_column = 0, out_row = 0, out_column = 0;
};

// Sums wrap around as two's complement numbers do.
template <typename A>
void multiply(const Product& p, const A* a, const int8_t* b, int32_t* out) {
#pragma omp parallel for schedule(static) if (p.rows > 1 && p.rows * p.inner * p.columns > (1 << 15))
  for (int64_t m = 0; m < p.rows; ++m) {
    const A* row = a + m * p.a_row;
    int32_t* sums = out + m * p.out_row;
    if (p.b_column == 1 && p.out_column == 1) {
      std::fill_n(sums, p.columns, 0);
      for (int64_t k = 0; k < p.inner; ++k) {
        const int32_t factor = row[k * p.a_step];
        const int8_t* others = b + k * p.b_step;
        for (int64_t n = 0; n < p.columns; ++n)
          sums[n] = static_cast<int32_t>(static_cast<uint32_t>(sums[n]) + static_cast<uint32_t>(factor * others[n]));
      }
      continue;
    }
    for (int64_t n = 0; n < p.columns; ++n) {
      const int8_t* column = b + n * p.b_column;
      uint32_t sum = 0;
      if (p.a_step == 1 && p.b_step == 1) {
        for (int64_t k = 0; k < p.inner; ++k) sum += static_cast<uint32_t>(int32_t{row[k]} * column[k]);
      } else {
        for (int64_t k = 0; k < p.inner; ++k)
          sum += static_cast<uint32_t>(int32_t{row[k * p.a_step]} * column[k * p.b_step]);
      }
      sums[n * p.out_column] = static_cast<int32_t>(sum);
    }
  }
}

Prepared int_mm(PrepareContext& context) {
  auto a_operand = tensor_argument(context, "self"), b_operand = tensor_argument(context, "mat2");
  if (!a_operand) return a_operand.diagnostics();
  if (!b_operand) return b_operand.diagnostics();
  const TensorLayout &a = context.input(*a_operand), &b = context.input(*b_operand), &out = context.output(0);
  if (a.dtype != DType::u8 && a.dtype != DType::s8)
    return refuse_dtype(context, "the first operand", a.dtype, "u8 and s8");
  if (b.dtype != DType::s8) return refuse_dtype(context, "the second operand", b.dtype, "s8");
  if (out.dtype != DType::s32) return refuse_dtype(context, "the result", out.dtype, "s32");
  for (const TensorLayout* matrix : {&a, &b, &out}) {
    if (matrix->sizes.size() != 2) return refuse_rank(context, "a matrix", matrix->sizes.size(), "two dimensions");
  }
  if (a.sizes[1] != b.sizes[0] || out.sizes[0] != a.sizes[0] || out.sizes[1] != b.sizes[1])
    return refuse_size(context, "the operands and the result do not fit each other");
  const Product product{*a_operand,   *b_operand,   a.sizes[0],   a.sizes[1],     b.sizes[1],    a.strides[0],
                        a.strides[1], b.strides[0], b.strides[1], out.strides[0], out.strides[1]};
  return make_kernel("ref", [product, is_signed = a.dtype == DType::s8](const KernelArguments& arguments) {
    const auto* b_data = static_cast<const int8_t*>(arguments.inputs[product.b]);
    auto* sums = static_cast<int32_t*>(arguments.outputs[0]);
    is_signed ? multiply(product, static_cast<const int8_t*>(arguments.inputs[product.a]), b_data, sums)
              : multiply(product, static_cast<const uint8_t*>(arguments.inputs[product.a]), b_data, sums);
  });
}

}  // namespace

void add_int_mm(HandlerRegistry& registry) {
  registry.add("aten._int_mm.default", std::make_shared<FunctionHandler>("decomposed.int_mm", int_mm));
}

}  // namespace qrules::decomposed
