#include <qrules/graph/verify.h>

#include <unordered_set>

#include <qrules/graph/diagnostics.h>
#include <qrules/graph/infer.h>
#include <qrules/graph/normalise.h>
#include <qrules/graph/text.h>

namespace qrules {
namespace {

std::string print_type(const ValueType& type, const DimTable& dims) {
  std::string text;
  for (const TensorType& tensor : type.tensors) text += (text.empty() ? "" : ", ") + print(tensor, dims);
  return type.kind == ValueType::Kind::tuple ? "(" + text + ")" : text;
}

bool same_sizes(const TensorType& a, const TensorType& b) {
  if (a.dtype != b.dtype || a.rank() != b.rank()) return false;
  for (size_t i = 0; i < a.rank(); ++i) {
    // Symbolic sizes may be the same in more ways than the normal form knows.
    if (a.sizes[i].is_static() && b.sizes[i].is_static() && a.sizes[i] != b.sizes[i]) return false;
  }
  return true;
}

class Verifier {
 public:
  Verifier(const Graph& graph, const VerifyOptions& options) : graph_(graph), options_(options) {}

  Diagnostics run() {
    std::unordered_set<const Node*> seen;
    std::unordered_set<std::string_view> names;
    const Node* previous = nullptr;
    size_t count = 0;
    for (const Node* node = graph_.first(); node; node = node->next()) {
      ++count;
      if (node->previous() != previous) broken(*node, "it is not linked to the node before it");
      if (previous && !previous->before(*node)) broken(*node, "its order key is not after the one before it");
      if (&node->graph() != &graph_) broken(*node, "it belongs to another graph");
      if (!names.insert(node->name()).second) broken(*node, "its name is not unique");
      if (graph_.find(node->name()) != node) broken(*node, "its name finds another node");
      check_operands(*node, seen);
      check_users(*node);
      if (node->is_call()) check_call(*node);
      if (node->kind() == NodeKind::output && node != graph_.output()) broken(*node, "there is a second output node");
      if (node->kind() == NodeKind::constant && !node->constant()) broken(*node, "it has no constant");
      seen.insert(node);
      previous = node;
    }
    if (count != graph_.size() && previous)
      broken(*previous,
             "the graph counts " + std::to_string(graph_.size()) + " nodes, the list has " + std::to_string(count));
    if (graph_.output() && graph_.last() != graph_.output()) broken(*graph_.output(), "nodes follow the output");
    return std::move(found_);
  }

 private:
  void broken(const Node& node, std::string what) {
    found_.add(Diagnostic(kBrokenGraph).with("node", node.name()).with("why", std::move(what)));
  }

  void check_operands(const Node& node, const std::unordered_set<const Node*>& seen) {
    for (const Use& use : node.operands()) {
      if (use.user != &node) broken(node, "an operand slot belongs to another node");
      if (!seen.contains(use.value)) broken(node, "it uses %" + use.value->name() + ", which does not come before it");
      // Its neighbours in the list of users; that the list as a whole is sound is checked at its value.
      const bool linked = (use.previous ? use.previous->next : use.value->first_use()) == &use;
      if (!linked) broken(node, "%" + use.value->name() + " does not know it as a user");
    }
  }

  void check_users(const Node& node) {
    const Use* previous = nullptr;
    for (const Use* use = node.first_use(); use; use = use->next) {
      if (use->value != &node || use->previous != previous) broken(node, "its list of users is not linked");
      previous = use;
    }
  }

  void check_call(const Node& node) {
    const Signature* signature = graph_.operators().signature(node.op());
    if (signature && node.arguments().size() != signature->parameters.size()) {
      broken(node, "it has " + std::to_string(node.arguments().size()) + " arguments, its signature " +
                       std::to_string(signature->parameters.size()));
      return;
    }
    if (signature) check_arguments(node, *signature);
    if (!options_.types || node.type().kind == ValueType::Kind::unknown) return;
    // Inference may add sizes to the table, so it works on the graph itself; nothing that is compared changes.
    auto inferred = infer_type(const_cast<Graph&>(graph_), node.op(), node.arguments());
    if (!inferred) {
      broken(node, inferred.diagnostics().list().front().message());
      return;
    }
    if (inferred->kind == ValueType::Kind::unknown) return;
    bool same = inferred->kind == node.type().kind && inferred->tensors.size() == node.type().tensors.size();
    for (size_t i = 0; same && i < inferred->tensors.size(); ++i)
      same = same_sizes(inferred->tensors[i], node.type().tensors[i]);
    if (!same) {
      found_.add(Diagnostic(kWrongType)
                     .with("node", node.name())
                     .with("recorded", print_type(node.type(), graph_.dims()))
                     .with("inferred", print_type(*inferred, graph_.dims())));
    }
  }

  void check_arguments(const Node& node, const Signature& signature) {
    std::vector<Argument> positional;
    std::vector<std::pair<std::string, Argument>> keywords;
    for (size_t i = 0; i < signature.parameters.size(); ++i) {
      const Parameter& parameter = signature.parameters[i];
      if (parameter.keyword_only) {
        keywords.emplace_back(parameter.name, node.argument(i));
      } else {
        positional.push_back(node.argument(i));
      }
    }
    const auto fitting = normalise_arguments(graph_.operators(), node.op(), std::move(positional), std::move(keywords));
    if (!fitting) broken(node, fitting.diagnostics().list().front().message());
  }

  const Graph& graph_;
  const VerifyOptions& options_;
  Diagnostics found_;
};

}  // namespace

Diagnostics verify(const Graph& graph, const VerifyOptions& options) { return Verifier(graph, options).run(); }

}  // namespace qrules
