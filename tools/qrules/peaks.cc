#include "qrules/peaks.h"

#include <algorithm>
#include <cstring>
#include <numeric>

#include <qrules/graph/text.h>

#include "common/parallel.h"
#include "qrules/session.h"

namespace qrules::tools {
namespace {

constexpr int64_t kSize = 1024;
constexpr double kTimePerMeasure = 120;  // milliseconds

// The shortest of some runs, in milliseconds.
Result<double> shortest_run(const char* text, int threads) {
  auto parsed = parse_graph("peak", text);
  if (!parsed.ok()) return parsed.diagnostics();
  PlanOptions options;
  options.threads = threads;
  auto plan = Plan::prepare(std::make_shared<Graph>(std::move(*parsed)), {}, options);
  if (!plan.ok()) return plan.diagnostics();
  const HostTensor input = HostTensor::allocate((*plan)->input_layouts().front());
  std::memset(input.data.get(), 0, input.layout.byte_extent());
  const auto context = (*plan)->make_context();
  const void* const inputs[] = {input.data.get()};
  context->run(inputs);
  double best = 1e9;
  const int64_t begin = now_ns();
  do {
    const int64_t start = now_ns();
    context->run(inputs);
    best = std::min(best, milliseconds_since(start));
  } while (milliseconds_since(begin) < kTimePerMeasure);
  return best;
}

// Reads `bytes` with all threads, each a part of its own, as often as time allows.
double reading_speed(const std::vector<uint64_t>& data, size_t bytes, int threads) {
  const size_t part = bytes / sizeof(uint64_t) / static_cast<size_t>(threads);
  const size_t repeats = std::max<size_t>(1, (size_t{64} << 20) / bytes);
  std::vector<uint64_t> sums(static_cast<size_t>(threads) * 8);
  double best = 1e9;
  const int64_t begin = now_ns();
  do {
    const int64_t start = now_ns();
    in_parallel(static_cast<size_t>(threads), static_cast<unsigned>(threads), [&](size_t thread) {
      uint64_t sum[4] = {};
      for (size_t r = 0; r < repeats; ++r) {
        const uint64_t* from = data.data() + thread * part;
        for (size_t i = 0; i + 4 <= part; i += 4) {
          for (size_t k = 0; k < 4; ++k) sum[k] ^= from[i + k] + r;
        }
      }
      sums[thread * 8] = sum[0] + sum[1] + sum[2] + sum[3];
    });
    best = std::min(best, milliseconds_since(start));
  } while (milliseconds_since(begin) < kTimePerMeasure / 2);
  // Used, so that the loops stay.
  const bool odd = std::accumulate(sums.begin(), sums.end(), uint64_t{0}) == 1;
  return static_cast<double>(bytes * repeats + (odd ? 1 : 0)) / best / 1e6;
}

}  // namespace

double Peaks::limit_us(const PlanStep& step) const {
  const size_t bytes = step.bytes_read + step.bytes_written;
  const auto level =
      std::find_if(reading.begin(), reading.end(), [&](const Speed& speed) { return bytes <= speed.bytes; });
  const double speed = (level == reading.end() ? reading.back() : *level).gb_per_s;
  const double moving = static_cast<double>(bytes) / speed / 1e3;
  const double peak = step.work == WorkKind::int8_product    ? int8_gops
                      : step.work == WorkKind::float_product ? float_gops
                                                             : 0;
  return std::max(moving, peak > 0 ? static_cast<double>(step.operations) / peak / 1e3 : 0.0);
}

Result<Peaks> measure_peaks(int threads) {
  Peaks peaks;
  const double operations = 2.0 * kSize * kSize * kSize;
  auto integers = shortest_run(
      "graph(%x: u8[1024,1024]) {\n"
      "  %w = constant \"w\" : s8[1024,1024] {3}\n"
      "  %s = constant \"s\" : f32[1] {0.01}\n"
      "  %y: u8[1024,1024] = onednn.qlinear.default(%x, 0.02, 0, %w, %s, None, 0.1, 0, u8, \"none\", [])\n"
      "  return (%y)\n}\n",
      threads);
  if (!integers.ok()) return integers.diagnostics();
  auto floats = shortest_run(
      "graph(%x: f32[1024,1024]) {\n"
      "  %w = constant \"w\" : f32[1024,1024] {0.5}\n"
      "  %y: f32[1024,1024] = aten.mm.default(%x, %w)\n"
      "  return (%y)\n}\n",
      threads);
  if (!floats.ok()) return floats.diagnostics();
  peaks.int8_gops = operations / *integers / 1e6;
  peaks.float_gops = operations / *floats / 1e6;
  constexpr size_t kSizes[] = {size_t{128} << 10, size_t{1} << 20, size_t{8} << 20, size_t{128} << 20};
  const std::vector<uint64_t> data(kSizes[3] / sizeof(uint64_t), 1);
  for (const size_t bytes : kSizes) peaks.reading.push_back({bytes, reading_speed(data, bytes, threads)});
  // A larger level is not faster: what looks so was a disturbance.
  for (size_t i = peaks.reading.size() - 1; i-- > 0;)
    peaks.reading[i].gb_per_s = std::max(peaks.reading[i].gb_per_s, peaks.reading[i + 1].gb_per_s);
  return peaks;
}

}  // namespace qrules::tools
