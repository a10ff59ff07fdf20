// Any operator that LibTorch knows, called boxed through its dispatcher on the plan's own buffers.

#include <algorithm>
#include <mutex>

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <ATen/core/dispatch/Dispatcher.h>
#include <c10/core/InferenceMode.h>
#include <c10/util/Exception.h>

#include <qrules/lowerings/aten/values.h>
#include <qrules/runtime/torch.h>

namespace qrules {
namespace {

inline const DiagnosticKind kDispatcher{
    "QR0730", Level::error, "dispatcher", "`{op}` cannot be called through the dispatcher: {why}",
    "LibTorch has no such operator for CPUs, or an argument of the call has no value that it takes."};

at::Tensor wrap(void* data, const TensorLayout& layout) {
  const auto type = aten::scalar_type(layout.dtype);
  return at::from_blob(data, layout.sizes, layout.strides, at::TensorOptions().dtype(*type));
}

// The call with everything filled in but its tensors.
struct Call {
  c10::OperatorHandle op;
  std::vector<c10::IValue> stack;
  std::vector<aten::TensorPosition> tensors;
  std::vector<TensorLayout> inputs, outputs;
  // The same operator writing into tensors that it is given, when it has such a form.
  std::optional<c10::OperatorHandle> out;
  std::vector<bool> read;  // for each result, whether a node reads it
};

// Which of its results nodes read. The type written for one that is not read need not be its type: embedding_bag's
// depend on its mode.
std::vector<bool> results_read(const Node& node, size_t count) {
  if (node.tensor()) return std::vector<bool>(count, true);
  std::vector<bool> read(count, false);
  for (const Node* user : node.users()) {
    const Argument* argument = user->op_name() == "_operator.getitem" ? user->argument("index") : nullptr;
    const auto index = argument ? argument->integer() : std::nullopt;
    if (!index) return std::vector<bool>(count, true);
    const int64_t at = *index < 0 ? *index + static_cast<int64_t>(count) : *index;
    if (at >= 0 && at < static_cast<int64_t>(count)) read[static_cast<size_t>(at)] = true;
  }
  return read;
}

// `add.Tensor` has `add.out`, `gt.Scalar` has `gt.Scalar_out`: the same parameters, then a tensor for each result.
std::optional<c10::OperatorHandle> find_out_form(const std::string& packet, const std::string& overload,
                                                 const c10::FunctionSchema& schema) {
  const size_t given = schema.arguments().size(), results = schema.returns().size();
  for (const c10::Argument& result : schema.returns()) {
    if (result.type()->kind() != c10::TypeKind::TensorType) return std::nullopt;
  }
  for (const std::string& name : {overload + "_out", std::string("out")}) {
    auto form = c10::Dispatcher::singleton().findSchema({packet, name});
    if (!form || form->schema().arguments().size() != given + results) continue;
    bool same = true;
    for (size_t i = 0; same && i < given; ++i) {
      const c10::Argument &a = schema.arguments()[i], &b = form->schema().arguments()[i];
      same = a.name() == b.name() && *a.real_type() == *b.real_type();
    }
    for (size_t i = given; same && i < given + results; ++i) same = form->schema().arguments()[i].is_out();
    if (same) return form;
  }
  return std::nullopt;
}

// PyTorch warns of how it is called (a result that it reshapes, a copy that it makes), which nobody who reads the
// output can change.
class Unsaid final : public c10::WarningHandler {
 public:
  void process(const c10::Warning&) override {}
};

// Tensors over the plan's buffers, made in the first run; later runs only look whether an input has moved.
class CallState final : public KernelState {
 public:
  std::vector<at::Tensor> inputs, outputs;
  std::vector<const void*> pointers;
  bool refused_out = false;
};

class DispatcherKernel final : public Kernel {
 public:
  explicit DispatcherKernel(Call call) : call_(std::move(call)) {}

  std::unique_ptr<KernelState> make_state() const override { return std::make_unique<CallState>(); }

  void run(const KernelArguments& arguments) const override {
    const c10::InferenceMode inference;
    Unsaid unsaid;
    const c10::WarningUtils::WarningHandlerGuard quiet(&unsaid);
    auto& state = static_cast<CallState&>(*arguments.state);
    if (state.inputs.empty() && state.outputs.empty()) {
      state.inputs.resize(call_.inputs.size());
      state.pointers.resize(call_.inputs.size(), nullptr);
      wrap_outputs(arguments, state);
    }
    for (size_t i = 0; i < call_.inputs.size(); ++i) {
      if (state.inputs[i].defined() && state.pointers[i] == arguments.inputs[i]) continue;
      state.inputs[i] = wrap(const_cast<void*>(arguments.inputs[i]), call_.inputs[i]);
      state.pointers[i] = arguments.inputs[i];
    }
    if (call_.out && !state.refused_out) {
      // Straight into the plan's buffers. An operator that does not take them as they are is called as in the graph
      // from then on.
      c10::Stack stack = fill(state);
      for (const at::Tensor& output : state.outputs) stack.emplace_back(output);
      try {
        call_.out->callBoxed(&stack);
        // An operator resizes what has other sizes than its result: the graph's types are then not those of its calls.
        bool as_planned = true;
        for (size_t i = 0; i < state.outputs.size(); ++i)
          as_planned &= state.outputs[i].sizes() == c10::IntArrayRef(call_.outputs[i].sizes);
        if (!as_planned) {
          wrap_outputs(arguments, state);
          if (arguments.failed) *arguments.failed = true;
        }
        return;
      } catch (const c10::Error&) {
        state.refused_out = true;
        wrap_outputs(arguments, state);
      }
    }
    // An operator may refuse values that only the run knows, as indices that name nothing.
    try {
      c10::Stack stack = fill(state);
      call_.op.callBoxed(&stack);
      if (!store(stack, state) && arguments.failed) *arguments.failed = true;
    } catch (const std::exception&) {
      if (arguments.failed) *arguments.failed = true;
    }
  }

  std::string implementation() const override { return "aten"; }

 private:
  void wrap_outputs(const KernelArguments& arguments, CallState& state) const {
    state.outputs.clear();
    for (size_t i = 0; i < call_.outputs.size(); ++i)
      state.outputs.push_back(wrap(arguments.outputs[i], call_.outputs[i]));
  }

  // The arguments, with this run's tensors among them.
  c10::Stack fill(const CallState& state) const {
    c10::Stack stack;
    stack.reserve(call_.stack.size() + call_.outputs.size());
    stack = call_.stack;
    // Lists are shared with the template: each is copied before its first element is set.
    size_t copied = SIZE_MAX;
    for (const aten::TensorPosition& position : call_.tensors) {
      const at::Tensor& tensor = state.inputs[position.operand];
      c10::IValue& value = stack[position.argument];
      const bool first = copied != position.argument;
      copied = position.argument;
      if (position.element < 0) {
        value = tensor;
      } else if (value.isTensorList()) {
        if (first) value = value.toTensorList().copy();
        value.toTensorList().set(static_cast<size_t>(position.element), tensor);
      } else {
        if (first) value = value.to<c10::List<std::optional<at::Tensor>>>().copy();
        value.to<c10::List<std::optional<at::Tensor>>>().set(static_cast<size_t>(position.element), tensor);
      }
    }
    return stack;
  }

  // Copies what the operator returned to where the plan wants it. False when it has other sizes than planned.
  bool store(const c10::Stack& stack, const CallState& state) const {
    size_t next = 0;
    bool as_planned = true;
    const auto copy = [&](const at::Tensor& result) {
      if (next < state.outputs.size() && call_.read[next] && result.defined()) {
        as_planned &= result.sizes() == c10::IntArrayRef(call_.outputs[next].sizes);
        if (as_planned) state.outputs[next].copy_(result);
      }
      ++next;
    };
    for (const c10::IValue& value : stack) {
      if (value.isTensor()) {
        copy(value.toTensor());
      } else if (value.isTensorList()) {
        for (const at::Tensor& tensor : value.toTensorVector()) copy(tensor);
      } else {
        ++next;
      }
    }
    return as_planned;
  }

  Call call_;
};

class DispatcherHandler final : public Handler {
 public:
  std::string_view name() const override { return "aten"; }

  Result<std::unique_ptr<Kernel>> prepare(PrepareContext& context) const override {
    const Node& node = context.node();
    const auto refuse = [&](std::string why) {
      return Diagnostic(kDispatcher).with("op", node.op_name()).with("why", std::move(why));
    };
    const std::string& full = node.op_name();
    const size_t first = full.find('.'), last = full.rfind('.');
    if (first == std::string::npos || first == last) return refuse("its name has no overload");
    const std::string packet = full.substr(0, first) + "::" + full.substr(first + 1, last - first - 1);
    const std::string overload = full.substr(last + 1) == "default" ? "" : full.substr(last + 1);
    auto op = c10::Dispatcher::singleton().findSchema({packet, overload});
    if (!op) return refuse("LibTorch has no operator `" + packet + "`");
    const c10::FunctionSchema& schema = op->schema();
    if (schema.is_mutable()) return refuse("it writes to its operands");
    if (schema.arguments().size() != node.arguments().size()) return refuse("its signature differs from the graph's");
    Call call{*op, {}, {}, {}, {}, find_out_form(packet, overload, schema), {}};
    size_t operand = 0;
    for (size_t i = 0; i < schema.arguments().size(); ++i) {
      aten::Converted converted =
          aten::convert(node.argument(i), schema.arguments()[i].real_type(), context, i, operand, call.tensors);
      if (!converted.error.empty()) return refuse(converted.error);
      call.stack.push_back(std::move(converted.value));
    }
    if (operand != context.input_count()) return refuse("some of its operands stand where it takes no tensors");
    for (size_t i = 0; i < context.input_count(); ++i) call.inputs.push_back(context.input(i));
    choose_layouts(context);
    for (size_t i = 0; i < context.output_count(); ++i) call.outputs.push_back(context.output(i));
    call.read = results_read(node, call.outputs.size());
    if (std::find(call.read.begin(), call.read.end(), false) != call.read.end()) call.out.reset();
    return std::unique_ptr<Kernel>(std::make_unique<DispatcherKernel>(std::move(call)));
  }

 private:
  // A result of the size of the first operand keeps its layout: elementwise operators then run over plain memory.
  static void choose_layouts(PrepareContext& context) {
    if (context.input_count() == 0) return;
    const TensorLayout& first = context.input(0);
    for (size_t i = 0; i < context.output_count(); ++i) {
      TensorLayout& output = context.output(i);
      if (output.sizes == first.sizes && first.is_channels_last() && !first.is_contiguous())
        output.strides = first.strides;
      // Pooling and the like keep the order of dimensions too.
      if (output.sizes.size() == 4 && first.sizes.size() == 4 && first.is_channels_last() && !first.is_contiguous())
        output = TensorLayout::channels_last(output.dtype, output.sizes);
    }
  }
};

}  // namespace

std::shared_ptr<const Handler> make_dispatcher_handler() { return std::make_shared<DispatcherHandler>(); }

}  // namespace qrules
