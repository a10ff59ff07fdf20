#include <qrules/rules/map_forms.h>

namespace qrules {

const MapForm& file_form() {
  static const MapForm form{
      "a rule file",
      {"qrules", "doc", "import", "operators", "classes", "macros", "predicates", "rules", "phases"},
      {{"version", "qrules"},
       {"description", "doc"},
       {"imports", "import"},
       {"include", "import"},
       {"includes", "import"},
       {"use", "import"},
       {"ops", "operators"},
       {"schemas", "operators"},
       {"groups", "classes"},
       {"sets", "classes"},
       {"patterns", "macros"},
       {"templates", "macros"},
       {"functions", "predicates"},
       {"conditions", "predicates"},
       {"pipeline", "phases"},
       {"passes", "phases"},
       {"stages", "phases"}}};
  return form;
}

const MapForm& class_form() {
  static const MapForm form{"a class",
                            {"name", "doc", "ops"},
                            {{"operators", "ops"},
                             {"members", "ops"},
                             {"is", "ops"},
                             {"any", "ops"},
                             {"description", "doc"},
                             {"comment", "doc"}}};
  return form;
}

const MapForm& macro_form() {
  static const MapForm form{"a macro",
                            {"name", "doc", "is", "any"},
                            {{"match", "is"},
                             {"pattern", "is"},
                             {"body", "is"},
                             {"expands", "is"},
                             {"patterns", "any"},
                             {"alternatives", "any"},
                             {"one_of", "any"},
                             {"description", "doc"},
                             {"comment", "doc"}}};
  return form;
}

const MapForm& predicate_form() {
  static const MapForm form{"a predicate",
                            {"name", "doc", "is"},
                            {{"where", "is"},
                             {"condition", "is"},
                             {"if", "is"},
                             {"body", "is"},
                             {"expr", "is"},
                             {"expression", "is"},
                             {"description", "doc"},
                             {"comment", "doc"}}};
  return form;
}

const MapForm& phase_form() {
  static const MapForm form{"a phase",
                            {"name", "doc", "strategy", "before"},
                            {{"description", "doc"}, {"mode", "strategy"}, {"order", "strategy"}}};
  return form;
}

const MapForm& rule_form() {
  static const MapForm form{
      "a rule",
      {"name", "doc", "phase", "benefit", "before", "after", "foreach", "match", "members", "where", "rewrite",
       "counter", "covers", "tests"},
      {{"id", "name"},          {"rule", "name"},           {"title", "name"},        {"description", "doc"},
       {"comment", "doc"},      {"summary", "doc"},         {"help", "doc"},          {"stage", "phase"},
       {"pass", "phase"},       {"priority", "benefit"},    {"weight", "benefit"},    {"for_each", "foreach"},
       {"for", "foreach"},      {"matrix", "foreach"},      {"template", "foreach"},  {"pattern", "match"},
       {"find", "match"},       {"source", "match"},        {"from", "match"},        {"if", "where"},
       {"when", "where"},       {"guard", "where"},         {"guards", "where"},      {"condition", "where"},
       {"conditions", "where"}, {"constraint", "where"},    {"constraints", "where"}, {"requires", "where"},
       {"replace", "rewrite"},  {"replacement", "rewrite"}, {"then", "rewrite"},      {"to", "rewrite"},
       {"target", "rewrite"},   {"result", "rewrite"},      {"fix", "rewrite"},       {"counts", "counter"},
       {"examples", "tests"},   {"cases", "tests"}}};
  return form;
}

const MapForm& test_form() {
  static const MapForm form{"a rule test",
                            {"name", "graph", "expect", "with"},
                            {{"description", "name"},
                             {"title", "name"},
                             {"id", "name"},
                             {"input", "graph"},
                             {"before", "graph"},
                             {"model", "graph"},
                             {"code", "graph"},
                             {"expected", "expect"},
                             {"expects", "expect"},
                             {"assert", "expect"},
                             {"check", "expect"},
                             {"rules", "with"}}};
  return form;
}

const MapForm& expect_form() {
  static const MapForm form{"`expect`",
                            {"fires", "numerics", "because", "result"},
                            {{"count", "fires"},
                             {"matches", "fires"},
                             {"times", "fires"},
                             {"fired", "fires"},
                             {"reason", "because"},
                             {"why", "because"},
                             {"refused", "because"},
                             {"numeric", "numerics"},
                             {"numerical", "numerics"},
                             {"equal", "numerics"},
                             {"graph", "result"},
                             {"after", "result"},
                             {"output", "result"}}};
  return form;
}

const MapForm& counter_form() {
  static const MapForm form{
      "`counter`", {"name", "when"}, {{"if", "when"}, {"where", "when"}, {"condition", "when"}, {"id", "name"}}};
  return form;
}

}  // namespace qrules
