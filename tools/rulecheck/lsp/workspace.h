// The open texts, the rule sets that they belong to, and what is known of each.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <qrules/rules/file_cache.h>
#include <qrules/rules/index.h>
#include <qrules/rules/rule.h>

namespace qrules::tools::lsp {

// A text that the editor holds. Its source is named by the canonical path.
struct Document {
  std::string uri;  // as the editor spells it
  SourcePtr source;
  int64_t version = 0;
};

// What one loading of a rule set gave. Sources in it are those of the open texts at that time.
struct Checked {
  std::shared_ptr<const RuleIndex> index;
  std::shared_ptr<OperatorTable> operators;
  std::shared_ptr<const FunctionRegistry> functions;
  Diagnostics found;             // of loading, and of the checks when it loaded
  std::optional<RuleSet> rules;  // when it loaded, until the tests take it
  double milliseconds = 0;
};

class Workspace {
 public:
  // Opens or replaces a text.
  void set(const std::string& uri, std::string text, int64_t version);
  // False when it was not open.
  bool close(const std::string& uri);
  const Document* find(const std::string& uri) const;
  const std::map<std::string, Document>& documents() const { return documents_; }  // by canonical path

  // The rule set of an open text: the folder of the nearest pipeline.yaml above it, or the file alone.
  std::string set_of(const std::string& path) const;
  // The rule sets of all open texts.
  std::vector<std::string> sets() const;
  // Loads a rule set from disk and the open texts, and looks for what is suspicious in it.
  Checked check(const std::string& set);

 private:
  std::map<std::string, Document> documents_;
  FileCache files_;
  std::shared_ptr<OperatorTable> operators_ = std::make_shared<OperatorTable>();
  std::shared_ptr<const FunctionRegistry> functions_ =
      std::make_shared<const FunctionRegistry>(FunctionRegistry::builtin());
};

}  // namespace qrules::tools::lsp
