// Rule files that were read before.
#pragma once

#include <map>
#include <memory>
#include <string>

#include <qrules/rules/declarations.h>

namespace qrules {

// Kept from one loading to the next by programs that load again and again (LoadOptions::cache): a file whose text is
// the same is not read again, as parsing YAML takes most of the time. What it declares then points into the source of
// the earlier loading, which has the same name and text.
struct FileCache {
  struct Entry {
    std::shared_ptr<const RuleFile> file;
    Diagnostics found;  // while its keys were read
  };
  std::map<std::string, Entry> files;  // by canonical path
};

}  // namespace qrules
