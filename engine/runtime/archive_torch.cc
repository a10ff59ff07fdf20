// The archive by LibTorch's zip reader: the only file of the engine that includes LibTorch. Its exceptions end here.

#include <algorithm>
#include <exception>
#include <filesystem>
#include <fstream>

#include <caffe2/serialize/inline_container.h>

#include <qrules/runtime/archive.h>
#include <qrules/runtime/diagnostics_model.h>

namespace qrules {
namespace {

class TorchArchive final : public Archive {
 public:
  // Throws what LibTorch throws.
  explicit TorchArchive(const std::string& path) : reader_(path) {
    path_ = path;
    members_ = reader_.getAllRecords();
  }

  Result<ArchiveMember> read(const std::string& member) override {
    if (!has(member)) return Diagnostic(kMissingMember).with("path", path_).with("member", member);
    try {
      auto [bytes, size] = reader_.getRecord(member);
      auto owner = std::make_shared<at::DataPtr>(std::move(bytes));
      const void* data = owner->get();
      return ArchiveMember{std::shared_ptr<const void>(std::move(owner), data), size};
    } catch (const std::exception&) {
      return Diagnostic(kDamagedArchive).with("path", path_).with("why", "its member `" + member + "` cannot be read");
    }
  }

 private:
  caffe2::serialize::PyTorchStreamReader reader_;
};

}  // namespace

bool Archive::has(std::string_view member) const {
  return std::find(members_.begin(), members_.end(), member) != members_.end();
}

Result<std::unique_ptr<Archive>> open_archive(const std::string& path) {
  // LibTorch reports each of these with a stack trace of its own; look first.
  std::error_code error;
  const auto status = std::filesystem::status(path, error);
  if (!std::filesystem::exists(status))
    return Diagnostic(kCannotReadFile).with("path", path).with("why", "there is no such file");
  if (std::filesystem::is_directory(status))
    return Diagnostic(kCannotReadFile).with("path", path).with("why", "it is a folder");
  std::ifstream file(path, std::ios::binary);
  if (!file) return Diagnostic(kCannotReadFile).with("path", path).with("why", "it cannot be opened");
  char signature[4] = {};
  file.read(signature, sizeof signature);
  const std::streamsize read = file.gcount();
  if (read == 0) return Diagnostic(kDamagedArchive).with("path", path).with("why", "it is empty");
  if (std::string_view(signature, static_cast<size_t>(read)) != std::string_view("PK\3\4", static_cast<size_t>(read))) {
    return Diagnostic(kNotAnArchive).with("path", path);
  }
  try {
    return std::unique_ptr<Archive>(std::make_unique<TorchArchive>(path));
  } catch (const std::exception&) {
    return Diagnostic(kDamagedArchive).with("path", path).with("why", "the directory at its end cannot be read");
  }
}

}  // namespace qrules
