// Every model of tests/cases, in both of its forms: outputs within the case's tolerance, at least the fusions that are
// expected, none that must not be, and Inductor's counters wherever docs/counters.md does not say why ours differ.

#include <cmath>
#include <filesystem>
#include <fstream>
#include <map>
#include <set>

#include <unistd.h>

#include <nlohmann/json.hpp>

#include <qrules/rewrite/rewrite.h>
#include <qrules/rules/load.h>
#include <qrules/runtime/model.h>
#include <qrules/runtime/npy.h>
#include <qrules/runtime/plan.h>

#include "catch.h"

namespace fs = std::filesystem;

namespace qrules {
namespace {

const Rewriter& shipped_rules() {
  static const Rewriter rewriter = [] {
    auto rules = load_rules({QRULES_SOURCE_DIR "/rules"});
    if (!rules.ok()) throw std::runtime_error(render_text(rules.diagnostics()));
    return Rewriter(std::move(*rules));
  }();
  return rewriter;
}

nlohmann::json read_json(const fs::path& path) {
  std::ifstream stream(path);
  std::string text(std::istreambuf_iterator<char>(stream), {});
  // Python writes infinities and NaN, which JSON does not have; none of them is compared.
  for (const std::string word : {"-Infinity", "Infinity", "NaN"}) {
    for (size_t at = text.find(word); at != std::string::npos; at = text.find(word, at))
      text.replace(at, word.size(), "null");
  }
  return nlohmann::json::parse(text);
}

// Cases whose counters differ from Inductor's, with the reason: the table of docs/counters.md.
std::set<std::string> documented_differences() {
  std::ifstream stream(QRULES_SOURCE_DIR "/docs/counters.md");
  std::set<std::string> names;
  for (std::string line; std::getline(stream, line);) {
    if (line.rfind("| `", 0) != 0) continue;
    const size_t end = line.find('`', 3);
    names.insert(line.substr(3, end - 3));
  }
  return names;
}

struct Outcome {
  std::map<std::string, int64_t> handlers, counters;
  double max_abs = 0, signal = 0, error = 0;
  bool finite_alike = true;
};

Outcome run_case(const fs::path& folder, const std::string& file, const nlohmann::json& meta) {
  Outcome outcome;
  auto model = load_model((folder / file).string());
  if (!model.ok()) FAIL(render_text(model.diagnostics()));
  RewriteOptions rewrite;
  rewrite.verify_each = true;
  auto report = shipped_rules().apply(*model->graph, rewrite);
  if (!report.ok()) FAIL(render_text(report.diagnostics()));
  outcome.counters = report->counters;
  std::vector<HostTensor> inputs;
  std::vector<TensorLayout> layouts;
  std::vector<const void*> pointers;
  for (size_t i = 0; i < meta["inputs"].size(); ++i) {
    auto tensor = read_npy((folder / meta["inputs"][i]["file"].get<std::string>()).string());
    if (!tensor.ok()) FAIL(render_text(tensor.diagnostics()));
    const DType wanted = model->graph->placeholders().at(i)->tensor()->dtype;
    if (wanted != tensor->layout.dtype) *tensor = convert(*tensor, wanted).value();
    inputs.push_back(std::move(*tensor));
    layouts.push_back(inputs.back().layout);
    pointers.push_back(inputs.back().data.get());
  }
  auto symbols = bind_symbols(*model->graph, layouts);
  if (!symbols.ok()) FAIL(render_text(symbols.diagnostics()));
  auto plan = Plan::prepare(model->graph, *symbols);
  if (!plan.ok()) FAIL(render_text(plan.diagnostics()));
  for (const PlanStep& step : (*plan)->steps()) {
    if (step.implementation != "constant")
      outcome.handlers[step.fallback || step.op.starts_with("aten._weight")
                           ? step.op
                           : step.handler.substr(step.handler.find('.') + 1)] += static_cast<int>(step.calls);
    // A slow kernel never goes unsaid.
    if (step.handler.rfind("onednn.", 0) == 0 && step.implementation.rfind("ref", 0) == 0)
      CHECK_FALSE(step.note.empty());
  }
  auto context = (*plan)->make_context();
  context->run(pointers);
  const fs::path temporary = fs::temp_directory_path() / ("qrules-case-" + std::to_string(::getpid()) + ".npy");
  for (size_t i = 0; i < meta["outputs"].size(); ++i) {
    auto expected = read_npy((folder / meta["outputs"][i]["file"].get<std::string>()).string());
    REQUIRE(expected.ok());
    REQUIRE(write_npy(temporary.string(), (*plan)->output_layouts().at(i), context->outputs()[i]).ok());
    auto found = read_npy(temporary.string());
    REQUIRE(found.ok());
    REQUIRE(found->layout.sizes == expected->layout.sizes);
    const Constant a{expected->layout.dtype, expected->layout.sizes, expected->data, expected->layout.byte_extent()};
    const Constant b{found->layout.dtype, found->layout.sizes, found->data, found->layout.byte_extent()};
    for (int64_t k = 0; k < a.element_count(); ++k) {
      const double wanted = element_as_double(a, k), got = element_as_double(b, k);
      if (std::isfinite(wanted) != std::isfinite(got)) outcome.finite_alike = false;
      if (!std::isfinite(wanted) || !std::isfinite(got)) continue;
      outcome.max_abs = std::max(outcome.max_abs, std::abs(wanted - got));
      outcome.signal += wanted * wanted;
      outcome.error += (wanted - got) * (wanted - got);
    }
  }
  fs::remove(temporary);
  return outcome;
}

int64_t count(const std::map<std::string, int64_t>& counts, const std::string& key) {
  auto found = counts.find(key);
  return found == counts.end() ? 0 : found->second;
}

// A product of integers with scales runs as an int8 linear here, one with a weight in s8 or u4 through LibTorch's
// packed kernels.
void check_fusions(const Outcome& outcome, const nlohmann::json& meta) {
  const std::map<std::string, std::string> handlers{{"qconv", "qconv"},
                                                    {"qconv_binary", "qconv_binary"},
                                                    {"qlinear", "qlinear"},
                                                    {"qlinear_binary", "qlinear_binary"},
                                                    {"int_mm", "qlinear"},
                                                    {"int_mm_binary", "qlinear_binary"},
                                                    {"qmaxpool", "qmaxpool2d"},
                                                    {"qcat", "qcat"},
                                                    {"qreshape", "qreshape"},
                                                    {"concat_requant", "concat_requant"},
                                                    {"linear_fp16", "linear_fp16"},
                                                    {"woq_int8", "aten._weight_int8pack_mm.default"},
                                                    {"woq_int4", "aten._weight_int4pack_mm_for_cpu.default"}};
  std::map<std::string, int64_t> wanted;
  for (const auto& [kind, number] : meta["expect_fused"].items()) {
    INFO(kind);
    REQUIRE(handlers.count(kind) == 1);
    if (!meta.contains("accept") || !meta["accept"].contains(kind)) wanted[handlers.at(kind)] += number.get<int64_t>();
  }
  if (meta.contains("accept")) {
    for (const auto& [kind, numbers] : meta["accept"].items()) {
      INFO(kind);
      REQUIRE(handlers.count(kind) == 1);
      const auto accepted = numbers.get<std::vector<int64_t>>();
      CHECK(std::count(accepted.begin(), accepted.end(), count(outcome.handlers, handlers.at(kind))) > 0);
    }
  }
  for (const char* kind : {"qconv", "qlinear"}) {
    const std::string binary = std::string(kind) + "_binary";
    INFO(kind);
    CHECK(count(outcome.handlers, kind) + count(outcome.handlers, binary) >=
          count(wanted, kind) + count(wanted, binary));
    CHECK(count(outcome.handlers, binary) >= count(wanted, binary));
  }
  for (const char* kind :
       {"qmaxpool2d", "linear_fp16", "aten._weight_int8pack_mm.default", "aten._weight_int4pack_mm_for_cpu.default"}) {
    INFO(kind);
    CHECK(count(outcome.handlers, kind) >= count(wanted, kind));
  }
  // A concatenation or reshape of integers may have become a view or vanished; then nothing is left in floating point.
  for (const char* kind : {"qcat", "qreshape", "concat_requant"}) {
    INFO(kind);
    CHECK((count(outcome.handlers, handlers.at(kind)) >= count(wanted, kind) ||
           count(outcome.handlers, "dequantize") == 0));
  }
  if (meta.contains("must_not_fuse") && !meta["must_not_fuse"].is_null()) {
    for (const auto& kind : meta["must_not_fuse"]) {
      INFO(kind);
      const std::string handler = handlers.at(kind.get<std::string>());
      CHECK(count(outcome.handlers, handler) <= count(wanted, handler));
    }
  }
}

void check_counters(const Outcome& outcome, const nlohmann::json& meta, const std::string& name) {
  static const std::set<std::string> documented = documented_differences();
  if (documented.count(name) || !meta.contains("inductor") || !meta["inductor"].contains("counters")) return;
  const std::set<std::string> compared{"qconv_weight_prepack_matcher_count",
                                       "qlinear_weight_prepack_matcher_count",
                                       "qconv_unary_matcher_count",
                                       "qlinear_unary_matcher_count",
                                       "qconv2d_binary_matcher_count",
                                       "qlinear_binary_matcher_count",
                                       "dequant_promotion_matcher_count",
                                       "qmaxpool2d_matcher_count",
                                       "qcat_matcher_count",
                                       "qreshape_matcher_count"};
  const nlohmann::json& counters = meta["inductor"]["counters"];
  for (const std::string& counter : compared) {
    INFO(counter);
    CHECK(count(outcome.counters, counter) == (counters.contains(counter) ? counters[counter].get<int64_t>() : 0));
  }
}

}  // namespace

TEST_CASE("model cases") {
  size_t cases = 0;
  for (const fs::directory_entry& entry : fs::directory_iterator(QRULES_TEST_CASES)) {
    if (!fs::exists(entry.path() / "meta.json")) continue;
    const nlohmann::json meta = read_json(entry.path() / "meta.json");
    for (const char* file : {"model.pt2", "model_core.pt2"}) {
      if (!fs::exists(entry.path() / file)) continue;
      // `run` names the decomposed form where the other holds operators that exist only in Python.
      if (meta["run"] == "model_core.pt2" && std::string(file) == "model.pt2") continue;
      INFO(entry.path().filename().string() << "/" << file);
      ++cases;
      const Outcome outcome = run_case(entry.path(), file, meta);
      CHECK(outcome.finite_alike);
      CHECK(outcome.max_abs <= meta["tolerance"]["max_abs"].get<double>());
      if (outcome.error > 0)
        CHECK(10 * std::log10(std::max(outcome.signal, 1e-30) / outcome.error) >=
              meta["tolerance"]["min_sqnr_db"].get<double>());
      check_fusions(outcome, meta);
      // Inductor counts dynamic and bf16 models after other decompositions.
      const std::string mode = meta["mode"];
      const bool counts = meta["dtype"] == "fp32" && (mode == "static" || mode == "qat" || mode == "fp8");
      if (counts && std::string(file) == "model.pt2") check_counters(outcome, meta, entry.path().filename().string());
    }
  }
  CHECK(cases >= 270);
}

}  // namespace qrules
