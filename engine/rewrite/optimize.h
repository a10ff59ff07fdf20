// For compilers that embed the engine: rules from disk to a rewritten graph in one call.
#pragma once

#include <string>
#include <vector>

#include <qrules/graph/graph.h>
#include <qrules/rewrite/rewrite.h>
#include <qrules/rules/load.h>
#include <qrules/support/result.h>

namespace qrules {

// Loads a rule folder (or single files) and compiles it. Keep the result: it is immutable, shared by threads, and
// applies to any number of graphs that use the same operator table. Errors: everything that load_rules finds.
Result<Rewriter> load_rewriter(const std::vector<std::string>& paths, const LoadOptions& options = {});

// Loads the rules of a folder and applies all phases to the graph once. The rules are read with the graph's operator
// table. `functions`: native predicates and functions besides the built-in ones (null: only those). Errors: those of
// load_rules and of Rewriter::apply.
Result<RewriteReport> optimize(Graph& graph, const std::string& rules_folder, const RewriteOptions& options = {},
                               std::shared_ptr<const FunctionRegistry> functions = nullptr);

}  // namespace qrules
