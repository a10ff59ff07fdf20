// Plans in files: what comes back is what went in, and a file that is not whole is never used.

#include <filesystem>
#include <fstream>
#include <iterator>

#include <qrules/rewrite/rewrite.h>
#include <qrules/rules/load.h>
#include <qrules/runtime/plan_file.h>

#include "plan_helpers.h"
#include "zip_file.h"

namespace qrules {
namespace {

namespace fs = std::filesystem;
using namespace testing;
using test::TemporaryFile;

const Rewriter& shipped() {
  static const Rewriter rewriter = [] {
    auto rules = load_rules({QRULES_SOURCE_DIR "/rules"});
    if (!rules.ok()) throw std::runtime_error(render_text(rules.diagnostics()));
    return Rewriter(std::move(*rules));
  }();
  return rewriter;
}

std::shared_ptr<const MappedFile> map(const std::string& path) {
  std::string why;
  auto file = MappedFile::open(path, why);
  if (!file) FAIL(path << ": " << why);
  return file;
}

RewrittenModel rewritten(const std::string& path) {
  auto model = load_model(path);
  if (!model.ok()) FAIL(render_text(model.diagnostics()));
  auto report = shipped().apply(*model->graph);
  if (!report.ok()) FAIL(render_text(report.diagnostics()));
  return {std::move(*model), "as it was \"told\"\n"};
}

// Values for symbolic sizes: each is 4.
Symbols symbols_of(const Graph& graph) {
  Symbols symbols;
  for (const Node* node : graph.placeholders()) {
    for (Dim size : node->tensor()->sizes) {
      if (auto symbol = graph.dims().symbol_name(size)) symbols[*symbol] = 4;
    }
  }
  return symbols;
}

Result<std::shared_ptr<const Plan>> prepare(const RewrittenModel& model, std::shared_ptr<PackedStore> packed) {
  PlanOptions options;
  options.packed = std::move(packed);
  return Plan::prepare(model.model.graph, symbols_of(*model.model.graph), options);
}

using Results = std::vector<std::vector<double>>;

// Bits, so that NaN equals itself.
bool same_bits(const Results& a, const Results& b) {
  if (a.size() != b.size()) return false;
  for (size_t i = 0; i < a.size(); ++i) {
    if (a[i].size() != b[i].size() || std::memcmp(a[i].data(), b[i].data(), a[i].size() * sizeof(double)) != 0)
      return false;
  }
  return true;
}

std::string text_of_steps(const Plan& plan) {
  std::string text;
  for (const PlanStep& step : plan.steps())
    text += step.node + " " + step.op + " " + step.handler + " " + step.implementation + " " + step.note + " " +
            std::to_string(step.calls) + "\n";
  return text;
}

// A plan of a case of the tests, written to a file.
struct Written {
  explicit Written(const std::string& name) : file("cached.plan") {
    model_path = std::string(QRULES_TEST_CASES) + "/" + name + "/model.pt2";
    RewrittenModel model = rewritten(model_path);
    auto written = PlanFile::open(file.path(), "key", map(model_path));
    REQUIRE(written->problem().empty());
    REQUIRE_FALSE(written->take_loaded());
    auto plan = prepare(model, written);
    if (!plan.ok()) FAIL(render_text(plan.diagnostics()));
    inputs = random_inputs(**plan);
    results = run_plan(**plan, inputs);
    const Status status = written->write(model, {});
    if (!status.ok()) FAIL(render_text(status.diagnostics()));
    bytes = test::read_file(file.path());
  }
  std::shared_ptr<PlanFile> open() const { return PlanFile::open(file.path(), "key", map(model_path)); }

  TemporaryFile file;
  std::string model_path, bytes;
  std::vector<HostTensor> inputs;
  Results results;
};

TEST_CASE("Every model of the cases comes back from a file as it was", "[plan-file]") {
  size_t models = 0;
  for (const auto& folder : fs::directory_iterator(QRULES_TEST_CASES)) {
    const std::string path = (folder.path() / "model.pt2").string();
    if (!fs::exists(path)) continue;
    INFO(path);
    const RewrittenModel model = rewritten(path);
    const auto symbols = symbols_of(*model.model.graph);
    TemporaryFile file("case.plan");
    auto cold = PlanFile::open(file.path(), "key", map(path));
    auto plan = prepare(model, cold);
    if (!plan.ok()) continue;  // sizes that this model does not take
    const Status written = cold->write(model, {});
    if (!written.ok()) FAIL(render_text(written.diagnostics()));

    auto warm = PlanFile::open(file.path(), "key", map(path));
    CHECK(warm->problem().empty());
    const auto loaded = warm->take_loaded();
    REQUIRE(loaded);
    PrintOptions all;
    all.provenance = true;
    CHECK(print(*loaded->model.graph, all) == print(*model.model.graph, all));
    CHECK(loaded->model.inputs == model.model.inputs);
    CHECK(loaded->model.outputs == model.model.outputs);
    CHECK(loaded->report == model.report);
    auto again = prepare(*loaded, warm);
    if (!again.ok()) FAIL(render_text(again.diagnostics()));
    CHECK_FALSE(warm->changed());  // nothing was packed
    CHECK(text_of_steps(**again) == text_of_steps(**plan));
    CHECK((*again)->arena_bytes() == (*plan)->arena_bytes());
    CHECK((*again)->packed_bytes() == (*plan)->packed_bytes());
    const auto inputs = random_inputs(**plan);
    CHECK(same_bits(run_plan(**again, inputs), run_plan(**plan, inputs)));
    ++models;
  }
  CHECK(models > 100);
}

TEST_CASE("A file that is cut short is noticed wherever it ends", "[plan-file]") {
  const Written written("qconv2d_add_relu_fn");
  for (size_t length = 0; length < written.bytes.size(); length += 1 + length / 40) {
    test::write_file(written.file.path(), written.bytes.substr(0, length));
    const auto file = written.open();
    INFO("length " << length << " of " << written.bytes.size());
    CHECK_FALSE(file->problem().empty());
    CHECK_FALSE(file->take_loaded());
  }
  test::write_file(written.file.path(), written.bytes + "more");
  CHECK_FALSE(written.open()->problem().empty());
}

TEST_CASE("A flipped bit is noticed or changes nothing", "[plan-file]") {
  const Written written("qconv2d_add_relu_fn");
  std::string bytes = written.bytes;
  size_t unusable = 0, repacked = 0, harmless = 0;
  for (size_t at = 0; at < bytes.size(); at += at < 256 ? 1 : 61) {
    bytes[at] = static_cast<char>(bytes[at] ^ (1 << at % 8));
    test::write_file(written.file.path(), bytes);
    bytes[at] = written.bytes[at];
    const auto file = written.open();
    const auto loaded = file->take_loaded();
    INFO("byte " << at << " of " << bytes.size());
    if (!loaded) {
      CHECK_FALSE(file->problem().empty());
      ++unusable;
      continue;
    }
    auto plan = prepare(*loaded, file);
    if (!plan.ok()) FAIL(render_text(plan.diagnostics()));
    CHECK(file->problem().empty() != file->changed());
    (file->changed() ? repacked : harmless) += 1;
    if (!same_bits(run_plan(**plan, written.inputs), written.results)) FAIL("another result");
  }
  CHECK(unusable > 256);
  CHECK(repacked > 10);
  INFO(harmless << " between the parts");
}

TEST_CASE("What is repacked after damage makes the file whole again", "[plan-file]") {
  const Written written("qconv2d_add_relu_fn");
  // The last packed weight lies before the margin at the end.
  std::string bytes = written.bytes;
  const size_t at = bytes.find_last_not_of('\0');
  bytes[at] = static_cast<char>(bytes[at] ^ 1);
  test::write_file(written.file.path(), bytes);
  const auto damaged = written.open();
  const auto loaded = damaged->take_loaded();
  REQUIRE(loaded);
  REQUIRE(prepare(*loaded, damaged).ok());
  REQUIRE(damaged->changed());
  REQUIRE(damaged->write(*loaded, {}).ok());
  CHECK(test::read_file(written.file.path()) == written.bytes);
}

TEST_CASE("Files of another plan, version, model or rules are not used", "[plan-file]") {
  const Written written("qconv2d");
  CHECK(written.open()->take_loaded());
  auto file = PlanFile::open(written.file.path(), "another key", map(written.model_path));
  CHECK(file->problem() == "is stale: it was made for another plan");
  CHECK_FALSE(file->take_loaded());

  std::string bytes = written.bytes;
  bytes[7] = '2';
  test::write_file(written.file.path(), bytes);
  CHECK(written.open()->problem() == "is none of this version");
  test::write_file(written.file.path(), written.bytes);

  // The same bytes elsewhere are the same model; other ones at the same place are not, though the directory is the
  // same.
  TemporaryFile copy("copy.pt2");
  const std::string model = test::read_file(written.model_path);
  test::write_file(copy.path(), model);
  CHECK(PlanFile::open(written.file.path(), "key", map(copy.path()))->take_loaded());
  std::string other = model;
  other[100] = static_cast<char>(other[100] ^ 1);
  test::write_file(copy.path(), other);
  file = PlanFile::open(written.file.path(), "key", map(copy.path()));
  CHECK(file->problem() == "is stale: the model has changed");
  CHECK_FALSE(file->take_loaded());

  TemporaryFile rule("rule.yaml");
  test::write_file(rule.path(), "one");
  const RewrittenModel again = rewritten(written.model_path);
  REQUIRE(written.open()->write(again, {{rule.path(), hash_of_file(rule.path())}}).ok());
  CHECK(written.open()->take_loaded());
  test::write_file(rule.path(), "two");
  CHECK(written.open()->problem() == "is stale: the rules have changed");
}

TEST_CASE("Where the file cannot be written is an error with the reason", "[plan-file]") {
  const std::string path = QRULES_TEST_CASES "/qconv2d/model.pt2";
  const RewrittenModel model = rewritten(path);
  const auto file = PlanFile::open("/there/is/none/cached.plan", "key", map(path));
  CHECK(file->problem().empty());
  CHECK(message_of(file->write(model, {})) ==
        "QR0709 cannot write the cached plan `/there/is/none/cached.plan`: No such file or directory");
}

TEST_CASE("Large constants of the model stay in the model's file", "[plan-file]") {
  const std::string path = QRULES_TEST_CASES "/net_encoder/model.pt2";
  const auto model_file = map(path);
  auto model = load_model(path);  // without rules: its weights are constants as they were stored
  REQUIRE(model.ok());
  TemporaryFile file("large.plan");
  const auto cold = PlanFile::open(file.path(), "key", model_file);
  REQUIRE(cold->write({*model, {}}, {}).ok());
  const auto loaded = PlanFile::open(file.path(), "key", model_file)->take_loaded();
  REQUIRE(loaded);
  size_t in_model = 0, copied = 0;
  for (const Node* node = loaded->model.graph->first(); node; node = node->next()) {
    if (node->kind() != NodeKind::constant || node->constant()->bytes == 0) continue;
    (model_file->holds(node->constant()->data.get()) ? in_model : copied) += 1;
    const Constant& before = *model->graph->find(node->name())->constant();
    CHECK(std::memcmp(before.data.get(), node->constant()->data.get(), before.bytes) == 0);
  }
  INFO(in_model << " in the model's file, " << copied << " in the plan's");
  CHECK(copied > 0);
}

}  // namespace
}  // namespace qrules
