// The page of `qrules view` in a real browser without a screen: what it draws, what a link selects, and that texts of a
// model cannot break out of it.

#include <algorithm>
#include <string>

#include "workspace.h"

namespace {

using qrules::testing::Workspace;

const char* const kGraph = R"(graph(%x: u8[1,2,4,4], %b: f32[3]) {
  %k = constant "</script><b id='broken'>{{script}}" : f32[3] {1, 2, 3}
  %f: f32[1,2,4,4] = quantized_decomposed.dequantize_per_tensor.default(%x, 0.5, 3, 0, 255, u8)
  %p: f32[1,2,2,2] = aten.max_pool2d.default(%f, [2, 2])
  %q: u8[1,2,2,2] = quantized_decomposed.quantize_per_tensor.default(%p, 0.5, 3, 0, 255, u8)
  %g: f32[1,2,2,2] = quantized_decomposed.dequantize_per_tensor.default(%q, 0.5, 3, 0, 255, u8)
  %h: f32[1,2,1,1] = aten.max_pool2d.default(%g, [2, 2])
  %y: u8[1,2,1,1] = quantized_decomposed.quantize_per_tensor.default(%h, 0.6, 3, 0, 255, u8)
  %z: f32[3] = aten.add.Tensor(%k, %b)
  return (%y, %z)
}
)";

std::string read(const std::filesystem::path& path) {
  std::ifstream stream(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), {}};
}

void write_page(const Workspace& space, const std::string& graph) {
  space.write("graph.txt", graph);
  const std::string command = "cd '" + space.folder().string() +
                              "' && '" QRULES_BIN_DIR "/qrules' view graph.txt --rules '" QRULES_SOURCE_DIR
                              "/rules' -o page.html";
  REQUIRE(std::system(command.c_str()) == 0);
}

size_t count_of(const std::string& text, const std::string& part) {
  size_t count = 0;
  for (size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + part.size())) ++count;
  return count;
}

std::string browser() {
  for (const char* name : {"chromium", "chromium-headless-shell", "google-chrome", "chromium-browser"}) {
    if (std::system((std::string("command -v ") + name + " >/dev/null 2>&1").c_str()) == 0) return name;
  }
  return "";
}

// The document after the page's script has run.
std::string dom(const Workspace& space, const std::string& fragment) {
  const std::string folder = space.folder().string();
  const std::string command = "timeout 120 " + browser() +
                              " --headless --no-sandbox --disable-gpu --disable-background-networking "
                              "--disable-component-update --disable-sync --no-first-run --window-size=1600,1000 "
                              "--user-data-dir='" +
                              folder + "/profile' --dump-dom 'file://" + folder + "/page.html#" + fragment + "' >'" +
                              folder + "/dom.html' 2>'" + folder + "/browser.txt'";
  INFO(command);
  const int code = std::system(command.c_str());
  INFO(read(space.folder() / "browser.txt"));
  REQUIRE(code == 0);
  return read(space.folder() / "dom.html");
}

std::string between(const std::string& text, const std::string& from, const std::string& to) {
  const size_t begin = text.find(from);
  if (begin == std::string::npos) return "";
  return text.substr(begin, text.find(to, begin) - begin);
}

bool no_browser() {
  if (!browser().empty()) return false;
  WARN("no browser in PATH, so the page is not opened: tools/dev test installs chromium");
  return true;
}

TEST_CASE("A page needs nothing from elsewhere and texts of a model stay texts", "[tools][view]") {
  const Workspace space;
  write_page(space, kGraph);
  const std::string page = read(space.folder() / "page.html");
  CHECK(page.find("src=") == std::string::npos);
  CHECK(page.find("@import") == std::string::npos);
  CHECK(page.find("fetch(") == std::string::npos);
  CHECK(count_of(page, "</script>") == 2);
  CHECK(page.find("<b id=") == std::string::npos);
  CHECK(count_of(page, "{{script}}") == 2);  // the constant's name, as data of both graphs
}

TEST_CASE("A browser draws both graphs with fusions and near misses", "[tools][view]") {
  if (no_browser()) return;
  const Workspace space;
  write_page(space, kGraph);
  const std::string page = dom(space, "");
  CHECK(page.find("data-ready=\"yes\"") != std::string::npos);
  CHECK(page.find("id=\"broken\"") == std::string::npos);
  const std::string before = between(page, "id=\"before\"", "</section>");
  const std::string after = between(page, "id=\"after\"", "</section>");
  // The constant is folded into its user.
  CHECK(count_of(before, "data-node=") == 10);
  CHECK(count_of(after, "data-node=") == 8);
  CHECK(before.find("data-node=\"k\"") == std::string::npos);
  CHECK(count_of(before, "data-fusion=") == 3);
  CHECK(count_of(after, "data-fusion=") == 1);
  // What nearly fused is marked, and first in the list.
  CHECK(between(before, "node call miss", ">").find("data-node=\"y\"") != std::string::npos);
  CHECK(between(page, "id=\"misses\"", "</li>").find("%out_scale (0.6)") != std::string::npos);
}

TEST_CASE("A link opens the page at a fusion or near miss or search", "[tools][view]") {
  if (no_browser()) return;
  const Workspace space;
  write_page(space, kGraph);
  const std::string fusion = dom(space, "after=q");
  CHECK(count_of(between(fusion, "id=\"before\"", "</section>"), "node call selected") == 3);
  const std::string detail = between(fusion, "id=\"detail\"", "<h2>");
  for (const char* text : {"onednn.qmaxpool2d.default", "%f", "%p", "A max pool between equal quantizations",
                           "2-int8-movement/pool.yaml:"}) {
    INFO(detail);
    CHECK(detail.find(text) != std::string::npos);
  }
  const std::string miss = between(dom(space, "miss=0"), "id=\"detail\"", "<h2>");
  CHECK(miss.find("qmaxpool2d at %y") != std::string::npos);
  CHECK(miss.find("%out_scale is `scale` of %y: 0.6") != std::string::npos);
  const std::string found = dom(space, "search=max_pool");
  CHECK(found.find("2 before, 1 after") != std::string::npos);
  CHECK(count_of(between(found, "id=\"before\"", "</section>"), " found\"") == 2);
}

TEST_CASE("A thousand nodes are laid out without overlaps", "[tools][view]") {
  if (no_browser()) return;
  std::string text = "graph(%v0: f32[4]) {\n";
  for (int i = 0; i < 250; ++i) {
    const std::string n = std::to_string(i), v = "%v" + n;
    text += "  %a" + n + " = aten.relu.default(" + v + ")\n  %b" + n + " = aten.tanh.default(" + v + ")\n  %c" + n +
            " = aten.add.Tensor(%a" + n + ", %b" + n + ")\n  %v" + std::to_string(i + 1) + " = aten.add.Tensor(%c" + n +
            ", " + v + ")\n";
  }
  const Workspace space;
  write_page(space, text + "  return (%v250)\n}\n");
  const std::string page = dom(space, "");
  CHECK(page.find("data-ready=\"yes\"") != std::string::npos);
  const std::string before = between(page, "id=\"before\"", "</section>");
  CHECK(count_of(before, "data-node=") == 1002);
  // x, y and width of each box.
  struct Box {
    double x, y, width;
  };
  std::vector<Box> boxes;
  for (size_t at = before.find("<rect "); at != std::string::npos; at = before.find("<rect ", at + 1)) {
    const auto number = [&](const char* key) {
      const size_t begin = before.find(key, at) + std::string(key).size();
      return std::strtod(before.c_str() + begin, nullptr);
    };
    boxes.push_back({number(" x=\""), number(" y=\""), number(" width=\"")});
  }
  REQUIRE(boxes.size() == 1002);
  std::sort(boxes.begin(), boxes.end(), [](const Box& a, const Box& b) { return a.y != b.y ? a.y < b.y : a.x < b.x; });
  size_t overlaps = 0;
  for (size_t i = 1; i < boxes.size(); ++i) {
    if (boxes[i].y == boxes[i - 1].y && boxes[i].x < boxes[i - 1].x + boxes[i - 1].width) ++overlaps;
  }
  CHECK(overlaps == 0);
}

}  // namespace
