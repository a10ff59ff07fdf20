// Merging of equal calls and constants.

#include <qrules/graph/verify.h>

#include "random_graph.h"
#include "text_helpers.h"

namespace qrules {
namespace {

using testing::graph_of;
using testing::node_of;

// How many nodes of the statements before `return` merge.
size_t merged(const std::string& statements, const std::string& results) {
  Graph graph =
      graph_of("graph(%a: f32[4], %b: f32[4], %i: s32[4]) {\n" + statements + "\nreturn (" + results + ")\n}");
  const size_t before = graph.size();
  const size_t count = graph.merge_duplicates();
  CHECK(graph.size() == before - count);
  CHECK(verify(graph).empty());
  CHECK(graph.merge_duplicates() == 0);
  return count;
}

TEST_CASE("Equal calls become the earlier one") {
  Graph graph = graph_of(
      "graph(%a: f32[4]) { %x = aten.relu.default(%a) %y = aten.relu.default(%a) %z = aten.add.Tensor(%x, %y) return "
      "(%z, %y) }");
  CHECK(graph.merge_duplicates() == 1);
  CHECK(print(graph) ==
        "graph(%a: f32[4]) {\n"
        "  %x: f32[4] = aten.relu.default(%a)\n"
        "  %z: f32[4] = aten.add.Tensor(%x, %x)\n"
        "  return (%z, %x)\n"
        "}\n");
  CHECK(verify(graph).empty());
}

TEST_CASE("Merging goes on through what it made equal") {
  CHECK(merged("%x = aten.relu.default(%a)\n%y = aten.relu.default(%a)\n%p = aten.neg.default(%x)\n%q = "
               "aten.neg.default(%y)",
               "%p, %q") == 2);
}

TEST_CASE("Arguments must be the same to the bit") {
  CHECK(merged("%x = aten.mul.Scalar(%a, 2)\n%y = aten.mul.Scalar(%a, 2)", "%x, %y") == 1);
  CHECK(merged("%x = aten.mul.Scalar(%a, 2.5)\n%y = aten.mul.Scalar(%a, 2.5)", "%x, %y") == 1);
  CHECK(merged("%x = aten.mul.Scalar(%a, nan)\n%y = aten.mul.Scalar(%a, nan)", "%x, %y") == 1);
  // Of integers times 2 and 2.0 only the second is real.
  CHECK(merged("%x = aten.mul.Scalar(%i, 2)\n%y = aten.mul.Scalar(%i, 2.0)", "%x, %y") == 0);
  CHECK(merged("%x = aten.div.Scalar(%a, 0.0)\n%y = aten.div.Scalar(%a, -0.0)", "%x, %y") == 0);
  CHECK(merged("%x = aten.mul.Scalar(%a, 2)\n%y = aten.mul.Scalar(%a, true)", "%x, %y") == 0);
  CHECK(merged("%x = aten.cat.default([%a, %b])\n%y = aten.cat.default([%a, %b])\n%z = aten.cat.default([%b, %a])",
               "%x, %y, %z") == 1);
  CHECK(merged("%x = aten.relu.default(%a)\n%y = aten.relu.default(%b)", "%x, %y") == 0);
  CHECK(merged("%x = aten.relu.default(%a)\n%y = aten.neg.default(%a)", "%x, %y") == 0);
}

TEST_CASE("A default said and a default left out are the same") {
  CHECK(merged("%x = aten.add.Tensor(%a, %b)\n%y = aten.add.Tensor(%a, %b, alpha=1)", "%x, %y") == 1);
  CHECK(merged("%x = aten.add.Tensor(%a, %b)\n%y = aten.add.Tensor(%a, %b, alpha=1.0)", "%x, %y") == 0);
}

TEST_CASE("Effects and the unknown are never merged") {
  CHECK(merged("%x = aten.rand_like.default(%a)\n%y = aten.rand_like.default(%a)", "%x, %y") == 0);
  CHECK(merged("%x: f32[4] = \"my.op\"(%a)\n%y: f32[4] = \"my.op\"(%a)", "%x, %y") == 0);
}

TEST_CASE("Constants merge by their bytes") {
  CHECK(merged("%x = constant : f32[3] {1.0, 2.0, 3.0}\n%y = constant \"other\" : f32[3] {1.0, 2.0, 3.0}", "%x, %y") ==
        1);
  CHECK(merged("%x = constant : f32[1] {0.0}\n%y = constant : f32[1] {-0.0}", "%x, %y") == 0);
  CHECK(merged("%x = constant : f32[3] {0}\n%y = constant : s32[3] {0}", "%x, %y") == 0);
  CHECK(merged("%x = constant : f32[2,3] {0}\n%y = constant : f32[3,2] {0}", "%x, %y") == 0);
  CHECK(merged("%x = constant : f32[2] {1, 2}\n%y = constant : f32[2] {1, 3}", "%x, %y") == 0);
  // Without data nothing is known.
  CHECK(merged("%x = constant \"w\" : f32[2]\n%y = constant \"w\" : f32[2]", "%x, %y") == 0);
}

TEST_CASE("Large constants merge when they share their data") {
  const ConstantPtr large = Constant::make(DType::f32, {1000}, nullptr);
  const ConstantPtr equal = Constant::make(DType::f32, {1000}, nullptr);
  Graph graph;
  Node* a = graph.add_constant("a", large);
  Node* b = graph.add_constant("b", large);
  Node* c = graph.add_constant("c", equal);
  graph.set_outputs({a, b, c});
  CHECK(graph.merge_duplicates() == 1);
  CHECK(print(*graph.output()) == "return (%a, %a, %c)");
}

TEST_CASE("Merging keeps random graphs valid and is done after one time") {
  for (uint32_t seed = 0; seed < 30; ++seed) {
    Graph graph = testing::random_graph(seed, 80);
    const size_t before = graph.size();
    const size_t count = graph.merge_duplicates();
    CHECK(graph.size() == before - count);
    const Diagnostics found = verify(graph);
    INFO(seed << "\n" << render_text(found));
    CHECK(found.empty());
    CHECK(graph.merge_duplicates() == 0);
  }
}

}  // namespace
}  // namespace qrules
