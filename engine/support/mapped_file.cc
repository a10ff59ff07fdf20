#include <qrules/support/mapped_file.h>

#include <cerrno>
#include <cstring>

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

namespace qrules {

std::shared_ptr<const MappedFile> MappedFile::open(const std::string& path, std::string& why) {
  const auto failed = [&] {
    why = std::strerror(errno);
    return nullptr;
  };
  // A pipe must not be opened: who reads it next would find nothing.
  struct stat status {};
  if (stat(path.c_str(), &status) != 0) return failed();
  if (!S_ISREG(status.st_mode)) {
    why = "it is no regular file";
    return nullptr;
  }
  const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0) return failed();
  if (fstat(file, &status) != 0) {
    failed();
    close(file);
    return nullptr;
  }
  std::shared_ptr<MappedFile> result(new MappedFile);
  result->size_ = static_cast<size_t>(status.st_size);
  const auto time = [](const timespec& t) { return std::to_string(t.tv_sec) + "." + std::to_string(t.tv_nsec); };
  result->stamp_ = std::to_string(status.st_dev) + " " + std::to_string(status.st_ino) + " " +
                   std::to_string(status.st_size) + " " + time(status.st_mtim) + " " + time(status.st_ctim);
  if (result->size_ > 0) {
    void* memory = mmap(nullptr, result->size_, PROT_READ, MAP_PRIVATE, file, 0);
    if (memory == MAP_FAILED) {
      result->size_ = 0;
      failed();
      close(file);
      return nullptr;
    }
    result->data_ = static_cast<const char*>(memory);
  }
  close(file);
  return result;
}

MappedFile::~MappedFile() {
  if (size_ > 0) munmap(const_cast<char*>(data_), size_);
}

}  // namespace qrules
