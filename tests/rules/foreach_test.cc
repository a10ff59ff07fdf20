// Templates: one rule for every combination of `foreach`.

#include "rule_helpers.h"

namespace qrules {
namespace {

std::string file_of(const std::string& variables, const std::string& match, const std::string& where,
                    const std::string& rewrite, const std::string& more = {}) {
  return testing::rule_file("rules:\n" +
                            testing::rule_text("r", match, where, rewrite, "    foreach:\n" + variables + more));
}

std::string root_operator(const RuleSet& rules, const Rule& rule) {
  return rules.operators->name(rule.patterns[rule.root].operators.ops.at(0));
}

TEST_CASE("Every combination is an instance, the last name fastest", "[rules][foreach]") {
  const RuleSet rules =
      testing::rules_of(file_of("      op: [relu, neg]\n      type: [u8, s8, f32]\n", "%y = aten.${op}.default(%x)",
                                "dtype(%x) == ${type}", "%y = aten.tanh.default(%x)"));
  REQUIRE(rules.rules.size() == 6);
  const std::pair<const char*, const char*> expected[] = {
      {"r[relu,u8]", "aten.relu.default"}, {"r[relu,s8]", "aten.relu.default"}, {"r[relu,f32]", "aten.relu.default"},
      {"r[neg,u8]", "aten.neg.default"},   {"r[neg,s8]", "aten.neg.default"},   {"r[neg,f32]", "aten.neg.default"}};
  for (size_t i = 0; i < 6; ++i) {
    CHECK(rules.rules[i].name == expected[i].first);
    CHECK(rules.rules[i].base_name == "r");
    CHECK(root_operator(rules, rules.rules[i]) == expected[i].second);
  }
  CHECK(rules.rules[1].conditions[0].text == "dtype(%x) == s8");
}

TEST_CASE("An element may be a map: its values go by ${name.key}", "[rules][foreach]") {
  const RuleSet rules = testing::rules_of(
      file_of("      a:\n        - {op: relu, to: neg}\n        - {op: abs, to: exp}\n",
              "%y = aten.${a.op}.default(%x)", "", "%y = aten.${a.to}.default(%x)", "    counter: ${a.op}_count\n"));
  REQUIRE(rules.rules.size() == 2);
  CHECK(rules.rules[0].name == "r[relu]");  // the first value names the instance
  CHECK(rules.rules[1].name == "r[abs]");
  CHECK(rules.operators->name(rules.rules[1].rewrite[0].op) == "aten.exp.default");
  REQUIRE(rules.rules[1].counter.has_value());
  CHECK(rules.rules[1].counter->name == "abs_count");
}

TEST_CASE("A lone instance keeps the name of the rule", "[rules][foreach]") {
  const RuleSet rules =
      testing::rules_of(file_of("      op: [relu]\n", "%y = aten.${op}.default(%x)", "", "%y = aten.tanh.default(%x)"));
  REQUIRE(rules.rules.size() == 1);
  CHECK(rules.rules[0].name == "r");
}

TEST_CASE("Texts of several lines and patterns can be elements", "[rules][foreach]") {
  const RuleSet rules =
      testing::rules_of(file_of("      tail: [\"aten.neg.default(%x)\", \"aten.abs.default(aten.exp.default(%x))\"]\n",
                                "%y = aten.relu.default(${tail})", "", "%y = aten.tanh.default(%x)"));
  REQUIRE(rules.rules.size() == 2);
  // More pattern nodes come first.
  CHECK(rules.rules[0].patterns.size() == 4);
  CHECK(rules.rules[1].patterns.size() == 3);
}

TEST_CASE("Tests stay with the first instance, order references with all", "[rules][foreach]") {
  const std::string tests =
      "    tests:\n      - name: t\n        graph: |\n          graph(%x: f32[2]) {\n            %y: f32[2] = "
      "aten.relu.default(%x)\n            return (%y)\n          }\n        expect: {fires: 1}\n";
  const RuleSet rules = testing::rules_of(testing::rule_file(
      "rules:\n" +
      testing::rule_text("last", "%y = aten.relu.default(aten.neg.default(aten.neg.default(%x)))", "", "%y = %x") +
      testing::rule_text("r", "%y = aten.${op}.default(%x)", "", "%y = %x",
                         "    before: [last]\n    foreach: {op: [relu, neg]}\n" + tests)));
  REQUIRE(rules.rules.size() == 3);
  CHECK(rules.rules[0].name == "r[relu]");
  CHECK(rules.rules[1].name == "r[neg]");
  CHECK(rules.rules[2].name == "last");
  CHECK(rules.rules[0].tests.size() == 1);
  CHECK(rules.rules[1].tests.empty());
}

TEST_CASE("Mistakes in templates stand where they are written, once", "[rules][foreach]") {
  using testing::load_error;
  CHECK(load_error(file_of("      op: [relu, neg]\n", "%y = aten.${oq}.default(%x)", "", "%y = %x")) ==
        "QR0120 10:17 `oq` is not a name of `foreach`");
  CHECK(load_error(file_of("      op: [relu, neg]\n", "%y = aten.${op.key}.default(%x)", "", "%y = %x")) ==
        "QR0120 10:17 `op.key` is not a name of `foreach`");
  CHECK(load_error(file_of("      op: [rellu, negg]\n", "%y = aten.${op}.default(%x)", "", "%y = %x")) ==
        "QR0102 10:12 unknown operator `aten.rellu.default`");
  CHECK(load_error(file_of("      op: [relu, negg]\n", "%y = aten.${op}.default(%x)", "", "%y = %x")) ==
        "QR0102 10:12 unknown operator `aten.negg.default`");
  CHECK(load_error(file_of("      op: []\n", "%y = aten.${op}.default(%x)", "", "%y = %x")).rfind("QR0006 8:", 0) == 0);
  CHECK(load_error(file_of("      op: relu\n", "%y = aten.${op}.default(%x)", "", "%y = %x")).rfind("QR0006 8:", 0) ==
        0);
  CHECK(load_error(file_of("      op: [relu]\n", "%y = aten.${op.default(%x)", "", "%y = %x")) != "ok");
}

TEST_CASE("The number of instances is bounded before any is made", "[rules][foreach]") {
  LoadOptions options;
  options.limits.foreach_instances = 5;
  const std::string six = file_of("      op: [relu, neg]\n      type: [u8, s8, f32]\n", "%y = aten.${op}.default(%x)",
                                  "dtype(%x) == ${type}", "%y = %x");
  CHECK(testing::load_error(six, options).find("the number of instances of `foreach` is over the limit of 5") !=
        std::string::npos);
  options.limits.foreach_instances = 6;
  CHECK(testing::load_error(six, options) == "ok");
}

}  // namespace
}  // namespace qrules
