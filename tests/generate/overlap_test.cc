// Pairs of rules: the verdict, the winner, and the witness, which is read and matched again here.

#include <qrules/generate/overlap.h>
#include <qrules/graph/text.h>

#include "../rules/rule_helpers.h"

namespace qrules {
namespace {

using testing::rule_file;
using testing::rule_text;
using testing::rules_of;

struct Text {
  const char* match;
  const char* where = "";
  const char* keys = "";
  const char* rewrite = "%y = aten.tanh.default(%x)";
};

struct Row {
  const char* what;
  Text a, b;
  OverlapVerdict verdict;
  const char* winner = "a";  // of the witness
};

constexpr OverlapVerdict kDisjoint = OverlapVerdict::disjoint, kUnreachable = OverlapVerdict::unreachable,
                         kShadowed = OverlapVerdict::shadowed, kOverlapping = OverlapVerdict::overlapping;

const char* kHead =
    "classes:\n  - {name: soft, doc: d, ops: [aten.sigmoid.default, aten.tanh.default]}\n"
    "macros:\n  - {name: \"halved(v)\", doc: d, is: \"aten.mul.Tensor(%v, 0.5)\"}\n";

const Row kRows[] = {
    {"identical", {"%y = aten.relu.default(%x)"}, {"%y = aten.relu.default(%x)"}, kUnreachable},
    {"other names",
     {"%y = aten.relu.default(%x)", "", "", "%y = aten.abs.default(%x)"},
     {"%y = aten.relu.default(%v)", "", "", "%y = aten.neg.default(%v)"},
     kUnreachable},
    {"a rewrite that is refused for integers",
     {"%y = aten.relu.default(%x)"},
     {"%y = aten.relu.default(%x)", "", "", "%y = aten.neg.default(%x)"},
     kShadowed},
    {"reordered operands",
     {"%y = aten.add.Tensor(aten.exp.default(%x), %b)"},
     {"%y = aten.add.Tensor(%b, aten.exp.default(%x))"},
     kUnreachable},
    {"operands of an operator that is not commutative",
     {"%y = aten.sub.Tensor(aten.exp.default(%x), %b)"},
     {"%y = aten.sub.Tensor(%b, aten.exp.default(%x))"},
     kOverlapping},
    {"one more condition in the second",
     {"%y = aten.relu.default(%x)"},
     {"%y = aten.relu.default(%x)", "dtype(%x) == f32"},
     kUnreachable},
    {"one more condition in the first",
     {"%y = aten.relu.default(%x)", "dtype(%x) == f32"},
     {"%y = aten.relu.default(%x)"},
     kShadowed},
    {"a weaker condition in the second",
     {"%y = aten.relu.default(%x)", "rank(%x) >= 3"},
     {"%y = aten.relu.default(%x)", "rank(%x) >= 2"},
     kShadowed},
    {"a stronger condition in the second",
     {"%y = aten.relu.default(%x)", "rank(%x) >= 2"},
     {"%y = aten.relu.default(%x)", "rank(%x) > 2"},
     kUnreachable},
    {"dtypes of which some are shared",
     {"%y = aten.relu.default(%x)", "dtype(%x) in [f32, bf16]"},
     {"%y = aten.relu.default(%x)", "dtype(%x) in [bf16, f16]"},
     kOverlapping},
    {"a part of the dtypes",
     {"%y = aten.relu.default(%x)", "dtype(%x) in [f32, bf16]"},
     {"%y = aten.relu.default(%x)", "dtype(%x) == bf16"},
     kUnreachable},
    {"other dtypes",
     {"%y = aten.relu.default(%x)", "dtype(%x) in [f32, bf16]"},
     {"%y = aten.relu.default(%x)", "dtype(%x) in [u8, s8]"},
     kDisjoint},
    {"rank 4 of ranks 3 and 4",
     {"%y = aten.relu.default(%x)", "rank(%x) in [3, 4]"},
     {"%y = aten.relu.default(%x)", "rank(%x) == 4"},
     kUnreachable},
    {"ranks 3 and 4 after rank 4",
     {"%y = aten.relu.default(%x)", "rank(%x) == 4"},
     {"%y = aten.relu.default(%x)", "rank(%x) in [3, 4]"},
     kShadowed},
    {"rank 4 between bounds",
     {"%y = aten.relu.default(%x)", "rank(%x) > 2 and rank(%x) < 5"},
     {"%y = aten.relu.default(%x)", "rank(%x) == 4"},
     kUnreachable},
    {"ranks that do not meet",
     {"%y = aten.relu.default(%x)", "rank(%x) < 3"},
     {"%y = aten.relu.default(%x)", "rank(%x) >= 3"},
     kDisjoint},
    {"other literals", {"%y = aten.add.Scalar(%x, 1)"}, {"%y = aten.add.Scalar(%x, 2)"}, kDisjoint},
    {"1 and 1.0", {"%y = aten.add.Scalar(%x, 1)"}, {"%y = aten.add.Scalar(%x, 1.0)"}, kUnreachable},
    {"a literal after any number", {"%y = aten.add.Scalar(%x, _)"}, {"%y = aten.add.Scalar(%x, 2)"}, kUnreachable},
    {"any number after a literal", {"%y = aten.add.Scalar(%x, 2)"}, {"%y = aten.add.Scalar(%x, _)"}, kShadowed},
    {"a literal after a condition on the number",
     {"%y = aten.add.Scalar(%x, %k)", "%k in [1, 2, 3]"},
     {"%y = aten.add.Scalar(%x, 2)"},
     kUnreachable},
    {"a class before its member", {"%y = @soft(%x)"}, {"%y = aten.tanh.default(%x)"}, kUnreachable},
    {"a class after its member", {"%y = aten.tanh.default(%x)"}, {"%y = @soft(%x)"}, kShadowed},
    {"no member of the class", {"%y = @soft(%x)"}, {"%y = aten.relu.default(%x)"}, kDisjoint},
    {"optional before required",
     {"%y = aten.relu.default(aten.neg.default(%x)?)"},
     {"%y = aten.relu.default(aten.neg.default(%x))", "", "    after: [a]\n"},
     kUnreachable},
    {"required before optional",
     {"%y = aten.relu.default(aten.neg.default(%x))"},
     {"%y = aten.relu.default(aten.neg.default(%x)?)", "", "    after: [a]\n"},
     kShadowed},
    {"an optional operand before a given one",
     {"%y = aten.linear.default(%x, %w, %_b?)", "rank(%w) == 2"},
     {"%y = aten.linear.default(%x, %w, %_b)", "rank(%w) == 2"},
     kUnreachable},
    {"an operand that is given, and one that is not",
     {"%y = aten.linear.default(%x, %w, %_b)", "rank(%w) == 2"},
     {"%y = aten.linear.default(%x, %w)", "rank(%w) == 2"},
     kDisjoint},
    {"a chain after a single call",
     {"%y = aten.relu.default(aten.neg.default(%x))"},
     {"%y = aten.relu.default(aten.neg.default(%x)+)", "", "    after: [a]\n"},
     kShadowed},
    {"the same chain",
     {"%y = aten.relu.default(aten.neg.default(%x)+)"},
     {"%y = aten.relu.default(aten.neg.default(%x)+)", "rank(%x) == 2"},
     kUnreachable},
    {"a macro and what it stands for", {"%y = halved(%x)"}, {"%y = aten.mul.Tensor(%x, 0.5)"}, kUnreachable},
    {"what it stands for and a macro", {"%y = aten.mul.Tensor(%x, 0.5)"}, {"%y = halved(%x)"}, kUnreachable},
    {"an alternative before one of its ways",
     {"%y = aten.neg.default(%x) | aten.abs.default(%x)"},
     {"%y = aten.abs.default(%x)", "", "    after: [a]\n"},
     kUnreachable},
    {"alternatives that share a way",
     {"%y = aten.neg.default(%x) | aten.abs.default(%x)"},
     {"%y = aten.abs.default(%x) | aten.exp.default(%x)"},
     kOverlapping},
    {"benefit turns the order",
     {"%y = aten.relu.default(%x)"},
     {"%y = aten.relu.default(%x)", "rank(%x) == 2", "    benefit: 5\n"},
     kShadowed,
     "b"},
    {"a larger pattern is tried first",
     {"%y = aten.relu.default(%x)"},
     {"%y = aten.relu.default(aten.neg.default(%x))"},
     kShadowed,
     "b"},
    {"the same value twice", {"%y = aten.mul.Tensor(%x, %x)"}, {"%y = aten.mul.Tensor(%x, %_b)"}, kShadowed},
    {"any two values before the same twice",
     {"%y = aten.mul.Tensor(%x, %_b)"},
     {"%y = aten.mul.Tensor(%x, %x)"},
     kUnreachable},
    {"the same lists",
     {"%y = aten.cat.default([each aten.neg.default(%x)], %_d)", "", "", "%y = aten.cat.default(%x, 0)"},
     {"%y = aten.cat.default([each aten.neg.default(%x)], 0)", "", "", "%y = aten.cat.default(%x, 0)"},
     kUnreachable},
    {"an inner call that both take away",
     {"%n = aten.neg.default(%x)\n%y = aten.relu.default(%n)", "users(%n) >= 1"},
     {"%n = aten.neg.default(%x)\n%y = aten.relu.default(aten.exp.default(%n))", "", "", "%y = aten.tanh.default(%x)"},
     kDisjoint},
    {"a root inside the other's match",
     {"%y = aten.neg.default(%x)"},
     {"%y = aten.relu.default(aten.neg.default(%x))"},
     kOverlapping},
    {"other roots that need the only use of one call",
     {"%n = aten.neg.default(%x)\n%y = aten.relu.default(%n)", "users(%n) == 1"},
     {"%n = aten.neg.default(%x)\n%y = aten.exp.default(%n)", "users(%n) == 1"},
     kDisjoint},
    {"constant and not constant",
     {"%y = aten.relu.default(%x)", "constant(%x)"},
     {"%y = aten.relu.default(%x)", "not constant(%x)"},
     kDisjoint},
    {"conditions in another order",
     {"%y = aten.relu.default(%x)", "rank(%x) == 2\ndtype(%x) == f32"},
     {"%y = aten.relu.default(%x)", "f32 == dtype(%x)\n2 == rank(%x)"},
     kUnreachable},
    {"sizes that divide",
     {"%y = aten.relu.default(%x)", "rank(%x) == 2\nsize(%x, 1) % 4 == 0"},
     {"%y = aten.relu.default(%x)", "rank(%x) == 2\nsize(%x, 1) % 16 == 0"},
     kOverlapping},
    {"alternatives of one term by `or`",
     {"%y = aten.relu.default(%x)", "dtype(%x) in [f32, bf16, f16]"},
     {"%y = aten.relu.default(%x)", "dtype(%x) == bf16 or dtype(%x) == f16"},
     kUnreachable},
    {"sizes that exclude each other only through a third",
     {"%y = aten.matmul.default(%x, %b)", "rank(%x) == rank(%b)\nrank(%b) == 2"},
     {"%y = aten.matmul.default(%x, %b)", "rank(%x) > 2"},
     kDisjoint},
    {"a literal that a condition excludes",
     {"%y = aten.permute.default(%x, [0, 2, 1])"},
     {"%y = aten.permute.default(%x, %p)", "%p != [0, 2, 1]"},
     kDisjoint},
    {"a literal of another length",
     {"%y = aten.permute.default(%x, %p)", "len(%p) == 2"},
     {"%y = aten.permute.default(%x, [0, 2, 1])"},
     kDisjoint},
    {"not both, and both",
     {"%y = aten.relu.default(%x)", "not (rank(%x) == 2 and dtype(%x) == f32)"},
     {"%y = aten.relu.default(%x)", "rank(%x) == 2 and dtype(%x) == f32"},
     kDisjoint},
    {"both ways of an `or` are excluded",
     {"%y = aten.relu.default(%x)", "rank(%x) != 2 or dtype(%x) == f32"},
     {"%y = aten.relu.default(%x)", "dtype(%x) == bf16\nrank(%x) == 2"},
     kDisjoint},
    {"one way of an `or`",
     {"%y = aten.relu.default(%x)", "rank(%x) == 2 or dtype(%x) == f32"},
     {"%y = aten.relu.default(%x)", "dtype(%x) == f32"},
     kUnreachable},
    {"an `or` that holds for every number, but not for symbols",
     {"%y = aten.relu.default(%x)", "rank(%x) == 1\nsize(%x, 0) > 3 or size(%x, 0) <= 3"},
     {"%y = aten.relu.default(%x)", "rank(%x) == 1"},
     kShadowed},
    {"the order of two numbers, both ways",
     {"%y = aten.hardtanh.default(%x, %l, %h)", "%l < %h"},
     {"%y = aten.hardtanh.default(%x, %l, %h)", "%l >= %h"},
     kDisjoint},
    {"a weaker order of two numbers first",
     {"%y = aten.hardtanh.default(%x, %l, %h)", "%l <= %h"},
     {"%y = aten.hardtanh.default(%x, %l, %h)", "%h > %l"},
     kUnreachable},
    {"not at least is below, but for NaN",
     {"%y = aten.mul.Scalar(%x, %k)", "%k < 1"},
     {"%y = aten.mul.Scalar(%x, %k)", "not (%k >= 1)"},
     kShadowed},
    {"the one use that there is at least",
     {"%n = aten.neg.default(%x)\n%y = aten.relu.default(%n)", "users(%n) >= 1"},
     {"%n = aten.neg.default(%x)\n%y = aten.relu.default(%n)"},
     kUnreachable},
    {"a root that the other match uses alone",
     {"%n = aten.neg.default(%x)\n%y = aten.relu.default(%n)", "users(%n) == 1"},
     {"%m = aten.exp.default(%x)\n%y = aten.neg.default(%m)", "users(%m) == 1"},
     kOverlapping,
     "b"},
    {"a rewrite that is always refused",
     {"%y = aten.cat.default([%x, %b], 0)", "size(%b, 0) == 3"},
     {"%y = aten.cat.default([each %x], _)", "len(%x) == 2", "", "%y = aten.cat.default(%x, 0)"},
     kOverlapping,
     "b"},
    {"a group and one of its members",
     {"%y = siblings(%x) aten.linear.default(%x, %w)", "len(%w) == 2", "",
      "%m = aten.linear.default(%x, concat(%w, 0))\n%y = split(%m, %y, -1)"},
     {"%y = aten.linear.default(%x, %w)", "", "", "%y = aten.linear.default(%x, %w)"},
     kOverlapping},
    {"the default of an argument, and any other value",
     {"%y = aten.add.Tensor(%x, %_b)"},
     {"%y = aten.add.Tensor(%x, %_b, alpha=%k)", "%k != 1"},
     kDisjoint},
    {"any alpha before the default",
     {"%y = aten.add.Tensor(%x, %_b, alpha=_)"},
     {"%y = aten.add.Tensor(%x, %_b)"},
     kUnreachable},
    {"an overload before its packet", {"%y = aten.add.Scalar(%x, 2)"}, {"%y = aten.add(%x, 2)"}, kShadowed},
    {"one instance of a template",
     {"%y = aten.relu.default(%x)", "rank(%x) == 5"},
     {"%y = aten.relu.default(%x)", "rank(%x) in ${ranks}", "    foreach: {ranks: [\"[4, 5]\"]}\n"},
     kShadowed},
    {"constants on the other side of an operator that is commutative",
     {"%y = aten.mul.Tensor(%x, %b)", "constant(%b)\nnot constant(%x)"},
     {"%y = aten.mul.Tensor(%x, %b)", "constant(%x)\nconstant(%b)"},
     kDisjoint},
    {"a branch that the condition does not allow",
     {"%n = aten.neg.default(%x) | aten.abs.default(%x)\n%y = aten.relu.default(%n)", "op(%n) == \"aten.neg.default\""},
     {"%n = aten.abs.default(%x)\n%y = aten.relu.default(%n)", "users(%n) == 1", "    after: [a]\n"},
     kDisjoint},
    {"lists of two and of three",
     {"%y = aten.cat.default([%x, %_b], %_d)"},
     {"%y = aten.cat.default([%x, %_b, %_c], %_d)"},
     kDisjoint},
};

TEST_CASE("Pairs of rules have the right verdict", "[generate][overlap]") {
  for (const Row& row : kRows) {
    INFO(row.what);
    const std::string text = rule_file(std::string(kHead) + "rules:\n" +
                                       rule_text("a", row.a.match, row.a.where, row.a.rewrite, row.a.keys) +
                                       rule_text("b", row.b.match, row.b.where, row.b.rewrite, row.b.keys));
    const Rewriter rewriter(rules_of(text));
    const RuleSet& rules = rewriter.rules();
    REQUIRE(rules.rules.size() == 2);
    const Overlap found = overlap(rewriter, rules.rules[0], rules.rules[1]);
    INFO(found.reason << "\n" << found.witness);
    CHECK(name(found.verdict) == name(row.verdict));
    const bool cheap = !unreachable_rules(rules).pairs.empty();
    CHECK(cheap == (row.verdict == kUnreachable));
    if (row.verdict == kDisjoint) {
      CHECK(found.witness.empty());
      continue;
    }
    if (found.same_root) CHECK(found.winner == row.winner);
    // A proof for those who do not believe it.
    auto graph = parse_graph("witness", found.witness, rules.operators);
    if (!graph.ok()) {
      FAIL_CHECK(render_text(graph.diagnostics()));
      continue;
    }
    const Rule* both[] = {found.first, found.second};
    for (size_t i = 0; i < 2; ++i) {
      const Automaton automaton = Automaton::compile(rules, {both[i]});
      Automaton::Session session(automaton, *graph);
      CHECK(session.match(graph->find(found.roots[i])).has_value());
    }
  }
}

TEST_CASE("No shipped rule is unreachable", "[generate][overlap][shipped]") {
  auto loaded = load_rules({std::string(QRULES_SOURCE_DIR) + "/rules"});
  REQUIRE(loaded.ok());
  for (const auto& [first, second] : unreachable_rules(*loaded).pairs)
    FAIL_CHECK(second->name << " after " << first->name);
}

}  // namespace
}  // namespace qrules
