#include <qrules/support/file_replacement.h>

#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstring>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace qrules {

FileReplacement::FileReplacement(std::string path) : path_(std::move(path)) {
  // Another process may write the same file, another thread of this one too.
  static std::atomic<unsigned> count{0};
  temporary_ = path_ + "." + std::to_string(getpid()) + "." + std::to_string(count++) + ".part";
  file_ = ::open(temporary_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
  if (file_ < 0) why_ = std::strerror(errno);
}

FileReplacement::~FileReplacement() {
  if (file_ < 0) return;
  close(file_);
  if (!done_) unlink(temporary_.c_str());
}

void FileReplacement::write(std::string_view bytes) {
  while (ok() && !bytes.empty()) {
    const ssize_t count = ::write(file_, bytes.data(), bytes.size());
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) {
      why_ = std::strerror(errno);
      return;
    }
    at_ += static_cast<size_t>(count);
    bytes.remove_prefix(static_cast<size_t>(count));
  }
}

void FileReplacement::fill(size_t end) {
  if (end > at_) write(std::string(end - at_, '\0'));
}

void FileReplacement::keep_permissions() {
  struct stat status {};
  if (ok() && (stat(path_.c_str(), &status) != 0 || fchmod(file_, status.st_mode) != 0)) why_ = std::strerror(errno);
}

std::string FileReplacement::finish() {
  if (ok() && std::rename(temporary_.c_str(), path_.c_str()) != 0) why_ = std::strerror(errno);
  done_ = ok();
  return why_;
}

}  // namespace qrules
