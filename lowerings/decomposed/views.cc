// Operators that only move or rename dimensions: views wherever strides allow, copies for reshapes of other layouts.

#include <qrules/lowerings/decomposed/handler.h>

namespace qrules::decomposed {
namespace {

// Views have no kernel.
Prepared view(PrepareContext& context, std::vector<int64_t> strides, int64_t offset = 0) {
  TensorLayout& out = context.output(0);
  out.strides = std::move(strides);
  context.alias(0, 0, static_cast<size_t>(offset) * size_of(out.dtype));
  return std::unique_ptr<Kernel>();
}

// Strides that show elements of `layout`, in row-major order, at other sizes of equal product; nothing when there are
// none.
std::optional<std::vector<int64_t>> viewed_strides(const TensorLayout& layout, const std::vector<int64_t>& sizes) {
  if (layout.element_count() == 0) return contiguous_strides(sizes);
  std::vector<int64_t> strides(sizes.size());
  size_t next = sizes.size();  // new dimensions from here on have their strides
  size_t d = layout.sizes.size();
  while (d > 0) {
    // The run of old dimensions, inner to outer, that lies evenly spaced in memory.
    if (layout.sizes[d - 1] == 1) {
      --d;
      continue;
    }
    const int64_t step = layout.strides[d - 1];
    int64_t run = layout.sizes[d - 1];
    --d;
    while (d > 0 && (layout.sizes[d - 1] == 1 || layout.strides[d - 1] == step * run)) {
      run *= layout.sizes[d - 1];
      --d;
    }
    // It must be used up by new dimensions exactly.
    int64_t used = 1;
    while (next > 0 && (used < run || sizes[next - 1] == 1)) {
      strides[next - 1] = step * used;
      used *= sizes[next - 1];
      --next;
    }
    if (used != run) return std::nullopt;
  }
  while (next > 0) strides[--next] = 1;  // only sizes of 1 are left
  return strides;
}

Prepared reshape(PrepareContext& context) {
  const TensorLayout& in = context.input(0);
  TensorLayout& out = context.output(0);
  if (in.element_count() != out.element_count())
    return refuse_size(context, "the shape has another number of elements");
  if (auto strides = viewed_strides(in, out.sizes)) return view(context, std::move(*strides));
  out.strides = contiguous_strides(out.sizes);
  const StridedLoop<2> loop(in.sizes, {contiguous_strides(in.sizes), in.strides});
  const size_t bytes = size_of(out.dtype);
  return make_kernel("copy", [loop, bytes](const KernelArguments& arguments) {
    const auto size = static_cast<int64_t>(bytes);
    loop.run([&](const auto& at, int64_t count, const auto& steps) {
      copy_row(static_cast<char*>(arguments.outputs[0]) + at[0] * size, steps[0],
               static_cast<const char*>(arguments.inputs[0]) + at[1] * size, steps[1], count, bytes);
    });
  });
}

// Values have no layout in the graph, so a clone in another memory format is the same value.
Prepared same(PrepareContext& context) { return view(context, context.input(0).strides); }

// Outside of training; the random kind is left to others.
Prepared dropout(PrepareContext& context) {
  const Argument* train = context.node().argument("train");
  if (!train || train->number() != 0.0) return refuse_argument(context, "train", "must be False");
  return same(context);
}

// A dimension argument of the call, counted in a tensor of this rank; a scalar counts as one dimension.
Result<size_t> dimension(const PrepareContext& context, std::string_view parameter, size_t rank) {
  const Argument* argument = context.node().argument(parameter);
  const auto number = argument ? argument->integer() : std::nullopt;
  const auto wrapped = number ? wrap_dimension(*number, std::max<size_t>(rank, 1)) : std::nullopt;
  if (!wrapped) return refuse_argument(context, std::string(parameter), "is no dimension of the tensor");
  return *wrapped;
}

Prepared permute(PrepareContext& context) {
  const TensorLayout& in = context.input(0);
  const auto order = context.integers("dims");
  if (order.size() != in.sizes.size()) return refuse_argument(context, "dims", "must name every dimension once");
  std::vector<int64_t> strides;
  for (int64_t dim : order) {
    const auto from = wrap_dimension(dim, in.sizes.size());
    if (!from) return refuse_argument(context, "dims", "must name every dimension once");
    strides.push_back(in.strides[*from]);
  }
  return view(context, std::move(strides));
}

Prepared transpose(PrepareContext& context) {
  const TensorLayout& in = context.input(0);
  const auto first = dimension(context, "dim0", in.sizes.size()), second = dimension(context, "dim1", in.sizes.size());
  if (!first) return first.diagnostics();
  if (!second) return second.diagnostics();
  std::vector<int64_t> strides = in.strides;
  if (!strides.empty()) std::swap(strides[*first], strides[*second]);
  return view(context, std::move(strides));
}

Prepared matrix_transpose(PrepareContext& context) {
  std::vector<int64_t> strides = context.input(0).strides;
  if (strides.size() > 2) return refuse_rank(context, "the matrix", strides.size(), "two dimensions at the most");
  std::reverse(strides.begin(), strides.end());
  return view(context, std::move(strides));
}

// Dimensions of size 1 may come and go: strides go by the dimensions that stay, in order.
Prepared squeeze(PrepareContext& context) {
  const TensorLayout& in = context.input(0);
  std::vector<bool> dropped(in.sizes.size());
  const Argument* dims = context.node().argument("dim");  // squeeze.default has none and drops all
  if (dims) {
    for (int64_t dim : context.integers("dim")) {
      const auto which = wrap_dimension(dim, std::max<size_t>(in.sizes.size(), 1));
      if (!which) return refuse_argument(context, "dim", "is no dimension of the tensor");
      if (*which < dropped.size()) dropped[*which] = true;
    }
  } else {
    dropped.assign(dropped.size(), true);
  }
  std::vector<int64_t> strides;
  for (size_t d = 0; d < in.sizes.size(); ++d) {
    if (!dropped[d] || in.sizes[d] != 1) strides.push_back(in.strides[d]);
  }
  if (strides.size() != context.output(0).sizes.size())
    return refuse_size(context, "the result's type has another rank");
  return view(context, std::move(strides));
}

Prepared unsqueeze(PrepareContext& context) {
  const TensorLayout& in = context.input(0);
  const auto where = dimension(context, "dim", in.sizes.size() + 1);
  if (!where) return where.diagnostics();
  const size_t at = *where;
  std::vector<int64_t> strides = in.strides;
  const int64_t step = at < in.sizes.size() ? in.sizes[at] * in.strides[at] : 1;
  strides.insert(strides.begin() + static_cast<std::ptrdiff_t>(at), step);
  return view(context, std::move(strides));
}

Prepared expand(PrepareContext& context) {
  const TensorLayout& in = context.input(0);
  const TensorLayout& out = context.output(0);
  if (out.sizes.size() < in.sizes.size()) return refuse_size(context, "expand keeps or adds dimensions");
  const size_t added = out.sizes.size() - in.sizes.size();
  for (size_t d = 0; d < in.sizes.size(); ++d) {
    if (in.sizes[d] != 1 && in.sizes[d] != out.sizes[added + d])
      return refuse_size(context, "only dimensions of size 1 can be expanded");
  }
  return view(context, broadcast_strides(in, out.sizes));
}

// An integer argument that may be a symbolic size, or absent.
std::optional<int64_t> size_argument(const PrepareContext& context, std::string_view parameter) {
  const Argument* argument = context.node().argument(parameter);
  if (!argument || argument->is_none()) return std::nullopt;
  const auto values = context.integers(parameter);
  return values.size() == 1 ? std::optional(values[0]) : std::nullopt;
}

Prepared slice(PrepareContext& context) {
  const TensorLayout& in = context.input(0);
  if (in.sizes.empty()) return refuse_rank(context, "the tensor", 0, "at least one dimension");
  const auto which = dimension(context, "dim", in.sizes.size());
  if (!which) return which.diagnostics();
  const int64_t size = in.sizes[*which], step = size_argument(context, "step").value_or(1);
  if (step < 1) return refuse_argument(context, "step", "must be positive");
  const auto clamped = [size](int64_t index) { return std::clamp<int64_t>(index < 0 ? index + size : index, 0, size); };
  const int64_t start = clamped(size_argument(context, "start").value_or(0));
  const int64_t end = std::max(start, clamped(size_argument(context, "end").value_or(size)));
  if (context.output(0).sizes.at(*which) != (end - start + step - 1) / step)
    return refuse_size(context, "the result's type has another size");
  const int64_t offset = in.element_count() == 0 || start == size ? 0 : start * in.strides[*which];
  std::vector<int64_t> strides = in.strides;
  strides[*which] *= step;
  return view(context, std::move(strides), offset);
}

Prepared select(PrepareContext& context) {
  const TensorLayout& in = context.input(0);
  if (in.sizes.empty()) return refuse_rank(context, "the tensor", 0, "at least one dimension");
  const auto which = dimension(context, "dim", in.sizes.size());
  if (!which) return which.diagnostics();
  const auto index = size_argument(context, "index");
  const auto at = index ? wrap_dimension(*index, static_cast<size_t>(in.sizes[*which])) : std::nullopt;
  if (!at) return refuse_argument(context, "index", "is out of range");
  std::vector<int64_t> strides = in.strides;
  strides.erase(strides.begin() + static_cast<std::ptrdiff_t>(*which));
  const int64_t offset = in.element_count() == 0 ? 0 : static_cast<int64_t>(*at) * in.strides[*which];
  return view(context, std::move(strides), offset);
}

}  // namespace

void add_views(HandlerRegistry& registry) {
  const auto add = [&](const char* handler, FunctionHandler::Prepare prepare, std::initializer_list<const char*> ops) {
    const auto shared = std::make_shared<FunctionHandler>(handler, prepare);
    for (const char* op : ops) registry.add(op, shared);
  };
  add("decomposed.reshape", reshape,
      {"aten.view.default", "aten.reshape.default", "aten._unsafe_view.default", "aten.flatten.using_ints",
       "aten.unflatten.int", "aten.view_as.default", "onednn.qreshape.default"});
  add("decomposed.alias", same,
      {"aten.alias.default", "aten.detach.default", "aten.contiguous.default", "aten.clone.default",
       "aten.lift_fresh.default", "aten.lift_fresh_copy.default"});
  add("decomposed.dropout", dropout,
      {"aten.dropout.default", "aten.feature_dropout.default", "aten.alpha_dropout.default"});
  add("decomposed.permute", permute, {"aten.permute.default"});
  add("decomposed.transpose", transpose, {"aten.transpose.int"});
  add("decomposed.t", matrix_transpose, {"aten.t.default"});
  add("decomposed.squeeze", squeeze, {"aten.squeeze.dim", "aten.squeeze.dims", "aten.squeeze.default"});
  add("decomposed.unsqueeze", unsqueeze, {"aten.unsqueeze.default"});
  add("decomposed.expand", expand, {"aten.expand.default"});
  add("decomposed.slice", slice, {"aten.slice.Tensor"});
  add("decomposed.select", select, {"aten.select.int"});
}

}  // namespace qrules::decomposed
