// Writes zip files for tests of archives: uncompressed members, as PyTorch writes them.
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <qrules/runtime/archive.h>

namespace qrules::test {

using Members = std::vector<std::pair<std::string, std::string>>;

inline std::string read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

inline void write_file(const std::string& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary | std::ios::trunc)
      .write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
}

// A file that is gone after the test.
class TemporaryFile {
 public:
  explicit TemporaryFile(const std::string& name)
      : path_(
            (std::filesystem::temp_directory_path() / ("qrules_" + std::to_string(counter()++) + "_" +
                                                       std::to_string(reinterpret_cast<uintptr_t>(this)) + "_" + name))
                .string()) {}
  ~TemporaryFile() {
    std::error_code ignored;
    std::filesystem::remove(path_, ignored);
  }
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;
  const std::string& path() const { return path_; }

 private:
  static int& counter() {
    static int value = 0;
    return value;
  }
  std::string path_;
};

inline uint32_t crc32(const std::string& bytes) {
  uint32_t crc = ~uint32_t{0};
  for (const char c : bytes) {
    crc ^= static_cast<unsigned char>(c);
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ (crc & 1 ? 0xedb88320u : 0u);
  }
  return ~crc;
}

enum class ZipForm {
  plain,
  wide,      // all numbers of the directory with 64 bits, as in files above 4 GB
  deflated,  // members as DEFLATE has them, in blocks that are not compressed
};

// Members below the folder "model".
inline void write_zip(const std::string& path, const Members& members, ZipForm form = ZipForm::plain) {
  std::string out, directory;
  const auto put = [](std::string& into, uint64_t value, int bytes) {
    for (int i = 0; i < bytes; ++i) into += static_cast<char>(value >> (8 * i) & 0xff);
  };
  const bool wide = form == ZipForm::wide;
  constexpr uint64_t kElsewhere = 0xffffffff;
  for (const auto& [member, content] : members) {
    const std::string name = "model/" + member;
    const size_t offset = out.size();
    std::string stored = content;
    if (form == ZipForm::deflated) {
      constexpr size_t kBlock = 0xffff;
      stored.clear();
      for (size_t at = 0; at == 0 || at < content.size(); at += kBlock) {
        const std::string block = content.substr(at, kBlock);
        put(stored, at + kBlock >= content.size() ? 1 : 0, 1);  // the last one
        put(stored, block.size(), 2);
        put(stored, ~block.size(), 2);
        stored += block;
      }
    }
    const auto common = [&](bool numbers, size_t extra) {
      std::string text;
      put(text, 20, 2);                                 // version needed
      put(text, 0, 2);                                  // flags
      put(text, form == ZipForm::deflated ? 8 : 0, 2);  // method
      put(text, 0, 4);                                  // time and date
      put(text, crc32(content), 4);
      put(text, numbers ? stored.size() : kElsewhere, 4);
      put(text, numbers ? content.size() : kElsewhere, 4);
      put(text, name.size(), 2);
      put(text, extra, 2);
      return text;
    };
    out += "PK\x03\x04" + common(true, 0) + name + stored;
    std::string extra;
    if (wide) {
      put(extra, 1, 2);
      put(extra, 24, 2);
      put(extra, content.size(), 8);
      put(extra, stored.size(), 8);
      put(extra, offset, 8);
    }
    directory += std::string("PK\x01\x02") + std::string("\x14\x00", 2) + common(!wide, extra.size());
    put(directory, 0, 2);  // comment
    put(directory, 0, 2);  // disk
    put(directory, 0, 6);  // attributes
    put(directory, wide ? kElsewhere : offset, 4);
    directory += name + extra;
  }
  const size_t start = out.size();
  out += directory;
  if (wide) {
    const size_t record = out.size();
    out += "PK\x06\x06";
    put(out, 44, 8);
    put(out, 0, 12);  // versions and disks
    put(out, members.size(), 8);
    put(out, members.size(), 8);
    put(out, directory.size(), 8);
    put(out, start, 8);
    out += "PK\x06\x07";
    put(out, 0, 4);
    put(out, record, 8);
    put(out, 1, 4);
  }
  out += "PK\x05\x06";
  put(out, 0, 4);
  put(out, wide ? 0xffff : members.size(), 2);
  put(out, wide ? 0xffff : members.size(), 2);
  put(out, wide ? kElsewhere : directory.size(), 4);
  put(out, wide ? kElsewhere : start, 4);
  put(out, 0, 2);
  write_file(path, out);
}

// The members of an archive, to be changed and written again.
inline Members unpack(const std::string& path) {
  Members members;
  auto archive = open_archive(path);
  if (!archive) return members;
  for (const std::string& name : (*archive)->members()) {
    auto content = (*archive)->read(name);
    members.emplace_back(name, content ? std::string(content->text()) : std::string());
  }
  return members;
}

inline std::string* find_member(Members& members, const std::string& name) {
  for (auto& [member, content] : members) {
    if (member == name) return &content;
  }
  return nullptr;
}

}  // namespace qrules::test
