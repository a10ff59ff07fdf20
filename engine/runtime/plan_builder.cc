// Layouts are chosen from inputs to outputs: a handler sees the layouts that the producers of its operands chose, may
// ask for others (a copy is then put in front) and chooses those of its results. Nodes whose operands are constants are
// run at once.
//
// Values live in roots. A view shares the root of its operand; so does a result that a kernel writes in place.
// Overwriting is allowed only where no node that could read the root comes later, which is looked up in the graph's own
// use lists of every node that lives in it, and never for inputs, constants and results of the model.

#include <qrules/runtime/plan_builder.h>

#include <algorithm>

#include <omp.h>

#include <qrules/runtime/arena.h>
#include <qrules/runtime/copy.h>
#include <qrules/runtime/diagnostics.h>
#include <qrules/support/aligned.h>

namespace qrules {

// A node's preparation by one handler. Nothing is entered into the plan before the handler has agreed.
class BuilderContext final : public PrepareContext {
 public:
  BuilderContext(PlanBuilder& builder, const Node& node, std::vector<TensorLayout> outputs)
      : builder_(builder), node_(node), outputs_(std::move(outputs)) {
    for (const Use& use : node.operands()) inputs_.push_back(builder.places_.at(use.value).front());
    required_.resize(inputs_.size());
    written_into_.resize(outputs_.size());
    aliases_.resize(outputs_.size());
    for (const Place& input : inputs_) layouts_.push_back(input.layout);
  }

  const Node& node() const override { return node_; }
  size_t input_count() const override { return inputs_.size(); }
  const TensorLayout& input(size_t operand) const override { return layouts_[operand]; }
  const void* constant_data(size_t operand) const override {
    const Root& root = builder_.plan_->roots[inputs_[operand].root];
    return root.kind == Root::Kind::constant ? static_cast<const char*>(root.data.get()) + inputs_[operand].byte_offset
                                             : nullptr;
  }
  std::optional<size_t> operand_of(std::string_view parameter) const override {
    const Argument* argument = node_.argument(parameter);
    if (!argument || !argument->node()) return std::nullopt;
    // Operands are the nodes among the arguments, in order, repeated as often as they occur.
    size_t index = 0;
    for (const Argument& given : node_.arguments()) {
      if (&given == argument) return index;
      index += count_nodes(given);
    }
    return std::nullopt;
  }
  std::vector<int64_t> integers(std::string_view parameter) const override {
    std::vector<int64_t> result;
    const Argument* argument = node_.argument(parameter);
    if (!argument) return result;
    const auto add = [&](const Argument& element) {
      if (auto integer = element.integer())
        result.push_back(*integer);
      else if (const Dim* dim = element.get_if<Dim>())
        result.push_back(builder_.evaluate(*dim).value_or(0));
    };
    if (const Argument::List* list = argument->list()) {
      for (const Argument& element : *list) add(element);
    } else {
      add(*argument);
    }
    return result;
  }
  size_t output_count() const override { return outputs_.size(); }
  TensorLayout& output(size_t result) override { return outputs_[result]; }

  void require_layout(size_t operand, TensorLayout layout) override {
    if (same_elements(inputs_[operand].layout, layout)) return;
    layouts_[operand] = layout;
    if (constant_data(operand)) {
      // Made now: the handler reads what it asked for.
      inputs_[operand] = builder_.relayout(*node_.operand(operand), inputs_[operand], layout, true);
      return;
    }
    required_[operand] = std::move(layout);
  }
  bool may_overwrite(size_t operand) const override {
    if (required_[operand]) return true;  // a copy made for this node
    const size_t root = inputs_[operand].root;
    if (builder_.plan_->roots[root].kind != Root::Kind::arena || builder_.uses_[root].is_result) return false;
    size_t shares = 0;
    for (const Place& input : inputs_) shares += input.root == root ? 1 : 0;
    if (shares != 1) return false;
    for (const Node* value : builder_.uses_[root].nodes) {
      for (const Use* use = value->first_use(); use; use = use->next) {
        if (use->user->kind() == NodeKind::output) return false;
        if (use->user != &node_ && !use->user->before(node_)) return false;
      }
    }
    return true;
  }
  void write_into(size_t result, size_t operand) override { written_into_[result] = operand; }
  void alias(size_t result, size_t operand, size_t byte_offset) override { aliases_[result] = {operand, byte_offset}; }
  std::shared_ptr<const void> packed(const std::string& format, size_t bytes,
                                     const std::function<void(void*)>& fill) override {
    if (!builder_.packed_) return PrepareContext::packed(format, bytes, fill);
    const std::string name = node_.name() + " pack " + std::to_string(packings_++) + " " + format;
    if (auto known = builder_.packed_->find(name, bytes)) return known;
    auto made = PrepareContext::packed(format, bytes, fill);
    packed_.push_back({name, made, bytes});
    return made;
  }
  void request_scratch(size_t bytes) override { scratch_ = std::max(scratch_, bytes); }
  int threads() const override { return builder_.threads_; }
  bool rounds_products() const override { return builder_.round_products_; }
  void note(std::string text) override { note_ += (note_.empty() ? "" : "; ") + text; }

 private:
  friend class PlanBuilder;
  struct Alias {
    size_t operand = 0;
    size_t byte_offset = 0;
  };

  struct Packed {
    std::string name;
    std::shared_ptr<const void> data;
    size_t bytes;
  };

  static size_t count_nodes(const Argument& argument) {
    if (argument.node()) return 1;
    size_t count = 0;
    if (const Argument::List* list = argument.list()) {
      for (const Argument& element : *list) count += count_nodes(element);
    }
    return count;
  }

  PlanBuilder& builder_;
  const Node& node_;
  std::vector<Place> inputs_;
  std::vector<TensorLayout> layouts_;
  std::vector<TensorLayout> outputs_;
  std::vector<std::optional<TensorLayout>> required_;
  std::vector<std::optional<size_t>> written_into_;
  std::vector<std::optional<Alias>> aliases_;
  size_t scratch_ = 0;
  std::string note_;
  size_t packings_ = 0;
  std::vector<Packed> packed_;  // made now: kept when the handler agrees
};

PlanBuilder::PlanBuilder(std::shared_ptr<const Graph> graph, const std::map<std::string, int64_t>& symbols,
                         const PlanOptions& options)
    : plan_(std::make_shared<PreparedPlan>()), graph_(*graph), symbols_(symbols) {
  plan_->graph = std::move(graph);
  plan_->threads = options.threads;
  handlers_ = options.handlers    ? options.handlers
              : options.reference ? HandlerRegistry::reference()
                                  : HandlerRegistry::builtin();
  packed_ = options.packed;
  round_products_ = options.round_products;
  threads_ = options.threads > 0 ? options.threads : omp_get_max_threads();
}

Result<std::shared_ptr<const Plan>> PlanBuilder::build() {
  if (plan_->threads > 0) omp_set_num_threads(plan_->threads);
  for (const Node* node = graph_.first(); node; node = node->next()) {
    Status status = Done();
    switch (node->kind()) {
      case NodeKind::placeholder: status = add_placeholder(*node); break;
      case NodeKind::constant: status = add_constant(*node); break;
      case NodeKind::call: status = add_call(*node); break;
      case NodeKind::output: status = add_outputs(*node); break;
    }
    if (!status.ok()) return status.diagnostics();
  }
  finish();
  return std::shared_ptr<const Plan>(plan_);
}

std::optional<int64_t> PlanBuilder::evaluate(Dim dim) const {
  if (dim.is_static()) return dim.value();
  return graph_.dims().evaluate(dim, symbols_);
}

Result<TensorLayout> PlanBuilder::layout_of(const Node& node, const TensorType& type) const {
  std::vector<int64_t> sizes;
  for (Dim size : type.sizes) {
    const auto value = evaluate(size);
    if (!value) return Diagnostic(kSizeNotKnown).with("size", graph_.dims().print(size)).with("node", node.name());
    sizes.push_back(*value);
  }
  return TensorLayout::contiguous(type.dtype, std::move(sizes));
}

size_t PlanBuilder::add_root(Root root) {
  plan_->roots.push_back(std::move(root));
  uses_.emplace_back();
  return plan_->roots.size() - 1;
}

Status PlanBuilder::add_placeholder(const Node& node) {
  if (!node.tensor()) return Diagnostic(kTypeNotKnown).with("node", node.name());
  auto layout = layout_of(node, *node.tensor());
  if (!layout.ok()) return layout.diagnostics();
  Root root;
  root.kind = Root::Kind::input;
  root.bytes = layout->byte_extent();
  root.input = plan_->inputs.size();
  plan_->inputs.push_back(*layout);
  places_[&node] = {{add_root(std::move(root)), 0, std::move(*layout)}};
  return Done();
}

Status PlanBuilder::add_constant(const Node& node) {
  const Constant& constant = *node.constant();
  if (!constant.has_data()) {
    if (node.unused()) return Done();
    return Diagnostic(kConstantNotKnown).with("node", node.name());
  }
  Root root;
  root.kind = Root::Kind::constant;
  root.bytes = constant.bytes;
  root.data = constant.data;
  places_[&node] = {{add_root(std::move(root)), 0, TensorLayout::contiguous(constant.dtype, constant.sizes)}};
  return Done();
}

void PlanBuilder::add_getitem(const Node& node) {
  const auto index = node.argument(1).integer().value_or(0);
  const std::vector<Place>& parts = places_.at(node.operand(0));
  const size_t wrapped = static_cast<size_t>(index < 0 ? index + static_cast<int64_t>(parts.size()) : index);
  const Place place = parts[std::min(wrapped, parts.size() - 1)];
  places_[&node] = {place};
  uses_[place.root].nodes.push_back(&node);
}

Status PlanBuilder::add_call(const Node& node) {
  if (node.op_name() == "_operator.getitem") {
    add_getitem(node);
    return Done();
  }
  if (node.type().kind == ValueType::Kind::unknown) return Diagnostic(kTypeNotKnown).with("node", node.name());
  std::vector<TensorLayout> layouts;
  for (const TensorType& type : node.type().tensors) {
    auto layout = layout_of(node, type);
    if (!layout.ok()) return layout.diagnostics();
    layouts.push_back(std::move(*layout));
  }
  Diagnostic none = Diagnostic(kNoLowering).with("node", node.name()).with("op", node.op_name());
  std::string refusals;
  for (const Handler* handler : handlers_->find(node.op_name())) {
    BuilderContext context(*this, node, layouts);
    auto kernel = handler->prepare(context);
    if (!kernel.ok()) {
      const std::string why = std::string(handler->name()) + ": " + kernel.diagnostics().list().front().message();
      refusals += (refusals.empty() ? "" : "; ") + why;
      none.notes.push_back(why);
      continue;
    }
    for (const auto& [name, data, bytes] : context.packed_) packed_->add(name, data, bytes);
    Step step;
    for (size_t i = 0; i < context.inputs_.size(); ++i) {
      Place place = context.inputs_[i];
      if (context.required_[i]) {
        const bool overwritten = std::find(context.written_into_.begin(), context.written_into_.end(),
                                           std::optional<size_t>(i)) != context.written_into_.end();
        place = relayout(*node.operand(i), place, *context.required_[i], !overwritten);
      }
      step.inputs.push_back(std::move(place));
    }
    std::vector<Place> results;
    bool in_place = false;
    for (size_t i = 0; i < context.outputs_.size(); ++i) {
      Place place;
      place.layout = std::move(context.outputs_[i]);
      if (const auto& alias = context.aliases_[i]) {
        place.root = step.inputs[alias->operand].root;
        place.byte_offset = step.inputs[alias->operand].byte_offset + alias->byte_offset;
      } else if (const auto& operand = context.written_into_[i]) {
        place.root = step.inputs[*operand].root;
        place.byte_offset = step.inputs[*operand].byte_offset;
        in_place = true;
        // Copies of other values that a view shows may be written over; later users need copies of their own.
        for (auto& [value, copies] : copies_)
          std::erase_if(copies, [&](const Place& copy) { return copy.root == place.root; });
      } else {
        Root root;
        root.bytes = place.layout.byte_extent();
        place.root = add_root(std::move(root));
      }
      uses_[place.root].nodes.push_back(&node);
      results.push_back(std::move(place));
    }
    PlanStep report;
    report.node = node.name();
    report.op = node.op_name();
    report.handler = std::string(handler->name());
    report.implementation = *kernel ? (*kernel)->implementation() : "view";
    report.note = context.note_;
    report.fallback = report.handler == "aten";
    // Another fast kernel in place of the one that refused is nothing to report.
    if (!refusals.empty() && (report.fallback || report.implementation.starts_with("ref")))
      report.note += (report.note.empty() ? "" : "; ") + refusals;
    report.in_place = in_place;
    if (const Provenance* from = node.provenance()) report.calls = from->siblings;
    std::vector<TensorLayout> operands, made;
    for (const Place& place : step.inputs) {
      operands.push_back(place.layout);
      report.bytes_read += place.layout.byte_extent();
    }
    for (const Place& place : results) {
      made.push_back(place.layout);
      report.bytes_written += place.layout.byte_extent();
    }
    report.operations = operations_of(node, operands, made);
    report.work = work_kind_of(node, operands);
    plan_->report.push_back(std::move(report));
    if (*kernel) {
      step.kernel = std::move(*kernel);
      step.outputs = results;
      step.report = plan_->report.size() - 1;
      scratch_ = std::max(scratch_, context.scratch_);
      const bool known = std::all_of(step.inputs.begin(), step.inputs.end(), [&](const Place& place) {
        return plan_->roots[place.root].kind == Root::Kind::constant;
      });
      if (known && !in_place && graph_.operators().pure(node.op())) {
        if (!fold(step))
          return Diagnostic(kConstantNotComputed).with("node", node.name()).with("op", std::string(node.op_name()));
      } else {
        plan_->program.push_back(std::move(step));
      }
    }
    places_[&node] = std::move(results);
    return Done();
  }
  return none;
}

Place PlanBuilder::relayout(const Node& value, const Place& place, const TensorLayout& layout, bool shared) {
  if (shared) {
    for (const Place& copy : copies_[&value]) {
      if (same_elements(copy.layout, layout)) return copy;
    }
  }
  Step step;
  step.kernel = make_copy(place.layout, layout);
  step.inputs = {place};
  Root root;
  root.bytes = layout.byte_extent();
  Place copy{add_root(std::move(root)), 0, layout};
  step.outputs = {copy};
  PlanStep report;
  report.node = value.name();
  report.op = "reorder";
  report.handler = "reorder";
  report.implementation = step.kernel->implementation();
  report.operations = layout.element_count();
  report.bytes_read = place.layout.byte_extent();
  report.bytes_written = layout.byte_extent();
  plan_->report.push_back(std::move(report));
  step.report = plan_->report.size() - 1;
  // A copy that its only reader writes over is made anew in each run.
  if (shared && plan_->roots[place.root].kind == Root::Kind::constant)
    fold(step);  // a copy refuses nothing
  else
    plan_->program.push_back(std::move(step));
  if (shared) copies_[&value].push_back(copy);
  return copy;
}

// Names the elements of a step's result: the node, what computed it, and how operands and result lie.
std::string PlanBuilder::name_of_folded(const Step& step, size_t result) const {
  const PlanStep& report = plan_->report[step.report];
  std::string name = report.node + " fold " + report.handler + " " + report.op + " " + std::to_string(result);
  const auto add = [&](const TensorLayout& layout) {
    name += " " + std::string(qrules::name(layout.dtype));
    for (size_t i = 0; i < layout.sizes.size(); ++i)
      name += (i ? "," : "") + std::to_string(layout.sizes[i]) + ":" + std::to_string(layout.strides[i]);
  };
  for (const Place& place : step.inputs) add(place.layout);
  add(step.outputs[result].layout);
  return name;
}

bool PlanBuilder::recall(const Step& step) {
  std::vector<std::shared_ptr<const void>> known;
  for (size_t i = 0; i < step.outputs.size(); ++i) {
    known.push_back(packed_->find(name_of_folded(step, i), plan_->roots[step.outputs[i].root].bytes));
    if (!known.back()) return false;
  }
  for (size_t i = 0; i < step.outputs.size(); ++i) {
    Root& root = plan_->roots[step.outputs[i].root];
    root.kind = Root::Kind::constant;
    root.data = std::move(known[i]);
  }
  plan_->report[step.report].implementation = "constant";
  return true;
}

bool PlanBuilder::fold(Step& step) {
  if (packed_ && recall(step)) return true;
  std::vector<const void*> inputs;
  std::vector<void*> outputs;
  for (const Place& place : step.inputs)
    inputs.push_back(static_cast<const char*>(plan_->roots[place.root].data.get()) + place.byte_offset);
  for (const Place& place : step.outputs) {
    Root& root = plan_->roots[place.root];
    std::shared_ptr<void> memory = allocate_aligned(root.bytes);
    outputs.push_back(memory.get());
    root.kind = Root::Kind::constant;
    root.data = std::move(memory);
  }
  const std::shared_ptr<void> scratch = allocate_aligned(scratch_);
  const std::unique_ptr<KernelState> state = step.kernel->make_state();
  bool failed = false;
  step.kernel->run({inputs.data(), outputs.data(), scratch.get(), state.get(), &failed});
  if (packed_ && !failed) {
    for (size_t i = 0; i < step.outputs.size(); ++i) {
      const Root& root = plan_->roots[step.outputs[i].root];
      packed_->add(name_of_folded(step, i), root.data, root.bytes);
    }
  }
  plan_->report[step.report].implementation = "constant";
  return !failed;
}

Status PlanBuilder::add_outputs(const Node& node) {
  for (const Argument& argument : node.arguments()) {
    const Node* value = argument.node();
    if (!value) return Diagnostic(kTypeNotKnown).with("node", "output");
    const Place& place = places_.at(value).front();
    uses_[place.root].is_result = true;
    plan_->results.push_back(place);
    plan_->outputs.push_back(place.layout);
  }
  return Done();
}

void PlanBuilder::finish() {
  std::vector<Lifetime> lifetimes;
  std::vector<size_t> lifetime_of(plan_->roots.size(), SIZE_MAX);
  const auto touch = [&](const Place& place, size_t step) {
    const Root& root = plan_->roots[place.root];
    if (root.kind != Root::Kind::arena) return;
    size_t& index = lifetime_of[place.root];
    if (index == SIZE_MAX) {
      index = lifetimes.size();
      lifetimes.push_back({root.bytes, step, step, 0});
    }
    lifetimes[index].last = std::max(lifetimes[index].last, step);
  };
  std::vector<bool> read(plan_->roots.size(), false);
  for (size_t i = 0; i < plan_->program.size(); ++i) {
    for (const Place& place : plan_->program[i].inputs) {
      touch(place, i);
      read[place.root] = true;
    }
    for (const Place& place : plan_->program[i].outputs) touch(place, i);
  }
  // Results stay until the next run.
  for (const Place& place : plan_->results) {
    touch(place, plan_->program.size());
    read[place.root] = true;
  }
  const size_t buffers = plan_arena(lifetimes);
  for (size_t i = 0; i < plan_->roots.size(); ++i) {
    Root& root = plan_->roots[i];
    if (lifetime_of[i] != SIZE_MAX) root.offset = lifetimes[lifetime_of[i]].offset;
    if (root.kind != Root::Kind::constant) continue;
    if (!read[i])
      root.data.reset();  // packed or folded into something else
    else
      plan_->constants += root.bytes;
  }
  plan_->scratch_offset = buffers;
  plan_->arena = buffers + scratch_;
}

Result<std::shared_ptr<const Plan>> Plan::prepare(std::shared_ptr<const Graph> graph,
                                                  const std::map<std::string, int64_t>& symbols,
                                                  const PlanOptions& options) {
  return PlanBuilder(std::move(graph), symbols, options).build();
}

}  // namespace qrules
