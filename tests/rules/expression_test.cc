// Conditions when a file is loaded: grammar, types, predicates, places of mistakes.

#include "rule_helpers.h"

namespace qrules {
namespace {

const char* const kMatch =
    "%y = aten.cat.default([each aten.transpose.int(%x, %d, 1)], %dim) | aten.add.Tensor(%a, %b, alpha=%k)";

std::string error(const std::string& condition, const std::string& head = {}) {
  return testing::rule_error(kMatch, condition, "%y = aten.tanh.default(%y)", head);
}

TEST_CASE("Conditions that are well-typed", "[rules][expression]") {
  for (const char* condition : {"rank(%a) == 2",
                                "dtype(%a) in [u8, s8]",
                                "users(%a) + 1 > 2",
                                "all(rank(%n) == 2 for %n in %x)",
                                "all(rank(%n) == %m for %n, %m in %x, %d)",
                                "any(%m == 1 for %m in %d)",
                                "len(%x) == len(%d)",
                                "shape(%a) == [1, 2]",
                                "shape(%a) + [1] == leading(%b)",
                                "bound(%k) and %k == 1",
                                "%k == 1.5",
                                "close(%k, 1, rel=0.1)",
                                "op(%y) == \"aten.cat.default\"",
                                "(rank(%a) if bound(%a) else 0) == 2",
                                "not (rank(%a) == 2)",
                                "number(%k)",
                                "arg(%y, \"dim\") == 1",
                                "size(%a, 0) % 8 == 0",
                                "%dim in [0, 1]",
                                "is_none(%b)",
                                "rank(%a) == 2\n  and rank(%b) == 2",
                                "rank(%a) in [\n  1,\n  2]",
                                "%k == 1  # a comment",
                                "min(1, 2, 3) == 1",
                                "same(%a, %b) or true"}) {
    INFO(condition);
    CHECK(error(condition) == "ok");
  }
}

TEST_CASE("Mistakes in conditions, and where they stand", "[rules][expression]") {
  const std::pair<const char*, const char*> rows[] = {
      {"rank(%a)", "QR0206 10:7 a condition must be true or false, this is an integer"},
      {"dtype(%a)", "QR0206 10:7 a condition must be true or false, this is a dtype"},
      {"rank(%x) == 2", "QR0205 10:12 `rank`'s `n` takes a node, got a list"},
      {"rank(%k) == 2", "QR0205 10:12 `rank`'s `n` takes a node, got a number"},
      {"dtype(%a) == 2", "QR0205 10:7 a comparison with a dtype takes a dtype, got an integer"},
      {"dtype(%a) in [u8, 2]", "QR0205 10:25 `in` after a dtype takes a dtype, got an integer"},
      {"dtype(%a) in u8", "QR0205 10:20 `in` takes a list, got a dtype"},
      {"not rank(%a)", "QR0205 10:11 `not` takes true or false, got an integer"},
      {"true and rank(%a)", "QR0205 10:16 `and` takes true or false, got an integer"},
      {"1 or true", "QR0205 10:7 `or` takes true or false, got an integer"},
      {"1 if 2 else 3", "QR0205 10:12 the condition after `if` takes true or false, got an integer"},
      {"dtype(%a) < u8", "QR0205 10:7 an order takes a number, got a dtype"},
      {"dtype(%a) + 1 == 2", "QR0205 10:7 arithmetic takes a number, got a dtype"},
      {"shape(%a) + 1 == [1]", "QR0205 10:19 `+` with a list takes a list, got an integer"},
      {"size(%a) == 1", "QR0204 10:7 `size` takes 2 arguments, got 1"},
      {"rank() == 1", "QR0204 10:7 `rank` takes 1 argument, got 0"},
      {"close(1) == true", "QR0204 10:7 `close` takes 2 to 3 arguments, got 1"},
      {"users_besides() == 1", "QR0204 10:7 `users_besides` takes 1 or more arguments, got 0"},
      {"close(1, 1, tolerance=2)", "QR0107 10:19 `close` has no parameter `tolerance`"},
      {"bound(1)", "QR0204 10:7 `bound` takes one name %x, got 1"},
      {"nothing(%a)", "QR0203 10:7 unknown function `nothing`"},
      {"rank(%unknown) == 1", "QR0202 10:12 `%unknown` is not bound by the pattern"},
      {"rank(a) == 1", "QR0116 10:12 `a` is no literal"},
      {"all(%n == 1 for %n in 3)", "QR0205 10:29 a loop takes a list, got an integer"},
      {"all(rank(%n) for %n in %x)", "QR0205 10:11 the body of a loop takes true or false, got an integer"},
      {"all(true for %n, %m in %x)", "QR0210 10:7 2 names for 1 lists"},
      {"all(true for %a in %x)", "QR0211 10:20 `%a` is already bound by the pattern"},
      {"all(true for %n in %x) and rank(%n) == 1", "QR0202 10:39 `%n` is not bound by the pattern"},
      {"cast(%a, f32) == 1", "QR0209 10:7 `cast` makes values and may only stand in `rewrite`"},
      {"rank(%a) ==", "QR0201 10:18 expected an expression, found the end of the line"},
      {"rank(%a == 2", "QR0124 10:11 `(` is not closed"},
      {"[1, 2", "QR0124 10:7 `[` is not closed"},
      {"1 2", "QR0201 10:9 expected the end of the condition, found `2`"},
      {"1 if true", "QR0201 10:16 expected `else`, found the end of the line"},
      {"1 not 2", "QR0201 10:13 expected `in`, found `2`"},
      {"1 < 2 < 3", "QR0201 10:13 expected `and`: comparisons do not chain, found `<`"},
      {"if == 1", "QR0201 10:7 expected an expression, found `if`"},
      {"\"open == 1", "QR0201 10:7 expected an expression, found a text in quotes that does not end well"},
      {"99999999999999999999 == 1", "QR0201 10:7 expected a number, found `99999999999999999999`"},
      {"%k $ 1", "QR0201 10:10 expected the end of the condition, found `$`"},
  };
  for (const auto& [condition, expected] : rows) {
    INFO(condition);
    CHECK(error(condition) == expected);
  }
}

TEST_CASE("Each line is a condition, and each wrong line an error", "[rules][expression]") {
  const RuleSet rules = testing::one_rule(kMatch, "rank(%a) == 2\n\n# nothing\nrank(%b) == 2\n  or rank(%b) == 3");
  REQUIRE(rules.rules[0].conditions.size() == 2);
  CHECK(rules.rules[0].conditions[1].text == "rank(%b) == 2 or rank(%b) == 3");
  const auto broken = load_rules_text(
      "t.yaml",
      testing::rule_file("rules:\n" + testing::rule_text("r", kMatch, "rank(%a) = 2\nrank(%q) == 2\nrank(%b) == 2",
                                                         "%y = aten.tanh.default(%y)")));
  REQUIRE_FALSE(broken.ok());
  CHECK(broken.diagnostics().size() == 2);
}

TEST_CASE("Predicates", "[rules][expression]") {
  const std::string head =
      "predicates:\n  - {name: flat(n), is: rank(n) == 1}\n  - {name: \"both(a, b)\", is: flat(a) and flat(b)}\n";
  CHECK(error("flat(%a)", head) == "ok");
  CHECK(error("both(%a, %b) or not flat(%a)", head) == "ok");
  CHECK(error("flat(3)", head) == "QR0205 13:12 `rank`'s `n` takes a node, got an integer");
  CHECK(error("flat(%a, %b)", head) == "QR0204 13:7 `flat` takes 1 argument, got 2");
  CHECK(error("flatt(%a)", head) == "QR0203 13:7 unknown function `flatt`");
  // A mistake inside a predicate is shown where it is used, and where it is.
  const auto broken = load_rules_text(
      "t.yaml", testing::rule_file("predicates:\n  - {name: wrong(n), is: dtype(n) == 3}\nrules:\n" +
                                   testing::rule_text("r", kMatch, "wrong(%a)", "%y = aten.tanh.default(%y)")));
  REQUIRE_FALSE(broken.ok());
  REQUIRE(broken.diagnostics().size() == 1);
  const std::vector<Label>& labels = broken.diagnostics().list()[0].labels;
  REQUIRE(labels.size() >= 2);
  CHECK(labels.front().span.text() == "dtype(n) == 3");
  CHECK(labels.back().span.text() == "wrong");
}

TEST_CASE("Deep expressions are refused, not recursed into", "[rules][expression]") {
  for (const std::string& deep : {std::string(100'000, '('), std::string(100'000, '['), std::string(100'000, '-')}) {
    // Brackets are bounded for the whole file before it is read.
    CHECK(error(deep + "1").find(deep[0] == '[' ? "the depth of nesting" : "expected") != std::string::npos);
  }
  std::string nots;
  for (int i = 0; i < 100'000; ++i) nots += "not ";
  CHECK(error(nots + "true").find("expected") != std::string::npos);
}

TEST_CASE("Conditions know what they need and what they cost", "[rules][expression]") {
  const RuleSet rules =
      testing::one_rule(kMatch, "all_zero(%a)\nrank(%b) == 2\nall(rank(%n) == rank(%a) for %n in %x)");
  const Rule& rule = rules.rules[0];
  REQUIRE(rule.conditions.size() == 3);
  CHECK(rule.conditions[0].cost == 20);
  CHECK(rule.conditions[1].cost == 0);
  const auto names = [&](const Condition& condition) {
    std::string text;
    for (SlotId slot : condition.slots) text += rule.slots[slot].name + " ";
    return text;
  };
  CHECK(names(rule.conditions[0]) == "a ");
  CHECK(names(rule.conditions[2]) == "x a ");
}

}  // namespace
}  // namespace qrules
