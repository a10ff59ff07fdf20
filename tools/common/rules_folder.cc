// See rules_folder.h.

#include <common/rules_folder.h>

#include <cstdlib>
#include <filesystem>
#include <vector>

namespace qrules::tools {

std::optional<std::string> default_rules_folder() {
  namespace fs = std::filesystem;
  if (const char* given = std::getenv("QRULES_RULES"); given && *given) return std::string(given);
  std::vector<fs::path> candidates;
  std::error_code error;
  const fs::path executable = fs::read_symlink("/proc/self/exe", error);
  if (!error) {
    const fs::path folder = executable.parent_path();
    candidates = {folder / "../share/qrules/rules", folder / "../rules", folder / "../../rules"};
  }
#ifdef QRULES_SOURCE_RULES
  candidates.emplace_back(QRULES_SOURCE_RULES);
#endif
  for (const fs::path& candidate : candidates) {
    if (fs::exists(candidate / "pipeline.yaml", error)) return candidate.lexically_normal().string();
  }
  return std::nullopt;
}

}  // namespace qrules::tools
