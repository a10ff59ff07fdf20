// A record of what fused in a model, and the comparison of a later rewrite with it.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include <qrules/rewrite/rewrite.h>

#include "qrules/near_misses.h"

namespace qrules::tools {

// {"qrules_lock": 1, "rules": {rule: count}, "fired": [{"rule", "root"}], "unfused_dequantizes": [node], "handlers":
// {handler: steps} or null}. Everything is sorted, so equal rewrites have equal files. Handlers are null when a plan
// cannot be prepared: a size is symbolic or a constant has no data.
nlohmann::json make_lock(const RewriteReport& report, const std::shared_ptr<const Graph>& graph);

// Reads what `make_lock` wrote. Errors: the file, its JSON, its shape, its version.
Result<nlohmann::json> read_lock(const std::string& path);

// What differs. A loss: a rule fires less often, or not at a place where it did; a dequantize stays that did not; a
// oneDNN handler has fewer steps, the ATen dispatcher more. The reverse is a gain.
struct LockDifference {
  std::vector<std::string> losses, gains;  // sentences
  std::string lost_rule, lost_root;        // the first rule that is gone, and where; empty: no rule is
};
LockDifference compare_locks(const nlohmann::json& expected, const nlohmann::json& found);

// The near miss that answers for the first loss: of that rule at that place, else at that place, else the first of all.
std::optional<size_t> answer_for(const LockDifference& difference, const Misses& misses);

}  // namespace qrules::tools
