// Reading zip files as PyTorch writes them: uncompressed members below one folder, so that a member is a part of the
// file. The directory at the end says where; it is what counts, as what stands before a member may leave out its sizes.
//
//   member:        "PK\3\4" ... [26] length of name  [28] length of extra field  [30] name, extra field, bytes
//   directory:     for each member "PK\1\2" ... [8] flags [10] method [16] checksum [20] [24] sizes [28] length of name
//                  [30] of extra field [32] of comment [42] place of the member [46] name, extra field, comment
//   (large files:  "PK\6\6" record with 64-bit numbers, "PK\6\7" locator of it)
//   end:           "PK\5\6" ... [10] number of members [12] size of the directory [16] its place [20] length of comment
//
// Numbers that do not fit stand as all ones and then with 64 bits in the extra field 1.

#include <qrules/runtime/archive.h>

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <map>
#include <optional>

#include <qrules/runtime/diagnostics_model.h>
#include <qrules/runtime/torch.h>
#include <qrules/support/aligned.h>

namespace qrules {
namespace {

constexpr size_t kAlignment = 64;

// Little-endian numbers of a file, nothing where it ends before.
class Bytes {
 public:
  explicit Bytes(std::string_view bytes) : bytes_(bytes) {}

  std::optional<uint64_t> number(size_t at, size_t width) const {
    if (at > bytes_.size() || width > bytes_.size() - at) return std::nullopt;
    uint64_t value = 0;
    for (size_t i = 0; i < width; ++i) value |= uint64_t{static_cast<unsigned char>(bytes_[at + i])} << (8 * i);
    return value;
  }
  bool starts(size_t at, std::string_view signature) const {
    return at <= bytes_.size() && bytes_.substr(at, signature.size()) == signature;
  }
  std::optional<std::string_view> part(uint64_t at, uint64_t size) const {
    if (at > bytes_.size() || size > bytes_.size() - at) return std::nullopt;
    return bytes_.substr(at, size);
  }

 private:
  std::string_view bytes_;
};

struct Directory {
  std::string_view bytes;
  uint64_t count = 0;
};

std::optional<Directory> find_directory(std::string_view whole) {
  constexpr size_t kEnd = 22, kLocator = 20, kLongestComment = 0xffff;
  const Bytes bytes(whole);
  if (whole.size() < kEnd) return std::nullopt;
  const size_t last = whole.size() - kEnd, first = last > kLongestComment ? last - kLongestComment : 0;
  for (size_t end = last + 1; end-- > first;) {
    if (!bytes.starts(end, "PK\5\6") || bytes.number(end + 20, 2) != whole.size() - end - kEnd) continue;
    uint64_t count = *bytes.number(end + 10, 2), size = *bytes.number(end + 12, 4), place = *bytes.number(end + 16, 4);
    if (end >= kLocator && bytes.starts(end - kLocator, "PK\6\7")) {
      const uint64_t record = *bytes.number(end - kLocator + 8, 8);
      const auto wide_count = bytes.number(record + 32, 8), wide_size = bytes.number(record + 40, 8),
                 wide_place = bytes.number(record + 48, 8);
      if (!bytes.starts(record, "PK\6\6") || !wide_count || !wide_size || !wide_place) return std::nullopt;
      count = *wide_count;
      size = *wide_size;
      place = *wide_place;
    }
    const auto part = place <= end && size <= end - place ? bytes.part(place, size) : std::nullopt;
    if (!part) return std::nullopt;
    return Directory{*part, count};
  }
  return std::nullopt;
}

struct Entry {
  std::string_view name;
  bool plain = false;  // neither compressed nor encrypted
  uint64_t size = 0, place = 0;
};

// All entries, or nothing when the directory contradicts itself.
std::optional<std::vector<Entry>> read_entries(const Directory& directory) {
  constexpr size_t kFixed = 46, kAllOnes = 0xffffffff;
  const Bytes bytes(directory.bytes);
  std::vector<Entry> entries;
  size_t at = 0;
  for (uint64_t i = 0; i < directory.count; ++i) {
    if (!bytes.starts(at, "PK\1\2") || !bytes.part(at, kFixed)) return std::nullopt;
    const auto of = [&](size_t offset, size_t width) { return *bytes.number(at + offset, width); };
    Entry entry;
    entry.plain = of(10, 2) == 0 && (of(8, 2) & 1) == 0;
    uint64_t packed = of(20, 4);
    entry.size = of(24, 4);
    entry.place = of(42, 4);
    const size_t name = of(28, 2), extra = of(30, 2), comment = of(32, 2);
    const auto text = bytes.part(at + kFixed, name);
    const auto fields = bytes.part(at + kFixed + name, extra);
    if (!text || !fields || !bytes.part(at + kFixed + name + extra, comment)) return std::nullopt;
    entry.name = *text;
    const Bytes extras(*fields);
    for (size_t field = 0; extras.part(field, 4);) {
      const uint64_t id = *extras.number(field, 2), length = *extras.number(field + 2, 2);
      if (id == 1) {
        size_t next = field + 4;
        for (uint64_t* value : {&entry.size, &packed, &entry.place}) {
          if (*value != kAllOnes) continue;
          const auto wide = next + 8 <= field + 4 + length ? extras.number(next, 8) : std::nullopt;
          if (!wide) return std::nullopt;
          *value = *wide;
          next += 8;
        }
      }
      field += 4 + length;
    }
    if (entry.plain && packed != entry.size) return std::nullopt;
    entries.push_back(entry);
    at += kFixed + name + extra + comment;
  }
  return entries;
}

class MappedArchive final : public Archive {
 public:
  MappedArchive(const std::string& path, std::shared_ptr<const MappedFile> file, const std::vector<Entry>& entries,
                size_t folder)
      : file_(std::move(file)) {
    path_ = path;
    for (const Entry& entry : entries) {
      members_.emplace_back(entry.name.substr(folder));
      places_.emplace(members_.back(), entry);
    }
  }

  Result<ArchiveMember> read(const std::string& member) override {
    const auto found = places_.find(member);
    if (found == places_.end()) return Diagnostic(kMissingMember).with("path", path_).with("member", member);
    const Entry& entry = found->second;
    const Bytes bytes({file_->data(), file_->size()});
    const auto name = bytes.number(entry.place + 26, 2), extra = bytes.number(entry.place + 28, 2);
    std::optional<std::string_view> content;
    if (bytes.starts(entry.place, "PK\3\4") && name && extra)
      content = bytes.part(entry.place + 30 + *name + *extra, entry.size);
    if (!content)
      return Diagnostic(kDamagedArchive).with("path", path_).with("why", "its member `" + member + "` cannot be read");
    if (content->empty()) return ArchiveMember{};
    if (reinterpret_cast<uintptr_t>(content->data()) % kAlignment == 0)
      return ArchiveMember{std::shared_ptr<const void>(file_, content->data()), content->size()};
    const std::shared_ptr<void> copy = allocate_aligned(content->size());
    std::memcpy(copy.get(), content->data(), content->size());
    return ArchiveMember{copy, content->size()};
  }

  std::shared_ptr<const MappedFile> file() const override { return file_; }

 private:
  std::shared_ptr<const MappedFile> file_;
  std::map<std::string, Entry, std::less<>> places_;
};

}  // namespace

bool Archive::has(std::string_view member) const {
  return std::find(members_.begin(), members_.end(), member) != members_.end();
}

std::string_view archive_directory(const MappedFile& file) {
  const auto directory = find_directory({file.data(), file.size()});
  return directory ? directory->bytes : std::string_view();
}

Result<std::unique_ptr<Archive>> open_archive(const std::string& path) {
  const auto unreadable = [&](std::string why) {
    return Diagnostic(kCannotReadFile).with("path", path).with("why", std::move(why));
  };
  std::error_code error;
  const auto status = std::filesystem::status(path, error);
  if (!std::filesystem::exists(status)) return unreadable("there is no such file");
  if (std::filesystem::is_directory(status)) return unreadable("it is a folder");
  std::string why;
  const auto file = MappedFile::open(path, why);
  if (!file) return unreadable("it cannot be opened");
  const auto damaged = [&](std::string what) {
    return Diagnostic(kDamagedArchive).with("path", path).with("why", std::move(what));
  };
  const std::string_view whole(file->data(), file->size());
  constexpr std::string_view kSignature = "PK\3\4";
  if (whole.empty()) return damaged("it is empty");
  if (whole.substr(0, kSignature.size()) != kSignature.substr(0, whole.size()))
    return Diagnostic(kNotAnArchive).with("path", path);
  const auto directory = find_directory(whole);
  const auto entries = directory ? read_entries(*directory) : std::nullopt;
  if (!entries || entries->empty()) return damaged("the directory at its end cannot be read");
  const size_t folder = entries->front().name.find('/') + 1;
  const std::string_view prefix = entries->front().name.substr(0, folder);
  if (folder == 0 || std::any_of(entries->begin(), entries->end(),
                                 [&](const Entry& entry) { return entry.name.substr(0, folder) != prefix; })) {
    return damaged("its members are not in one folder");
  }
  if (std::any_of(entries->begin(), entries->end(), [](const Entry& entry) { return !entry.plain; })) {
    const TorchParts* torch = torch_parts(why);
    if (!torch) return damaged("its members are compressed, and LibTorch, which reads those, cannot be loaded: " + why);
    return torch->open_archive(path);
  }
  return std::unique_ptr<Archive>(std::make_unique<MappedArchive>(path, file, *entries, folder));
}

}  // namespace qrules
