// Which pairs of graphs were found to compute the same. A check of rules runs the same pairs again and again.
#pragma once

#include <map>
#include <mutex>
#include <optional>
#include <string>

#include <common/numerics.h>

namespace qrules::tools {

// The path of `rulecheck-numerics`: beside this program.
std::string numerics_program();

// A file with a line for each pair: a hash of both graphs with all their constants, of the size and time of
// `rulecheck-numerics`, and of what chooses kernels (the CPU's features, variables of oneDNN). A rule, a test or a
// program that changes has other hashes. Only pairs that are equal are kept. It is in $QRULES_CACHE, else in
// $XDG_CACHE_HOME/qrules, else in ~/.cache/qrules; where that cannot be read or written nothing is remembered.
// May be used by several threads, and the file by several programs.
class NumericsCache {
 public:
  // Reads the file.
  NumericsCache();
  ~NumericsCache();  // writes what is new
  NumericsCache(const NumericsCache&) = delete;
  NumericsCache& operator=(const NumericsCache&) = delete;

  std::optional<NumericsReport> find(const Graph& before, const Graph& after);
  void add(const Graph& before, const Graph& after, const NumericsReport& report);

 private:
  std::string key(const Graph& before, const Graph& after) const;

  std::string path_, maker_;
  std::mutex mutex_;
  std::map<std::string, NumericsReport> known_;
  std::string added_;  // lines
};

}  // namespace qrules::tools
