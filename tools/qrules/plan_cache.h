// `--cache`: rewritten models and their packed weights in a folder, one file for each plan (runtime/plan_file.h).
#pragma once

#include <memory>
#include <string>
#include <vector>

#include <qrules/runtime/plan_file.h>

#include "qrules/session.h"

namespace qrules::tools {

// The cached plan of one command. The file's name is a hash of all that the plan follows from: the model (an archive by
// the names, sizes and checksums of its members, a text as a whole), the texts of the rules, sizes and dtypes of the
// inputs, the number of threads, this build of the program, and what handlers choose by (HandlerRegistry::identity).
class CachedPlan {
 public:
  // Null without --cache, and when the model or an input cannot be read, which is reported by who reads it next. Prints
  // a note when the file is there and cannot be used.
  static std::unique_ptr<CachedPlan> open(const ModelOptions& options, const std::vector<std::string>& inputs);

  // The model as it was rewritten; nothing when it is not known. To be taken once.
  std::unique_ptr<Prepared> take();
  const std::shared_ptr<PlanFile>& packed() const { return file_; }
  // Writes the file when something of it was not known. Prints a warning when it cannot.
  void save(const Prepared& prepared) const;

 private:
  std::string path_;
  std::string rules_, rules_identity_;  // the folder or file, and what was in it; empty: none
  bool noted_ = false;                  // that the file could not be used
  std::shared_ptr<const MappedFile> model_;
  std::shared_ptr<PlanFile> file_;
};

}  // namespace qrules::tools
