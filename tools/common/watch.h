// Waiting for files to change.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include <qrules/rules/load.h>

namespace qrules::tools {

// Ctrl-C (SIGINT) and SIGTERM as a question instead of an end. Made before any other thread, as threads inherit which
// signals are blocked. A second signal ends the process at once.
class Interrupts {
 public:
  Interrupts();
  ~Interrupts();
  Interrupts(const Interrupts&) = delete;
  Interrupts& operator=(const Interrupts&) = delete;

  bool happened() const { return happened_; }
  // True when one happens within the time.
  bool wait_for(int milliseconds);

 private:
  std::atomic<bool> happened_ = false;
  std::atomic<bool> done_ = false;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::thread thread_;
};

// Sees changes by looking every 100 ms at time, size and identity of files, which works on every file system and with
// editors that write a new file and rename it.
class FileWatch {
 public:
  // Files, and folders with all .yaml files below them. What was not watched before is seen as it is now.
  void set_paths(std::vector<std::string> paths);
  size_t file_count() const { return seen_.size(); }
  // Blocks until something is there that was not seen and stays as it is for one look: true. False after an interrupt.
  bool wait(Interrupts& interrupts);
  // The files that the last wait() found new, changed or gone.
  const std::vector<std::string>& changed() const { return changed_; }

 private:
  struct State {
    int64_t time = 0;
    uint64_t size = 0, identity = 0;
    bool operator==(const State&) const = default;
  };
  using States = std::map<std::string, State>;
  States states() const;

  std::vector<std::string> paths_, changed_;
  States seen_;
};

// What to watch for a rule set: the given paths and every file that loading it asked for, also those that are missing.
std::vector<std::string> watched_paths(const std::vector<std::string>& given, const RuleIndex& index);

}  // namespace qrules::tools
