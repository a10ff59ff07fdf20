// Views of PyTorch's operators. Only those that models write through have an inverse here.

#include <qrules/runtime/functionalise_views.h>

#include <algorithm>

#include <qrules/graph/normalise.h>

namespace qrules::model {
namespace {

template <size_t N>
bool among(std::string_view name, const std::string_view (&names)[N]) {
  return std::find(std::begin(names), std::end(names), name) != std::end(names);
}

// "aten.view.default" -> "view"; empty for other namespaces.
std::string_view aten_name(std::string_view op) {
  if (op.substr(0, 5) != "aten.") return {};
  op.remove_prefix(5);
  return op.substr(0, op.find('.'));
}

bool known_contiguous(const Node* node) { return node->tensor() && node->tensor()->strides.empty(); }

Argument sizes_of(const TensorType& type) {
  Argument::List sizes;
  for (Dim size : type.sizes) sizes.emplace_back(size);
  return Argument(std::move(sizes));
}

}  // namespace

Sharing sharing(const Node& node) {
  if (!node.is_call() || node.arguments().empty() || !node.argument(size_t{0}).node()) return Sharing::none;
  const Node* operand = node.argument(size_t{0}).node();
  if (node.op_name() == "_operator.getitem") return sharing(*operand);
  const std::string_view op = aten_name(node.op_name());
  static constexpr std::string_view kViews[] = {"view",
                                                "_reshape_alias",
                                                "permute",
                                                "transpose",
                                                "t",
                                                "numpy_T",
                                                "mT",
                                                "squeeze",
                                                "unsqueeze",
                                                "expand",
                                                "expand_as",
                                                "view_as",
                                                "slice",
                                                "select",
                                                "narrow",
                                                "unfold",
                                                "diagonal",
                                                "swapaxes",
                                                "swapdims",
                                                "movedim",
                                                "moveaxis",
                                                "unflatten",
                                                "alias",
                                                "detach",
                                                "as_strided",
                                                "split",
                                                "split_with_sizes",
                                                "chunk",
                                                "unbind",
                                                "tensor_split",
                                                "hsplit",
                                                "vsplit",
                                                "dsplit",
                                                "real",
                                                "imag",
                                                "view_as_real",
                                                "view_as_complex"};
  if (among(op, kViews)) return Sharing::certain;
  static constexpr std::string_view kReshapes[] = {"reshape", "flatten", "reshape_as", "ravel"};
  if (among(op, kReshapes)) return known_contiguous(operand) ? Sharing::certain : Sharing::unclear;
  static constexpr std::string_view kDropouts[] = {"dropout", "feature_dropout", "alpha_dropout",
                                                   "feature_alpha_dropout"};
  if (among(op, kDropouts)) {
    const Argument* train = node.argument("train");
    const bool* value = train ? train->get_if<bool>() : nullptr;
    return value && !*value ? Sharing::certain : Sharing::none;
  }
  if (op == "contiguous" || op == "to" || op == "type_as") {
    const TensorType *from = operand->tensor(), *to = node.tensor();
    if (from && to && from->dtype != to->dtype) return Sharing::none;
    if (const Argument* copy = node.argument("copy"); copy && copy->get_if<bool>() && *copy->get_if<bool>())
      return Sharing::none;
    const Argument* format = node.argument("memory_format");
    const Keyword* keyword = format ? format->get_if<Keyword>() : nullptr;
    const bool row_major = !keyword || keyword->text == "contiguous_format";
    if (op == "contiguous" && from && row_major && !known_contiguous(operand)) return Sharing::none;
    const bool keeps =
        op == "contiguous" ? known_contiguous(operand) && row_major : (!keyword || keyword->text == "preserve_format");
    return from && to && keeps ? Sharing::certain : Sharing::unclear;
  }
  return Sharing::none;
}

Node* add_named_call(Graph& graph, std::string_view op, std::vector<Argument> positional,
                     std::vector<std::pair<std::string, Argument>> keywords, ValueType type, Node* before) {
  const OpId id = graph.operators().intern(op);
  auto arguments = normalise_arguments(graph.operators(), id, std::move(positional), std::move(keywords));
  return arguments ? graph.add_call(id, std::move(*arguments), std::move(type), {}, before) : nullptr;
}

Node* write_back(Graph& graph, const Node& view, Node* written, Node* before) {
  Node* operand = view.argument(size_t{0}).node();
  const std::string_view op = aten_name(view.op_name());
  if (!operand || !operand->tensor()) return nullptr;
  const TensorType& type = *operand->tensor();
  const auto call = [&](std::string_view name, std::vector<Argument> arguments) {
    return add_named_call(graph, name, std::move(arguments), {}, ValueType::tensor(type), before);
  };
  static constexpr std::string_view kSame[] = {
      "alias",           "detach",        "contiguous",           "to", "type_as", "dropout",
      "feature_dropout", "alpha_dropout", "feature_alpha_dropout"};
  if (among(op, kSame)) return written;
  static constexpr std::string_view kReshapes[] = {"view",    "_reshape_alias", "reshape", "flatten",   "reshape_as",
                                                   "view_as", "ravel",          "squeeze", "unsqueeze", "unflatten"};
  if (among(op, kReshapes)) {
    // view.dtype reads the same bytes as other numbers.
    if (!view.tensor() || view.tensor()->dtype != type.dtype) return nullptr;
    return call("aten.reshape.default", {Argument(written), sizes_of(type)});
  }
  if (op == "t") return call("aten.t.default", {Argument(written)});
  if (op == "transpose" || op == "swapaxes" || op == "swapdims") {
    if (view.arguments().size() < 3) return nullptr;
    return call("aten.transpose.int", {Argument(written), view.argument(1), view.argument(2)});
  }
  if (op == "permute") {
    const auto dims = view.argument(1).integers();
    const auto rank = static_cast<int64_t>(type.rank());
    if (!dims || dims->size() != type.rank()) return nullptr;
    std::vector<int64_t> inverse(type.rank());
    for (size_t i = 0; i < dims->size(); ++i) {
      const int64_t dim = (*dims)[i] < 0 ? (*dims)[i] + rank : (*dims)[i];
      if (dim < 0 || dim >= rank) return nullptr;
      inverse[static_cast<size_t>(dim)] = static_cast<int64_t>(i);
    }
    return call("aten.permute.default", {Argument(written), Argument(Argument::List(inverse.begin(), inverse.end()))});
  }
  if (view.op_name() == "aten.select.int")
    return call("aten.select_scatter.default",
                {Argument(operand), Argument(written), view.argument(1), view.argument(2)});
  if (view.op_name() == "aten.slice.Tensor") {
    return call("aten.slice_scatter.default", {Argument(operand), Argument(written), view.argument(1), view.argument(2),
                                               view.argument(3), view.argument(4)});
  }
  if (view.op_name() == "aten.narrow.default") {
    const auto start = view.argument(2).integer(), length = view.argument(3).integer();
    // A start from the end would need the size.
    if (!start || !length || *start < 0) return nullptr;
    return call("aten.slice_scatter.default", {Argument(operand), Argument(written), view.argument(1), Argument(*start),
                                               Argument(*start + *length), Argument(1)});
  }
  return nullptr;
}

}  // namespace qrules::model
