#include <qrules/lowerings/aten/values.h>

#include <ATen/ATen.h>

namespace qrules::aten {
namespace {

std::optional<c10::MemoryFormat> memory_format(const std::string& text) {
  if (text == "contiguous_format") return c10::MemoryFormat::Contiguous;
  if (text == "channels_last") return c10::MemoryFormat::ChannelsLast;
  if (text == "channels_last_3d") return c10::MemoryFormat::ChannelsLast3d;
  if (text == "preserve_format") return c10::MemoryFormat::Preserve;
  return std::nullopt;
}

// One integer, with symbols replaced. `integers()` gives all of an argument at once, so a lone value is asked for by
// the caller.
std::optional<int64_t> integer_of(const Argument& argument, const PrepareContext& context, const std::string& parameter,
                                  size_t index) {
  if (auto integer = argument.integer()) return integer;
  if (argument.get_if<Dim>()) {
    const std::vector<int64_t> values = context.integers(parameter);
    if (index < values.size()) return values[index];
  }
  return std::nullopt;
}

}  // namespace

std::optional<c10::ScalarType> scalar_type(DType dtype) {
  switch (dtype) {
    case DType::u8: return c10::ScalarType::Byte;
    case DType::s8: return c10::ScalarType::Char;
    case DType::s16: return c10::ScalarType::Short;
    case DType::s32: return c10::ScalarType::Int;
    case DType::s64: return c10::ScalarType::Long;
    case DType::boolean: return c10::ScalarType::Bool;
    case DType::f16: return c10::ScalarType::Half;
    case DType::bf16: return c10::ScalarType::BFloat16;
    case DType::f32: return c10::ScalarType::Float;
    case DType::f64: return c10::ScalarType::Double;
    case DType::f8e4m3: return c10::ScalarType::Float8_e4m3fn;
    case DType::f8e5m2: return c10::ScalarType::Float8_e5m2;
    case DType::c64: return c10::ScalarType::ComplexFloat;
    case DType::c128: return c10::ScalarType::ComplexDouble;
    case DType::u16: return c10::ScalarType::UInt16;
    case DType::u32: return c10::ScalarType::UInt32;
    case DType::u64: return c10::ScalarType::UInt64;
  }
  return std::nullopt;
}

Converted convert(const Argument& argument, const c10::TypePtr& type, const PrepareContext& context,
                  size_t argument_index, size_t& operand, std::vector<TensorPosition>& tensors) {
  const Signature* signature = context.node().graph().operators().signature(context.node().op());
  const std::string parameter =
      signature && argument_index < signature->parameters.size() ? signature->parameters[argument_index].name : "";
  const auto wrong = [&](const char* wanted) { return Converted{{}, "`" + parameter + "` is no " + wanted}; };
  if (auto optional = type->cast<c10::OptionalType>()) {
    if (argument.is_none()) return {c10::IValue(), {}};
    return convert(argument, optional->getElementType(), context, argument_index, operand, tensors);
  }
  switch (type->kind()) {
    case c10::TypeKind::TensorType: {
      if (argument.node()) {
        tensors.push_back({argument_index, -1, operand++});
        return {};
      }
      // A number where a tensor is meant takes part in type promotion as a Python number does.
      if (const bool* boolean = argument.get_if<bool>()) return {at::scalar_tensor(*boolean, at::kBool), {}};
      if (auto number = argument.number()) {
        at::Tensor tensor = argument.get_if<int64_t>() ? at::scalar_tensor(*argument.get_if<int64_t>(), at::kLong)
                                                       : at::scalar_tensor(*number, at::kDouble);
        tensor.unsafeGetTensorImpl()->set_wrapped_number(true);
        return {tensor, {}};
      }
      if (argument.is_none()) return {at::Tensor(), {}};
      return wrong("tensor");
    }
    case c10::TypeKind::NumberType:
      if (const bool* boolean = argument.get_if<bool>()) return {*boolean, {}};
      if (const int64_t* integer = argument.get_if<int64_t>()) return {*integer, {}};
      if (auto number = argument.number()) return {*number, {}};
      if (auto size = integer_of(argument, context, parameter, 0)) return {*size, {}};
      return wrong("number");
    case c10::TypeKind::IntType:
    case c10::TypeKind::SymIntType: {
      if (const DType* dtype = argument.get_if<DType>()) {
        if (auto scalar = scalar_type(*dtype)) return {static_cast<int64_t>(*scalar), {}};
      }
      if (const Keyword* keyword = argument.get_if<Keyword>()) {
        if (auto format = memory_format(keyword->text)) return {static_cast<int64_t>(*format), {}};
        if (keyword->text == "strided") return {static_cast<int64_t>(c10::Layout::Strided), {}};
      }
      if (auto integer = integer_of(argument, context, parameter, 0)) return {*integer, {}};
      return wrong("integer");
    }
    case c10::TypeKind::FloatType:
    case c10::TypeKind::SymFloatType:
      if (auto number = argument.number()) return {*number, {}};
      return wrong("number");
    case c10::TypeKind::BoolType:
    case c10::TypeKind::SymBoolType:
      if (const bool* boolean = argument.get_if<bool>()) return {*boolean, {}};
      if (auto integer = argument.integer()) return {*integer != 0, {}};
      return wrong("boolean");
    case c10::TypeKind::StringType:
      if (const std::string* text = argument.get_if<std::string>()) return {*text, {}};
      return wrong("text");
    case c10::TypeKind::ScalarTypeType:
      if (const DType* dtype = argument.get_if<DType>()) {
        if (auto scalar = scalar_type(*dtype)) return {static_cast<int64_t>(*scalar), {}};
      }
      return wrong("dtype");
    case c10::TypeKind::MemoryFormatType:
      if (const Keyword* keyword = argument.get_if<Keyword>()) {
        if (auto format = memory_format(keyword->text)) return {static_cast<int64_t>(*format), {}};
      }
      return wrong("memory format");
    case c10::TypeKind::LayoutType: return {static_cast<int64_t>(c10::Layout::Strided), {}};
    case c10::TypeKind::DeviceObjType: return {c10::Device(c10::kCPU), {}};
    case c10::TypeKind::ListType: {
      const c10::TypePtr element = type->castRaw<c10::ListType>()->getElementType();
      if (element->kind() == c10::TypeKind::TensorType ||
          (element->cast<c10::OptionalType>() &&
           element->cast<c10::OptionalType>()->getElementType()->kind() == c10::TypeKind::TensorType)) {
        const Argument::List* list = argument.list();
        if (!list) return wrong("list of tensors");
        const bool optional = element->kind() == c10::TypeKind::OptionalType;
        c10::List<at::Tensor> values;
        c10::List<std::optional<at::Tensor>> optional_values;
        for (size_t i = 0; i < list->size(); ++i) {
          if ((*list)[i].node())
            tensors.push_back({argument_index, static_cast<int64_t>(i), operand++});
          else if (!(*list)[i].is_none())
            return wrong("list of tensors");
          if (optional)
            optional_values.push_back(std::nullopt);
          else
            values.push_back(at::Tensor());
        }
        return optional ? Converted{optional_values, {}} : Converted{values, {}};
      }
      std::vector<Argument> elements;
      if (const Argument::List* list = argument.list())
        elements.assign(list->begin(), list->end());
      else
        elements.push_back(argument);
      if (element->kind() == c10::TypeKind::IntType || element->kind() == c10::TypeKind::SymIntType) {
        c10::List<int64_t> values;
        for (size_t i = 0; i < elements.size(); ++i) {
          auto integer = integer_of(elements[i], context, parameter, i);
          if (!integer) return wrong("list of integers");
          values.push_back(*integer);
        }
        return {values, {}};
      }
      if (element->kind() == c10::TypeKind::FloatType) {
        c10::List<double> values;
        for (const Argument& given : elements) {
          if (!given.number()) return wrong("list of numbers");
          values.push_back(*given.number());
        }
        return {values, {}};
      }
      if (element->kind() == c10::TypeKind::BoolType) {
        c10::List<bool> values;
        for (const Argument& given : elements) {
          if (!given.get_if<bool>()) return wrong("list of booleans");
          values.push_back(*given.get_if<bool>());
        }
        return {values, {}};
      }
      return wrong("list that can be passed");
    }
    default: return wrong("value that can be passed");
  }
}

}  // namespace qrules::aten
