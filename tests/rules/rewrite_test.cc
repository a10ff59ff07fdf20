// Rewrites when a file is loaded: the three forms of a line, what is replaced, and mistakes with their places.

#include "rule_helpers.h"

namespace qrules {
namespace {

using testing::one_rule;
using testing::rule_error;

const char* const kMatch = "%r = aten.neg.default(%x)\n%y = aten.add.Tensor(%r, %z, alpha=%k)";

std::string error(const std::string& rewrite) { return rule_error(kMatch, {}, rewrite); }

TEST_CASE("Calls, copies and expressions", "[rules][rewrite]") {
  const RuleSet rules = one_rule(
      kMatch, {}, "%t = transpose(%z, [1, 0])\n%c = %r with (self=%t)\n%y = aten.sub.Tensor(%c, %z, alpha=%k)");
  const Rule& rule = rules.rules[0];
  REQUIRE(rule.rewrite.size() == 3);
  CHECK(rule.rewrite[0].kind == RewriteStatement::Kind::expression);
  CHECK(rule.rewrite[1].kind == RewriteStatement::Kind::copy);
  REQUIRE(rule.rewrite[1].like.has_value());
  CHECK(rule.slots[*rule.rewrite[1].like].name == "r");
  CHECK(rule.rewrite[2].kind == RewriteStatement::Kind::call);
  CHECK(rules.operators->name(rule.rewrite[2].op) == "aten.sub.Tensor");
  REQUIRE(rule.rewrite[2].values.size() == 3);
  CHECK(rule.rewrite[2].values[0].parameter == "self");
  CHECK(rule.rewrite[2].values[1].parameter == "other");
  CHECK(rule.rewrite[2].values[2].parameter == "alpha");
}

TEST_CASE("What a rewrite assigns again is replaced, the root first", "[rules][rewrite]") {
  const auto replaced = [](const std::string& rewrite) {
    const RuleSet rules = one_rule(kMatch, {}, rewrite);
    std::string names;
    for (SlotId slot : rules.rules[0].replaced) names += rules.rules[0].slots[slot].name + " ";
    return names;
  };
  CHECK(replaced("%y = aten.relu.default(%x)") == "y ");
  CHECK(replaced("%r = aten.relu.default(%x)\n%y = aten.add.Tensor(%r, %z)") == "y r ");
  CHECK(replaced("%new = aten.relu.default(%x)\n%y = aten.add.Tensor(%new, %z)") == "y ");
  CHECK(replaced("%y = %x") == "y ");
}

TEST_CASE("`like` takes over arguments", "[rules][rewrite]") {
  const RuleSet rules = one_rule(kMatch, {}, "%y = aten.sub.Tensor(like %y, self=%x)");
  REQUIRE(rules.rules[0].rewrite[0].like.has_value());
  CHECK(rules.rules[0].rewrite[0].values.size() == 1);
  CHECK(error("%y = aten.sub.Tensor(like %y)") == "ok");
  CHECK(error("%y = aten.sub.Tensor(%x, like %y)") != "ok");
}

TEST_CASE("A rewrite is read also when the pattern has a mistake", "[rules]") {
  CHECK(testing::rule_error("%y = aten.rellu.default(%x)", "", "%y = %y with (self=%x)") ==
        "QR0102 8:12 unknown operator `aten.rellu.default`");
  CHECK(testing::rule_error("%y = aten.rellu.default(%x)", "", "%y = aten.tanh.default(like %y)") ==
        "QR0102 8:12 unknown operator `aten.rellu.default`");
  CHECK(testing::rule_error("%y = aten.relu.default(%x", "rank(%x) == 2", "%y = %x with (self=%y)") ==
        "QR0124 8:29 `(` is not closed");
}

TEST_CASE("Mistakes in rewrites, and where they stand", "[rules][rewrite]") {
  const std::pair<const char*, const char*> rows[] = {
      {"%t = aten.relu.default(%x)", "QR0303 11:7 the rewrite does not assign the root `%y`"},
      {"aten.relu.default(%x)", "QR0301 11:7 expected a name: `%name = value`, found `aten.relu.default`"},
      {"%y aten.relu.default(%x)", "QR0301 11:10 expected `=`, found `aten.relu.default`"},
      {"%y = aten.relu.default(%x", "QR0124 11:29 `(` is not closed"},
      {"%y = aten.relu.default(%x) %z", "QR0301 11:34 expected the end of the line, found `%z`"},
      {"%y = aten.relu.default(%nothing)", "QR0202 11:30 `%nothing` is not bound by the pattern"},
      {"%y = aten.relu.default(%later)\n%later = aten.neg.default(%x)",
       "QR0202 11:30 `%later` is not bound by the pattern"},
      {"%y = aten.nothing.default(%x)", "QR0302 11:12 unknown operator or function `aten.nothing.default`"},
      {"%y = aten.relu.default(%x, %z)", "QR0108 11:34 `aten.relu.default` takes at most 1 argument"},
      {"%y = aten.add.Tensor(%x)", "QR0305 11:12 `aten.add.Tensor` needs `other`"},
      {"%y = aten.add.Tensor(%x, %z, beta=1)", "QR0304 11:36 `aten.add.Tensor` has no parameter `beta`"},
      {"%y = aten.add.Tensor(%x, %z, other=%x)", "QR0306 11:36 `other` is given twice"},
      {"%y = aten.add.Tensor(like %nothing)", "QR0202 11:33 `%nothing` is not bound by the pattern"},
      {"%y = aten.add.Tensor(like %x)", "QR0309 11:33 `%x` is not a matched call, so it has no arguments to take over"},
      {"%y = %k with (self=%x)", "QR0309 11:12 `%k` is not a matched call, so it has no arguments to take over"},
      {"%y = %r with (other=%x)", "QR0304 11:21 `aten.neg.default` has no parameter `other`"},
      {"%y = %r with (self=%x, self=%z)", "QR0306 11:30 `self` is given twice"},
      {"%y = %r with (%x)", "QR0301 11:21 expected a named argument, found `%x`"},
      {"%y = aten.relu.default(u8)", "QR0205 11:30 `self` takes a node, got a dtype"},
      {"%y = aten.transpose.int(%x, u8, 1)", "QR0205 11:35 `dim0` takes an integer, got a dtype"},
      {"%x = aten.relu.default(%z)\n%y = aten.neg.default(%x)",
       "QR0308 11:7 `%x` is not a call that the pattern matches"},
      {"%k = aten.relu.default(%z)\n%y = aten.neg.default(%x)",
       "QR0308 11:7 `%k` is not a call that the pattern matches"},
      {"%y = aten.relu.default(%x)\n%y = aten.neg.default(%x)", "QR0307 12:7 `%y` is assigned twice"},
      {"%t = aten.relu.default(%x)\n%t = aten.relu.default(%z)\n%y = aten.neg.default(%t)",
       "QR0307 12:7 `%t` is assigned twice"},
      {"%y = nothing(%x)", "QR0203 11:12 unknown function `nothing`"},
      {"%y = transpose(%x)", "QR0204 11:12 `transpose` takes 2 arguments, got 1"},
  };
  for (const auto& [rewrite, expected] : rows) {
    INFO(rewrite);
    CHECK(error(rewrite) == expected);
  }
}

TEST_CASE("One wrong line is one error, though later lines use its name", "[rules][rewrite]") {
  CHECK(error("%t = aten.nothing.default(%x)\n%u = aten.neg.default(%t)\n%y = aten.relu.default(%u)")
            .rfind("QR0302", 0) == 0);
  CHECK(error("%t = aten.nothing.default(%x)\n%y = aten.relu.default(%t)").rfind("QR0302", 0) == 0);
}

TEST_CASE("Names inside `each` are read as lists and not replaced", "[rules][rewrite]") {
  const std::string match = "%y = aten.cat.default([each aten.neg.default(%x)], %d)";
  CHECK(rule_error(match, {}, "%y = aten.cat.default(%x, %d)") == "ok");
  CHECK(rule_error(match, {}, "%y = aten.relu.default(%x)") == "QR0205 10:30 `self` takes a node, got a list");
  CHECK(rule_error(match, {}, "%x = aten.cat.default(%x)\n%y = aten.cat.default(%x)").rfind("QR0308", 0) == 0);
}

TEST_CASE("A counter may have a condition", "[rules][rewrite]") {
  const auto loaded = [](const std::string& counter) {
    return testing::load_error(
        testing::rule_file("rules:\n" + testing::rule_text("r", kMatch, {}, "%y = aten.relu.default(%x)", counter)));
  };
  CHECK(loaded("    counter: fired\n") == "ok");
  CHECK(loaded("    counter: {name: fired, when: rank(%x) == 2}\n") == "ok");
  CHECK(loaded("    counter: {name: fired, when: rank(%q) == 2}\n").rfind("QR0202", 0) == 0);
  CHECK(loaded("    counter: {name: fired, when: rank(%x)}\n").rfind("QR0206", 0) == 0);
  CHECK(loaded("    counter: {name: fired}\n").rfind("QR0005", 0) == 0);
  CHECK(loaded("    counter: {name: fired, when: \"rank(%x) == 2\\nrank(%z) == 2\"}\n") != "ok");
}

}  // namespace
}  // namespace qrules
