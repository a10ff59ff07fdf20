// `rulecheck fmt`.
#pragma once

#include <ostream>
#include <string>
#include <vector>

namespace qrules::tools {

struct FormatOptions {
  std::vector<std::string> paths;  // files, or folders with all .yaml files below
  bool check = false;              // write nothing, say which files differ
  bool diff = false;               // write nothing, show the differences
  bool color = false;
};

// Exit codes as rulecheck has them: 1 for files that cannot be read as rules, and with `check` for files that differ; 3
// for what cannot be read or written.
int format_command(const FormatOptions& options, std::ostream& out, std::ostream& errors);

}  // namespace qrules::tools
