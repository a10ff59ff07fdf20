// See numerics_cache.h.

#include <rulecheck/numerics_cache.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>
#include <string_view>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <qrules/graph/text.h>
#include <qrules/support/hash64.h>

namespace qrules::tools {
namespace {

constexpr const char* kHeader = "qrules numerics 1\n";
constexpr size_t kLargestFile = 4 << 20;  // bytes; then it begins anew

std::string variable(const char* name) {
  const char* value = std::getenv(name);
  return value ? value : "";
}

// What else than the graphs decides how a comparison ends.
std::string maker() {
  struct stat program {};
  if (stat(numerics_program().c_str(), &program) != 0) return {};
  std::ostringstream text;
  text << program.st_size << " " << program.st_mtim.tv_sec << "." << program.st_mtim.tv_nsec;
  for (const char* name : {"ONEDNN_MAX_CPU_ISA", "DNNL_MAX_CPU_ISA", "ATEN_CPU_CAPABILITY"})
    text << " " << variable(name);
#if defined(__x86_64__)
  text << " " << bool(__builtin_cpu_supports("avx2")) << bool(__builtin_cpu_supports("avx512f"))
       << bool(__builtin_cpu_supports("avx512vnni")) << bool(__builtin_cpu_supports("avx512bf16"));
#endif
  return text.str();
}

std::string file_path() {
  std::string folder = variable("QRULES_CACHE");
  if (folder.empty() && !variable("XDG_CACHE_HOME").empty()) folder = variable("XDG_CACHE_HOME") + "/qrules";
  if (folder.empty() && !variable("HOME").empty()) folder = variable("HOME") + "/.cache/qrules";
  return folder.empty() ? std::string() : folder + "/numerics";
}

}  // namespace

std::string numerics_program() {
  std::error_code error;
  const std::filesystem::path self = std::filesystem::read_symlink("/proc/self/exe", error);
  return (self.parent_path() / "rulecheck-numerics").string();
}

NumericsCache::NumericsCache() : path_(file_path()), maker_(maker()) {
  if (maker_.empty()) path_.clear();
  if (path_.empty()) return;
  std::ifstream file(path_, std::ios::binary);
  std::string line;
  if (!std::getline(file, line) || line + "\n" != kHeader) return;
  while (std::getline(file, line)) {
    std::istringstream words(line);
    std::string key, end;
    NumericsReport report;
    if (words >> key >> report.runs >> report.elements >> report.one_apart >> report.rounded >> report.largest_error >>
            end &&
        end == ".")
      known_[key] = report;
  }
}

NumericsCache::~NumericsCache() {
  if (path_.empty() || added_.empty()) return;
  std::error_code error;
  std::filesystem::create_directories(std::filesystem::path(path_).parent_path(), error);
  const int file = open(path_.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
  if (file < 0) return;
  struct stat now {};
  const bool anew = fstat(file, &now) == 0 && (now.st_size == 0 || static_cast<size_t>(now.st_size) > kLargestFile) &&
                    ftruncate(file, 0) == 0;
  const std::string text = (anew ? kHeader : "") + added_;
  // One call, so that programs that write at once do not mix their lines. What is cut off is not read.
  if (write(file, text.data(), text.size()) < 0) unlink(path_.c_str());
  close(file);
}

std::string NumericsCache::key(const Graph& before, const Graph& after) const {
  PrintOptions options;
  options.constant_elements = INT64_MAX;
  return hash_name(maker_ + "\n" + print(before, options) + "\n" + print(after, options));
}

std::optional<NumericsReport> NumericsCache::find(const Graph& before, const Graph& after) {
  if (path_.empty()) return std::nullopt;
  const std::string wanted = key(before, after);
  const std::lock_guard lock(mutex_);
  const auto found = known_.find(wanted);
  return found == known_.end() ? std::nullopt : std::optional(found->second);
}

void NumericsCache::add(const Graph& before, const Graph& after, const NumericsReport& report) {
  if (path_.empty() || !report.equal) return;
  std::ostringstream line;
  line.precision(17);
  const std::string of = key(before, after);
  line << of << " " << report.runs << " " << report.elements << " " << report.one_apart << " " << report.rounded << " "
       << report.largest_error << " .\n";
  const std::lock_guard lock(mutex_);
  if (known_.emplace(of, report).second) added_ += line.str();
}

}  // namespace qrules::tools
