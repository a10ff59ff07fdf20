// See emit.h.

#include <qrules/generate/emit.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>

#include <qrules/graph/constant_text.h>
#include <qrules/graph/infer.h>
#include <qrules/graph/normalise.h>
#include <qrules/graph/text.h>

namespace qrules::generate {
namespace {

constexpr int64_t kLargestConstant = 4096;

// Whether a parameter of this kind takes the value.
bool takes(ParameterKind kind, const Argument& value) {
  const bool truth = value.get_if<bool>() != nullptr;
  switch (kind) {
    case ParameterKind::integer: return value.get_if<int64_t>() != nullptr;
    case ParameterKind::real:
    case ParameterKind::scalar:
    case ParameterKind::qparam: return value.number().has_value() && !truth;
    case ParameterKind::boolean: return truth;
    case ParameterKind::text: return value.get_if<std::string>() != nullptr;
    case ParameterKind::dtype: return value.get_if<DType>() != nullptr;
    case ParameterKind::keyword: return value.get_if<Keyword>() != nullptr;
    case ParameterKind::integer_list: return value.list() && value.integers();
    case ParameterKind::real_list:
      return value.list() && std::all_of(value.list()->begin(), value.list()->end(),
                                         [](const Argument& a) { return a.number().has_value(); });
    case ParameterKind::boolean_list:
    case ParameterKind::tensor:
    case ParameterKind::tensor_list: return false;
    case ParameterKind::any: return true;
  }
  return false;
}

std::vector<Argument> usual(ParameterKind kind) {
  using List = Argument::List;
  switch (kind) {
    case ParameterKind::integer: return {0, 1, 2, -1};
    case ParameterKind::real:
    case ParameterKind::qparam: return {1.0, 0.5, 2.0, 0.01, -1.0, 6.0};
    case ParameterKind::scalar: return {1, 2.0, 0.5, 0, -1.5, 6};
    case ParameterKind::boolean: return {false, true};
    case ParameterKind::text: return {"none"};
    case ParameterKind::dtype: return {DType::f32, DType::bf16, DType::u8, DType::s8, DType::s32};
    case ParameterKind::keyword: return {Keyword{"strided"}, Keyword{"channels_last"}};
    case ParameterKind::integer_list: return {List{1, 1}, List{1}, List{0}, List{2, 2}};
    case ParameterKind::real_list: return {List{}};
    case ParameterKind::boolean_list: return {List{true}};
    case ParameterKind::any: return {0, 1, 2.0};
    default: return {};
  }
}

class Elements {
 public:
  explicit Elements(uint64_t seed) : source_(seed) {}
  uint64_t next() { return source_.number(std::to_string(count_++)); }
  double unit() { return static_cast<double>(next() % 1'000'000) / 1'000'000; }
  double normal() { return std::sqrt(-2 * std::log(1 - unit())) * std::cos(2 * std::numbers::pi * unit()); }

 private:
  Decisions source_;
  uint64_t count_ = 0;
};

// Three decimals: what is printed stays short, and reads back to the same value.
double rounded(double value) { return std::round(value * 1000) / 1000; }

bool contains(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

}  // namespace

bool Emitter::asks(const Term* term, std::initializer_list<std::string_view> functions) const {
  return std::any_of(term->slots.begin(), term->slots.end(), [&](const std::string& slot) {
    return std::any_of(functions.begin(), functions.end(),
                       [&](std::string_view function) { return hints_.asks(slot, function); });
  });
}

TensorType Emitter::type_of(const Wish& wish) {
  TensorType type;
  type.dtype = wish.dtype;
  for (const int64_t size : wish.sizes) type.sizes.push_back(size == kBatch ? graph_.dims().symbol("s0") : Dim(size));
  return type;
}

bool Emitter::run() {
  for (const RuleTerms& rule : skeleton_.rules()) {
    if (!value(rule.root)) return false;
    for (Term* sibling : rule.siblings) {
      if (!value(sibling)) return false;
    }
    // Roots besides the one that the walk starts from.
    for (const PatternId extra : rule.rule->extra_roots) {
      const auto term = rule.patterns.find(extra);
      if (term != rule.patterns.end() && !value(term->second)) return false;
    }
  }
  std::vector<Argument> results;
  std::vector<Term*> roots;
  for (const RuleTerms& rule : skeleton_.rules()) {
    Term* root = find(rule.root);
    if (std::find(roots.begin(), roots.end(), root) == roots.end()) roots.push_back(root);
  }
  for (Term* root : roots) {
    Node* node = root->value->node();
    // A root in the other rule's match may have no user but that.
    if (roots.size() > 1 && !node->unused() && decisions_.choose(root->name + ":only inside", 2) == 1) continue;
    const bool read_on = !node->tensor() || decisions_.choose(root->name + ":read on", {7, 1}) == 1;
    if (!read_on) {
      results.emplace_back(node);
      continue;
    }
    const OpId op = graph_.operators().intern(node->tensor() ? "aten.clone.default" : "_operator.getitem");
    std::vector<Argument> operands{Argument(node)};
    if (!node->tensor()) operands.emplace_back(int64_t{0});
    auto arguments = normalise_arguments(graph_.operators(), op, std::move(operands), {});
    if (!arguments.ok()) return false;
    auto type = infer_type(graph_, op, *arguments);
    if (!type.ok()) return false;
    results.emplace_back(graph_.add_call(op, std::move(*arguments), std::move(*type)));
  }
  const std::vector<Term*> made = made_;
  for (Term* term : made) {
    Node* node = term->value->node();
    if (node->tensor()) use_elsewhere(term, node, results);
  }
  // An extra root that nothing reads would be no part of the graph.
  for (Node* node : graph_.nodes()) {
    if (node->is_call() && node->unused() && node->tensor()) {
      if (std::none_of(results.begin(), results.end(), [&](const Argument& a) { return a.node() == node; }))
        results.emplace_back(node);
    }
  }
  graph_.set_outputs(std::move(results));
  return true;
}

void Emitter::use_elsewhere(Term* term, Node* node, std::vector<Argument>& results) {
  const bool asked = asks(term, {"users", "users_besides", "single_use", "output"});
  if (node->kind() == NodeKind::constant && !asked) return;
  const std::array<uint32_t, 4> weights =
      asked ? std::array<uint32_t, 4>{4, 1, 1, 1} : std::array<uint32_t, 4>{16, 1, 1, 1};
  const size_t way = decisions_.choose(term->name + ":used elsewhere", weights);
  const auto is_result = [&] {
    return std::any_of(results.begin(), results.end(), [&](const Argument& a) { return a.node() == node; });
  };
  if ((way == 1 || way == 3) && !is_result()) results.emplace_back(node);
  if (way < 2) return;
  const OpId op = graph_.operators().intern("aten.clone.default");
  auto arguments = normalise_arguments(graph_.operators(), op, {Argument(node)}, {});
  if (arguments.ok()) results.emplace_back(graph_.add_call(op, std::move(*arguments), node->type()));
}

std::optional<Argument> Emitter::value(Term* term) {
  term = find(term);
  if (term->value) return term->value;
  if (term->in_progress) return std::nullopt;
  term->in_progress = true;
  std::optional<Argument> made = make(term);
  term->in_progress = false;
  if (made) term->value = made;
  return made;
}

std::optional<Argument> Emitter::make(Term* term) {
  switch (term->kind) {
    case Term::Kind::literal: return term->literal;
    case Term::Kind::call: return call(term);
    case Term::Kind::list: {
      Argument::List elements;
      for (Term* element : term->elements) {
        std::optional<Argument> made = value(element);
        if (!made) return std::nullopt;
        elements.push_back(std::move(*made));
      }
      return Argument(std::move(elements));
    }
    case Term::Kind::hole: return leaf(term);
  }
  return std::nullopt;
}

std::optional<Argument> Emitter::call(Term* term) {
  const Signature& signature = *graph_.operators().signature(term->op);
  std::vector<Argument> positional;
  std::vector<std::pair<std::string, Argument>> named;
  for (size_t i = 0; i < signature.parameters.size(); ++i) {
    std::optional<Argument> made = value(term->arguments[i]);
    if (!made) return std::nullopt;
    if (signature.parameters[i].keyword_only)
      named.emplace_back(signature.parameters[i].name, std::move(*made));
    else
      positional.push_back(std::move(*made));
  }
  const auto refuse = [&](const Diagnostics& why) {
    refused = why.list().empty() ? "" : why.list().front().message();
    refused_term = term->name;
    return std::nullopt;
  };
  auto arguments = normalise_arguments(graph_.operators(), term->op, std::move(positional), std::move(named));
  if (!arguments.ok()) return refuse(arguments.diagnostics());
  auto type = infer_type(graph_, term->op, *arguments);
  if (!type.ok()) return refuse(type.diagnostics());
  if (type->kind == ValueType::Kind::unknown) {
    if (can_infer(graph_.operators(), term->op)) {
      refused = "the result's type is not known";
      refused_term = term->name;
      return std::nullopt;
    }
    const TensorType own = type_of(term->wish ? *term->wish : Wish{});
    *type = signature.returns.size() > 1 ? ValueType::tuple(std::vector<TensorType>(signature.returns.size(), own))
                                         : ValueType::tensor(own);
  }
  ++calls;
  Node* node = graph_.add_call(term->op, std::move(*arguments), std::move(*type));
  made_.push_back(term);
  return Argument(node);
}

std::optional<Argument> Emitter::leaf(Term* term) {
  const ParameterKind kind = term->has_parameter ? term->parameter.kind : ParameterKind::any;
  const bool may_be_none = !term->not_none && (!term->has_parameter || term->parameter.optional);
  if (kind == ParameterKind::tensor || term->node_required) {
    if (may_be_none && !term->node_required && decisions_.choose(term->name + ":given", {1, 1}) == 0) return Argument();
    Node* node = tensor(term, term->wish ? *term->wish : recipes_.draw_wish(term->name));
    return node ? std::optional<Argument>(node) : std::nullopt;
  }
  if (kind == ParameterKind::tensor_list) {
    Argument::List elements;
    const size_t count = 1 + decisions_.choose(term->name + ":length", {2, 2, 1});
    for (size_t i = 0; i < count; ++i) {
      Node* node = tensor(term, term->wish ? *term->wish : recipes_.draw_wish(term->name));
      if (!node) return std::nullopt;
      elements.emplace_back(node);
    }
    return Argument(std::move(elements));
  }
  if (kind == ParameterKind::qparam && decisions_.choose(term->name + ":at run time", {8, 1}) == 1) {
    Node* node = tensor(term, {contains(term->parameter.name, "zero") ? DType::s64 : DType::f32, {1}});
    return node ? std::optional<Argument>(node) : std::nullopt;
  }
  if (kind == ParameterKind::any && term->wish && term->has_parameter) {
    Node* node = tensor(term, *term->wish);
    return node ? std::optional<Argument>(node) : std::nullopt;
  }
  return plain(term);
}

// An argument that is no tensor.
std::optional<Argument> Emitter::plain(Term* term) {
  const ParameterKind kind = term->has_parameter ? term->parameter.kind : ParameterKind::any;
  std::vector<Argument> options;
  std::vector<uint32_t> weights;
  const auto add = [&](Argument value, uint32_t weight) {
    options.push_back(std::move(value));
    weights.push_back(weight);
  };
  const bool named = !term->slots.empty();
  if (term->has_parameter && contains(term->parameter.name, "scale") && !term->suggestion) {
    for (const double scale : {0.02, 0.05, 1.0, 0.3, 0.003, 2.5}) add(scale, 2);
  } else if (term->has_parameter && contains(term->parameter.name, "zero_point") && !term->suggestion) {
    for (const int64_t zero_point : {0, 3, 113, 127, 1}) add(zero_point, 2);
  }
  if (term->suggestion) add(*term->suggestion, term->firm ? 120 : named ? 12 : 16);
  // A parameter that nothing names keeps its default more often than not.
  if (term->has_parameter && term->parameter.has_default) add(term->parameter.default_value, named ? 6 : 20);
  if (term->has_parameter && term->parameter.optional && !term->not_none && !term->suggestion) add({}, 6);
  std::vector<Term*> related;
  for (const std::string& slot : term->slots) {
    const auto found = hints_.related.find(slot);
    if (found == hints_.related.end()) continue;
    for (const std::string& other : found->second) {
      for (Term& candidate : skeleton_.terms()) {
        if (candidate.link || &candidate == term || candidate.kind == Term::Kind::call) continue;
        if (std::find(candidate.slots.begin(), candidate.slots.end(), other) != candidate.slots.end())
          related.push_back(&candidate);
      }
    }
  }
  // Scales are positive: quantization means nothing with others.
  const bool scale = term->has_parameter && contains(term->parameter.name, "scale");
  const auto sensible = [&](const Argument& value) { return !scale || !value.number() || *value.number() > 0; };
  const uint32_t pool = named && !asks(term, {}) ? 2 : 1;
  for (const Argument& literal : hints_.literals) {
    if (takes(kind, literal) && sensible(literal)) add(literal, pool);
  }
  if (kind == ParameterKind::dtype) {
    for (const DType dtype : hints_.dtypes) add(dtype, pool);
  }
  for (const Argument& value : usual(kind)) {
    if (sensible(value)) add(value, term->suggestion || options.size() > 6 ? 1 : 3);
  }
  if (options.empty()) return std::nullopt;
  weights.insert(weights.end(), related.size(), 12);
  const size_t chosen = decisions_.choose(term->name + ":value", weights);
  if (chosen < options.size()) return options[chosen];
  const std::optional<Argument> other = value(related[chosen - options.size()]);
  return other && (takes(kind, *other) || kind == ParameterKind::any) ? other : options.front();
}

Node* Emitter::tensor(Term* term, const Wish& wish) {
  const TensorType type = type_of(wish);
  const std::string parameter = term->has_parameter ? term->parameter.name : "";
  const bool parameterish = contains(parameter, "weight") || contains(parameter, "scale") ||
                            contains(parameter, "zero_point") || contains(parameter, "bias");
  std::array<uint32_t, 4> weights{10, 2, 1, 1};  // input, constant, result of a call, another value again
  if (parameterish) weights = {4, 8, 1, 1};
  if (asks(term, {"constant", "all_zero", "all_equal", "scalar"})) weights = {2, 12, 1, 1};
  if (asks(term, {"input", "depends"})) weights[2] = 6;
  if (asks(term, {"same", "depends"})) weights[3] = 4;
  switch (decisions_.choose(term->name + ":source", weights)) {
    case 1:
      if (Node* node = constant(term, wish)) {
        made_.push_back(term);
        return node;
      }
      break;
    case 2: {
      Node* input = nullptr;
      std::vector<Argument> operands;
      std::string op = "aten.clone.default";
      if (is_floating(wish.dtype) && decisions_.choose(term->name + ":of", {1, 1}) == 1) op = "aten.relu.default";
      input = graph_.add_placeholder("x", ValueType::tensor(type));
      const OpId id = graph_.operators().intern(op);
      auto arguments = normalise_arguments(graph_.operators(), id, {Argument(input)}, {});
      if (!arguments.ok()) return nullptr;
      made_.push_back(term);
      return graph_.add_call(id, std::move(*arguments), ValueType::tensor(type));
    }
    case 3: {
      std::vector<Node*> others;
      for (Node* node : graph_.nodes()) {
        if (node->tensor() && *node->tensor() == type) others.push_back(node);
      }
      if (!others.empty()) return others[decisions_.choose(term->name + ":which", others.size())];
      break;
    }
    default: break;
  }
  made_.push_back(term);
  return graph_.add_placeholder("x", ValueType::tensor(type));
}

Node* Emitter::constant(Term* term, const Wish& wish) {
  int64_t count = 1;
  for (const int64_t size : wish.sizes) {
    if (size == kBatch) return nullptr;
    count *= size;
    if (count > kLargestConstant) return nullptr;
  }
  if (!text::has_element_text(wish.dtype)) return nullptr;
  const std::string parameter = term->has_parameter ? term->parameter.name : "";
  const bool scale = contains(parameter, "scale"), zero_point = contains(parameter, "zero_point");
  // random, all the same, zeros, extremes
  std::array<uint32_t, 4> weights{8, 1, 1, 1};
  if (zero_point) weights = {1, 1, 8, 1};
  if (asks(term, {"all_zero"})) weights[2] = 12;
  if (asks(term, {"all_equal", "scalar"})) weights[1] = 6;
  const size_t way = decisions_.choose(term->name + ":elements", weights);
  Elements elements(decisions_.number(term->name + ":seed"));
  const double same_real = scale ? 0.25 : 1.5;
  const ConstantPtr data = Constant::make(wish.dtype, wish.sizes, [&](void* bytes) {
    for (int64_t i = 0; i < count; ++i) {
      if (is_floating(wish.dtype)) {
        double value = scale ? rounded(0.002 + 0.2 * elements.unit()) : rounded(elements.normal());
        if (way == 1) value = same_real;
        if (way == 2 && !scale) value = 0;
        if (way == 3) value = scale ? (i % 2 ? 0.001 : 4.0) : (i % 2 ? -100 : 100);
        text::store_real(bytes, wish.dtype, i, value);
      } else if (wish.dtype == DType::boolean) {
        text::store_integer(bytes, wish.dtype, i, static_cast<int64_t>(way == 2 ? 0 : elements.next() % 2));
      } else {
        const bool narrow = size_of(wish.dtype) == 1;
        const int64_t low = zero_point ? -3 : narrow ? lowest(wish.dtype) : std::max<int64_t>(lowest(wish.dtype), -100);
        const int64_t high = zero_point ? 3 : narrow ? highest(wish.dtype) : 100;
        int64_t value = low + static_cast<int64_t>(elements.next() % static_cast<uint64_t>(high - low + 1));
        if (way == 1) value = 3;
        if (way == 2) value = 0;
        if (way == 3) value = i % 2 ? low : high;
        text::store_integer(bytes, wish.dtype, i, std::max(value, lowest(wish.dtype)));
      }
    }
  });
  return graph_.add_constant("c", data, nullptr, "c" + std::to_string(graph_.size()));
}

Bindings Emitter::bindings(const RuleTerms& rule) const {
  Bindings bindings(rule.slots.size());
  const auto value_of = [](Term* term) { return term ? find(term)->value.value_or(Argument()) : Argument(); };
  for (size_t slot = 0; slot < rule.slots.size(); ++slot) {
    if (rule.list_bound[slot]) {
      Argument::List list;
      for (Term* term : rule.lists[slot]) list.push_back(value_of(term));
      bindings[slot] = {true, Argument(std::move(list))};
    } else if (rule.slots[slot]) {
      bindings[slot] = {true, value_of(rule.slots[slot])};
    }
  }
  return bindings;
}

}  // namespace qrules::generate
