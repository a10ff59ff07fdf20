// Loading models: what is read from good archives, and what is said of bad ones.

#include <qrules/runtime/model.h>

#include <cmath>
#include <cstring>
#include <set>

#include <qrules/graph/text.h>
#include <qrules/graph/verify.h>
#include <qrules/runtime/model_sizes.h>
#include <qrules/runtime/model_weights.h>

#include "../catch.h"
#include "zip_file.h"

namespace qrules {
namespace {

using test::find_member;
using test::Members;
using test::TemporaryFile;

std::string case_model(const std::string& name, const std::string& file = "model.pt2") {
  return std::string(QRULES_TEST_CASES) + "/" + name + "/" + file;
}

std::string code_of(const Diagnostics& diagnostics) {
  return diagnostics.empty() ? "none" : diagnostics.list().front().kind->code;
}

// The first diagnostic's code, or "ok".
std::string load_code(const std::string& path) {
  auto model = load_model(path);
  return model ? "ok" : code_of(model.diagnostics());
}

// Loads the case after a change of one member.
std::string code_after(const std::string& name, const std::string& member,
                       const std::function<void(std::string&)>& change) {
  Members members = test::unpack(case_model(name));
  std::string* content = find_member(members, member);
  REQUIRE(content);
  change(*content);
  TemporaryFile file("changed.pt2");
  test::write_zip(file.path(), members);
  return load_code(file.path());
}

void replace_first(std::string& text, const std::string& from, const std::string& to) {
  const size_t at = text.find(from);
  REQUIRE(at != std::string::npos);
  text.replace(at, from.size(), to);
}

size_t count_calls(const Graph& graph, const std::string& op) {
  size_t count = 0;
  for (const Node* node = graph.first(); node; node = node->next())
    count += node->is_call() && node->op_name() == op ? 1 : 0;
  return count;
}

TEST_CASE("A quantized model loads as a graph that verifies and prints") {
  for (const char* file : {"model.pt2", "model_core.pt2"}) {
    auto model = load_model(case_model("qconv2d", file));
    REQUIRE(model);
    const Graph& graph = *model->graph;
    CHECK(verify(graph).empty());
    CHECK(model->warnings.empty());
    CHECK(model->inputs == std::vector<std::string>{"x"});
    REQUIRE(model->outputs.size() == 1);
    REQUIRE(graph.output());
    REQUIRE(graph.output()->arguments().size() == 1);
    REQUIRE(graph.placeholders().size() == 1);
    CHECK(print(*graph.placeholders()[0]->tensor(), graph.dims()) == "f32[1,3,8,8]");
    CHECK(print(*graph.output()->operand(0)->tensor(), graph.dims()) == "f32[1,128,2,2]");
    CHECK(count_calls(graph, "quantized_decomposed.dequantize_per_channel.default") == 3);
    CHECK(count_calls(graph, "quantized_decomposed.quantize_per_tensor.default") == 3);
    CHECK(count_calls(graph, std::string(file) == "model.pt2" ? "aten.conv2d.default" : "aten.convolution.default") ==
          3);

    const std::string text = print(graph);
    auto again = parse_graph("printed", text);
    REQUIRE(again);
    CHECK(print(*again) == text);
  }
}

TEST_CASE("Weights that nothing uses are not in the graph, and constants keep the names of the model") {
  auto model = load_model(case_model("qconv2d"));
  REQUIRE(model);
  std::set<std::string> names;
  for (const Node* node = model->graph->first(); node; node = node->next()) {
    if (node->kind() == NodeKind::constant) names.insert(node->constant_name());
  }
  CHECK(names.count("_frozen_param0") == 1);
  CHECK(names.count("c1.bias") == 1);
  CHECK(names.count("c1.weight") == 0);
  const Node* weight = model->graph->find("b__frozen_param0");
  REQUIRE(weight);
  CHECK(weight->constant()->dtype == DType::s8);
  CHECK(weight->constant()->sizes == std::vector<int64_t>{128, 3, 3, 3});
  CHECK(weight->constant()->has_data());
}

TEST_CASE("Unused weights are not even read: their members may be missing") {
  Members members = test::unpack(case_model("qconv2d"));
  const std::string unused = "data/weights/weight_0";
  REQUIRE(find_member(members, unused));
  Members without, without_used;
  for (const auto& entry : members) {
    if (entry.first != unused) without.push_back(entry);
    if (entry.first != "data/weights/weight_1") without_used.push_back(entry);
  }
  TemporaryFile file("without.pt2");
  test::write_zip(file.path(), without);
  CHECK(load_code(file.path()) == "ok");
  test::write_zip(file.path(), without_used);
  CHECK(load_code(file.path()) == "QR0604");
}

TEST_CASE("A strided weight is brought into row-major order") {
  auto model = load_model(case_model("qconv2d_channels_last"));
  REQUIRE(model);
  const Node* node = model->graph->find("b__frozen_param0");
  REQUIRE(node);
  const Constant& constant = *node->constant();
  REQUIRE(constant.sizes == std::vector<int64_t>{16, 8, 3, 3});
  // In the archive it has the strides 72, 1, 24, 8.
  Members members = test::unpack(case_model("qconv2d_channels_last"));
  const std::string* config = find_member(members, "data/weights/model_weights_config.json");
  REQUIRE(config);
  const auto entry = model::Json::parse(*config)["config"]["_frozen_param0"];
  const std::string* bytes = find_member(members, "data/weights/" + entry["path_name"].get<std::string>());
  REQUIRE(bytes);
  REQUIRE(bytes->size() == 1152);
  const auto* values = static_cast<const int8_t*>(constant.data.get());
  size_t wrong = 0, i = 0;
  for (size_t o = 0; o < 16; ++o) {
    for (size_t c = 0; c < 8; ++c) {
      for (size_t h = 0; h < 3; ++h) {
        for (size_t w = 0; w < 3; ++w)
          wrong += values[i++] != static_cast<int8_t>((*bytes)[o * 72 + c + h * 24 + w * 8]) ? 1 : 0;
      }
    }
  }
  CHECK(wrong == 0);
}

TEST_CASE("Tensors of one storage share its bytes, views start inside it") {
  const std::string tensor =
      R"({"dtype": 7, "sizes": [{"as_int": 2}], "strides": [{"as_int": 1}], "storage_offset": {"as_int": OFFSET}, "layout": 7})";
  const auto entry = [&](const std::string& name, const std::string& offset) {
    std::string meta = tensor;
    meta.replace(meta.find("OFFSET"), 6, offset);
    return "\"" + name + R"(": {"path_name": "weight_0", "is_param": true, "use_pickle": false, "tensor_meta": )" +
           meta + "}";
  };
  const float stored[] = {1, 2, 3, 4};
  const std::string bytes(reinterpret_cast<const char*>(stored), sizeof stored);
  TemporaryFile file("shared.pt2");
  test::write_zip(file.path(), {{"version", "3\n"},
                                {"data/weights/m_weights_config.json", "{\"config\": {" + entry("a", "0") + ", " +
                                                                           entry("tied", "0") + ", " + entry("b", "2") +
                                                                           ", " + entry("out", "3") + "}}"},
                                {"data/constants/m_constants_config.json", "{\"config\": {}}"},
                                {"data/weights/weight_0", bytes}});
  auto archive = open_archive(file.path());
  REQUIRE(archive);
  auto store = model::WeightStore::open(**archive, "m");
  REQUIRE(store);
  auto a = store->load("parameter", "a"), tied = store->load("parameter", "tied"), b = store->load("parameter", "b");
  REQUIRE(a);
  REQUIRE(tied);
  REQUIRE(b);
  CHECK(*a == *tied);
  CHECK(static_cast<const char*>((*b)->data.get()) - static_cast<const char*>((*a)->data.get()) == 8);
  CHECK(element_as_double(**b, 1) == 4);
  auto out = store->load("parameter", "out");
  REQUIRE_FALSE(out);
  CHECK(code_of(out.diagnostics()) == "QR0610");
  // The bytes outlive the archive.
  archive = open_archive("/nowhere");
  CHECK(element_as_double(**a, 0) == 1);
}

TEST_CASE("Tuple results are taken apart under the names of the model") {
  auto model = load_model(case_model("dynamic_qlinear_runtime_scale"));
  REQUIRE(model);
  CHECK(verify(*model->graph).empty());
  size_t tuples = 0;
  for (const Node* node = model->graph->first(); node; node = node->next()) {
    if (!node->is_call() || node->op_name() != "quantized_decomposed.choose_qparams.tensor") continue;
    ++tuples;
    CHECK(node->type().kind == ValueType::Kind::tuple);
    CHECK(node->type().tensors.size() == 2);
    for (const Node* user : node->users()) CHECK(user->op_name() == "_operator.getitem");
  }
  CHECK(tuples > 0);
  CHECK(model->graph->find("getitem"));
}

TEST_CASE("Symbolic sizes become expressions and size computations leave the graph") {
  auto model = load_model(case_model("dynamic_conv_image_size"));
  REQUIRE(model);
  CHECK(verify(*model->graph).empty());
  const TensorType* input = model->graph->placeholders()[0]->tensor();
  size_t symbols = 0;
  for (Dim size : input->sizes) symbols += model->graph->dims().symbol_name(size) ? 1 : 0;
  CHECK(symbols > 0);
  CHECK(count_calls(*model->graph, "aten.sym_size.int") == 0);
}

TEST_CASE("A size that the graph computes is an expression where it is used") {
  auto model = load_model(case_model("smooth_int_mm_tensor_nobias_bf16_dynamic"));
  REQUIRE(model);
  CHECK(count_calls(*model->graph, "aten.sym_size.int") == 0);
  size_t expressions = 0;
  for (const Node* node = model->graph->first(); node; node = node->next()) {
    for (const Argument& argument : node->arguments()) {
      if (!argument.list()) continue;
      for (const Argument& element : *argument.list()) expressions += element.get_if<Dim>() ? 1 : 0;
    }
  }
  CHECK(expressions > 0);
}

TEST_CASE("Results that nothing uses are not in the graph") {
  auto model = load_model(case_model("qmaxpool2d_torch_relu", "model_core.pt2"));
  REQUIRE(model);
  CHECK(count_calls(*model->graph, "aten.max_pool2d_with_indices.default") > 0);
  for (const Node* node = model->graph->first(); node; node = node->next()) {
    INFO(node->name());
    CHECK_FALSE(((node->is_call() || node->kind() == NodeKind::constant) && node->unused()));
  }
}

TEST_CASE("In-place operators are replaced while loading") {
  auto model = load_model(case_model("qconv2d_add_relu_inplace"));
  REQUIRE(model);
  CHECK(verify(*model->graph).empty());
  for (const Node* node = model->graph->first(); node; node = node->next()) {
    if (!node->is_call()) continue;
    const Signature* signature = model->graph->operators().signature(node->op());
    CHECK_FALSE((signature && signature->mutates));
  }
}

TEST_CASE("A truncated model is one clear error, wherever it ends") {
  const std::string whole = test::read_file(case_model("qconv2d"));
  REQUIRE(whole.size() > 1000);
  TemporaryFile file("truncated.pt2");
  for (size_t sixteenth = 0; sixteenth < 16; ++sixteenth) {
    test::write_file(file.path(), whole.substr(0, whole.size() * sixteenth / 16));
    auto model = load_model(file.path());
    INFO("sixteenths: " << sixteenth);
    REQUIRE_FALSE(model);
    CHECK(model.diagnostics().size() == 1);
    CHECK(code_of(model.diagnostics()) == "QR0603");
    const std::string message = model.diagnostics().list().front().message();
    CHECK(message.find("truncated or damaged") != std::string::npos);
    CHECK(message.find("Exception") == std::string::npos);
  }
  test::write_file(file.path(), whole.substr(0, whole.size() - 1));
  CHECK(load_code(file.path()) == "QR0603");
  test::write_file(file.path(), whole);
  CHECK(load_code(file.path()) == "ok");
}

TEST_CASE("Files that are no models say what they are") {
  CHECK(load_code(std::string(QRULES_TEST_CASES) + "/there/is/none.pt2") == "QR0601");
  CHECK(load_code(QRULES_TEST_CASES) == "QR0601");
  TemporaryFile file("other");
  test::write_file(file.path(), "graph(%x: f32[2]) { return (%x) }");
  CHECK(load_code(file.path()) == "QR0602");
  test::write_file(file.path(), "PK\x03\x04 and then nothing of a zip file");
  CHECK(load_code(file.path()) == "QR0603");
  test::write_zip(file.path(), {{"version", "3\n"}, {"data.pkl", "x"}});
  CHECK(load_code(file.path()) == "QR0605");
  test::write_zip(file.path(), {{"version", "3\n"}, {"readme", "x"}});
  CHECK(load_code(file.path()) == "QR0604");
  test::write_zip(file.path(), {{"version", "3\n"}, {"models/a.json", "{}"}, {"models/b.json", "{}"}});
  CHECK(load_code(file.path()) == "QR0605");
}

TEST_CASE("A damaged description is an error with its reason") {
  const std::string graph = "models/model.json", weights = "data/weights/model_weights_config.json";
  const auto change = [](const std::string& from, const std::string& to) {
    return [from, to](std::string& text) { replace_first(text, from, to); };
  };
  CHECK(code_after("qconv2d", graph, [](std::string&) {}) == "ok");
  CHECK(code_after("qconv2d", graph, [](std::string& text) { text.resize(text.size() / 2); }) == "QR0606");
  CHECK(code_after("qconv2d", graph, [](std::string& text) { text = "[]"; }) == "QR0607");
  CHECK(code_after("qconv2d", graph, [](std::string& text) { text.clear(); }) == "QR0606");
  CHECK(code_after("qconv2d", graph, change("\"major\": 8", "\"major\": 9")) == "QR0608");
  CHECK(code_after("qconv2d", graph, change("\"nodes\"", "\"knots\"")) == "QR0607");
  CHECK(code_after("qconv2d", graph, change("\"tensor_values\"", "\"values\"")) == "QR0607");
  CHECK(code_after("qconv2d", graph,
                   change("{\"as_tensor\": {\"name\": \"b__scale_0\"}}, \"kind\"",
                          "{\"as_tensor\": {\"name\": \"gone\"}}, \"kind\"")) == "QR0626");
  CHECK(code_after("qconv2d", graph, change("\"as_scalar_type\": 2", "\"as_scalar_type\": 33")) == "QR0620");
  CHECK(code_after("qconv2d", graph, change("{\"name\": \"axis\"", "{\"name\": \"axle\"")) == "QR0511");
  CHECK(code_after("qconv2d", graph, change("torch.ops.aten.conv2d.default", "torch.ops.higher_order.cond")) ==
        "QR0623");
  CHECK(code_after("qconv2d", weights, change("\"use_pickle\": false", "\"use_pickle\": true")) ==
        "ok");  // of a weight that is not used
  CHECK(code_after("qconv2d", weights, [](std::string& text) {
          for (size_t at = 0; (at = text.find("\"use_pickle\": false", at)) != std::string::npos;)
            text.replace(at, 19, "\"use_pickle\": true");
        }) == "QR0609");
  CHECK(code_after("qconv2d", weights, [](std::string& text) {
          for (size_t at = 0; (at = text.find("\"storage_offset\": {\"as_int\": 0}", at)) != std::string::npos;)
            text.replace(at, 31, "\"storage_offset\": {\"as_int\": 9}");
        }) == "QR0610");
  CHECK(code_after("qconv2d", weights, [](std::string& text) {
          for (size_t at = 0; (at = text.find("{\"as_int\": 128}", at)) != std::string::npos;)
            text.replace(at, 15, "{\"as_int\": 9223372036854775807}");
        }) == "QR0610");
}

TEST_CASE("A pickled weight is refused by its name") {
  Members members = test::unpack(case_model("qconv2d"));
  std::string* config = find_member(members, "data/weights/model_weights_config.json");
  REQUIRE(config);
  auto json = model::Json::parse(*config);
  json["config"]["_scale_1"]["use_pickle"] = true;
  *config = json.dump();
  TemporaryFile file("pickled.pt2");
  test::write_zip(file.path(), members);
  auto model = load_model(file.path());
  REQUIRE_FALSE(model);
  CHECK(model.diagnostics().list().front().message().find("`_scale_1`") != std::string::npos);
}

TEST_CASE("Wrapped regions are inlined, assertions, detach and dropouts that are off are dropped, names stay") {
  const std::string tensor =
      R"({"dtype": 7, "sizes": [{"as_int": 2}, {"as_int": 3}], "requires_grad": false, "device": {"type": "cpu", "index": null}, "strides": [{"as_int": 3}, {"as_int": 1}], "storage_offset": {"as_int": 0}, "layout": 7})";
  const auto value = [](const std::string& name) { return R"({"as_tensor": {"name": ")" + name + R"("}})"; };
  const auto node = [&](const std::string& target, const std::string& inputs, const std::string& output) {
    return R"({"target": "torch.ops.)" + target + R"(", "inputs": [)" + inputs + R"(], "outputs": [)" +
           (output.empty() ? "" : value(output)) +
           R"(], "metadata": {"stack_trace": "  File \"/home/me/model.py\", line 7, in forward\n    a\n  File \"/home/me/layers.py\", line 42, in forward\n"}, "name": ")" +
           (output.empty() ? "check" : output) + "\"}";
  };
  const auto input = [](const std::string& name, const std::string& arg) {
    return R"({"name": ")" + name + R"(", "arg": )" + arg + R"(, "kind": 1})";
  };
  const auto values = [&](std::vector<std::string> names) {
    std::string text = "{";
    for (const std::string& name : names) text += (text.size() > 1 ? ", \"" : "\"") + name + "\": " + tensor;
    return text + "}";
  };
  const auto empty = R"("sym_int_values": {}, "sym_bool_values": {}, "is_single_tensor_return": false)";
  const std::string inner = "{\"inputs\": [" + value("arg") + "], \"outputs\": [" + value("relu") + "], \"nodes\": [" +
                            node("aten.relu.default", input("self", value("arg")), "relu") +
                            "], \"tensor_values\": " + values({"arg", "relu"}) + ", " + empty + "}";
  const auto program = [&](const std::string& wrapper) {
    return R"({"schema_version": {"major": 8, "minor": 20}, "graph_module": {"graph": {"inputs": [)" + value("x") +
           "], \"outputs\": [" + value("clamp") + "], \"nodes\": [" +
           node("higher_order." + wrapper,
                input("", R"({"as_bool": false})") + ", " +
                    input("", R"({"as_graph": {"name": "body", "graph": )" + inner + "}}") + ", " +
                    input("", value("x")),
                "outer") +
           ", " +
           node("aten.dropout.default",
                input("input", value("outer")) + ", " + input("p", R"({"as_float": 0.5})") + ", " +
                    input("train", R"({"as_bool": false})"),
                "dropout") +
           ", " + node("aten.detach.default", input("self", value("dropout")), "detach") + ", " +
           node("aten._assert_tensor_metadata.default", input("a", value("detach")), "") + ", " +
           node("aten.clamp.default",
                input("self", value("detach")) + ", " + input("min", R"({"as_float": "-Infinity"})") + ", " +
                    input("max", R"({"as_float": "NaN"})"),
                "clamp") +
           "], \"tensor_values\": " + values({"x", "outer", "dropout", "detach", "clamp"}) + ", " + empty +
           R"(}, "signature": {"input_specs": [{"user_input": {"arg": )" + value("x") +
           R"(}}], "output_specs": [{"user_output": {"arg": )" + value("clamp") + "}}]}}}";
  };
  TemporaryFile file("region.pt2");
  const auto write = [&](const std::string& wrapper) {
    test::write_zip(file.path(), {{"version", "3\n"},
                                  {"models/m.json", program(wrapper)},
                                  {"data/weights/m_weights_config.json", "{\"config\": {}}"},
                                  {"data/constants/m_constants_config.json", "{\"config\": {}}"}});
  };
  write("wrap_with_set_grad_enabled");
  auto model = load_model(file.path());
  if (!model) FAIL(render_text(model.diagnostics()));
  REQUIRE(model->graph->size() == 4);
  const Node* relu = model->graph->find("relu");
  const Node* clamp = model->graph->find("clamp");
  REQUIRE(relu);
  REQUIRE(clamp);
  CHECK(relu->operand(0) == model->graph->placeholders()[0]);
  CHECK(clamp->operand(0) == relu);
  CHECK(*clamp->argument("min")->get_if<double>() == -INFINITY);
  CHECK(std::isnan(*clamp->argument("max")->get_if<double>()));
  REQUIRE(relu->provenance());
  CHECK(relu->provenance()->location == "layers.py:42");
  CHECK(model->outputs == std::vector<std::string>{"clamp"});
  write("while_loop");
  CHECK(load_code(file.path()) == "QR0623");
}

TEST_CASE("A model that was exported while autocast was on gets its casts") {
  Members members = test::unpack(case_model("hand_linear_per_tensor_weight"));
  std::string* text = find_member(members, "models/model.json");
  REQUIRE(text);
  auto json = model::Json::parse(*text);
  json["graph_module"]["graph"]["tensor_values"]["linear"]["dtype"] = 13;  // bf16, of operands that are f32
  *text = json.dump();
  TemporaryFile file("autocast.pt2");
  test::write_zip(file.path(), members);
  auto loaded = load_model(file.path());
  if (!loaded) FAIL(render_text(loaded.diagnostics()));
  const Node* linear = loaded->graph->find("linear");
  REQUIRE(linear);
  CHECK(linear->tensor()->dtype == DType::bf16);
  for (const Use& use : linear->operands()) {
    CHECK(use.value->tensor()->dtype == DType::bf16);
  }
}

TEST_CASE("Size expressions are read in the form sympy prints them") {
  const auto text = [](std::string_view expression) {
    const auto size = model::size_text(expression);
    return size.error.empty() ? size.text : "error: " + size.error;
  };
  CHECK(text("Symbol('s77', positive=True, integer=True)") == "s77");
  CHECK(text("Integer(-4)") == "-4");
  CHECK(text("Add(Mul(Integer(3), Symbol('s27', positive=True, integer=True)), Integer(1))") == "3*s27 + 1");
  CHECK(text("Add(Mul(Integer(-1), Symbol('a', integer=True)), Integer(8))") == "-a + 8");
  CHECK(text("Add(Integer(8), Mul(Integer(-2), Symbol('a', integer=True)))") == "8 - 2*a");
  CHECK(text("Mul(Rational(1, 2), Symbol('a', integer=True))") == "((a)//2)");
  CHECK(text("Float('1.5', precision=53)").substr(0, 5) == "error");
  CHECK(text("TruncToInt(Mul(Float('1.5', precision=53), Symbol('a')))").substr(0, 5) == "error");
  CHECK(text("Add(Symbol('a')").substr(0, 5) == "error");
  CHECK(text("").substr(0, 5) == "error");
  std::string deep;
  for (int i = 0; i < 100000; ++i) deep += "Add(";
  CHECK(text(deep).substr(0, 5) == "error");

  // By value: each expression against what Python computes for a = 7, b = 3.
  DimTable dims;
  const auto value = [&](const std::string& expression) {
    auto dim = dims.parse(text(expression));
    return dim ? dims.evaluate(*dim, {{"a", 7}, {"b", 3}}).value_or(-1) : -2;
  };
  const std::string a = "Symbol('a', integer=True)", b = "Symbol('b', integer=True)";
  CHECK(value("FloorDiv(" + a + ", Integer(2))") == 3);
  CHECK(value("FloorDiv(Add(" + a + ", Integer(-1)), " + b + ")") == 2);
  CHECK(value("CeilDiv(" + a + ", Integer(2))") == 4);
  CHECK(value("CeilDiv(" + a + ", Integer(7))") == 1);
  CHECK(value("CeilToInt(IntTrueDiv(" + a + ", Integer(2)))") == 4);
  CHECK(value("TruncToInt(IntTrueDiv(" + a + ", Integer(2)))") == 3);
  CHECK(value("Mod(" + a + ", " + b + ")") == 1);
  CHECK(value("ModularIndexing(" + a + ", Integer(2), Integer(2))") == 1);
  CHECK(value("Max(Integer(4), " + a + ", " + b + ")") == 7);
  CHECK(value("Min(Integer(4), " + a + ")") == 4);
  CHECK(value("Pow(" + a + ", Integer(2))") == 49);
  CHECK(value("Mul(Integer(-1), Add(" + b + ", Mul(Integer(-1), " + a + ")))") == 4);
}

}  // namespace
}  // namespace qrules
