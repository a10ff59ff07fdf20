// Writing a file at once.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace qrules {

// What is written goes to a file beside `path` that `finish` renames, so a reader sees all of the old or all of the new
// one, and several writers do not meet. Without `finish`, or after an error, nothing is left behind.
class FileReplacement {
 public:
  explicit FileReplacement(std::string path);
  ~FileReplacement();
  FileReplacement(const FileReplacement&) = delete;
  FileReplacement& operator=(const FileReplacement&) = delete;

  void write(std::string_view bytes);
  // Zeros up to this place.
  void fill(size_t end);
  // The permissions of the file that is there.
  void keep_permissions();
  // False after an error of any of the above, in the system's words in `why`.
  bool ok() const { return why_.empty(); }
  const std::string& why() const { return why_; }
  // Empty, or what went wrong, now or before.
  std::string finish();

 private:
  std::string path_, temporary_, why_;
  int file_ = -1;
  size_t at_ = 0;
  bool done_ = false;
};

}  // namespace qrules
