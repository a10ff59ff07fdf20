// Which room of the sources may include which. Arrows go from runtime and rewrite down to support, and only the
// adapters see LibTorch and oneDNN.

#include <filesystem>
#include <fstream>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "../catch.h"

namespace {

namespace fs = std::filesystem;

struct Include {
  std::string file;    // from the root of the sources
  std::string header;  // as written
};

std::vector<Include> includes_under(const std::string& folder) {
  std::vector<Include> includes;
  const fs::path root = QRULES_SOURCE_DIR;
  for (const fs::directory_entry& entry : fs::recursive_directory_iterator(root / folder)) {
    const std::string extension = entry.path().extension().string();
    if (extension != ".h" && extension != ".cc") continue;
    std::ifstream stream(entry.path());
    for (std::string line; std::getline(stream, line);) {
      const size_t start = line.find_first_not_of(" \t");
      if (start == std::string::npos || line.compare(start, 1, "#") != 0) continue;
      const size_t word = line.find("include", start);
      if (word == std::string::npos) continue;
      const size_t open = line.find_first_of("<\"", word);
      const size_t close = line.find_first_of(">\"", open + 1);
      if (open == std::string::npos || close == std::string::npos) continue;
      includes.push_back({fs::relative(entry.path(), root).generic_string(), line.substr(open + 1, close - open - 1)});
    }
  }
  return includes;
}

// "graph" of <qrules/graph/node.h>; "" of what is not ours.
std::string room_of(const std::string& header) {
  if (header.rfind("qrules/", 0) != 0) return "";
  const size_t end = header.find('/', 7);
  return end == std::string::npos ? "" : header.substr(7, end - 7);
}

bool starts_with(const std::string& text, const std::string& start) { return text.rfind(start, 0) == 0; }
bool ends_with(const std::string& text, const std::string& end) {
  return text.size() >= end.size() && text.compare(text.size() - end.size(), end.size(), end) == 0;
}

void check_rooms(const std::string& folder, const std::set<std::string>& allowed) {
  size_t ours = 0;
  for (const Include& include : includes_under(folder)) {
    const std::string room = room_of(include.header);
    if (room.empty()) continue;
    ++ours;
    INFO(include.file << " includes " << include.header);
    CHECK(allowed.count(room) == 1);
  }
  // A folder that moved would pass unseen.
  CHECK(ours > 0);
}

TEST_CASE("Rooms include only the rooms below them") {
  check_rooms("engine/support", {"support"});
  check_rooms("engine/graph", {"support", "graph"});
  check_rooms("engine/rules", {"support", "graph", "rules"});
  check_rooms("engine/match", {"support", "graph", "rules", "match"});
  check_rooms("engine/rewrite", {"support", "graph", "rules", "match", "rewrite"});
  check_rooms("engine/generate", {"support", "graph", "rules", "match", "rewrite", "generate"});
  check_rooms("engine/runtime", {"support", "graph", "runtime"});
  check_rooms("lowerings", {"support", "graph", "runtime", "lowerings"});
}

TEST_CASE("The folders of lowerings do not include each other") {
  for (const std::string folder : {"aten", "avx2", "avx512", "decomposed", "onednn"}) {
    for (const Include& include : includes_under("lowerings/" + folder)) {
      if (room_of(include.header) != "lowerings") continue;
      INFO(include.file << " includes " << include.header);
      // What all of them share lies beside them.
      const bool shared = include.header.find('/', std::string("qrules/lowerings/").size()) == std::string::npos;
      // Kernels for AVX512 are those for AVX2 with wider registers where that pays, and store their results alike.
      const bool below = folder == "avx512" && starts_with(include.header, "qrules/lowerings/avx2/");
      CHECK((shared || below || starts_with(include.header, "qrules/lowerings/" + folder + "/")));
    }
  }
}

TEST_CASE("LibTorch and oneDNN are seen by their adapters only") {
  const std::vector<std::string> torch{"ATen/", "torch/", "c10/", "caffe2/"}, dnnl{"oneapi/", "dnnl"};
  size_t seen = 0;
  for (const char* folder : {"engine", "lowerings", "tools"}) {
    for (const Include& include : includes_under(folder)) {
      INFO(include.file << " includes " << include.header);
      for (const std::string& start : torch) {
        if (!starts_with(include.header, start)) continue;
        ++seen;
        CHECK((ends_with(include.file, "_torch.cc") || starts_with(include.file, "lowerings/aten/")));
      }
      for (const std::string& start : dnnl) {
        if (!starts_with(include.header, start)) continue;
        ++seen;
        CHECK(starts_with(include.file, "lowerings/onednn/"));
      }
    }
  }
  CHECK(seen > 5);
}

TEST_CASE("Rooms include each other by their full names, and no room a program") {
  for (const char* folder : {"engine", "lowerings"}) {
    for (const Include& include : includes_under(folder)) {
      INFO(include.file << " includes " << include.header);
      CHECK_FALSE(starts_with(include.header, "../"));
      for (const char* program : {"CLI/", "common/", "rulecheck/"}) CHECK_FALSE(starts_with(include.header, program));
    }
  }
}

}  // namespace
