// Hashes of what graphs compare: types, arguments, small constants.
#pragma once

#include <algorithm>
#include <cstring>
#include <functional>
#include <span>

#include <qrules/graph/argument.h>
#include <qrules/graph/constant.h>
#include <qrules/graph/tensor_type.h>

namespace qrules {

inline size_t combine(size_t seed, size_t value) {
  return seed ^ (value + 0x9e3779b97f4a7c15ULL + (seed << 6) + (seed >> 2));
}

struct ValueTypeHash {
  size_t operator()(const ValueType& type) const {
    size_t hash = static_cast<size_t>(type.kind);
    for (const TensorType& tensor : type.tensors) {
      hash = combine(hash, static_cast<size_t>(tensor.dtype));
      for (Dim size : tensor.sizes)
        hash = combine(hash, size.is_static() ? static_cast<size_t>(size.value()) : ~static_cast<size_t>(size.index()));
      hash = combine(hash, tensor.strides.size());
    }
    return hash;
  }
};

inline size_t hash_of(const Argument& argument) {
  // Integers and reals of one value are equal, so they hash alike.
  if (const auto number = argument.number(); number && !argument.get_if<bool>()) return std::hash<double>()(*number);
  const size_t kind = argument.storage().index();
  if (const bool* boolean = argument.get_if<bool>()) return combine(kind, *boolean ? 1 : 0);
  if (const auto* text = argument.get_if<std::string>()) return combine(kind, std::hash<std::string>()(*text));
  if (const auto* keyword = argument.get_if<Keyword>()) return combine(kind, std::hash<std::string>()(keyword->text));
  if (const DType* dtype = argument.get_if<DType>()) return combine(kind, static_cast<size_t>(*dtype));
  if (const Dim* dim = argument.get_if<Dim>()) return combine(kind, dim->index());
  if (Node* node = argument.node()) return combine(kind, std::hash<const void*>()(node));
  size_t hash = kind;
  if (const Argument::List* elements = argument.list()) {
    for (const Argument& element : *elements) hash = combine(hash, hash_of(element));
  }
  return hash;
}

inline size_t hash_of(uint32_t op, std::span<const Argument> arguments) {
  size_t hash = op;
  for (const Argument& argument : arguments) hash = combine(hash, hash_of(argument));
  return hash;
}

// Constants of more than `compared` bytes are equal only when they share their data.
inline bool equal_constants(const Constant& a, const Constant& b, size_t compared) {
  if (a.dtype != b.dtype || a.sizes != b.sizes) return false;
  if (a.data == b.data) return true;
  return a.bytes <= compared && a.bytes == b.bytes && std::memcmp(a.data.get(), b.data.get(), a.bytes) == 0;
}

inline size_t hash_of(const Constant& constant, size_t compared) {
  size_t hash = combine(static_cast<size_t>(constant.dtype), constant.sizes.size());
  for (int64_t size : constant.sizes) hash = combine(hash, static_cast<size_t>(size));
  if (constant.bytes > compared) return combine(hash, std::hash<const void*>()(constant.data.get()));
  return combine(hash, std::hash<std::string_view>()({static_cast<const char*>(constant.data.get()), constant.bytes}));
}

}  // namespace qrules
