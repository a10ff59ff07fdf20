#include <qrules/lowerings/onednn/common.h>

#include <cstring>

#include <qrules/lowerings/isa.h>
#include <qrules/lowerings/register.h>
#include <qrules/support/aligned.h>

namespace qrules::onednn {
namespace {

class PrimitiveState final : public KernelState {
 public:
  PrimitiveState() : stream(cpu()) {}
  struct Moving {
    dnnl::memory memory;
    const Source* source;
  };
  dnnl::stream stream;
  std::vector<dnnl::memory> fixed;
  std::vector<Moving> moving;
  std::vector<dnnl_exec_arg_t> arguments;
};

class Nothing final : public Kernel {
 public:
  void run(const KernelArguments&) const override {}
  std::string implementation() const override { return "nothing"; }
};

}  // namespace

const dnnl::engine& cpu() {
  static const dnnl::engine engine(dnnl::engine::kind::cpu, 0);
  return engine;
}

std::optional<dnnl::memory::data_type> data_type(DType dtype) {
  using Type = dnnl::memory::data_type;
  switch (dtype) {
    case DType::u8: return Type::u8;
    case DType::s8: return Type::s8;
    case DType::s32: return Type::s32;
    case DType::f32: return Type::f32;
    case DType::bf16: return Type::bf16;
    case DType::f16: return Type::f16;
    default: return std::nullopt;
  }
}

dnnl::memory::desc describe(const TensorLayout& layout, const std::vector<int64_t>& sizes,
                            const std::vector<int64_t>& strides) {
  return dnnl::memory::desc(sizes, *data_type(layout.dtype), strides);
}

dnnl::memory::desc describe(const TensorLayout& layout) { return describe(layout, layout.sizes, layout.strides); }

bool exact_int8() {
  static const bool exact = [] {
    switch (dnnl::get_effective_cpu_isa()) {
      case dnnl::cpu_isa::isa_default:  // no x86
      case dnnl::cpu_isa::sse41:
      case dnnl::cpu_isa::avx:
      case dnnl::cpu_isa::avx2:
      case dnnl::cpu_isa::avx512_core: return false;
      default: return true;
    }
  }();
  return exact;
}

OwnedMemory own(const dnnl::memory::desc& desc) { return {desc, allocate_aligned(desc.get_size())}; }

OwnedMemory own_floats(const std::vector<float>& values) {
  OwnedMemory memory = own(dnnl::memory::desc({static_cast<int64_t>(values.size())}, dnnl::memory::data_type::f32,
                                              dnnl::memory::format_tag::a));
  std::memcpy(memory.data.get(), values.data(), values.size() * sizeof(float));
  return memory;
}

OwnedMemory own_integer(int32_t value) {
  OwnedMemory memory = own(dnnl::memory::desc({1}, dnnl::memory::data_type::s32, dnnl::memory::format_tag::a));
  std::memcpy(memory.data.get(), &value, sizeof(value));
  return memory;
}

void reorder(const void* data, const dnnl::memory::desc& from, void* target, const dnnl::memory::desc& to) {
  dnnl::memory source(from, cpu(), const_cast<void*>(data));  // only read
  dnnl::memory written(to, cpu(), target);
  dnnl::stream stream(cpu());
  dnnl::reorder(source, written).execute(stream, source, written);
  stream.wait();
}

OwnedMemory pack(PrepareContext& context, const dnnl::memory::desc& to, const std::function<void(void*)>& fill) {
  // What oneDNN tells of a layout; what it does not (sums of columns behind the elements) shows in the size, and is the
  // same for one version of it and one CPU.
  std::string format = "onednn " + std::to_string(static_cast<int>(to.get_data_type())) + " " +
                       std::to_string(static_cast<int>(to.get_format_kind()));
  for (const auto& numbers :
       {to.get_dims(), to.get_padded_dims(), to.get_strides(), to.get_inner_blks(), to.get_inner_idxs()}) {
    format += " ";
    for (const auto number : numbers) format += std::to_string(number) + ",";
  }
  // oneDNN leaves what it does not read of a blocked layout (sums of absent columns) as it was; plans are compared and
  // hashed by their bytes.
  const auto data = context.packed(format, to.get_size(), [&](void* target) {
    std::memset(target, 0, to.get_size());
    fill(target);
  });
  return {to, std::const_pointer_cast<void>(data)};  // only read
}

OwnedMemory pack(PrepareContext& context, const void* data, const dnnl::memory::desc& from,
                 const dnnl::memory::desc& to) {
  return pack(context, to, [&](void* target) { reorder(data, from, target, to); });
}

std::unique_ptr<KernelState> PrimitiveKernel::make_state() const {
  auto state = std::make_unique<PrimitiveState>();
  for (const auto& [id, source] : arguments_) {
    if (source.kind == Source::Kind::owned) {
      state->fixed.emplace_back(source.owned.desc, cpu(), source.owned.data.get());
      state->arguments.push_back({id, state->fixed.back().get()});
    } else {
      state->moving.push_back({dnnl::memory(source.desc, cpu(), nullptr), &source});
      state->arguments.push_back({id, state->moving.back().memory.get()});
    }
  }
  return state;
}

void PrimitiveKernel::run(const KernelArguments& arguments) const {
  auto& state = static_cast<PrimitiveState&>(*arguments.state);
  if (before_) before_(arguments);
  for (PrimitiveState::Moving& moving : state.moving) {
    const Source& source = *moving.source;
    void* data = nullptr;
    switch (source.kind) {
      case Source::Kind::input: data = const_cast<void*>(arguments.inputs[source.index]); break;
      case Source::Kind::output: data = arguments.outputs[source.index]; break;
      default: data = static_cast<char*>(arguments.scratch) + source.byte_offset;
    }
    moving.memory.set_data_handle(data);
  }
  // The C interface takes the arguments as they are; the C++ one would build a map for each run.
  const dnnl_status_t status = dnnl_primitive_execute(primitive_.get(), state.stream.get(),
                                                      static_cast<int>(state.arguments.size()), state.arguments.data());
  // Every argument was checked when the primitive was made; what is left is memory that oneDNN asks for inside.
  if (status != dnnl_success && arguments.failed) *arguments.failed = true;
}

std::unique_ptr<Kernel> make_nothing() { return std::make_unique<Nothing>(); }

Prepared make_kernel(PrepareContext& context, const dnnl::primitive_desc_base& description,
                     const dnnl::primitive& primitive, Sources arguments, Before before) {
  const dnnl::memory::desc scratchpad = description.scratchpad_desc();
  arguments[DNNL_ARG_SCRATCHPAD] = Source::scratch(0, scratchpad);
  context.request_scratch(scratchpad.get_size());
  const std::string implementation = description.impl_info_str();
  if (implementation.rfind("ref", 0) == 0 || implementation.find(":ref") != std::string::npos) {
    context.note(
        "oneDNN has only its reference implementation (" + implementation +
        ") for these types, sizes and post-ops; another output type or leaving a post-op unfused would avoid it");
  }
  return std::unique_ptr<Kernel>(
      std::make_unique<PrimitiveKernel>(primitive, implementation, std::move(arguments), std::move(before)));
}

dnnl::primitive_attr make_attributes() {
  dnnl::primitive_attr attributes;
  attributes.set_scratchpad_mode(dnnl::scratchpad_mode::user);
  return attributes;
}

Windows windows_of(const PrepareContext& context, const std::vector<int64_t>& kernel, const TensorLayout& x,
                   const TensorLayout& result) {
  const size_t rank = kernel.size();
  const auto repeated = [&](std::string_view parameter) {
    std::vector<int64_t> values = context.integers(parameter);
    if (values.size() == 1) values.resize(rank, values[0]);
    return values;
  };
  Windows windows{repeated("stride"), repeated("dilation"), repeated("padding"), std::vector<int64_t>(rank)};
  if (windows.strides.empty()) windows.strides = kernel;
  if (windows.padding.size() == 2 * rank) windows.padding.resize(rank);  // the result's sizes say what is behind
  for (size_t i = 0; i < rank; ++i) {
    const size_t dimension = x.sizes.size() - rank + i;
    const int64_t extent = (kernel[i] - 1) * windows.dilation[i] + 1;
    windows.padding_after[i] =
        (result.sizes[dimension] - 1) * windows.strides[i] + extent - x.sizes[dimension] - windows.padding[i];
    windows.dilation[i] -= 1;
  }
  return windows;
}

}  // namespace qrules::onednn

namespace qrules {

Avx512 avx512_level() {
  switch (dnnl::get_effective_cpu_isa()) {
    case dnnl::cpu_isa::isa_default:  // no x86
    case dnnl::cpu_isa::sse41:
    case dnnl::cpu_isa::avx:
    case dnnl::cpu_isa::avx2:
    case dnnl::cpu_isa::avx2_vnni:
    case dnnl::cpu_isa::avx2_vnni_2: return Avx512::none;
    case dnnl::cpu_isa::avx512_core: return Avx512::core;
    case dnnl::cpu_isa::avx512_core_vnni: return Avx512::vnni;
    default: return Avx512::bf16;
  }
}

void register_onednn_handlers(HandlerRegistry& registry) {
  onednn::add_convolution(registry);
  onednn::add_linear(registry);
  onednn::add_matmul(registry);
  onednn::add_float_matmul(registry);
  onednn::add_linear_fp16(registry);
  onednn::add_pool(registry);
  onednn::add_cat(registry);
  onednn::add_reshape(registry);
}

}  // namespace qrules
