#include <qrules/lowerings/onednn/epilogue.h>

#include <bit>
#include <cmath>
#include <cstring>

namespace qrules::onednn {
namespace {

std::optional<double> number_of(const Node& node, std::string_view parameter) {
  const Argument* argument = node.argument(parameter);
  return argument ? argument->number() : std::nullopt;
}

float load_float(const void* data, DType dtype, size_t i) {
  if (dtype == DType::f32) {
    float value;
    std::memcpy(&value, static_cast<const char*>(data) + i * sizeof(float), sizeof(float));
    return value;
  }
  if (dtype == DType::f64) {
    double value;
    std::memcpy(&value, static_cast<const char*>(data) + i * sizeof(double), sizeof(double));
    return static_cast<float>(value);
  }
  uint16_t bits;
  std::memcpy(&bits, static_cast<const char*>(data) + i * sizeof(bits), sizeof(bits));
  return std::bit_cast<float>(static_cast<uint32_t>(bits) << 16);
}

bool can_load(DType dtype) { return dtype == DType::f32 || dtype == DType::f64 || dtype == DType::bf16; }

// A tensor of one number that `load_number` reads.
bool is_single(const PrepareContext& context, std::optional<size_t> operand) {
  if (!operand) return false;
  const TensorLayout& layout = context.input(*operand);
  const DType dtype = layout.dtype;
  return layout.element_count() == 1 && (dtype == DType::f32 || dtype == DType::f64 || dtype == DType::s64 || dtype == DType::s32 || dtype == DType::s8 || dtype == DType::u8 || dtype == DType::bf16);
}

double load_number(const void* data, DType dtype) {
  switch (dtype) {
    case DType::f32: return *static_cast<const float*>(data);
    case DType::f64: return *static_cast<const double*>(data);
    case DType::bf16: return load_float(data, dtype, 0);
    case DType::s64: return static_cast<double>(*static_cast<const int64_t*>(data));
    case DType::s32: return *static_cast<const int32_t*>(data);
    case DType::s8: return *static_cast<const int8_t*>(data);
    default: return *static_cast<const uint8_t*>(data);
  }
}

struct Eltwise {
  dnnl::algorithm algorithm;
  float alpha, beta;
};

std::optional<Eltwise> eltwise_of(const Int8Call& call) {
  using A = dnnl::algorithm;
  const std::string& name = call.post_op;
  const auto argument = [&](size_t i) { return i < call.post_op_args.size() ? call.post_op_args[i] : 0.0f; };
  if (name == "relu") return Eltwise{A::eltwise_relu, 0, 0};
  if (name == "leaky_relu") return Eltwise{A::eltwise_relu, argument(0), 0};
  if (name == "hardtanh") return Eltwise{A::eltwise_clip, argument(0), argument(1)};
  if (name == "hardswish") return Eltwise{A::eltwise_hardswish, 1.0f / 6.0f, 0.5f};
  if (name == "silu") return Eltwise{A::eltwise_swish, 1, 0};
  if (name == "gelu") return Eltwise{A::eltwise_gelu_erf, 0, 0};
  if (name == "gelu_tanh") return Eltwise{A::eltwise_gelu_tanh, 0, 0};
  if (name == "sigmoid") return Eltwise{A::eltwise_logistic, 0, 0};
  if (name == "tanh") return Eltwise{A::eltwise_tanh, 0, 0};
  if (name == "elu") return Eltwise{A::eltwise_elu, argument(0), 0};
  return std::nullopt;
}

// Fills the f32 result with the dequantized addend.
template <typename T>
void dequantize(const void* from, void* to, size_t count, float scale, int32_t zero_point) {
  const T* source = static_cast<const T*>(from);
  float* target = static_cast<float*>(to);
  const int64_t n = static_cast<int64_t>(count);
#pragma omp parallel for simd schedule(static) if (n > (1 << 15))
  for (int64_t i = 0; i < n; ++i) target[i] = static_cast<float>(static_cast<int32_t>(source[i]) - zero_point) * scale;
}

}  // namespace

Result<Int8Call> read_call(const PrepareContext& context, int64_t channels, bool dynamic) {
  const Node& node = context.node();
  Int8Call call;
  const auto x = context.operand_of("x"), weight = context.operand_of("weight"), weight_scale = context.operand_of("weight_scale");
  if (!x || !weight || !weight_scale) return refuse("x, weight and weight_scale are tensors");
  call.x = *x;
  call.weight = *weight;
  call.bias = context.operand_of("bias");
  call.other = context.operand_of("other");
  const auto scale = number_of(node, "x_scale"), zero_point = number_of(node, "x_zero_point");
  const auto out_scale = number_of(node, "out_scale"), out_zero_point = number_of(node, "out_zero_point");
  if (!scale) call.x_scale_operand = context.operand_of("x_scale");
  if (!zero_point) call.x_zero_point_operand = context.operand_of("x_zero_point");
  const bool known = scale && zero_point;
  if (!known && !(dynamic && is_single(context, call.x_scale_operand) && (zero_point || is_single(context, call.x_zero_point_operand)))) {
    return refuse("the activation's scale or zero point is known only at run time");
  }
  if (!out_scale || !out_zero_point) return refuse("the result's scale or zero point is known only at run time");
  call.x_scale = scale ? static_cast<float>(*scale) : 1.0f;
  call.x_zero_point = zero_point ? static_cast<int32_t>(*zero_point) : 0;
  call.out_scale = static_cast<float>(*out_scale);
  call.out_zero_point = static_cast<int32_t>(*out_zero_point);
  if (call.other) {
    const auto other_scale = number_of(node, "other_scale"), other_zero_point = number_of(node, "other_zero_point");
    if (!other_scale || !other_zero_point) return refuse("the addend's scale or zero point is known only at run time");
    call.other_scale = static_cast<float>(*other_scale);
    call.other_zero_point = static_cast<int32_t>(*other_zero_point);
    call.binary = *node.argument("binary")->get_if<std::string>();
  }
  call.out_dtype = *node.argument("out_dtype")->get_if<DType>();
  call.post_op = *node.argument("post_op")->get_if<std::string>();
  for (const Argument& value : *node.argument("post_op_args")->list()) call.post_op_args.push_back(static_cast<float>(value.number().value_or(0)));

  const DType x_dtype = context.input(call.x).dtype;
  if (x_dtype != DType::u8 && x_dtype != DType::s8) return refuse("the activation is u8 or s8");
  if (context.input(call.weight).dtype != DType::s8 || !context.constant_data(call.weight)) return refuse("the weight is s8 and known before the run");
  const TensorLayout& scales = context.input(*weight_scale);
  const void* scale_data = context.constant_data(*weight_scale);
  const int64_t count = scales.element_count();
  if (!scale_data || !can_load(scales.dtype) || (count != 1 && count != channels)) return refuse("the weight's scales are known before the run, one or one for each channel");
  for (int64_t i = 0; i < count; ++i) call.scales.push_back((call.x_scale_operand || call.x_zero_point_operand ? 1.0f : call.x_scale) * load_float(scale_data, scales.dtype, static_cast<size_t>(i)));
  if (call.bias) {
    const TensorLayout& bias = context.input(*call.bias);
    const void* bias_data = context.constant_data(*call.bias);
    if (!bias_data || !can_load(bias.dtype) || bias.element_count() != channels) return refuse("the bias is known before the run, one element for each channel");
    for (int64_t i = 0; i < channels; ++i) call.bias_values.push_back(load_float(bias_data, bias.dtype, static_cast<size_t>(i)));
  }
  if (!data_type(call.out_dtype)) return refuse("the result is u8, s8, f32 or bf16");
  return call;
}

Result<Epilogue> make_epilogue(PrepareContext& context, const Int8Call& call, int scale_mask, int64_t channels, const TensorLayout& result,
                               const dnnl::memory::desc& result_desc) {
  Epilogue epilogue;
  const auto owned = [](OwnedMemory memory) {
    Source source;
    source.kind = Source::Kind::owned;
    source.owned = std::move(memory);
    return source;
  };
  epilogue.attributes.set_scratchpad_mode(dnnl::scratchpad_mode::user);
  epilogue.attributes.set_scales_mask(DNNL_ARG_WEIGHTS, call.scales.size() == 1 ? 0 : scale_mask);
  epilogue.arguments[DNNL_ARG_ATTR_SCALES | DNNL_ARG_WEIGHTS] = owned(own_floats(call.scales));
  if (call.x_scale_operand || call.x_zero_point_operand) {
    epilogue.reads_qparams = true;
    epilogue.attributes.set_scales_mask(DNNL_ARG_SRC, 0);
    epilogue.attributes.set_zero_points_mask(DNNL_ARG_SRC, 0);
  } else if (call.x_zero_point != 0) {
    epilogue.attributes.set_zero_points_mask(DNNL_ARG_SRC, 0);
    epilogue.arguments[DNNL_ARG_ATTR_ZERO_POINTS | DNNL_ARG_SRC] = owned(own_integer(call.x_zero_point));
  }
  if (call.out_scale != 1.0f) {
    epilogue.attributes.set_scales_mask(DNNL_ARG_DST, 0);
    epilogue.arguments[DNNL_ARG_ATTR_SCALES | DNNL_ARG_DST] = owned(own_floats({call.out_scale}));
  }
  if (call.out_zero_point != 0) {
    epilogue.attributes.set_zero_points_mask(DNNL_ARG_DST, 0);
    epilogue.arguments[DNNL_ARG_ATTR_ZERO_POINTS | DNNL_ARG_DST] = owned(own_integer(call.out_zero_point));
  }

  std::vector<float> bias = call.bias_values;
  dnnl::post_ops post_ops;
  if (call.other) {
    const DType other = context.input(*call.other).dtype;
    const bool integral = other == DType::u8 || other == DType::s8;
    const bool integral_result = result.dtype == DType::u8 || result.dtype == DType::s8;
    const TensorLayout wanted{other, result.sizes, result.strides};
    const size_t bytes = static_cast<size_t>(result.element_count()) * size_of(result.dtype);
    if (call.binary == "add" && integral && integral_result) {
      // The integers are summed as they are; their zero point is a constant that the bias takes.
      const auto type = data_type(other);
      post_ops.append_sum(call.other_scale, 0, *type);
      if (call.other_zero_point != 0) {
        bias.resize(static_cast<size_t>(channels), 0.0f);
        for (float& value : bias) value -= call.other_scale * static_cast<float>(call.other_zero_point);
      }
      context.require_layout(*call.other, wanted);
      if (context.may_overwrite(*call.other)) {
        context.write_into(0, *call.other);
      } else {
        epilogue.before = [operand = *call.other, bytes](const KernelArguments& arguments) { std::memcpy(arguments.outputs[0], arguments.inputs[operand], bytes); };
      }
    } else if (call.binary == "add" && integral && result.dtype == DType::f32) {
      post_ops.append_sum(1.0f);
      context.require_layout(*call.other, wanted);
      const size_t count = static_cast<size_t>(result.element_count());
      epilogue.before = [operand = *call.other, count, scale = call.other_scale, zero_point = call.other_zero_point, other](const KernelArguments& arguments) {
        if (other == DType::u8) dequantize<uint8_t>(arguments.inputs[operand], arguments.outputs[0], count, scale, zero_point);
        else dequantize<int8_t>(arguments.inputs[operand], arguments.outputs[0], count, scale, zero_point);
      };
    } else if (!integral && data_type(other) && call.other_scale == 1.0f && call.other_zero_point == 0) {
      context.require_layout(*call.other, wanted);
      if (call.binary == "add" && other == result.dtype && context.may_overwrite(*call.other)) {
        post_ops.append_sum(1.0f);
        context.write_into(0, *call.other);
      } else {
        const dnnl::algorithm algorithm = call.binary == "add" ? dnnl::algorithm::binary_add : call.binary == "mul" ? dnnl::algorithm::binary_mul : dnnl::algorithm::binary_sub;
        const dnnl::memory::desc desc(result_desc.get_dims(), *data_type(other), result_desc.get_strides());
        post_ops.append_binary(algorithm, desc);
        Source source;
        source.index = *call.other;
        source.desc = desc;
        epilogue.arguments[DNNL_ARG_ATTR_MULTIPLE_POST_OP(post_ops.len() - 1) | DNNL_ARG_SRC_1] = source;
      }
    } else {
      return refuse("`" + call.binary + "` with an addend of " + std::string(name(other)) + " into " + std::string(name(result.dtype)));
    }
  }
  if (call.post_op != "none") {
    const auto eltwise = eltwise_of(call);
    if (!eltwise) return refuse("no post-op `" + call.post_op + "`");
    post_ops.append_eltwise(eltwise->algorithm, eltwise->alpha, eltwise->beta);
  }
  epilogue.attributes.set_post_ops(post_ops);
  if (!bias.empty()) epilogue.bias = own_floats(bias);
  return epilogue;
}

void place_scratch(PrepareContext& context, const Int8Call& call, size_t scratchpad_bytes, Epilogue& epilogue) {
  constexpr size_t kAlignment = 64;
  const size_t offset = (scratchpad_bytes + kAlignment - 1) / kAlignment * kAlignment;
  context.request_scratch(epilogue.reads_qparams ? offset + 2 * kAlignment : scratchpad_bytes);
  if (!epilogue.reads_qparams) return;
  const auto at = [](size_t byte_offset, dnnl::memory::data_type type) {
    Source source;
    source.kind = Source::Kind::scratch;
    source.byte_offset = byte_offset;
    source.desc = dnnl::memory::desc({1}, type, dnnl::memory::format_tag::a);
    return source;
  };
  epilogue.arguments[DNNL_ARG_ATTR_SCALES | DNNL_ARG_SRC] = at(offset, dnnl::memory::data_type::f32);
  epilogue.arguments[DNNL_ARG_ATTR_ZERO_POINTS | DNNL_ARG_SRC] = at(offset + kAlignment, dnnl::memory::data_type::s32);
  const auto dtype_of = [&](std::optional<size_t> operand) { return operand ? context.input(*operand).dtype : DType::f32; };
  epilogue.before = [earlier = epilogue.before, offset, scale = call.x_scale_operand, zero_point = call.x_zero_point_operand, known_scale = call.x_scale,
                     known_zero_point = call.x_zero_point, scale_dtype = dtype_of(call.x_scale_operand), zero_point_dtype = dtype_of(call.x_zero_point_operand)](const KernelArguments& arguments) {
    if (earlier) earlier(arguments);
    char* scratch = static_cast<char*>(arguments.scratch) + offset;
    const float scale_value = scale ? static_cast<float>(load_number(arguments.inputs[*scale], scale_dtype)) : known_scale;
    const int32_t zero_point_value = zero_point ? static_cast<int32_t>(load_number(arguments.inputs[*zero_point], zero_point_dtype)) : known_zero_point;
    std::memcpy(scratch, &scale_value, sizeof(scale_value));
    std::memcpy(scratch + kAlignment, &zero_point_value, sizeof(zero_point_value));
  };
}

}  // namespace qrules::onednn
