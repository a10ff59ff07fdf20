// A zip archive of named members, as far as reading a model needs it.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <qrules/support/mapped_file.h>
#include <qrules/support/result.h>

namespace qrules {

// The bytes of a member. They stay valid as long as `data` is held, also after the archive is closed.
struct ArchiveMember {
  std::shared_ptr<const void> data;
  size_t size = 0;

  std::string_view text() const { return {static_cast<const char*>(data.get()), data ? size : 0}; }
};

class Archive {
 public:
  virtual ~Archive() = default;
  const std::string& path() const { return path_; }
  // Names below the archive's top folder ("models/model.json"), in the order of the file.
  const std::vector<std::string>& members() const { return members_; }
  bool has(std::string_view member) const;
  // The whole member, aligned to 64 bytes: mapped where it lies so in the file, as PyTorch writes it, else copied.
  // Errors: QR0604 when there is none of this name, QR0603 when it cannot be read.
  virtual Result<ArchiveMember> read(const std::string& member) = 0;
  // The file whose bytes members are; null when they are copies.
  virtual std::shared_ptr<const MappedFile> file() const { return nullptr; }

 protected:
  std::string path_;
  std::vector<std::string> members_;
};

// Opens an archive. Errors: QR0601 cannot be read, QR0602 not a zip file, QR0603 truncated or damaged.
Result<std::unique_ptr<Archive>> open_archive(const std::string& path);

// The directory at a zip file's end, as bytes: names, sizes, checksums and places of all members. Empty when there is
// none.
std::string_view archive_directory(const MappedFile& file);

}  // namespace qrules
