// What tests and models exercise of the rules.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include <qrules/rewrite/rewrite.h>

namespace qrules::tools {

struct Count {
  int64_t tests = 0, models = 0;
  int64_t all() const { return tests + models; }
};

// A condition, or a way of an alternative or optional call, of all instances of a rule.
struct ConditionCoverage {
  std::string text;
  Span span;
  Count held, refused;
};
struct WayCoverage {
  std::string text;
  Span span;
  Count taken;
};

struct RuleCoverage {
  std::string rule;  // base name
  Span span;
  Count fired;
  std::vector<ConditionCoverage> conditions;
  std::vector<WayCoverage> ways;
};

// A dequantize that a model still has after all phases, and the rule that came nearest to taking it in.
struct LeftFloat {
  std::string model, node, op;
  std::string rule;  // empty: none came near
  std::string refused, reason;
  size_t passed = 0, of = 0;
};

class Coverage {
 public:
  explicit Coverage(const Rewriter& rewriter);
  ~Coverage();
  Coverage(const Coverage&) = delete;
  Coverage& operator=(const Coverage&) = delete;

  // Runs the rules over the graphs of all their tests, as the tests do.
  void add_tests();
  // Runs all phases over a model. Conditions are asked in the graph before each phase and after it.
  Status add_model(const std::string& name, Graph& graph);

  const std::vector<RuleCoverage>& rules() const { return rules_; }
  const std::vector<LeftFloat>& left_float() const { return left_; }
  // Per cent of what there is: rules that fired, conditions that held and that refused, ways that were taken.
  double score() const;

 private:
  struct Probe;
  void look(Graph& graph, uint32_t phase, int64_t Count::*count, const std::string& only);
  void find_left(const std::string& model, Graph& graph);

  const Rewriter& rewriter_;
  std::vector<RuleCoverage> rules_;
  std::vector<LeftFloat> left_;
  std::map<std::string, size_t> index_;
  std::vector<std::unique_ptr<Probe>> probes_;  // one for each rule of the set
};

}  // namespace qrules::tools
