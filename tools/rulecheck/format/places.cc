#include <rulecheck/format/places.h>

namespace qrules::tools {

std::optional<CodeKind> code_kind(const Path& path) {
  if (path.size() < 2) return std::nullopt;
  const std::string& key = path.back();
  const std::string& map = path[path.size() - 2];
  if (map == "rules" && key == "match") return CodeKind::pattern;
  if (map == "rules" && (key == "members" || key == "where")) return CodeKind::condition;
  if (map == "rules" && key == "rewrite") return CodeKind::rewrite;
  if (map == "macros" && (key == "is" || key == "any")) return CodeKind::pattern;
  if (map == "predicates" && key == "is") return CodeKind::condition;
  if (map == "counter" && key == "when") return CodeKind::condition;
  return std::nullopt;
}

bool always_block(const Path& path) { return path.size() == 2 && path[0] == "rules" && code_kind(path); }

bool is_graph(const Path& path) {
  return path.size() > 2 && path[1] == "tests" && (path.back() == "graph" || path.back() == "result");
}

const std::vector<std::string>* order_of(const Path& path) {
  static const std::vector<std::string> rule_keys = {"name",    "doc",     "phase",  "benefit", "before",
                                                     "after",   "foreach", "match",  "members", "where",
                                                     "rewrite", "counter", "covers", "tests"};
  static const std::vector<std::string> definition_keys = {"name", "doc", "is", "any", "ops"};
  if (path == Path{"rules"}) return &rule_keys;
  if (path == Path{"macros"} || path == Path{"predicates"} || path == Path{"classes"}) return &definition_keys;
  return nullptr;
}

}  // namespace qrules::tools
