// Rewrites that fit no match: see checks.h.

#include <map>
#include <optional>
#include <utility>
#include <variant>

#include <qrules/generate/generate.h>
#include <qrules/rewrite/rewrite.h>
#include <rulecheck/checks.h>
#include <rulecheck/diagnostics.h>

namespace qrules::tools {
namespace {

constexpr size_t kRules = 64;      // that are looked at: a file of thousands without a test has other worries
constexpr size_t kGraphs = 12;     // on all of which the rewrite is refused
constexpr size_t kAttempts = 200;  // graphs made in search of one that the rule matches

// Why the rewrite was refused on each graph that was made; nothing when it was not on one, or none was found.
std::optional<std::string> always_refused(const RuleSet& rules, const Rule& rule) {
  Generator generator(rules, {{&rule}, {}, {}});
  const Automaton automaton = Automaton::compile(rules, {&rule});
  std::string reason;
  for (size_t i = 0; i < kGraphs; ++i) {
    std::optional<Generated> made = generator.generate(i + 1, kAttempts);
    if (!made) return std::nullopt;
    Automaton::Session session(automaton, made->graph);
    const std::optional<Match> match = session.match(made->graph.find(made->roots.front()));
    if (!match) return std::nullopt;
    auto outcome = apply_match(made->graph, *match);
    const auto* dropped = std::get_if<DroppedMatch>(&outcome);
    if (!dropped) return std::nullopt;
    if (reason.empty()) reason = dropped->reason;
  }
  return reason;
}

// Where the rewrite makes what stands for the root; a rewrite that only passes a value on has no statement of its own.
Span place_of_result(const Rule& rule) {
  for (const RewriteStatement& statement : rule.rewrite) {
    if (!rule.replaced.empty() && statement.result == rule.replaced.front()) return statement.span;
  }
  return rule.rewrite.empty() ? rule.span : rule.rewrite.back().span;
}

}  // namespace

Diagnostics check_rewrites(const RuleSet& rules, const std::string& filter) {
  // A test in which the rule fires shows more than graphs can that were made for it.
  std::map<std::string, bool> fires;
  for (const Rule& rule : rules.rules) {
    for (const RuleTest& test : rule.tests) fires[rule.base_name] |= test.fires.value_or(0) > 0;
  }
  Diagnostics found;
  size_t looked_at = 0;
  for (const Rule& rule : rules.rules) {
    // One instance of a template: the others make the same kind of thing.
    if (!chosen(rule, filter) || std::exchange(fires[rule.base_name], true) || rule.rewrite.empty()) continue;
    if (++looked_at > kRules) break;
    const std::optional<std::string> reason = always_refused(rules, rule);
    if (!reason) continue;
    found.add(Diagnostic(kRewriteRefused, place_of_result(rule), "fits in none of these places")
                  .with("rule", rule.base_name)
                  .label(rule.patterns[rule.root].span, "is what it stands for")
                  .note("for example: " + *reason)
                  .help("make the type of the result that of the root (a cast, another `out_dtype`), or add a test in "
                        "which the rule fires"));
  }
  return found;
}

}  // namespace qrules::tools
