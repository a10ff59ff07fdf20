#include <qrules/lowerings/onednn/epilogue.h>

#include <cmath>
#include <cstring>
#include <utility>

#include <qrules/lowerings/elements.h>

namespace qrules::onednn {
namespace {

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

// Lets `before` put the activation's scale and zero point behind the primitive's scratchpad, as f32 and s32.
void read_qparams(PrepareContext& context, const Int8Call& call, size_t scratchpad_bytes, Epilogue& epilogue) {
  constexpr size_t kAlignment = 64;
  const size_t offset = (scratchpad_bytes + kAlignment - 1) / kAlignment * kAlignment;
  context.request_scratch(offset + 2 * kAlignment);
  const auto at = [](size_t byte_offset, dnnl::memory::data_type type) {
    return Source::scratch(byte_offset, dnnl::memory::desc({1}, type, dnnl::memory::format_tag::a));
  };
  epilogue.arguments[DNNL_ARG_ATTR_SCALES | DNNL_ARG_SRC] = at(offset, dnnl::memory::data_type::f32);
  epilogue.arguments[DNNL_ARG_ATTR_ZERO_POINTS | DNNL_ARG_SRC] = at(offset + kAlignment, dnnl::memory::data_type::s32);
  const auto dtype_of = [&](std::optional<size_t> operand) {
    return operand ? context.input(*operand).dtype : DType::f32;
  };
  epilogue.before = [earlier = epilogue.before, offset, scale = call.x_scale_operand,
                     zero_point = call.x_zero_point_operand, known_scale = call.x_scale,
                     known_zero_point = call.x_zero_point, scale_dtype = dtype_of(call.x_scale_operand),
                     zero_point_dtype = dtype_of(call.x_zero_point_operand)](const KernelArguments& arguments) {
    if (earlier) earlier(arguments);
    char* scratch = static_cast<char*>(arguments.scratch) + offset;
    const float scale_value = scale ? elements::load<float>(arguments.inputs[*scale], scale_dtype, 0) : known_scale;
    const int32_t zero_point_value =
        zero_point ? static_cast<int32_t>(elements::load<double>(arguments.inputs[*zero_point], zero_point_dtype, 0))
                   : known_zero_point;
    std::memcpy(scratch, &scale_value, sizeof(scale_value));
    std::memcpy(scratch + kAlignment, &zero_point_value, sizeof(zero_point_value));
  };
}

}  // namespace

Result<Epilogue> make_epilogue(PrepareContext& context, const Int8Call& call, int scale_mask, int64_t channels,
                               const TensorLayout& result, const dnnl::memory::desc& result_desc) {
  Epilogue epilogue;
  epilogue.attributes = make_attributes();
  epilogue.attributes.set_scales_mask(DNNL_ARG_WEIGHTS, call.scales.size() == 1 ? 0 : scale_mask);
  epilogue.arguments[DNNL_ARG_ATTR_SCALES | DNNL_ARG_WEIGHTS] = Source::constant(own_floats(call.scales));
  if (call.reads_qparams()) {
    epilogue.attributes.set_scales_mask(DNNL_ARG_SRC, 0);
    epilogue.attributes.set_zero_points_mask(DNNL_ARG_SRC, 0);
  } else if (call.x_zero_point != 0) {
    epilogue.attributes.set_zero_points_mask(DNNL_ARG_SRC, 0);
    epilogue.arguments[DNNL_ARG_ATTR_ZERO_POINTS | DNNL_ARG_SRC] = Source::constant(own_integer(call.x_zero_point));
  }
  if (call.out_scale != 1.0f) {
    epilogue.attributes.set_scales_mask(DNNL_ARG_DST, 0);
    epilogue.arguments[DNNL_ARG_ATTR_SCALES | DNNL_ARG_DST] = Source::constant(own_floats({call.out_scale}));
  }
  if (call.out_zero_point != 0) {
    epilogue.attributes.set_zero_points_mask(DNNL_ARG_DST, 0);
    epilogue.arguments[DNNL_ARG_ATTR_ZERO_POINTS | DNNL_ARG_DST] = Source::constant(own_integer(call.out_zero_point));
  }

  std::vector<float> bias = call.bias_values;
  dnnl::post_ops post_ops;
  const auto is_integral = [](DType dtype) { return dtype == DType::u8 || dtype == DType::s8; };
  const bool integral_result = is_integral(result.dtype);
  if (call.other && call.binary == "add" && call.other_zero_point != 0 && integral_result &&
      is_integral(context.input(*call.other).dtype)) {
    // The integers are summed as they are; their zero point is a constant that the bias takes.
    bias.resize(static_cast<size_t>(channels), 0.0f);
    for (float& value : bias) value -= call.other_scale * static_cast<float>(call.other_zero_point);
  }
  if (call.row_scale_operand) {
    // The bias is added to scaled rows, so it becomes a post-op as well.
    const TensorLayout scale = context.input(*call.row_scale_operand);
    context.require_layout(*call.row_scale_operand, TensorLayout::contiguous(scale.dtype, scale.sizes));
    const dnnl::memory::desc scale_desc({scale.element_count(), 1}, *data_type(scale.dtype), dnnl::memory::dims{1, 1});
    post_ops.append_binary(dnnl::algorithm::binary_mul, scale_desc);
    epilogue.arguments[DNNL_ARG_ATTR_MULTIPLE_POST_OP(post_ops.len() - 1) | DNNL_ARG_SRC_1] =
        Source::input(*call.row_scale_operand, scale_desc);
    if (!bias.empty()) {
      OwnedMemory memory = own_floats(bias);
      memory.desc = memory.desc.reshape({1, channels});
      post_ops.append_binary(dnnl::algorithm::binary_add, memory.desc);
      epilogue.arguments[DNNL_ARG_ATTR_MULTIPLE_POST_OP(post_ops.len() - 1) | DNNL_ARG_SRC_1] =
          Source::constant(std::move(memory));
      bias.clear();
    }
  }
  if (call.other) {
    const DType other = context.input(*call.other).dtype;
    const bool integral = is_integral(other);
    const TensorLayout wanted{other, result.sizes, result.strides};
    const size_t bytes = static_cast<size_t>(result.element_count()) * size_of(result.dtype);
    if (call.binary == "add" && integral && integral_result) {
      const auto type = data_type(other);
      post_ops.append_sum(call.other_scale, 0, *type);
      context.require_layout(*call.other, wanted);
      if (context.may_overwrite(*call.other)) {
        context.write_into(0, *call.other);
      } else {
        epilogue.before = [operand = *call.other, bytes](const KernelArguments& arguments) {
          std::memcpy(arguments.outputs[0], arguments.inputs[operand], bytes);
        };
      }
    } else if (call.binary == "add" && integral && result.dtype == DType::f32) {
      post_ops.append_sum(1.0f);
      context.require_layout(*call.other, wanted);
      const size_t count = static_cast<size_t>(result.element_count());
      epilogue.before = [operand = *call.other, count, scale = call.other_scale, zero_point = call.other_zero_point,
                         other](const KernelArguments& arguments) {
        if (other == DType::u8)
          dequantize<uint8_t>(arguments.inputs[operand], arguments.outputs[0], count, scale, zero_point);
        else
          dequantize<int8_t>(arguments.inputs[operand], arguments.outputs[0], count, scale, zero_point);
      };
    } else if (!integral && data_type(other) && call.other_scale == 1.0f && call.other_zero_point == 0) {
      context.require_layout(*call.other, wanted);
      if (call.binary == "add" && other == result.dtype && context.may_overwrite(*call.other)) {
        post_ops.append_sum(1.0f);
        context.write_into(0, *call.other);
      } else {
        const dnnl::algorithm algorithm = call.binary == "add"   ? dnnl::algorithm::binary_add
                                          : call.binary == "mul" ? dnnl::algorithm::binary_mul
                                                                 : dnnl::algorithm::binary_sub;
        const dnnl::memory::desc desc(result_desc.get_dims(), *data_type(other), result_desc.get_strides());
        post_ops.append_binary(algorithm, desc);
        epilogue.arguments[DNNL_ARG_ATTR_MULTIPLE_POST_OP(post_ops.len() - 1) | DNNL_ARG_SRC_1] =
            Source::input(*call.other, desc);
      }
    } else {
      return refuse("`" + call.binary + "` with an addend of " + std::string(name(other)) + " into " +
                    std::string(name(result.dtype)));
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

Prepared make_int8_kernel(PrepareContext& context, const Int8Call& call, Epilogue epilogue,
                          const dnnl::primitive_desc_base& description, const dnnl::primitive& primitive,
                          const OwnedMemory& packed_weight, const dnnl::memory::desc& bias_desc,
                          const dnnl::memory::desc& result_desc) {
  epilogue.arguments[DNNL_ARG_SRC] = Source::input(call.x, description.query_md(dnnl::query::src_md));
  epilogue.arguments[DNNL_ARG_WEIGHTS] = Source::constant(packed_weight);
  if (epilogue.bias) epilogue.arguments[DNNL_ARG_BIAS] = Source::constant({bias_desc, epilogue.bias->data});
  epilogue.arguments[DNNL_ARG_DST] = Source::result(result_desc);
  if (call.reads_qparams()) read_qparams(context, call, description.scratchpad_desc().get_size(), epilogue);
  return make_kernel(context, description, primitive, std::move(epilogue.arguments), std::move(epilogue.before));
}

}  // namespace qrules::onednn
