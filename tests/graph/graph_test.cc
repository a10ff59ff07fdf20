// Nodes, use lists, names, order, listeners, cloning.

#include <qrules/graph/graph.h>

#include <algorithm>
#include <random>
#if defined(__GLIBC__) && (__GLIBC__ > 2 || __GLIBC_MINOR__ >= 33)
#include <malloc.h>
#define QRULES_TEST_MALLINFO 1
#endif

#include <qrules/graph/verify.h>

#include "random_graph.h"
#include "text_helpers.h"

namespace qrules {
namespace {

using testing::graph_of;
using testing::node_of;

const ValueType kVector = ValueType::tensor({DType::f32, {4}, {}});

std::string names(const std::vector<Node*>& nodes) {
  std::string text;
  for (const Node* node : nodes) text += (text.empty() ? "" : " ") + node->name();
  return text;
}

Node* relu(Graph& graph, Node* x, std::string_view name = {}, Node* before = nullptr) {
  return graph.add_call(graph.operators().intern("aten.relu.default"), {x}, kVector, name, before);
}

// Order keys and links agree, forwards and backwards.
void check_order(const Graph& graph) {
  size_t count = 0, wrong = 0;
  for (const Node* node = graph.first(); node; node = node->next()) {
    ++count;
    if (node->next() &&
        (!node->before(*node->next()) || node->next()->before(*node) || node->next()->previous() != node))
      ++wrong;
    if (!node->next() && node != graph.last()) ++wrong;
  }
  CHECK(count == graph.size());
  CHECK(wrong == 0);
}

TEST_CASE("A new graph is empty") {
  const Graph graph;
  CHECK(graph.first() == nullptr);
  CHECK(graph.last() == nullptr);
  CHECK(graph.size() == 0);
  CHECK(graph.output() == nullptr);
  CHECK(graph.nodes().empty());
  CHECK(graph.find("x") == nullptr);
}

TEST_CASE("Placeholders lead, the output is last") {
  Graph graph;
  Node* a = graph.add_placeholder("a", kVector);
  Node* r = relu(graph, a);
  graph.set_outputs({r});
  Node* b = graph.add_placeholder("b", kVector);
  Node* s = relu(graph, b, "s");
  CHECK(names(graph.nodes()) == "a b relu s output");
  CHECK(names(graph.placeholders()) == "a b");
  CHECK(graph.output() == graph.last());
  CHECK(a->kind() == NodeKind::placeholder);
  CHECK(r->is_call());
  CHECK(r->op_name() == "aten.relu.default");
  CHECK(graph.output()->kind() == NodeKind::output);
  CHECK(s->before(*graph.output()));
  check_order(graph);
}

TEST_CASE("Names are unique and count on as FX does") {
  Graph graph;
  Node* x = graph.add_placeholder("x", kVector);
  CHECK(graph.add_placeholder("x", kVector)->name() == "x_1");
  CHECK(graph.add_placeholder("x_1", kVector)->name() == "x_2");
  CHECK(relu(graph, x)->name() == "relu");
  CHECK(relu(graph, x)->name() == "relu_1");
  CHECK(relu(graph, x, "relu_1")->name() == "relu_2");
  CHECK(graph.add_placeholder("", kVector)->name() == "value");
  CHECK(graph.find("relu_2")->name() == "relu_2");
  CHECK(graph.find("relu_3") == nullptr);
}

TEST_CASE("A name can be had again when its node is gone") {
  Graph graph;
  Node* x = graph.add_placeholder("x", kVector);
  graph.erase(relu(graph, x, "r"));
  CHECK(graph.find("r") == nullptr);
  CHECK(relu(graph, x, "r")->name() == "r");
}

TEST_CASE("Ids are dense and never used again") {
  Graph graph;
  Node* x = graph.add_placeholder("x", kVector);
  Node* r = relu(graph, x);
  CHECK(x->id() == 0);
  CHECK(r->id() == 1);
  graph.erase(r);
  CHECK(relu(graph, x)->id() == 2);
  CHECK(graph.id_limit() == 3);
}

TEST_CASE("Operands are found inside lists, in order, as often as they occur") {
  Graph graph = graph_of("graph(%a: f32[2], %b: f32[2]) { %c = aten.cat.default([%a, %b, %a]) return (%c, %c) }");
  Node* a = node_of(graph, "a");
  Node* c = node_of(graph, "c");
  REQUIRE(c->operands().size() == 3);
  CHECK(c->operand(0) == a);
  CHECK(c->operand(1) == node_of(graph, "b"));
  CHECK(c->operand(2) == a);
  CHECK(a->user_count() == 1);
  CHECK(names(a->users()) == "c");
  CHECK(graph.output()->operands().size() == 2);
  size_t edges = 0;
  for (const Use* use = a->first_use(); use; use = use->next) {
    CHECK(use->user == c);
    CHECK(use->value == a);
    ++edges;
  }
  CHECK(edges == 2);
}

TEST_CASE("Arguments are found by parameter") {
  Graph graph = graph_of(
      "graph(%a: f32[2], %b: f32[2]) { %c = aten.add.Tensor(%a, %b, alpha=3) %d: f32[2] = \"my.op\"(%a, 7, mode=8) "
      "return (%c, %d) }");
  CHECK(*node_of(graph, "c")->argument("alpha") == Argument(3));
  CHECK(node_of(graph, "c")->argument("other")->node() == node_of(graph, "b"));
  CHECK(node_of(graph, "c")->argument("beta") == nullptr);
  CHECK(*node_of(graph, "d")->argument("mode") == Argument(8));
  CHECK(node_of(graph, "d")->argument("x") == nullptr);
  CHECK(node_of(graph, "a")->argument("self") == nullptr);
}

TEST_CASE("user_count counts users, not edges, up to its limit") {
  Graph graph;
  Node* x = graph.add_placeholder("x", kVector);
  const OpId add = graph.operators().intern("aten.add.Tensor");
  CHECK(x->unused());
  CHECK(x->user_count() == 0);
  for (size_t i = 1; i <= 100; ++i) {
    graph.add_call(add, {x, x, 1}, kVector);
    REQUIRE(x->user_count() == i);
  }
  for (size_t limit : {0u, 1u, 2u, 15u, 16u, 17u, 99u, 100u}) CHECK(x->user_count(limit) == limit);
  CHECK(x->user_count(101) == 100);
  CHECK(x->users().size() == 100);
  graph.set_outputs({x});
  CHECK(x->user_count() == 101);
}

TEST_CASE("replace_all_uses redirects every edge") {
  Graph graph = graph_of(
      "graph(%a: f32[2], %b: f32[2]) { %c = aten.cat.default([%a, %b, %a]) %d = aten.add.Tensor(%a, %a) %e = "
      "aten.relu.default(%b) return (%c, %d, %a, %e) }");
  Node* a = node_of(graph, "a");
  Node* b = node_of(graph, "b");
  graph.replace_all_uses(a, b);
  CHECK(a->unused());
  CHECK(b->user_count() == 4);
  CHECK(print(*node_of(graph, "c")) == "%c: f32[6] = aten.cat.default([%b, %b, %b])");
  CHECK(print(*node_of(graph, "d")) == "%d: f32[2] = aten.add.Tensor(%b, %b)");
  CHECK(print(*graph.output()) == "return (%c, %d, %b, %e)");
  CHECK(verify(graph).empty());
  graph.replace_all_uses(b, b);
  CHECK(b->user_count() == 4);
  graph.erase(a);
  CHECK(verify(graph).empty());
}

TEST_CASE("replace_all_uses leaves the exception alone") {
  Graph graph = graph_of("graph(%a: f32[2]) { %b = aten.neg.default(%a) return (%a, %b) }");
  Node* a = node_of(graph, "a");
  Node* wrapped =
      graph.add_call(graph.operators().intern("aten.relu.default"), {a}, a->type(), "wrapped", node_of(graph, "b"));
  graph.replace_all_uses(a, wrapped, wrapped);
  CHECK(print(graph) ==
        "graph(%a: f32[2]) {\n"
        "  %wrapped: f32[2] = aten.relu.default(%a)\n"
        "  %b: f32[2] = aten.neg.default(%wrapped)\n"
        "  return (%wrapped, %b)\n"
        "}\n");
  CHECK(verify(graph).empty());
}

TEST_CASE("set_arguments moves the edges") {
  Graph graph = graph_of("graph(%a: f32[2], %b: f32[2]) { %c = aten.add.Tensor(%a, %a) return (%c) }");
  Node* c = node_of(graph, "c");
  graph.set_arguments(c, {node_of(graph, "b"), c->argument(0), 1});
  CHECK(print(*c) == "%c: f32[2] = aten.add.Tensor(%b, %a)");
  CHECK(node_of(graph, "a")->user_count() == 1);
  CHECK(node_of(graph, "b")->user_count() == 1);
  CHECK(verify(graph).empty());
}

TEST_CASE("Outputs can be set again") {
  Graph graph = graph_of("graph(%a: f32[2], %b: f32[2]) { return (%a) }");
  Node* output = graph.output();
  graph.set_outputs({node_of(graph, "b"), 3});
  CHECK(graph.output() == output);
  CHECK(node_of(graph, "a")->unused());
  CHECK(print(*output) == "return (%b, 3)");
}

TEST_CASE("Erasing undoes links, counts and placeholders") {
  Graph graph =
      graph_of("graph(%a: f32[2], %b: f32[2]) { %c = aten.relu.default(%a) %d = aten.relu.default(%a) return (%c) }");
  const OpId op = graph.operators().intern("aten.relu.default");
  CHECK(graph.op_histogram()[op] == 2);
  graph.erase(node_of(graph, "d"));
  CHECK(graph.op_histogram()[op] == 1);
  CHECK(node_of(graph, "a")->user_count() == 1);
  graph.erase(node_of(graph, "b"));
  CHECK(names(graph.placeholders()) == "a");
  CHECK(graph.size() == 3);
  CHECK(verify(graph).empty());
}

TEST_CASE("take_name moves a name") {
  Graph graph = graph_of("graph(%a: f32[2]) { %b = aten.relu.default(%a) %c = aten.neg.default(%a) return (%b, %c) }");
  Node* b = node_of(graph, "b");
  Node* c = node_of(graph, "c");
  graph.take_name(c, b);
  CHECK(c->name() == "b");
  CHECK(graph.find("b") == c);
  CHECK(b->name() != "b");
  CHECK(graph.find(b->name()) == b);
  CHECK(graph.find("c") == nullptr);
  graph.take_name(c, c);
  CHECK(c->name() == "b");
  CHECK(verify(graph).empty());
}

TEST_CASE("move_before keeps links and order") {
  Graph graph = graph_of(
      "graph(%a: f32[2]) { %b = aten.relu.default(%a) %c = aten.neg.default(%a) %d = aten.abs.default(%a) return (%b, "
      "%c, %d) }");
  Node *b = node_of(graph, "b"), *c = node_of(graph, "c"), *d = node_of(graph, "d");
  graph.move_before(d, b);
  CHECK(names(graph.nodes()) == "a d b c output");
  graph.move_before(d, b);  // where it is
  graph.move_before(d, d);
  CHECK(names(graph.nodes()) == "a d b c output");
  graph.move_before(d, graph.output());
  CHECK(names(graph.nodes()) == "a b c d output");
  CHECK(c->before(*d));
  check_order(graph);
  CHECK(verify(graph).empty());
}

TEST_CASE("100,000 insertions at one place keep the order") {
  constexpr size_t kCount = 100'000;
  Graph graph;
  Node* x = graph.add_placeholder("x", kVector);
  Node* last = relu(graph, x, "last");
  graph.set_outputs({last});
  SECTION("each right before a fixed node") {
    for (size_t i = 0; i < kCount; ++i) relu(graph, x, "n", last);
  }
  SECTION("each before the one inserted last") {
    Node* before = last;
    for (size_t i = 0; i < kCount; ++i) before = relu(graph, x, "n", before);
  }
  SECTION("each in front of the output") {
    for (size_t i = 0; i < kCount; ++i) relu(graph, x, "n");
  }
  SECTION("in front of everything, as placeholders") {
    for (size_t i = 0; i < kCount; ++i) graph.add_placeholder("p", kVector);
  }
  SECTION("by moving the same node to and fro") {
    Node* other = relu(graph, x, "other", last);
    for (size_t i = 0; i < kCount; ++i) graph.move_before(i % 2 ? other : last, i % 2 ? last : other);
  }
  check_order(graph);
}

TEST_CASE("Order keys agree with the list under random edits") {
  std::mt19937 random(11);
  Graph graph;
  Node* x = graph.add_placeholder("x", kVector);
  graph.set_outputs({x});
  std::vector<Node*> nodes = {relu(graph, x)};
  for (int i = 0; i < 20'000; ++i) {
    Node* any = nodes[random() % nodes.size()];
    switch (random() % 4) {
      case 0: nodes.push_back(relu(graph, x, "n", any)); break;
      case 1: graph.move_before(any, nodes[random() % std::min<size_t>(nodes.size(), 4)]); break;
      case 2: graph.move_before(any, graph.output()); break;
      default:
        if (nodes.size() < 2) break;
        nodes.erase(std::find(nodes.begin(), nodes.end(), any));
        graph.erase(any);
        break;
    }
  }
  check_order(graph);
  std::vector<Node*> sorted = graph.nodes();
  std::shuffle(sorted.begin(), sorted.end(), random);
  std::sort(sorted.begin(), sorted.end(), [](const Node* a, const Node* b) { return a->before(*b); });
  CHECK(sorted == graph.nodes());
}

#ifdef QRULES_TEST_MALLINFO
size_t bytes_in_use() {
  const auto info = mallinfo2();
  return info.uordblks + info.hblkhd;
}
#else
size_t bytes_in_use() { return 0; }
#endif

TEST_CASE("A million nodes take less than a gigabyte, and ten times less for a tenth") {
  const auto grow = [](size_t count) {
    const size_t before = bytes_in_use();
    Graph graph;
    Node* x = graph.add_placeholder("x", kVector);
    graph.set_outputs({x});
    const OpId add = graph.operators().intern("aten.add.Tensor");
    Node* value = x;
    for (size_t i = 1; i < count; ++i) value = graph.add_call(add, {value, x, 1}, kVector);
    graph.set_outputs({value});
    CHECK(graph.size() == count + 1);
    CHECK(x->user_count(2) == 2);
    CHECK(x->before(*value));
    return bytes_in_use() - before;
  };
  const size_t tenth = grow(100'000);
  const size_t full = grow(1'000'000);
  CHECK(full < (size_t{1} << 30));
  CHECK(full <= 12 * tenth);
}

TEST_CASE("Use lists stay right under random edits") {
  for (uint32_t seed = 0; seed < 20; ++seed) {
    Graph graph = testing::random_graph(seed, 60);
    std::mt19937 random(seed);
    for (int i = 0; i < 60; ++i) {
      const std::vector<Node*> nodes = graph.nodes();
      Node* from = nodes[random() % nodes.size()];
      Node* to = nodes[random() % nodes.size()];
      if (from->kind() == NodeKind::output || to->kind() == NodeKind::output) continue;
      if (random() % 3 == 0 && from->unused() && from->kind() != NodeKind::placeholder) {
        graph.erase(from);
      } else if (to->before(*from) && to->type() == from->type()) {
        graph.replace_all_uses(from, to);
        CHECK(from->unused());
      }
    }
    const Diagnostics found = verify(graph);
    INFO(seed << "\n" << render_text(found));
    CHECK(found.empty());
  }
}

TEST_CASE("erase_unused takes what nothing needs, and keeps effects") {
  Graph graph = graph_of(
      "graph(%a: f32[2], %unused_input: f32[2]) { %w = constant : f32[2] {1.0} %b = aten.add.Tensor(%a, %w) %c = "
      "aten.relu.default(%b)"
      " %r = aten.rand_like.default(%a) %d = aten.neg.default(%a) return (%d) }");
  CHECK(graph.erase_unused() == 3);
  CHECK(names(graph.nodes()) == "a unused_input r d output");
  CHECK(graph.erase_unused() == 0);
  CHECK(verify(graph).empty());
}

TEST_CASE("erase_unused_from only follows what it is given") {
  Graph graph = graph_of(
      "graph(%a: f32[2]) { %b = aten.relu.default(%a) %c = aten.neg.default(%b) %d = aten.abs.default(%a) %e = "
      "aten.exp.default(%b) return (%a) }");
  CHECK(graph.erase_unused_from({node_of(graph, "c"), node_of(graph, "b"), node_of(graph, "c")}) == 1);
  CHECK(names(graph.nodes()) == "a b d e output");
  CHECK(graph.erase_unused_from({node_of(graph, "e"), node_of(graph, "a")}) == 2);
  CHECK(names(graph.nodes()) == "a d output");
  CHECK(verify(graph).empty());
}

class Recorder : public GraphListener {
 public:
  void added(Node& node) override { log += "+" + node.name() + " "; }
  // The node is intact: its operands can be read.
  void erased(Node& node) override { log += "-" + node.name() + "(" + std::to_string(node.operands().size()) + ") "; }
  void users_changed(Node& node) override { log += "~" + node.name() + " "; }
  std::string take() { return std::exchange(log, {}); }
  std::string log;
};

TEST_CASE("Listeners hear of every change") {
  Graph graph;
  Recorder recorder;
  graph.add_listener(&recorder);
  Node* a = graph.add_placeholder("a", kVector);
  Node* b = graph.add_placeholder("b", kVector);
  CHECK(recorder.take() == "+a +b ");
  Node* r = relu(graph, a, "r");
  CHECK(recorder.take() == "~a +r ");
  graph.add_constant("w", Constant::make(DType::f32, {1}, nullptr));
  CHECK(recorder.take() == "+w ");
  graph.set_outputs({r});
  CHECK(recorder.take() == "+output ~r ");
  graph.set_arguments(r, {b});
  CHECK(recorder.take() == "~a ~b ");
  graph.replace_all_uses(r, b);
  CHECK(recorder.take() == "~r ~b ");
  graph.replace_all_uses(r, b);  // nothing to do
  CHECK(recorder.take().empty());
  graph.erase(r);
  CHECK(recorder.take() == "-r(1) ~b ");
  graph.remove_listener(&recorder);
  relu(graph, a);
  CHECK(recorder.take().empty());
}

TEST_CASE("A clone is equal, separate, and does not listen") {
  for (uint32_t seed = 0; seed < 10; ++seed) {
    Graph graph = testing::random_graph(seed, 40);
    Recorder recorder;
    graph.add_listener(&recorder);
    const std::string printed = print(graph, {true, true, 100});
    Graph copy = graph.clone();
    CHECK(recorder.take().empty());
    CHECK(print(copy, {true, true, 100}) == printed);
    CHECK(verify(copy).empty());
    CHECK(copy.op_histogram().size() == graph.op_histogram().size());
    for (Node* node = copy.first(); node; node = node->next()) {
      CHECK(&node->graph() == &copy);
      for (const Use& use : node->operands()) CHECK(&use.value->graph() == &copy);
    }
    copy.set_outputs({copy.placeholders()[0]});
    copy.erase_unused();
    CHECK(print(graph, {true, true, 100}) == printed);
    CHECK(recorder.take().empty());
  }
}

TEST_CASE("A clone shares the data of constants") {
  Graph graph;
  Node* w = graph.add_constant("w", Constant::make(DType::f32, {1000}, nullptr), nullptr, "layer.weight");
  Graph copy = graph.clone();
  CHECK(node_of(copy, "w")->constant() == w->constant());
  CHECK(node_of(copy, "w")->constant_name() == "layer.weight");
}

TEST_CASE("A graph can be moved, and its nodes with it") {
  Graph graph = graph_of("graph(%a: f32[s]) { %b = aten.relu.default(%a) return (%b) }");
  const std::string printed = print(graph);
  Node* b = node_of(graph, "b");
  Graph moved = std::move(graph);
  CHECK(&b->graph() == &moved);
  CHECK(print(moved) == printed);
  Graph assigned;
  assigned.add_placeholder("gone", kVector);
  assigned = std::move(moved);
  CHECK(&b->graph() == &assigned);
  CHECK(print(assigned) == printed);
  CHECK(assigned.find("gone") == nullptr);
  CHECK(verify(assigned).empty());
}

TEST_CASE("Provenance is kept with its node") {
  Graph graph = graph_of("graph(%a: f32[2]) { %b = aten.relu.default(%a) return (%b) }");
  Node* b = node_of(graph, "b");
  CHECK(b->provenance() == nullptr);
  graph.set_provenance(b, {"fuse", {"x", "y"}, "model.py:3"});
  CHECK(print(*b, {true, true, 16}) == "%b: f32[2] = aten.relu.default(%a)  # rule fuse from x, y  # model.py:3");
  CHECK(graph.clone().find("b")->provenance()->sources == std::vector<std::string>{"x", "y"});
}

}  // namespace
}  // namespace qrules
