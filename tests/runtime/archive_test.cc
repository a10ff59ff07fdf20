// Zip files in the forms that they come in, and ones that are none.

#include <random>

#include <qrules/runtime/archive.h>

#include "../catch.h"
#include "zip_file.h"

namespace qrules {
namespace {

using test::Members;
using test::TemporaryFile;
using test::ZipForm;

const Members kMembers{{"version", "3\n"}, {"empty", ""}, {"data/a", std::string(100'000, 'a') + "end"}, {"b", "b"}};

TEST_CASE("Members are read from every form of an archive", "[archive]") {
  for (const ZipForm form : {ZipForm::plain, ZipForm::wide, ZipForm::deflated}) {
    INFO("form " << static_cast<int>(form));
    TemporaryFile file("form.zip");
    test::write_zip(file.path(), kMembers, form);
    auto archive = open_archive(file.path());
    if (!archive) FAIL(render_text(archive.diagnostics()));
    CHECK(((*archive)->file() == nullptr) == (form == ZipForm::deflated));
    for (const auto& [name, content] : kMembers) {
      INFO(name);
      CHECK((*archive)->has(name));
      auto member = (*archive)->read(name);
      REQUIRE(member);
      CHECK(member->text() == content);
      CHECK(reinterpret_cast<uintptr_t>(member->data.get()) % 64 == 0);
    }
    CHECK_FALSE((*archive)->read("c"));
  }
}

TEST_CASE("A member that lies aligned is a part of the file, others are copied", "[archive]") {
  TemporaryFile file("aligned.zip");
  // 30 bytes and a name, model/..., stand before each member's bytes; the second one begins at byte 128.
  test::write_zip(file.path(), {{"version", std::string(128 - 43 - 43, '3')}, {"aligned", "x"}});
  auto archive = open_archive(file.path());
  REQUIRE(archive);
  const auto mapped = (*archive)->file();
  REQUIRE(mapped);
  auto version = (*archive)->read("version"), aligned = (*archive)->read("aligned");
  REQUIRE(version);
  REQUIRE(aligned);
  CHECK_FALSE(mapped->holds(version->data.get()));
  CHECK(mapped->holds(aligned->data.get()));
  // The bytes outlive the archive.
  archive = open_archive("/nowhere");
  CHECK(version->text().front() == '3');
  CHECK(aligned->text() == "x");
}

TEST_CASE("Archives with any bytes changed are read or refused", "[archive]") {
  TemporaryFile file("fuzzed.zip");
  for (const ZipForm form : {ZipForm::plain, ZipForm::wide}) {
    test::write_zip(file.path(), {{"version", "3\n"}, {"data/a", "some bytes"}, {"b", "b"}}, form);
    const std::string whole = test::read_file(file.path());
    std::mt19937 generator(3);
    size_t refused = 0, read = 0;
    for (int round = 0; round < 4000; ++round) {
      std::string bytes = whole;
      for (int change = 0; change < 1 + round % 3; ++change)
        bytes[generator() % bytes.size()] = static_cast<char>(round % 2 ? generator() : 0xff);
      // Compressed members are LibTorch's, which is not what is tested here.
      if (round % 5 == 0) bytes.resize(generator() % bytes.size());
      test::write_file(file.path(), bytes);
      auto archive = open_archive(file.path());
      if (!archive) {
        ++refused;
        continue;
      }
      ++read;
      for (const std::string& member : (*archive)->members()) {
        if (auto content = (*archive)->read(member)) CHECK(content->text().size() <= whole.size());
      }
    }
    CHECK(refused > 100);
    CHECK(read > 100);
  }
}

}  // namespace
}  // namespace qrules
