// vector.gate in double.

#include <qrules/lowerings/decomposed/epilogue.h>

namespace qrules::decomposed {
namespace {

Prepared gate(PrepareContext& context) {
  const auto gate = context.operand_of("gate"), value = context.operand_of("value");
  if (!gate || !value) return refuse_argument(context, gate ? "value" : "gate", "it is no tensor");
  const auto activation = parse_post_op(*context.node().argument("activation")->get_if<std::string>());
  if (!activation || post_op_arguments(*activation) != 0)
    return refuse_argument(context, "activation", "it is no function of one value");
  auto epilogue = Epilogue::prepare(context);
  if (!epilogue) return epilogue.diagnostics();
  TensorLayout& out = context.output(0);
  out = TensorLayout::contiguous(out.dtype, out.sizes);
  const DType gate_dtype = context.input(*gate).dtype, value_dtype = context.input(*value).dtype;
  for (const size_t operand : {*gate, *value})
    context.require_layout(operand, TensorLayout::contiguous(context.input(operand).dtype, out.sizes));
  return make_kernel("ref", [=, count = out.element_count(), gate = *gate, value = *value, activation = *activation,
                             epilogue = *epilogue](const KernelArguments& arguments) {
    const EpilogueRun run(epilogue, arguments);
    for (int64_t i = 0; i < count; ++i) {
      run.store_at(i, apply(activation, 0, 0, load<double>(arguments.inputs[gate], gate_dtype, i)) *
                          load<double>(arguments.inputs[value], value_dtype, i));
    }
  });
}

}  // namespace

void add_gate(HandlerRegistry& registry) {
  registry.add("vector.gate.default", std::make_shared<FunctionHandler>("decomposed.gate", gate));
}

}  // namespace qrules::decomposed
