// One pass in the order of the graph. Values that share memory form a tree: each view hangs below its operand, and the
// topmost value that is known to share stands for the memory. A write makes that value anew, and every view that is
// used afterwards is made again from it.

#include <qrules/runtime/functionalise.h>

#include <algorithm>
#include <map>
#include <unordered_map>

#include <qrules/graph/infer.h>
#include <qrules/graph/normalise.h>
#include <qrules/runtime/diagnostics_model.h>
#include <qrules/runtime/functionalise_views.h>

namespace qrules {
namespace {

using model::add_named_call;
using model::Sharing;

// "aten.add_.Tensor" -> "aten.add.Tensor", "aten.__iand__.Scalar" -> "aten.__and__.Scalar"; empty for other names.
std::string functional_name(const std::string& op) {
  const size_t first = op.find('.');
  const size_t second = first == std::string::npos ? first : op.find('.', first + 1);
  if (second == std::string::npos) return {};
  const std::string base = op.substr(first + 1, second - first - 1);
  std::string changed;
  if (base.size() > 5 && base.compare(0, 3, "__i") == 0 && base.compare(base.size() - 2, 2, "__") == 0) {
    changed = "__" + base.substr(3);
  } else if (base.size() > 1 && base.back() == '_' && base[base.size() - 2] != '_') {
    changed = base.substr(0, base.size() - 1);
  } else {
    return {};
  }
  return op.substr(0, first + 1) + changed + op.substr(second);
}

bool same_parameters(const Signature& a, const Signature& b) {
  return std::equal(a.parameters.begin(), a.parameters.end(), b.parameters.begin(), b.parameters.end(),
                    [](const Parameter& x, const Parameter& y) { return x.kind == y.kind && x.name == y.name; });
}

// Operators that change how a tensor sees its memory, not the memory: older views of it are not affected.
bool only_reshapes(const std::string& op) {
  static constexpr std::string_view kPackets[] = {"aten.t_.",         "aten.transpose_.", "aten.squeeze_.",
                                                  "aten.unsqueeze_.", "aten.swapdims_.",  "aten.swapaxes_."};
  return std::any_of(std::begin(kPackets), std::end(kPackets),
                     [&](std::string_view packet) { return op.compare(0, packet.size(), packet) == 0; });
}

// Operators that give a tensor other memory or another size: their functional forms mean something else.
bool changes_storage(const std::string& op) {
  static constexpr std::string_view kPackets[] = {"aten.set_.", "aten.resize_.", "aten.resize_as_.",
                                                  "aten.as_strided_."};
  return std::any_of(std::begin(kPackets), std::end(kPackets),
                     [&](std::string_view packet) { return op.compare(0, packet.size(), packet) == 0; });
}

Argument substitute(const Argument& argument, const Node* from, Node* to) {
  if (argument.node() == from) return Argument(to);
  const Argument::List* list = argument.list();
  if (!list) return argument;
  Argument::List copy;
  for (const Argument& element : *list) copy.push_back(substitute(element, from, to));
  return Argument(std::move(copy));
}

class Functionaliser {
 public:
  Functionaliser(Graph& graph, Diagnostics& warnings) : graph_(graph), warnings_(warnings) {}

  Status run() {
    for (Node* node = graph_.first(); node;) {
      Node* next = node->next();
      const Signature* signature = node->is_call() ? graph_.operators().signature(node->op()) : nullptr;
      if (signature && signature->mutates) {
        if (auto status = rewrite(node); !status) return status;
      } else if (const Sharing shared = model::sharing(*node); shared != Sharing::none) {
        add_view(node, node->argument(size_t{0}).node(), shared == Sharing::certain);
      }
      node = next;
    }
    return Done{};
  }

 private:
  struct View {
    Node* operand = nullptr;
    bool certain = true;
  };

  void add_view(Node* node, Node* operand, bool certain) {
    views_[node] = {operand, certain};
    members_[storage(node)].push_back(node);
  }

  // The value that owns the memory, over unclear views as well.
  Node* storage(Node* node) const {
    for (auto found = views_.find(node); found != views_.end(); found = views_.find(node)) node = found->second.operand;
    return node;
  }
  // The topmost value that is sure to share its memory.
  Node* top(Node* node) const {
    for (auto found = views_.find(node); found != views_.end() && found->second.certain; found = views_.find(node))
      node = found->second.operand;
    return node;
  }

  static bool used_after(const Node* value, const Node* write) {
    for (const Use* use = value->first_use(); use; use = use->next) {
      if (write->before(*use->user)) return true;
    }
    return false;
  }

  void replace_after(Node* value, Node* replacement, const Node* write) {
    if (value == replacement) return;
    std::vector<Node*> later;
    for (Node* user : value->users()) {
      if (write->before(*user) && user != replacement) later.push_back(user);
    }
    for (Node* user : later) {
      std::vector<Argument> arguments;
      for (const Argument& argument : user->arguments()) arguments.push_back(substitute(argument, value, replacement));
      graph_.set_arguments(user, std::move(arguments));
    }
  }

  void keep_location(Node* made, const Node* from) {
    if (const Provenance* provenance = from->provenance()) graph_.set_provenance(made, *provenance);
  }

  Diagnostic no_form(const Node* write) const {
    return Diagnostic(kNoFunctionalForm).with("node", write->name()).with("op", write->op_name());
  }
  Diagnostic shared(const Node* write, const Node* alias, std::string why) const {
    return Diagnostic(kMutatedAlias)
        .with("node", write->name())
        .with("alias", alias->name())
        .with("why", std::move(why));
  }

  Status rewrite(Node* write) {
    Node* self = write->arguments().empty() ? nullptr : write->argument(size_t{0}).node();
    if (!self || changes_storage(write->op_name())) return no_form(write);
    const bool reshapes = only_reshapes(write->op_name());
    Node* value = add_functional(write, self);
    if (!value) return no_form(write);
    keep_location(value, write);
    if (reshapes) {
      replace_after(self, value, write);
      finish(write, value);
      add_view(value, self, true);
      return Done{};
    }
    Node* owner = top(self);
    Node* memory = storage(self);
    std::vector<Node*> others;  // share the memory and are read later
    const auto found = members_.find(memory);
    std::vector<Node*> members = found == members_.end() ? std::vector<Node*>() : found->second;
    members.insert(members.begin(), memory);
    for (Node* member : members) {
      if (member == self || member == write || !used_after(member, write)) continue;
      if (top(member) != owner) return shared(write, member, "whether it is a view or a copy depends on its layout");
      others.push_back(member);
    }
    if (owner->kind() != NodeKind::call) {
      const bool constant = owner->kind() == NodeKind::constant;
      warnings_.add(
          Diagnostic(kStateNotKept)
              .with("what", constant ? "buffer" : "input")
              .with("name", constant && !owner->constant_name().empty() ? owner->constant_name() : owner->name()));
    }
    if (self == owner || others.empty()) {
      remade_ = {{self, value}};
    } else {
      // The write goes through a view: make what it is a view of, and the view again from that.
      Node* whole = value;
      for (Node* view = self; view != owner; view = views_.at(view).operand) {
        Node* back = model::write_back(graph_, *view, whole, write);
        if (!back) return shared(write, view, "a write through `" + view->op_name() + "` is not followed");
        if (back != whole) keep_location(back, write);
        whole = back;
      }
      remade_ = {{owner, whole}};
      value = remake(self, write);
    }
    for (Node* other : others) {
      if (!remake(other, write)) return shared(write, other, "a view of this kind is not made again");
    }
    for (Node* other : others) replace_after(other, remade_.at(other), write);
    replace_after(self, value, write);
    finish(write, value);
    return Done{};
  }

  // Uses of the in-place node itself read the new value, which takes its name.
  void finish(Node* write, Node* value) {
    graph_.replace_all_uses(write, value);
    graph_.take_name(value, write);
    graph_.erase(write);
  }

  // The same view of the new value of what it views.
  Node* remake(Node* view, Node* before) {
    if (const auto done = remade_.find(view); done != remade_.end()) return done->second;
    const auto found = views_.find(view);
    if (found == views_.end() || !view->is_call()) return nullptr;
    Node* operand = remake(found->second.operand, before);
    if (!operand) return nullptr;
    std::vector<Argument> arguments = view->arguments();
    arguments[0] = Argument(operand);
    Node* made =
        graph_.add_call(view->op(), std::move(arguments), view->type(), view->name(), before, view->argument_names());
    keep_location(made, view);
    remade_[view] = made;
    add_view(made, operand, found->second.certain);
    return made;
  }

  // The functional call before `write`, with the type that the written tensor keeps. Null when there is none.
  Node* add_functional(Node* write, Node* self) {
    const TensorType* type = self->tensor();
    if (type && write->op_name() == "aten.copy_.default") return add_copy(write, *type);
    const std::string name = functional_name(write->op_name());
    const auto op = name.empty() ? std::nullopt : graph_.operators().find(name);
    const Signature* signature = op ? graph_.operators().signature(*op) : nullptr;
    if (!signature || signature->mutates || !same_parameters(*signature, *graph_.operators().signature(write->op())))
      return nullptr;
    ValueType result = write->type();
    // Writing converts to the dtype of the tensor; the functional operator promotes.
    DType computed = type ? type->dtype : DType::f32;
    if (type && !only_reshapes(write->op_name())) {
      const auto inferred = infer_type(graph_, *op, write->arguments());
      if (inferred && inferred->as_tensor()) {
        computed = inferred->as_tensor()->dtype;
      } else {
        for (const Use& use : write->operands()) {
          const TensorType* operand = use.value->tensor();
          if (operand && operand->rank() > 0 && operand->dtype != DType::boolean)
            computed = promote(computed, operand->dtype);
        }
      }
    }
    if (!type || computed == type->dtype) return graph_.add_call(*op, write->arguments(), std::move(result), {}, write);
    TensorType wide = *type;
    wide.dtype = computed;
    Node* promoted = graph_.add_call(*op, write->arguments(), ValueType::tensor(std::move(wide)), {}, write);
    keep_location(promoted, write);
    return add_named_call(graph_, "aten._to_copy.default", {Argument(promoted)}, {{"dtype", Argument(type->dtype)}},
                          std::move(result), write);
  }

  // The source itself, in the dtype and sizes of the destination and in memory of its own.
  Node* add_copy(Node* write, const TensorType& type) {
    Node* source = write->argument(1).node();
    if (!source || !source->tensor()) return nullptr;
    Node* value = source;
    TensorType made = *source->tensor();
    made.strides.clear();
    if (made.dtype != type.dtype) {
      made.dtype = type.dtype;
      value = add_named_call(graph_, "aten._to_copy.default", {Argument(value)}, {{"dtype", Argument(type.dtype)}},
                             ValueType::tensor(made), write);
    }
    if (made.sizes != type.sizes) {
      made.sizes = type.sizes;
      Argument::List sizes;
      for (Dim size : type.sizes) sizes.emplace_back(size);
      value = add_named_call(graph_, "aten.expand.default", {Argument(value), Argument(std::move(sizes))}, {},
                             ValueType::tensor(made), write);
    }
    const bool own = value != source && value->op_name() == "aten._to_copy.default";
    return own ? value
               : add_named_call(graph_, "aten.clone.default", {Argument(value)}, {}, ValueType::tensor(made), write);
  }

  Graph& graph_;
  Diagnostics& warnings_;
  std::unordered_map<Node*, View> views_;
  std::unordered_map<Node*, std::vector<Node*>> members_;  // views by what owns their memory, in order
  std::map<Node*, Node*> remade_;                          // by the write that is being handled
};

}  // namespace

Status functionalise(Graph& graph, Diagnostics& warnings) { return Functionaliser(graph, warnings).run(); }

}  // namespace qrules
