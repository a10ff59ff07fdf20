// From the text of a pattern to what the matcher compiles: macros, classes, packets, defaults, names and scopes.

#include <functional>
#include <set>

#include "rule_helpers.h"

namespace qrules {
namespace {

using testing::rule_error;

// A pattern as one line: op(parameter:pattern, ...; parameter=default) with $name for bound names.
std::string shown(const Rule& rule, PatternId id) {
  const Pattern& pattern = rule.patterns[id];
  std::string names;
  for (SlotId slot : pattern.slots) names += "$" + rule.slots[slot].name + ":";
  const auto children = [&](const char* between) {
    std::string text;
    for (PatternId child : pattern.children) text += (text.empty() ? "" : between) + shown(rule, child);
    return text;
  };
  const DimTable dims;
  switch (pattern.kind) {
    case PatternKind::any: return names + "_";
    case PatternKind::value: return names + (pattern.optional ? "value?" : pattern.node_required ? "node" : "value");
    case PatternKind::literal: return print(pattern.literal, dims);
    case PatternKind::list: return names + "[" + children(", ") + "]";
    case PatternKind::each: return names + "each(" + children("") + ")";
    case PatternKind::alternative: return names + "(" + children(" | ") + ")";
    case PatternKind::siblings: return names + "siblings(" + children("") + ")";
    case PatternKind::optional: return names + children("") + "?";
    case PatternKind::repeat: return names + children("") + (pattern.minimum ? "+" : "*");
    case PatternKind::call: {
      std::string text = names + pattern.operators.text + (pattern.commutative ? "~" : "") + "(";
      for (const PatternArgument& argument : pattern.arguments)
        text +=
            (text.back() == '(' ? "" : ", ") + std::to_string(argument.parameter) + ":" + shown(rule, argument.pattern);
      for (const auto& [parameter, value] : pattern.defaults)
        text += "; " + std::to_string(parameter) + "=" + print(value, dims);
      return text + ")";
    }
  }
  return "";
}

std::string compiled(const std::string& match, const std::string& head = {}) {
  const RuleSet rules = testing::one_rule(match, {}, "%y = aten.tanh.default(%y)", head);
  const Rule& rule = rules.rules[0];
  std::string text = shown(rule, rule.root);
  for (PatternId extra : rule.extra_roots) text += " & " + shown(rule, extra);
  return text;
}

TEST_CASE("Every form of a pattern", "[rules][pattern]") {
  const std::pair<const char*, const char*> rows[] = {
      {"%y = aten.relu.default(%x)", "$y:aten.relu.default(0:$x:node)"},
      {"%y = aten.relu.default(_)", "$y:aten.relu.default(0:_)"},
      {"%y = aten.add.Tensor(%a, %b)", "$y:aten.add.Tensor~(0:$a:node, 1:$b:node; 2=1)"},
      {"%y = aten.add.Tensor(%a, %b, alpha=2)", "$y:aten.add.Tensor(0:$a:node, 1:$b:node, 2:2)"},
      {"%y = aten.add.Tensor(%a, %b, alpha=1)", "$y:aten.add.Tensor~(0:$a:node, 1:$b:node, 2:1)"},
      {"%y = aten.add.Tensor(%a, ...)", "$y:aten.add.Tensor(0:$a:node)"},
      {"%y = aten.add.Tensor(other=%b, self=%a)", "$y:aten.add.Tensor~(1:$b:node, 0:$a:node; 2=1)"},
      {"%y = aten.sub.Tensor(%a, %b)", "$y:aten.sub.Tensor(0:$a:node, 1:$b:node; 2=1)"},
      {"%y = aten.linear.default(%x, %w, %b?)", "$y:aten.linear.default(0:$x:node, 1:$w:node, 2:$b:value?)"},
      {"%y = aten.linear.default(%x, %w)", "$y:aten.linear.default(0:$x:node, 1:$w:node; 2=None)"},
      {"%y = aten.transpose.int(%x, %d, -1)", "$y:aten.transpose.int(0:$x:node, 1:$d:value, 2:-1)"},
      {"%y = aten.permute.default(%x, [1, 0])", "$y:aten.permute.default(0:$x:node, 1:[1, 0])"},
      {"%y = aten.permute.default(%x, %order)", "$y:aten.permute.default(0:$x:node, 1:$order:value)"},
      {"%y = aten.cat.default(%xs, 1)", "$y:aten.cat.default(0:$xs:value, 1:1)"},
      {"%y = aten.cat.default([%a, %b])", "$y:aten.cat.default(0:[$a:node, $b:node]; 1=0)"},
      {"%y = aten.cat.default([each aten.neg.default(%x)])",
       "$y:aten.cat.default(0:each(aten.neg.default(0:$x:node)); 1=0)"},
      {"%y = aten.relu.default(aten.neg.default(%x) | aten.abs.default(%x))",
       "$y:aten.relu.default(0:(aten.neg.default(0:$x:node) | aten.abs.default(0:$x:node)))"},
      {"%y = aten.relu.default(%x)\n  | aten.neg.default(%x)",
       "$y:(aten.relu.default(0:$x:node) | aten.neg.default(0:$x:node))"},
      {"%y = aten.relu.default(aten.neg.default(%x)?)", "$y:aten.relu.default(0:aten.neg.default(0:$x:node)?)"},
      {"%y = aten.relu.default(aten.neg.default(%x)*)", "$y:aten.relu.default(0:aten.neg.default(0:$x:node)*)"},
      {"%y = aten.relu.default(aten.neg.default(%x)+)", "$y:aten.relu.default(0:aten.neg.default(0:$x:node)+)"},
      {"%y = aten._to_copy.default(%x, dtype=f32)", nullptr},
      {"%y = aten.gelu.default(%x, approximate=\"tanh\")", "$y:aten.gelu.default(0:$x:node, 1:\"tanh\")"},
      {"%r = aten.neg.default(%x)\n%y = aten.add.Tensor(%r, %r)",
       "$y:aten.add.Tensor~(0:$r:aten.neg.default(0:$x:node), 1:$r:aten.neg.default(0:$x:node); 2=1)"},
      {"%z = aten.neg.default(%x)\n%y = aten.relu.default(%x)",
       "$y:aten.relu.default(0:$x:node) & $z:aten.neg.default(0:$x:node)"},
      {"aten.neg.default(%x)\n%y = aten.relu.default(%x)  # two roots",
       "$y:aten.relu.default(0:$x:node) & aten.neg.default(0:$x:node)"},
      {"%y = aten.relu.default(\n  %x\n)", "$y:aten.relu.default(0:$x:node)"},
  };
  for (const auto& [text, expected] : rows) {
    INFO(text);
    const std::string found = compiled(text);
    if (expected)
      CHECK(found == expected);
    else
      CHECK(found.find("f32") != std::string::npos);
  }
}

TEST_CASE("The same statement is one pattern", "[rules][pattern]") {
  const RuleSet rules = testing::one_rule("%r = aten.neg.default(%x)\n%y = aten.add.Tensor(%r, %r)");
  const Rule& rule = rules.rules[0];
  const Pattern& root = rule.patterns[rule.root];
  CHECK(root.arguments[0].pattern == root.arguments[1].pattern);
  CHECK(rule.patterns.size() == 3);
}

TEST_CASE("Packets and classes stand for all operators that take the arguments", "[rules][pattern]") {
  const auto ops = [](const std::string& match, const std::string& head = {}) {
    const RuleSet rules = testing::one_rule(match, {}, "%y = aten.tanh.default(%x)", head);
    const Rule& rule = rules.rules[0];
    std::set<std::string> names;
    const std::function<void(PatternId)> collect = [&](PatternId id) {
      for (OpId op : rule.patterns[id].operators.ops) names.insert(rules.operators->name(op));
      for (PatternId child : rule.patterns[id].children) collect(child);
    };
    collect(rule.root);
    std::string text;
    for (const std::string& name : names) text += (text.empty() ? "" : " ") + name;
    return text;
  };
  CHECK(ops("%y = aten.transpose(%x, 0, 1)") == "aten.transpose.int");
  CHECK(ops("%y = aten.add(%x, %z)").find("aten.add.Tensor") != std::string::npos);
  CHECK(ops("%y = aten.add(%x, %z)").find("aten.add.Scalar") != std::string::npos);
  const std::string classes =
      "classes:\n  - {name: moves, ops: [aten.permute.default, aten.view.default]}\n  - {name: one, ops: "
      "[aten.relu.default, aten.neg.default]}\n  - {name: regex, ops: [\"/aten[.]tan(h)?[.]default/\"]}\n";
  CHECK(ops("%y = @one(%x)", classes) == "aten.neg.default aten.relu.default");
  CHECK(ops("%y = @moves(%x, _)", classes) == "aten.permute.default aten.view.default");
  CHECK(ops("%y = @regex(%x)", classes) == "aten.tan.default aten.tanh.default");
  const RuleSet rules = testing::one_rule("%y = @regex(%x)", {}, "%y = aten.tanh.default(%x)", classes);
  CHECK(rules.rules[0].patterns[rules.rules[0].root].operators.regexes ==
        std::vector<std::string>{"aten[.]tan(h)?[.]default"});
}

TEST_CASE("Macros: parameters stand for patterns, other names are the macro's own", "[rules][pattern]") {
  const std::string head =
      "macros:\n  - {name: \"twice(p)\", is: \"aten.neg.default(aten.neg.default(%p))\"}\n"
      "  - {name: \"own(p)\", is: \"aten.add.Tensor(%p, aten.mul.Tensor(%x, %x))\"}\n"
      "  - {name: \"either(p)\", any: [\"aten.neg.default(%p)\", \"aten.abs.default(%p)\"]}\n"
      "  - {name: \"nested(p)\", is: \"twice(either(%p))\"}\n";
  CHECK(compiled("%y = twice(%x)", head) == "$y:aten.neg.default(0:aten.neg.default(0:$x:node))");
  CHECK(compiled("%y = twice(aten.relu.default(%x))", head) ==
        "$y:aten.neg.default(0:aten.neg.default(0:aten.relu.default(0:$x:node)))");
  CHECK(compiled("%y = twice(p=%x)", head) == "$y:aten.neg.default(0:aten.neg.default(0:$x:node))");
  CHECK(compiled("%y = either(%x)", head) == "$y:(aten.neg.default(0:$x:node) | aten.abs.default(0:$x:node))");
  CHECK(compiled("%y = nested(%x)", head) ==
        "$y:aten.neg.default(0:aten.neg.default(0:(aten.neg.default(0:$x:node) | aten.abs.default(0:$x:node))))");
  // %x of `own` is another one than the rule's, in each use.
  const std::string two = compiled("%y = aten.sub.Tensor(own(%x), own(%x))", head);
  CHECK(two.find("$x@own.1:node, 1:$x@own.1:node") != std::string::npos);
  CHECK(two.find("$x@own.2:node, 1:$x@own.2:node") != std::string::npos);
  CHECK(two.find("0:$x:node") != std::string::npos);
  CHECK(rule_error("%y = own(%z)", "rank(%x) == 2", "%y = aten.tanh.default(%y)", head).rfind("QR0202", 0) == 0);
}

TEST_CASE("Types of names follow from where they stand", "[rules][pattern]") {
  const RuleSet rules = testing::one_rule(
      "%y = aten.cat.default([each aten.transpose.int(%x, %d, 1)], %dim) | aten.add.Tensor(aten.permute.default(%x2, "
      "%order), %other, alpha=%alpha)");
  const auto slot = [&](const std::string& name) {
    for (const Slot& candidate : rules.rules[0].slots) {
      if (candidate.name == name) return candidate;
    }
    FAIL("no slot " << name);
    return Slot();
  };
  CHECK(slot("x").type == ExpressionType::node);
  CHECK(slot("x").is_list);
  CHECK(slot("d").type == ExpressionType::integer);
  CHECK(slot("d").is_list);
  CHECK(slot("dim").type == ExpressionType::integer);
  CHECK_FALSE(slot("dim").is_list);
  CHECK(slot("dim").may_be_unbound);
  CHECK(slot("order").type == ExpressionType::list);
  CHECK(slot("alpha").type == ExpressionType::number);
  CHECK_FALSE(slot("y").may_be_unbound);
  const RuleSet lists =
      testing::one_rule("%y = aten.permute.default(aten.cat.default([%a, %b]), [%p, %q])", "rank(%a) == 2\n%p < %q");
  CHECK(lists.rules[0].conditions.size() == 2);
}

TEST_CASE("Names that every branch binds are bound", "[rules][pattern]") {
  const RuleSet rules = testing::one_rule("%y = aten.relu.default(aten.neg.default(%x) | aten.add.Tensor(%x, %z))");
  for (const Slot& slot : rules.rules[0].slots) {
    INFO(slot.name);
    CHECK(slot.may_be_unbound == (slot.name == "z"));
  }
}

TEST_CASE("Extra roots share a node with every match", "[rules][pattern]") {
  CHECK(rule_error("%z = aten.neg.default(%x)\n%y = aten.relu.default(%x)") == "ok");
  CHECK(rule_error("%z = aten.neg.default(%x)\n%y = aten.relu.default(aten.abs.default(%x)?)") == "ok");
  CHECK(rule_error("%z = aten.neg.default(%x)\n%y = aten.relu.default(aten.abs.default(%x) | aten.exp.default(%x))") ==
        "ok");
  CHECK(rule_error("%z = aten.neg.default(%x)\n%w = aten.abs.default(%z)\n%y = aten.relu.default(%x)") == "ok");
  const std::string refused = "QR0110 8:12 this statement shares no value with the rest of the pattern";
  CHECK(rule_error("%z = aten.neg.default(%w)\n%y = aten.relu.default(%x)") == refused);
  CHECK(rule_error("%z = aten.neg.default(%w)\n%y = aten.relu.default(aten.abs.default(%w) | aten.exp.default(%x))") ==
        refused);
  CHECK(rule_error("%z = aten.transpose.int(%w, %d, 1)\n%y = aten.transpose.int(%x, %d, 0)") == refused);
  CHECK(rule_error("%z = aten.neg.default(%b)\n%y = aten.linear.default(%x, %w, %b?)").rfind("QR0110", 0) == 0);
}

TEST_CASE("A pattern of many nodes is refused, not expanded", "[rules][pattern]") {
  std::string head = "macros:\n  - {name: \"m0(p)\", is: \"aten.add.Tensor(%p, %p)\"}\n";
  for (int i = 1; i < 20; ++i) {
    const std::string before = "m" + std::to_string(i - 1);
    head += "  - {name: \"m" + std::to_string(i) + "(p)\", is: \"aten.add.Tensor(" + before + "(%p), " + before +
            "(%p))\"}\n";
  }
  CHECK(rule_error("%y = m19(%x)", {}, "%y = aten.tanh.default(%y)", head)
            .find("the number of pattern nodes of a rule (macros expanded) is over the limit of 4096") !=
        std::string::npos);
  CHECK(rule_error("%y = " + std::string(100'000, '(')).find("expected") != std::string::npos);
}

}  // namespace
}  // namespace qrules
