#include <qrules/rewrite/optimize.h>

namespace qrules {

Result<Rewriter> load_rewriter(const std::vector<std::string>& paths, const LoadOptions& options) {
  Result<RuleSet> rules = load_rules(paths, options);
  if (!rules.ok()) return rules.diagnostics();
  return Rewriter(std::move(*rules));
}

Result<RewriteReport> optimize(Graph& graph, const std::string& rules_folder, const RewriteOptions& options,
                               std::shared_ptr<const FunctionRegistry> functions) {
  LoadOptions load;
  load.operators = graph.operators_ptr();
  load.functions = std::move(functions);
  Result<Rewriter> rewriter = load_rewriter({rules_folder}, load);
  if (!rewriter.ok()) return rewriter.diagnostics();
  return rewriter->apply(graph, options);
}

}  // namespace qrules
