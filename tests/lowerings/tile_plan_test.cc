// The tiles of a strip (lowerings/avx2/tile_plan.h): each position is in one, and no tap inside the image is left out.

#include <qrules/lowerings/avx2/tile_plan.h>

#include "random_calls.h"

#if defined(__x86_64__)

namespace qrules {
namespace {

using namespace testing;

avx2::Axis random_axis(Random& random) {
  avx2::Axis axis;
  axis.in = random.pick(1, 30);
  axis.kernel = random.pick(1, 7);
  axis.stride = random.pick(1, 3);
  axis.padding = random.pick(0, 4);
  axis.dilation = random.pick(1, 2);
  const int64_t room = axis.in + 2 * axis.padding - (axis.kernel - 1) * axis.dilation - 1;
  axis.out = room < 0 ? 0 : room / axis.stride + 1;
  return axis;
}

// The elements of a run are those of taps; of which.
std::vector<int64_t> taps_of(const avx2::Runs& runs, const avx2::Runs& whole, int64_t inner) {
  std::vector<int64_t> taps;
  for (const avx2::Runs::Run& run : runs.runs) {
    for (int64_t k = 0; k < runs.length; k += inner) taps.push_back((run.weights / avx2::kTileChannels + k) / inner);
  }
  REQUIRE(runs.panel_weights == whole.panel_weights);
  return taps;
}

// Whether the taps hold all with which the output at a row and a column reads the image.
bool hold_what_is_inside(const std::vector<int64_t>& taps, const avx2::Window& window, int64_t row, int64_t column) {
  const avx2::Taps down = window.rows.taps_inside(row), along = window.columns.taps_inside(column);
  for (int64_t y = down.first; y < down.end; ++y) {
    for (int64_t x = along.first; x < along.end; ++x) {
      if (std::find(taps.begin(), taps.end(), y * window.columns.kernel + x) == taps.end()) return false;
    }
  }
  return true;
}

// The tiles of the strip with the given index, of `rows` rows of the result from `first` on; returns how many of them
// are without some taps.
size_t check_strip(const avx2::TilePlan& plan, const avx2::Window& window, int64_t unit, int64_t index, int64_t first,
                   int64_t rows) {
  const int64_t positions = rows * window.columns.out, inner = window.inner();
  std::vector<int> seen(static_cast<size_t>(positions));
  size_t cut = 0;
  REQUIRE(static_cast<int64_t>(plan.of_strip(index).size()) <= plan.most_tiles());
  for (const avx2::Tile& tile : plan.of_strip(index)) {
    REQUIRE((tile.rows >= 1 && tile.rows <= avx2::kTileRows));
    const avx2::Runs& runs = plan.runs(tile);
    cut += &runs != &plan.whole() ? 1 : 0;
    if (unit > 0 && inner % unit == 0) REQUIRE(runs.length % unit == 0);
    const std::vector<int64_t> taps = inner % 2 == 0 ? taps_of(runs, plan.whole(), inner) : std::vector<int64_t>();
    for (int64_t r = 0; r < tile.rows; ++r) {
      const int64_t position = tile.position + r * tile.step;
      REQUIRE((position >= 0 && position < positions));
      ++seen[static_cast<size_t>(position)];
      if (inner % 2 != 0) continue;
      REQUIRE(hold_what_is_inside(taps, window, first + position / window.columns.out, position % window.columns.out));
    }
  }
  for (const int times : seen) REQUIRE(times == 1);
  return cut;
}

TEST_CASE("Tiles hold each position once, with all taps inside the image") {
  Random random(17);
  size_t cut = 0;
  for (int round = 0; round < 600; ++round) {
    avx2::Window window;
    window.rows = random_axis(random);
    window.columns = random_axis(random);
    if (window.rows.out < 1 || window.columns.out < 1) continue;
    window.groups = random.one_of<int64_t>({1, 1, 2});
    const int64_t inner = random.one_of<int64_t>({4, 8, 6, 3});
    window.in_channels = window.groups * inner;
    window.out_channels = 16 * window.groups;
    const int64_t unit = random.one_of<int64_t>({0, 2, 4});
    if (unit > 0 && inner % 2 != 0 && window.groups > 1) continue;
    const avx2::Strip strip = avx2::Strip::of(window);
    const int threads = random.one_of<int>({1, 2, 3, 8});
    const std::vector<int64_t> begins = random.chance(2)
                                            ? avx2::cut_into_strips(window, strip, threads)
                                            : std::vector<int64_t>{0, random.pick(0, window.rows.out), window.rows.out};
    REQUIRE(std::is_sorted(begins.begin(), begins.end()));
    REQUIRE((begins.front() == 0 && begins.back() == window.rows.out));
    const avx2::TilePlan plan = avx2::TilePlan::make(window, strip, begins, unit);
    for (size_t i = 0; i + 1 < begins.size(); ++i)
      cut += check_strip(plan, window, unit, static_cast<int64_t>(i), begins[i], begins[i + 1] - begins[i]);
  }
  CHECK(cut > 1000);
}

TEST_CASE("Strips are shared out evenly among threads where that is possible") {
  avx2::Window window;
  window.in_channels = 64;
  window.rows = window.columns = {56, 56, 3, 1, 1, 1};
  const auto cut = [&](int threads) { return avx2::cut_into_strips(window, avx2::Strip::of(window), threads); };
  CHECK(cut(1) == std::vector<int64_t>{0, 9, 18, 28, 37, 46, 56});
  CHECK(cut(2) == std::vector<int64_t>{0, 9, 18, 28, 37, 46, 56});
  // Three strips would be enough.
  window.in_channels = 128;
  window.rows = window.columns = {28, 28, 3, 1, 1, 1};
  CHECK(cut(1) == std::vector<int64_t>{0, 9, 18, 28});
  CHECK(cut(2) == std::vector<int64_t>{0, 7, 14, 21, 28});
  // Seven rows are no two equal parts: the threads share strips instead.
  window.in_channels = 2048;
  window.rows = window.columns = {7, 7, 1, 1, 0, 1};
  CHECK(cut(2).size() == 4);
}

}  // namespace
}  // namespace qrules

#endif
