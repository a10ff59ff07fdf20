// The verifier finds every damage that can be done through the public functions of a graph, and none in sound ones.

#include <qrules/graph/verify.h>

#include <qrules/graph/diagnostics.h>

#include "random_graph.h"
#include "text_helpers.h"

namespace qrules {
namespace {

using testing::graph_of;
using testing::node_of;

std::vector<std::string> damages(const Graph& graph, const VerifyOptions& options = {}) {
  std::vector<std::string> lines;
  const Diagnostics found = verify(graph, options);
  for (const Diagnostic& diagnostic : found.list()) lines.push_back(diagnostic.one_line());
  return lines;
}

using Lines = std::vector<std::string>;

TEST_CASE("Sound graphs have no damage") {
  CHECK(damages(Graph()).empty());
  CHECK(damages(graph_of("graph() { return () }")).empty());
  for (uint32_t seed = 0; seed < 50; ++seed) {
    INFO(seed);
    CHECK(damages(testing::random_graph(seed, 60)) == Lines{});
  }
}

TEST_CASE("A value used before it exists") {
  Graph graph = graph_of("graph(%a: f32[2]) { %b = aten.relu.default(%a) %c = aten.neg.default(%b) return (%c) }");
  SECTION("by a move") {
    graph.move_before(node_of(graph, "c"), node_of(graph, "b"));
    CHECK(damages(graph) == Lines{"error[QR0540]: `%c`: it uses %b, which does not come before it"});
  }
  SECTION("by new arguments") {
    graph.set_arguments(node_of(graph, "b"), {node_of(graph, "c")});
    CHECK(damages(graph) == Lines{"error[QR0540]: `%b`: it uses %c, which does not come before it"});
  }
  SECTION("by a use of itself") {
    graph.replace_all_uses(node_of(graph, "a"), node_of(graph, "b"));
    CHECK(damages(graph) == Lines{"error[QR0540]: `%b`: it uses %b, which does not come before it"});
  }
}

TEST_CASE("Nodes behind the output") {
  Graph graph = graph_of("graph(%a: f32[2]) { %b = aten.relu.default(%a) return (%a) }");
  graph.move_before(graph.output(), node_of(graph, "b"));
  CHECK(damages(graph) == Lines{"error[QR0540]: `%output`: nodes follow the output"});
}

TEST_CASE("Arguments that do not fit the signature") {
  Graph graph = graph_of("graph(%a: f32[2]) { %b = aten.add.Tensor(%a, %a) return (%b) }");
  Node *a = node_of(graph, "a"), *b = node_of(graph, "b");
  SECTION("too few") {
    graph.set_arguments(b, {a, a});
    CHECK(damages(graph) == Lines{"error[QR0540]: `%b`: it has 2 arguments, its signature 3"});
  }
  SECTION("too many") {
    graph.set_arguments(b, {a, a, 1, 1});
    CHECK(damages(graph) == Lines{"error[QR0540]: `%b`: it has 4 arguments, its signature 3"});
  }
  SECTION("of another kind") {
    graph.set_arguments(b, {a, a, "x"});
    CHECK(damages(graph) == Lines{"error[QR0540]: `%b`: `alpha` of `aten.add.Tensor` takes a number, got a text"});
  }
  SECTION("a text for a tensor, also when types are not looked at") {
    graph.set_arguments(b, {a, DType::f32, 1});
    CHECK(damages(graph, {false}) ==
          Lines{"error[QR0540]: `%b`: `other` of `aten.add.Tensor` takes a tensor, got a dtype"});
  }
}

TEST_CASE("Types that differ from what operators give") {
  Graph graph = graph_of(
      "graph(%a: f32[2,3], %s: f32[n,3]) { %b = aten.relu.default(%a) %c = aten.relu.default(%s) return (%b, %c) }");
  Node *b = node_of(graph, "b"), *c = node_of(graph, "c");
  SECTION("another dtype") {
    graph.set_type(b, ValueType::tensor({DType::f64, {2, 3}, {}}));
    CHECK(damages(graph) == Lines{"error[QR0541]: `%b` is recorded as f64[2,3], but is f32[2,3]"});
    CHECK(damages(graph, {false}).empty());
  }
  SECTION("another size") {
    graph.set_type(b, ValueType::tensor({DType::f32, {2, 4}, {}}));
    CHECK(damages(graph) == Lines{"error[QR0541]: `%b` is recorded as f32[2,4], but is f32[2,3]"});
  }
  SECTION("another rank") {
    graph.set_type(b, ValueType::tensor({DType::f32, {6}, {}}));
    CHECK(damages(graph) == Lines{"error[QR0541]: `%b` is recorded as f32[6], but is f32[2,3]"});
  }
  SECTION("another kind") {
    graph.set_type(b, ValueType::tuple({{DType::f32, {2, 3}, {}}}));
    CHECK(damages(graph) == Lines{"error[QR0541]: `%b` is recorded as (f32[2,3]), but is f32[2,3]"});
  }
  SECTION("an input's type, found at its user") {
    graph.set_type(node_of(graph, "a"), ValueType::tensor({DType::s8, {2, 3}, {}}));
    CHECK(damages(graph) == Lines{"error[QR0541]: `%b` is recorded as f32[2,3], but is s8[2,3]"});
  }
  SECTION("but symbolic sizes get the benefit of the doubt, and unknown types are no damage") {
    graph.set_type(c, ValueType::tensor({DType::f32, {graph.dims().symbol("m"), 3}, {}}));
    graph.set_type(b, ValueType::unknown());
    CHECK(damages(graph).empty());
  }
}

TEST_CASE("Operands that an operator refuses") {
  Graph graph = graph_of("graph(%a: f32[2,3], %b: f32[3,4]) { %c = aten.mm.default(%a, %b) return (%c) }");
  graph.set_type(node_of(graph, "b"), ValueType::tensor({DType::f32, {5, 4}, {}}));
  CHECK(damages(graph) ==
        Lines{"error[QR0540]: `%c`: `aten.mm.default` refuses its operands: the inner sizes differ: 3 and 5"});
}

TEST_CASE("Each damage is found, not only the first") {
  Graph graph = graph_of("graph(%a: f32[2]) { %b = aten.relu.default(%a) %c = aten.neg.default(%b) return (%c) }");
  graph.set_type(node_of(graph, "b"), ValueType::tensor({DType::f32, {3}, {}}));
  graph.move_before(graph.output(), node_of(graph, "b"));
  CHECK(damages(graph) == Lines{"error[QR0540]: `%output`: it uses %c, which does not come before it",
                                "error[QR0541]: `%b` is recorded as f32[3], but is f32[2]",
                                "error[QR0541]: `%c` is recorded as f32[2], but is f32[3]",
                                "error[QR0540]: `%output`: nodes follow the output"});
}

TEST_CASE("A value with very many users is verified in passing") {
  Graph graph;
  Node* x = graph.add_placeholder("x", ValueType::tensor({DType::f32, {2}, {}}));
  const OpId add = graph.operators().intern("aten.add.Tensor");
  std::vector<Argument> results;
  for (int i = 0; i < 50'000; ++i) results.push_back(graph.add_call(add, {x, x, 1}, x->type()));
  graph.set_outputs({Argument(results)});
  CHECK(verify(graph).empty());
}

}  // namespace
}  // namespace qrules
