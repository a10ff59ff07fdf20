// See test_runner.h. What the keys of a test mean: docs/rule-language.md.

#include <rulecheck/test_runner.h>

#include <algorithm>
#include <chrono>
#include <set>
#include <variant>

#include <common/line_diff.h>
#include <common/squeezed.h>
#include <qrules/graph/diagnostics.h>
#include <qrules/graph/text.h>
#include <qrules/graph/verify.h>
#include <rulecheck/diagnostics.h>

namespace qrules::tools {
namespace {

constexpr size_t kReasonsShown = 8;

std::string times(int64_t count) { return std::to_string(count) + (count == 1 ? " time" : " times"); }

// What is wrong with the text of a graph.
bool is_of_graph(const DiagnosticKind& kind) { return std::string_view(kind.code).starts_with("QR05"); }

class TestRun {
 public:
  TestRun(const Rewriter& rewriter, const Rule& rule, const RuleTest& test, const Comparison& compare)
      : rewriter_(rewriter), rules_(rewriter.rules()), rule_(rule), test_(test), compare_(compare) {
    outcome_.rule = &rule;
    outcome_.test = &test;
  }

  TestOutcome run() {
    check();
    outcome_.passed = !outcome_.found.has_errors();
    return std::move(outcome_);
  }

 private:
  void check() {
    if (!others_are_known()) return;
    std::optional<Graph> parsed = parse(test_.graph, "`graph`");
    if (!parsed || !types_are_right(*parsed)) return;
    Graph& graph = *parsed;
    const Graph before = graph.clone();

    RewriteOptions options;
    options.verify_each = true;
    options.only_rules = test_.with;
    options.only_rules.push_back(rule_.base_name);
    Result<RewriteReport> applied = rewriter_.apply(graph, options);
    if (!applied.ok()) {
      return not_run("applying the rules failed", applied.diagnostics());
    }
    const RewriteReport& report = *applied;
    if (const auto fired = report.rules_fired.find(rule_.base_name); fired != report.rules_fired.end())
      outcome_.fired = fired->second;

    const bool as_often = !test_.fires || outcome_.fired == *test_.fires;
    if (!as_often || !test_.because.empty()) {
      const std::vector<NearMiss> refusals = near_misses(graph);
      if (!as_often) check_fires(report, refusals);
      if (!test_.because.empty()) check_because(report, refusals);
    }
    if (test_.result) check_result(graph);
    if (test_.numerics) check_numerics(before, graph);
  }

  Diagnostic at_test(const DiagnosticKind& kind, std::string label = {}) const {
    return Diagnostic(kind, test_.span, std::move(label)).with("test", test_.name).with("rule", rule_.base_name);
  }
  void add(Diagnostic diagnostic) { outcome_.found.add(std::move(diagnostic)); }
  // What stopped it is told in notes: it is one mistake.
  void not_run(std::string why, const Diagnostics& reasons) {
    Diagnostic diagnostic = at_test(kTestNotRun).with("why", std::move(why));
    for (const Diagnostic& reason : reasons.list()) {
      diagnostic.notes.push_back(std::string(reason.kind->code) + ": " + reason.message());
      for (const Label& label : reason.labels) {
        if (label.span && !label.text.empty()) diagnostic.labels.push_back(label);
      }
      diagnostic.notes.insert(diagnostic.notes.end(), reason.notes.begin(), reason.notes.end());
      diagnostic.helps.insert(diagnostic.helps.end(), reason.helps.begin(), reason.helps.end());
    }
    add(std::move(diagnostic));
  }

  bool others_are_known() {
    bool known = true;
    for (size_t i = 0; i < test_.with.size(); ++i) {
      const std::string& other = test_.with[i];
      const auto is_it = [&](const Rule& rule) { return rule.base_name == other; };
      if (std::any_of(rules_.rules.begin(), rules_.rules.end(), is_it)) continue;
      std::vector<std::string> names;
      for (const Rule& rule : rules_.rules) names.push_back(rule.base_name);
      Diagnostic diagnostic =
          at_test(kTestNotRun).with("why", "`with` names the rule `" + other + "`, which was not loaded");
      const Span place = i < test_.with_spans.size() ? test_.with_spans[i] : Span();
      if (place) diagnostic.labels.insert(diagnostic.labels.begin(), {place, "no such rule"});
      if (!diagnostic.suggest(other, names, place))
        diagnostic.helps.push_back({"name a rule of the files that are checked, or remove it", {}, {}});
      add(std::move(diagnostic));
      known = false;
    }
    return known;
  }

  std::optional<Graph> parse(const Span& span, const std::string& what) {
    Result<Graph> parsed = parse_graph(span, rules_.operators);
    if (parsed.ok()) return std::move(*parsed);
    // The first: what follows it may follow from it.
    Diagnostic diagnostic = parsed.diagnostics().list().front();
    diagnostic.labels.push_back({test_.span, "in " + what + " of this test"});
    if (diagnostic.helps.empty()) advise(diagnostic);
    add(std::move(diagnostic));
    return std::nullopt;
  }

  // Texts of graphs are most often pasted from a dump and then shortened by hand.
  static void advise(Diagnostic& diagnostic) {
    const std::string code = diagnostic.kind->code;
    if (code == "QR0501" && expected_of(diagnostic) == "`)`" && close_line_above(diagnostic)) return;
    if (code == "QR0501" && expected_of(diagnostic) == "`}`" && close_graph(diagnostic)) return;
    if (code == "QR0501")
      diagnostic.helps.push_back(
          {"a graph reads `graph(%x: f32[4]) {`, a line `%y: f32[4] = aten.relu.default(%x)` for each call, "
           "`return (%y)` and `}`",
           {},
           {}});
    else if (code == "QR0503")
      diagnostic.helps.push_back(
          {"give the value a line before this one, or add it to the inputs in `graph(...)`", {}, {}});
    else
      diagnostic.helps.push_back({"`rulecheck explain " + code + "` says more", {}, {}});
  }

  static std::string expected_of(const Diagnostic& diagnostic) {
    for (const auto& [key, value] : diagnostic.arguments) {
      if (key == "expected" && std::holds_alternative<std::string>(value)) return std::get<std::string>(value);
    }
    return {};
  }

  // A bracket that is missed at the beginning of a line was to be closed at the end of the one above.
  static bool close_line_above(Diagnostic& diagnostic) {
    Span& place = diagnostic.labels.front().span;
    const std::string_view before = place.file->text().substr(0, place.begin);
    const size_t last = before.find_last_not_of(" \t\r\n");
    if (last == std::string_view::npos || before.find('\n', last) == std::string_view::npos) return false;
    place = {place.file, last + 1, last + 1};
    diagnostic = std::move(diagnostic).fix("close the call", place, ")");
    return true;
  }

  // A graph that lacks its last line.
  static bool close_graph(Diagnostic& diagnostic) {
    Span& place = diagnostic.labels.front().span;
    const std::string_view before = place.file->text().substr(0, place.begin);
    const size_t last = before.find_last_not_of(" \t\r\n");
    if (last == std::string_view::npos || before.find('\n', last) == std::string_view::npos) return false;
    place = {place.file, last + 1, last + 1};
    const std::string_view line = place.file->line(place.file->position(last).line);
    const size_t indent = std::min(line.find_first_not_of(' '), line.size());
    diagnostic =
        std::move(diagnostic).fix("close the graph", place, "\n" + std::string(indent > 1 ? indent - 2 : 0, ' ') + "}");
    return true;
  }

  // The recorded types are those that the operators give; a graph in which they differ is not what it seems.
  bool types_are_right(const Graph& graph) {
    if (!graph.output()) {
      const size_t brace = test_.graph.text().rfind('}');
      const Span place = brace == std::string_view::npos ? test_.graph : test_.graph.part(brace, 1);
      add(Diagnostic(kGraphSyntax, place, "the graph returns nothing")
              .with("expected", "`return (...)`")
              .with("found", "`}`")
              .label(test_.span, "in the graph of this test")
              .help("what a graph does not return is not computed: end it with `return (%y)`"));
      return false;
    }
    const Diagnostics wrong = verify(graph);
    for (const Diagnostic& found : wrong.list()) {
      if (found.kind != &kWrongType) continue;
      Diagnostic diagnostic = found;
      std::string name, inferred, recorded;
      for (const auto& [key, value] : found.arguments) {
        if (const auto* text = std::get_if<std::string>(&value))
          (key == "node" ? name : key == "inferred" ? inferred : recorded) = *text;
      }
      const std::string_view text = test_.graph.text();
      size_t at = text.find("%" + name + ":");
      Span place = test_.span;
      if (at != std::string_view::npos && !recorded.empty()) {
        at += name.size() + 2;
        while (at < text.size() && text[at] == ' ') ++at;
        place = test_.graph.part(at, std::min(recorded.size(), text.size() - at));
      }
      diagnostic.labels.insert(diagnostic.labels.begin(), {place, "the operator gives " + inferred});
      diagnostic.labels.push_back({test_.span, "in the graph of this test"});
      if (place.text() == recorded)
        diagnostic = std::move(diagnostic).fix("record what the operator gives", place, inferred);
      else
        diagnostic = std::move(diagnostic).help("record what the operator gives, or nothing");
      add(std::move(diagnostic));
      return false;
    }
    return true;
  }

  // Where this rule's instances come close in the graph that is left.
  std::vector<NearMiss> near_misses(Graph& graph) {
    std::vector<const Rule*> instances;
    for (const Rule& rule : rules_.rules) {
      if (rule.base_name == rule_.base_name) instances.push_back(&rule);
    }
    automaton_.emplace(Automaton::compile(rules_, std::move(instances)));
    Automaton::Session session(*automaton_, graph);
    std::vector<NearMiss> all;
    for (Node* node : graph.nodes()) {
      for (NearMiss& miss : session.explain(node)) all.push_back(std::move(miss));
    }
    // What came closest is what the author meant.
    std::stable_sort(all.begin(), all.end(), [](const NearMiss& a, const NearMiss& b) {
      return a.structural != b.structural ? b.structural : a.tests_passed > b.tests_passed;
    });
    return all;
  }

  void add_refusals(Diagnostic& diagnostic, const RewriteReport& report, const std::vector<NearMiss>& refusals) {
    std::set<std::string> seen;
    for (const DroppedMatch& dropped : report.dropped) {
      if (dropped.rule != rule_.base_name) continue;
      diagnostic.notes.push_back("at `%" + dropped.root +
                                 "` the rule matches, but its rewrite is refused: " + dropped.reason);
    }
    bool labelled = false;
    for (const NearMiss& miss : refusals) {
      std::string text = "at `%" + miss.root->name() + "` ";
      if (miss.rule->name != miss.rule->base_name) text += "`" + miss.rule->name + "` ";
      text += "is refused by `" + std::string(miss.refused) + "`" + (miss.structural ? " (match)" : "");
      if (!miss.reason.empty()) text += ": " + miss.reason;
      if (!seen.insert(text).second) continue;
      if (seen.size() > kReasonsShown) {
        diagnostic.notes.push_back("and others");
        break;
      }
      if (!labelled && miss.span) {
        diagnostic.labels.push_back({miss.span, "this refuses at `%" + miss.root->name() + "`"});
        labelled = true;
      }
      diagnostic.notes.push_back(std::move(text));
    }
    if (diagnostic.notes.empty())
      diagnostic.notes.push_back(
          "no node comes near the pattern: no call of its root operator has what it looks at first");
  }

  void check_fires(const RewriteReport& report, const std::vector<NearMiss>& refusals) {
    Diagnostic diagnostic =
        at_test(kTestFires).with("fired", times(outcome_.fired)).with("expected", times(*test_.fires));
    for (const Firing& firing : report.firings) {
      if (firing.rule == rule_.base_name) diagnostic.notes.push_back("it fired at `%" + firing.root + "`");
    }
    if (outcome_.fired < *test_.fires) {
      add_refusals(diagnostic, report, refusals);
      diagnostic.helps.push_back({"change the graph so that the rule matches, the rule, or what is expected", {}, {}});
    } else {
      diagnostic.helps.push_back(
          {"the rule lacks a condition that leaves this graph alone, or `fires` is " + std::to_string(outcome_.fired),
           {},
           {}});
    }
    add(std::move(diagnostic));
  }

  void check_because(const RewriteReport& report, const std::vector<NearMiss>& refusals) {
    // Conditions are compared without regard to how they are spaced: `where` lines may be folded.
    const std::string because = squeezed(test_.because);
    const bool structural = because == "match";
    const auto is_dropped = [&](const DroppedMatch& dropped) { return dropped.rule == rule_.base_name; };
    const bool any_dropped = std::any_of(report.dropped.begin(), report.dropped.end(), is_dropped);
    for (const DroppedMatch& dropped : report.dropped) {
      if (is_dropped(dropped) && squeezed(dropped.reason) == because) return;
    }
    for (const NearMiss& miss : refusals) {
      if (miss.structural ? structural : squeezed(miss.refused) == because) return;
    }
    if (structural && refusals.empty() && !any_dropped) return;

    Diagnostic diagnostic = at_test(kTestBecause).with("because", because);
    if (test_.because_span)
      diagnostic.labels.insert(diagnostic.labels.begin(), {test_.because_span, "something else refuses"});
    add_refusals(diagnostic, report, refusals);
    std::vector<std::string> conditions;
    for (const Rule& rule : rules_.rules) {
      if (rule.base_name != rule_.base_name) continue;
      for (const Condition& condition : rule.conditions) conditions.push_back(squeezed(condition.text));
      for (const Condition& condition : rule.member_conditions) conditions.push_back(squeezed(condition.text));
    }
    if (!structural && std::find(conditions.begin(), conditions.end(), because) == conditions.end()) {
      const bool quoted = test_.because_span && test_.because_span.text().substr(0, 1) == "\"";
      if (auto near = did_you_mean(because, conditions)) {
        diagnostic.helps.push_back({"no condition of the rule reads so; did you mean `" + *near + "`?",
                                    quoted && near->find('"') == std::string::npos ? test_.because_span : Span(),
                                    quoted ? "\"" + *near + "\"" : std::string(),
                                    quoted && near->find('"') == std::string::npos});
      } else {
        diagnostic.helps.push_back(
            {"no condition of the rule reads so; `because` is a line of `where` as written there, or `match`", {}, {}});
      }
    } else {
      diagnostic.helps.push_back(
          {"change the graph so that only this condition fails, or name what refuses it", {}, {}});
    }
    add(std::move(diagnostic));
  }

  void check_result(const Graph& graph) {
    std::optional<Graph> expected = parse(*test_.result, "`result`");
    if (!expected) return;
    const std::vector<std::string> difference = line_diff(print(*expected), print(graph));
    if (difference.empty()) return;
    std::string text = "expected (-) and found (+):";
    for (const std::string& line : difference) text += "\n" + line;
    outcome_.result = print(graph);
    add(at_test(kTestResult).note(std::move(text)).help("change `result`, or the rewrite"));
  }

  void check_numerics(const Graph& before, const Graph& after) {
    const std::optional<Result<NumericsReport>> compared = compare_(before, after);
    if (!compared) {
      outcome_.undecided = true;
      return;
    }
    if (!compared->ok()) {
      return not_run("`numerics: true` needs graphs that run", compared->diagnostics());
    }
    outcome_.numerics = **compared;
    if (outcome_.numerics->equal) return;
    add(at_test(kTestNumerics)
            .note(outcome_.numerics->difference)
            .note("the graph after the rewrite:\n" + print(after))
            .help("the rewrite is wrong, or lacks a condition that leaves such graphs alone"));
  }

  const Rewriter& rewriter_;
  const RuleSet& rules_;
  const Rule& rule_;
  const RuleTest& test_;
  const Comparison& compare_;
  std::optional<Automaton> automaton_;  // near misses point into its rules
  TestOutcome outcome_;
};

}  // namespace

std::string_view name(Outcome outcome) {
  switch (outcome) {
    case Outcome::validated: return "validated";
    case Outcome::missing: return "missing";
    case Outcome::noisy: return "noisy";
    case Outcome::other_refusal: return "refused by another";
    case Outcome::wrong_rewrite: return "wrong rewrite";
    case Outcome::wrong_numbers: return "wrong numbers";
    case Outcome::not_run: return "not run";
  }
  return "not run";
}

Outcome TestOutcome::kind() const {
  if (passed) return Outcome::validated;
  Outcome otherwise = Outcome::not_run;
  // The first that applies, in the order in which they are looked for.
  for (const Diagnostic& diagnostic : found.list()) {
    if (diagnostic.kind == &kTestFires) return fired < test->fires.value_or(0) ? Outcome::missing : Outcome::noisy;
    if (diagnostic.kind == &kTestBecause) return Outcome::other_refusal;
    if (diagnostic.kind == &kTestNumerics) return Outcome::wrong_numbers;
    if (diagnostic.kind == &kTestResult) otherwise = Outcome::wrong_rewrite;
    if (diagnostic.kind == &kTestNotRun || is_of_graph(*diagnostic.kind)) return Outcome::not_run;
  }
  return otherwise;
}

TestOutcome run_test(const Rewriter& rewriter, const Rule& rule, const RuleTest& test, const Comparison& compare) {
  const auto start = std::chrono::steady_clock::now();
  TestOutcome outcome = TestRun(rewriter, rule, test, compare).run();
  outcome.milliseconds = std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count();
  return outcome;
}

}  // namespace qrules::tools
