// Grows a graph from its inputs: each step draws operands among the values that fit and lets normalisation and
// inference complete the call, so that a graph is valid by construction.

#include "random_graph.h"

#include <random>
#include <stdexcept>

#include <qrules/graph/infer.h>
#include <qrules/graph/normalise.h>

namespace qrules::testing {
namespace {

class Grower {
 public:
  Grower(uint32_t seed, size_t calls) : random_(seed), calls_(calls) {
    batch_ = seed % 2 ? graph_.dims().add(graph_.dims().multiply(2, graph_.dims().symbol("batch")), seed % 3)
                      : Dim(1 + draw(5));
  }

  Graph grow() {
    for (size_t i = 0, count = 1 + draw(3); i < count; ++i) {
      floats_.push_back(graph_.add_placeholder("x", ValueType::tensor({DType::f32, {batch_, width()}, {}})));
    }
    for (size_t i = 0; i < calls_; ++i) step();
    std::vector<Argument> results;
    for (size_t i = 0, count = 1 + draw(2); i < count; ++i) results.push_back(any(floats_));
    graph_.set_outputs(std::move(results));
    return std::move(graph_);
  }

 private:
  // The distributions of the standard library differ between implementations; the remainder does not.
  uint32_t draw(uint32_t bound) { return static_cast<uint32_t>(random_() % bound); }
  Dim width() { return int64_t{4} << draw(2); }
  Node* any(const std::vector<Node*>& values) { return values[draw(static_cast<uint32_t>(values.size()))]; }
  double real() { return (static_cast<double>(draw(2001)) - 1000.0) / 7.0; }

  Node* call(const char* op, std::vector<Argument> positional,
             std::vector<std::pair<std::string, Argument>> keywords = {}) {
    const OpId id = graph_.operators().intern(op);
    auto arguments = normalise_arguments(graph_.operators(), id, std::move(positional), std::move(keywords));
    if (!arguments) throw std::logic_error(render_text(arguments.diagnostics()));
    auto type = infer_type(graph_, id, *arguments);
    if (!type) throw std::logic_error(render_text(type.diagnostics()));
    Node* node = graph_.add_call(id, std::move(*arguments), std::move(*type));
    if (draw(8) == 0)
      graph_.set_provenance(node,
                            {"rule-" + std::to_string(draw(9)), {"a", "b"}, "model.py:" + std::to_string(draw(99))});
    return node;
  }

  Node* weights(int64_t rows, int64_t columns) {
    const bool uniform = draw(4) == 0;
    const ConstantPtr data = Constant::make(DType::f32, {rows, columns}, [&](void* memory) {
      float value = static_cast<float>(real());
      for (int64_t i = 0; i < rows * columns; ++i) {
        if (!uniform) value = static_cast<float>(real());
        static_cast<float*>(memory)[i] = value;
      }
    });
    return graph_.add_constant("w", data, nullptr, draw(2) ? "layer." + std::to_string(draw(9)) + ".weight" : "");
  }

  void step() {
    Node* x = any(floats_);
    const int64_t n = x->tensor()->sizes.back().value();
    switch (draw(9)) {
      case 0: floats_.push_back(call("aten.relu.default", {x})); break;
      case 1: floats_.push_back(call("aten.hardtanh.default", {x, real()}, {{"max_val", 200.0}})); break;
      case 2:
        floats_.push_back(
            call("aten.mul.Scalar", {x, draw(2) ? Argument(static_cast<int64_t>(draw(9))) : Argument(real())}));
        break;
      case 3: {
        std::vector<Node*> fitting;
        for (Node* other : floats_) {
          if (other->tensor()->sizes == x->tensor()->sizes) fitting.push_back(other);
        }
        floats_.push_back(
            call("aten.add.Tensor", {x, any(fitting)}, {{"alpha", draw(2) ? Argument(1) : Argument(0.5)}}));
        break;
      }
      case 4: floats_.push_back(call("aten.linear.default", {x, weights(width().value(), n)})); break;
      case 5: {
        const bool is_signed = draw(2) == 0;
        quantized_.push_back(call("quantized_decomposed.quantize_per_tensor.default",
                                  {x, 0.01 + draw(100) / 64.0, static_cast<int64_t>(draw(100)), is_signed ? -128 : 0,
                                   is_signed ? 127 : 255, is_signed ? DType::s8 : DType::u8}));
        break;
      }
      case 6: {
        if (quantized_.empty()) return;
        Node* q = any(quantized_);
        const bool is_signed = q->tensor()->dtype == DType::s8;
        floats_.push_back(call("quantized_decomposed.dequantize_per_tensor.default",
                               {q, 0.01, static_cast<int64_t>(draw(100)), is_signed ? -128 : 0, is_signed ? 127 : 255,
                                q->tensor()->dtype}));
        break;
      }
      case 7: {
        // There and back through another shape; the sizes are symbolic when the batch is.
        DimTable& dims = graph_.dims();
        Node* flat = call("aten.view.default", {x, Argument::List{dims.multiply(batch_, n)}});
        floats_.push_back(call("aten.view.default", {flat, Argument::List{Argument(-1), Argument(n)}}));
        break;
      }
      default: {
        Node* pair =
            call("aten.native_layer_norm.default", {x, Argument::List{Argument(n)}, Argument(), Argument(), 1e-5});
        floats_.push_back(call("_operator.getitem", {pair, 0}));
        break;
      }
    }
  }

  std::mt19937 random_;
  size_t calls_;
  Graph graph_;
  Dim batch_;
  std::vector<Node*> floats_;
  std::vector<Node*> quantized_;
};

}  // namespace

Graph random_graph(uint32_t seed, size_t calls) { return Grower(seed, calls).grow(); }

}  // namespace qrules::testing
