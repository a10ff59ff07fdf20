// Handlers and kernels from functions, and what their preparation shares.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include <qrules/lowerings/elements.h>
#include <qrules/lowerings/decomposed/diagnostics.h>
#include <qrules/lowerings/decomposed/strided.h>
#include <qrules/runtime/kernel.h>

namespace qrules::decomposed {

using namespace elements;

using Prepared = Result<std::unique_ptr<Kernel>>;

// A kernel that calls `function(arguments)`.
template <typename F>
class FunctionKernel final : public Kernel {
 public:
  FunctionKernel(std::string implementation, F function)
      : implementation_(std::move(implementation)), function_(std::move(function)) {}
  void run(const KernelArguments& arguments) const override { function_(arguments); }
  std::string implementation() const override { return implementation_; }

 private:
  std::string implementation_;
  F function_;
};

template <typename F>
std::unique_ptr<Kernel> make_kernel(std::string implementation, F function) {
  return std::make_unique<FunctionKernel<F>>(std::move(implementation), std::move(function));
}

// A handler that refuses ranks above kMaxRank and calls `prepare` for the rest.
class FunctionHandler final : public Handler {
 public:
  using Prepare = Prepared (*)(PrepareContext& context);
  FunctionHandler(std::string name, Prepare function) : name_(std::move(name)), function_(function) {}
  std::string_view name() const override { return name_; }
  Prepared prepare(PrepareContext& context) const override;

 private:
  std::string name_;
  Prepare function_;
};

// A scale, zero point or bound: a number of the call, or a tensor of one element read at run time.
struct Number {
  double value = 0;
  std::optional<size_t> operand;
  DType dtype = DType::f32;

  double read(const KernelArguments& arguments) const {
    return operand ? load<double>(arguments.inputs[*operand], dtype, 0) : value;
  }
};

// The argument `parameter`. Errors: neither a number nor a one-element tensor of a real dtype.
Result<Number> number_argument(const PrepareContext& context, std::string_view parameter);

// The operand `parameter`. Error: none, or not a tensor.
Result<size_t> tensor_argument(const PrepareContext& context, std::string_view parameter);

// Refusals.
Diagnostic refuse_dtype(const PrepareContext& context, std::string what, DType dtype, std::string wanted);
Diagnostic refuse_rank(const PrepareContext& context, std::string what, size_t rank, std::string wanted);
Diagnostic refuse_size(const PrepareContext& context, std::string why);
Diagnostic refuse_argument(const PrepareContext& context, std::string parameter, std::string why);

// A dimension counted from the end when negative; nothing when out of range.
std::optional<size_t> wrap_dimension(int64_t dim, size_t rank);

// Each file adds its handlers.
void add_quantize(HandlerRegistry& registry);
void add_dequantize(HandlerRegistry& registry);
void add_float8(HandlerRegistry& registry);
void add_choose_qparams(HandlerRegistry& registry);
void add_choose_qparams_affine(HandlerRegistry& registry);
void add_block_affine(HandlerRegistry& registry);
void add_views(HandlerRegistry& registry);
void add_casts(HandlerRegistry& registry);
void add_cat(HandlerRegistry& registry);
void add_pool(HandlerRegistry& registry);
void add_average_pool(HandlerRegistry& registry);
void add_embedding_bag(HandlerRegistry& registry);
void add_linear(HandlerRegistry& registry);
void add_matmul(HandlerRegistry& registry);
void add_int_mm(HandlerRegistry& registry);
void add_index(HandlerRegistry& registry);
void add_attention(HandlerRegistry& registry);
void add_layer_norm(HandlerRegistry& registry);
void add_gate(HandlerRegistry& registry);
void add_linear_fp16(HandlerRegistry& registry);
void add_convolution(HandlerRegistry& registry);
void add_weight_int8pack(HandlerRegistry& registry);

}  // namespace qrules::decomposed
