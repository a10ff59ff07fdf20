// See watch.h.

#include <common/watch.h>

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <ctime>
#include <filesystem>

#include <qrules/rules/index.h>

namespace qrules::tools {
namespace {

namespace fs = std::filesystem;

constexpr int kEvery = 100;  // milliseconds

sigset_t interrupts() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGINT);
  sigaddset(&set, SIGTERM);
  return set;
}

}  // namespace

Interrupts::Interrupts() {
  const sigset_t set = interrupts();
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
  thread_ = std::thread([this, set] {
    while (!done_) {
      const timespec pause{0, kEvery * 1'000'000};
      if (sigtimedwait(&set, nullptr, &pause) < 0) continue;
      if (happened_) _exit(130);
      {
        const std::lock_guard lock(mutex_);
        happened_ = true;
      }
      wake_.notify_all();
    }
  });
}

Interrupts::~Interrupts() {
  done_ = true;
  thread_.join();
}

bool Interrupts::wait_for(int milliseconds) {
  std::unique_lock lock(mutex_);
  return wake_.wait_for(lock, std::chrono::milliseconds(milliseconds), [&] { return happened_.load(); });
}

FileWatch::States FileWatch::states() const {
  States result;
  const auto add = [&](const std::string& path) {
    struct stat status {};
    if (stat(path.c_str(), &status) != 0 || !S_ISREG(status.st_mode)) return;
    result[path] = {int64_t{status.st_mtim.tv_sec} * 1'000'000'000 + status.st_mtim.tv_nsec,
                    static_cast<uint64_t>(status.st_size), static_cast<uint64_t>(status.st_ino)};
  };
  for (const std::string& path : paths_) {
    std::error_code error;
    if (!fs::is_directory(path, error)) {
      add(path);
      continue;
    }
    for (fs::recursive_directory_iterator it(path, error), end; !error && it != end; it.increment(error)) {
      if (it->path().extension() == ".yaml") add(it->path().string());
    }
  }
  return result;
}

void FileWatch::set_paths(std::vector<std::string> paths) {
  const States known = std::move(seen_);
  std::vector<std::string> before = std::move(paths_);
  paths_ = std::move(paths);
  seen_ = states();
  std::sort(before.begin(), before.end());
  std::vector<std::string> after = paths_;
  std::sort(after.begin(), after.end());
  if (before == after) seen_ = known;
  // A file that was watched keeps what was seen of it: it may have changed since.
  for (auto& [path, state] : seen_) {
    if (auto old = known.find(path); old != known.end()) state = old->second;
  }
}

bool FileWatch::wait(Interrupts& interrupts) {
  States last = seen_;
  while (!interrupts.wait_for(kEvery)) {
    States now = states();
    const bool quiet = now == last;
    last = std::move(now);
    if (!quiet || last == seen_) continue;
    changed_.clear();
    for (const auto& [path, state] : last) {
      auto before = seen_.find(path);
      if (before == seen_.end() || !(before->second == state)) changed_.push_back(path);
    }
    for (const auto& [path, state] : seen_) {
      if (!last.contains(path)) changed_.push_back(path);
    }
    seen_ = std::move(last);
    return true;
  }
  return false;
}

std::vector<std::string> watched_paths(const std::vector<std::string>& given, const RuleIndex& index) {
  std::vector<std::string> paths = given;
  const auto below = [&](const std::string& path) {
    return std::any_of(given.begin(), given.end(), [&](const std::string& folder) {
      const std::string relative =
          fs::path(path).lexically_normal().lexically_relative(fs::path(folder).lexically_normal()).string();
      return relative == "." || (!relative.empty() && relative.rfind("..", 0) != 0);
    });
  };
  for (const std::string& path : index.paths) {
    if (!below(path) && std::find(paths.begin(), paths.end(), path) == paths.end()) paths.push_back(path);
  }
  return paths;
}

}  // namespace qrules::tools
