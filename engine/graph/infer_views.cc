// Types of operators that move or regroup elements.

#include <algorithm>
#include <numeric>

#include "infer_call.h"

namespace qrules::infer {
namespace {

ValueType moved(const TensorType& type, std::vector<Dim> sizes) {
  return ValueType::tensor({type.dtype, std::move(sizes), {}});
}

ValueType same(const Call& call) {
  const TensorType& self = call.tensor("self");
  return moved(self, self.sizes);
}

ValueType view_size(const Call& call) {
  const TensorType& self = call.tensor("self");
  return moved(self, resolve_shape(call.dims(), self.sizes, call.list("size")));
}

ValueType reshape(const Call& call) {
  const TensorType& self = call.tensor("self");
  return moved(self, resolve_shape(call.dims(), self.sizes, call.list("shape")));
}

ValueType permute(const Call& call) {
  const TensorType& self = call.tensor("self");
  const auto order = call.integers("dims");
  if (order.size() != self.rank()) refuse("the order must name every dimension once");
  std::vector<Dim> sizes;
  std::vector<bool> seen(self.rank());
  for (int64_t dim : order) {
    const size_t from = Call::wrap(dim, self.rank());
    if (seen[from]) refuse("the order must name every dimension once");
    seen[from] = true;
    sizes.push_back(self.sizes[from]);
  }
  return moved(self, std::move(sizes));
}

ValueType transpose(const Call& call) {
  const TensorType& self = call.tensor("self");
  std::vector<Dim> sizes = self.sizes;
  if (!sizes.empty())
    std::swap(sizes[call.dimension("dim0", sizes.size())], sizes[call.dimension("dim1", sizes.size())]);
  return moved(self, std::move(sizes));
}

ValueType matrix_transpose(const Call& call) {
  const TensorType& self = call.tensor("self");
  if (self.rank() > 2) refuse("t takes at most two dimensions");
  std::vector<Dim> sizes = self.sizes;
  std::reverse(sizes.begin(), sizes.end());
  return moved(self, std::move(sizes));
}

ValueType flatten(const Call& call) {
  const TensorType& self = call.tensor("self");
  if (self.rank() == 0) return moved(self, {1});
  const size_t first = call.dimension("start_dim", self.rank()), last = call.dimension("end_dim", self.rank());
  if (first > last) refuse("start_dim comes after end_dim");
  std::vector<Dim> sizes(self.sizes.begin(), self.sizes.begin() + static_cast<std::ptrdiff_t>(first));
  sizes.push_back(product(call.dims(), std::span(self.sizes).subspan(first, last - first + 1)));
  sizes.insert(sizes.end(), self.sizes.begin() + static_cast<std::ptrdiff_t>(last) + 1, self.sizes.end());
  return moved(self, std::move(sizes));
}

ValueType unsqueeze(const Call& call) {
  const TensorType& self = call.tensor("self");
  std::vector<Dim> sizes = self.sizes;
  sizes.insert(sizes.begin() + static_cast<std::ptrdiff_t>(call.dimension("dim", self.rank() + 1)), Dim(1));
  return moved(self, std::move(sizes));
}

ValueType squeeze(const Call& call) {
  const TensorType& self = call.tensor("self");
  std::vector<bool> dropped(self.rank());
  for (int64_t dim : call.integers("dim")) {
    if (self.rank() > 0) dropped[Call::wrap(dim, self.rank())] = true;
  }
  std::vector<Dim> sizes;
  for (size_t i = 0; i < self.rank(); ++i) {
    if (!dropped[i] || self.sizes[i] != Dim(1)) sizes.push_back(self.sizes[i]);
    if (dropped[i] && !self.sizes[i].is_static()) throw UnknownOperand{};
  }
  return moved(self, std::move(sizes));
}

ValueType expand(const Call& call) {
  const TensorType& self = call.tensor("self");
  const std::vector<Argument> shape = call.list("size");
  if (shape.size() < self.rank()) refuse("expand keeps or adds dimensions");
  std::vector<Dim> sizes;
  const size_t added = shape.size() - self.rank();
  for (size_t i = 0; i < shape.size(); ++i) {
    const Dim own = i < added ? Dim(1) : self.sizes[i - added];
    if (const Dim* size = shape[i].get_if<Dim>()) {
      sizes.push_back(*size);
    } else if (auto value = shape[i].integer(); value && *value >= 0) {
      if (own.is_static() && own != Dim(1) && own != Dim(*value)) refuse("only dimensions of size 1 can be expanded");
      sizes.push_back(*value);
    } else if (value && *value == -1 && i >= added) {
      sizes.push_back(own);
    } else {
      refuse("expand takes sizes, or -1 for a size that stays");
    }
  }
  return moved(self, std::move(sizes));
}

ValueType constant_pad(const Call& call) {
  const TensorType& self = call.tensor("self");
  const std::vector<int64_t> pad = call.integers("pad");
  if (pad.size() % 2 != 0 || pad.size() > 2 * self.rank())
    refuse("padding has two numbers for each of the last dimensions");
  std::vector<Dim> sizes = self.sizes;
  for (size_t i = 0; i < pad.size() / 2; ++i) {
    Dim& size = sizes[self.rank() - 1 - i];
    if (std::max(std::abs(pad[2 * i]), std::abs(pad[2 * i + 1])) > INT32_MAX) refuse("the padding is too large");
    const int64_t total = pad[2 * i] + pad[2 * i + 1];
    if (size.is_static() && size.value() + total < 0) refuse("the padding takes away more than there is");
    size = total >= 0 ? call.dims().add(size, Dim(total)) : call.dims().subtract(size, Dim(-total));
  }
  return moved(self, std::move(sizes));
}

ValueType cat(const Call& call) {
  const auto types = call.tensors("tensors");
  if (types.empty()) refuse("nothing to concatenate");
  if (types[0]->rank() == 0) refuse("tensors without dimensions cannot be concatenated");
  const size_t axis = call.dimension("dim", types[0]->rank());
  std::vector<Dim> sizes = types[0]->sizes;
  DType dtype = types[0]->dtype;
  for (size_t i = 1; i < types.size(); ++i) {
    if (types[i]->rank() != sizes.size()) refuse("the tensors have different ranks");
    for (size_t d = 0; d < sizes.size(); ++d) {
      const Dim size = types[i]->sizes[d];
      if (d == axis) {
        sizes[d] = call.dims().add(sizes[d], size);
      } else if (size.is_static() && sizes[d].is_static() && size != sizes[d]) {
        refuse("sizes differ in dimension " + std::to_string(d));
      }
    }
    dtype = promote(dtype, types[i]->dtype);
  }
  return ValueType::tensor({dtype, std::move(sizes), {}});
}

// Tensors of f32 and bf16, each converted on the way.
ValueType converting_cat(const Call& call) {
  ValueType joined = cat(call);
  TensorType type = *joined.as_tensor();
  for (const TensorType* of : call.tensors("tensors")) {
    if (of->dtype != DType::f32 && of->dtype != DType::bf16) refuse("the tensors are f32 or bf16");
  }
  type.dtype = call.dtype("dtype");
  if (type.dtype != DType::f32 && type.dtype != DType::bf16) refuse("the result is f32 or bf16");
  return ValueType::tensor(std::move(type));
}

ValueType select(const Call& call) {
  const TensorType& self = call.tensor("self");
  if (self.rank() == 0) refuse("select needs at least one dimension");
  std::vector<Dim> sizes = self.sizes;
  sizes.erase(sizes.begin() + static_cast<std::ptrdiff_t>(call.dimension("dim", self.rank())));
  return moved(self, std::move(sizes));
}

}  // namespace

void add_view_rules(Table& table) {
  for (const char* op : {"contiguous", "clone", "detach", "alias", "lift_fresh_copy"})
    table["aten." + std::string(op) + ".default"] = same;
  for (const char* op : {"view", "_unsafe_view"}) table["aten." + std::string(op) + ".default"] = view_size;
  table["aten.reshape.default"] = reshape;
  table["aten.permute.default"] = permute;
  table["aten.transpose.int"] = transpose;
  table["aten.t.default"] = matrix_transpose;
  table["aten.flatten.using_ints"] = flatten;
  table["aten.unsqueeze.default"] = unsqueeze;
  table["aten.squeeze.dim"] = squeeze;
  table["aten.squeeze.dims"] = squeeze;
  table["aten.expand.default"] = expand;
  table["aten.constant_pad_nd.default"] = constant_pad;
  table["aten.pad.default"] = constant_pad;
  table["aten.cat.default"] = cat;
  table["vector.cat.default"] = converting_cat;
  table["aten.select.int"] = select;
}

}  // namespace qrules::infer
