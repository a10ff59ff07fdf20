// Archives with compressed members, by LibTorch's zip reader. Its exceptions end here.

#include <exception>

#include <caffe2/serialize/inline_container.h>

#include <qrules/runtime/archive.h>
#include <qrules/runtime/diagnostics_model.h>
#include <qrules/runtime/torch.h>

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

Result<std::unique_ptr<Archive>> open_torch_archive(const std::string& path) {
  try {
    return std::unique_ptr<Archive>(std::make_unique<TorchArchive>(path));
  } catch (const std::exception&) {
    return Diagnostic(kDamagedArchive).with("path", path).with("why", "the directory at its end cannot be read");
  }
}

}  // namespace qrules
