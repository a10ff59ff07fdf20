// What the handlers of this folder share: the engine, memory descriptors, and a kernel around one primitive.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <oneapi/dnnl/dnnl.hpp>

#include <qrules/lowerings/int8_call.h>

namespace qrules::onednn {

using int8::dense_constant;
using int8::Prepared;
using int8::refuse;

// The process's CPU engine. Made at first use, never changed.
const dnnl::engine& cpu();

std::optional<dnnl::memory::data_type> data_type(DType dtype);
dnnl::memory::desc describe(const TensorLayout& layout);
dnnl::memory::desc describe(const TensorLayout& layout, const std::vector<int64_t>& sizes,
                            const std::vector<int64_t>& strides);

// False when products of u8 and s8 are summed in 16 bits that may saturate (AVX2 and AVX512 without VNNI).
bool exact_int8();

// A constant argument of a primitive: scales, zero points, packed weights.
struct OwnedMemory {
  dnnl::memory::desc desc;
  std::shared_ptr<void> data;
};
OwnedMemory own(const dnnl::memory::desc& desc);
OwnedMemory own_floats(const std::vector<float>& values);
OwnedMemory own_integer(int32_t value);
// The constant's bytes in the layout that a primitive wants, from an earlier preparation where there was one.
OwnedMemory pack(PrepareContext& context, const void* data, const dnnl::memory::desc& from,
                 const dnnl::memory::desc& to);
// The same with bytes that `fill` writes.
OwnedMemory pack(PrepareContext& context, const dnnl::memory::desc& to, const std::function<void(void*)>& fill);
// Moves elements from one layout to another.
void reorder(const void* data, const dnnl::memory::desc& from, void* target, const dnnl::memory::desc& to);

// Where a primitive's argument comes from.
struct Source {
  enum class Kind : uint8_t { input, output, owned, scratch };
  Kind kind = Kind::input;
  size_t index = 0;        // input, output
  size_t byte_offset = 0;  // scratch
  OwnedMemory owned;
  dnnl::memory::desc desc;  // input, output, scratch

  static Source input(size_t operand, dnnl::memory::desc desc) {
    return {Kind::input, operand, 0, {}, std::move(desc)};
  }
  static Source result(dnnl::memory::desc desc) { return {Kind::output, 0, 0, {}, std::move(desc)}; }
  static Source constant(OwnedMemory memory) { return {Kind::owned, 0, 0, std::move(memory), {}}; }
  static Source scratch(size_t byte_offset, dnnl::memory::desc desc) {
    return {Kind::scratch, 0, byte_offset, {}, std::move(desc)};
  }
};
using Sources = std::map<int, Source>;

// Work on plain memory before the primitive runs: filling the result with an addend, converting an operand.
using Before = std::function<void(const KernelArguments&)>;

class PrimitiveKernel final : public Kernel {
 public:
  PrimitiveKernel(dnnl::primitive primitive, std::string implementation, Sources arguments, Before before)
      : primitive_(std::move(primitive)),
        implementation_(std::move(implementation)),
        arguments_(std::move(arguments)),
        before_(std::move(before)) {}
  std::unique_ptr<KernelState> make_state() const override;
  void run(const KernelArguments& arguments) const override;
  std::string implementation() const override { return implementation_; }

 private:
  dnnl::primitive primitive_;
  std::string implementation_;
  Sources arguments_;
  Before before_;
};

// Asks for the primitive's scratchpad, notes a reference implementation in the report, and wraps the primitive.
Prepared make_kernel(PrepareContext& context, const dnnl::primitive_desc_base& description,
                     const dnnl::primitive& primitive, Sources arguments, Before before = {});

// `build()`, which makes primitives; what oneDNN refuses becomes a refusal.
template <typename Build>
Prepared guarded(Build&& build) {
  try {
    return build();
  } catch (const dnnl::error& error) {
    return refuse(std::string("oneDNN: ") + error.what());
  }
}

// Attributes with the scratchpad in our hands.
dnnl::primitive_attr make_attributes();

// How windows move over an image, in oneDNN's terms: dilations begin at 0, and the padding behind is what the windows
// reach beyond the end (with a stride it may be less than the padding in front, or negative).
struct Windows {
  std::vector<int64_t> strides, dilation, padding, padding_after;
};
// Of a call with the parameters stride (empty: the kernel's sizes), padding and dilation; a lone number is for every
// dimension.
// Padding may be given twice as long, for the front and the back.
Windows windows_of(const PrepareContext& context, const std::vector<int64_t>& kernel, const TensorLayout& x,
                   const TensorLayout& result);

// The kernel of a call without elements: nothing to do.
std::unique_ptr<Kernel> make_nothing();

// Each file adds its handlers.
void add_convolution(HandlerRegistry& registry);
void add_linear(HandlerRegistry& registry);
void add_matmul(HandlerRegistry& registry);
void add_float_matmul(HandlerRegistry& registry);
void add_linear_fp16(HandlerRegistry& registry);
void add_pool(HandlerRegistry& registry);
void add_cat(HandlerRegistry& registry);
void add_reshape(HandlerRegistry& registry);

}  // namespace qrules::onednn
