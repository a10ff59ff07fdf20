// A file as memory.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

namespace qrules {

// The bytes of a file, mapped: a page is read when it is first touched, and the system takes it back when memory is
// short. They are those of the file's time of opening as long as it is replaced by renaming; a file that is cut short
// in place takes its pages along.
class MappedFile {
 public:
  // Null when the file cannot be opened or mapped; `why` then has the system's words. An empty file has no data.
  static std::shared_ptr<const MappedFile> open(const std::string& path, std::string& why);
  ~MappedFile();
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;

  const char* data() const { return data_; }
  size_t size() const { return size_; }
  // What the system says of the file: its size and times, and which one it is. Any write changes it.
  const std::string& stamp() const { return stamp_; }
  bool holds(const void* address) const {
    const auto* at = static_cast<const char*>(address);
    return size_ > 0 && at >= data_ && at < data_ + size_;
  }

 private:
  MappedFile() = default;
  const char* data_ = nullptr;
  size_t size_ = 0;
  std::string stamp_;
};

}  // namespace qrules
