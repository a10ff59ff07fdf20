// load_model: the archive, its graph, its weights, in this order.

#include <qrules/runtime/model.h>

#include <algorithm>

#include <qrules/runtime/archive.h>
#include <qrules/runtime/diagnostics_model.h>
#include <qrules/runtime/functionalise.h>
#include <qrules/runtime/model_builder.h>
#include <qrules/runtime/model_json.h>

namespace qrules {
namespace model {

Result<Json> read_json(Archive& archive, const std::string& member) {
  auto content = archive.read(member);
  if (!content) return content.diagnostics();
  try {
    return Json::parse(content->text());
  } catch (const Json::exception& error) {
    // "[json.exception.parse_error.101] parse error at line 1, column 2: ..." without the library's prefix.
    std::string why = error.what();
    if (const size_t close = why.find("] "); close != std::string::npos) why = why.substr(close + 2);
    return Diagnostic(kBadJson).with("member", member).with("why", std::move(why));
  }
}

namespace {

constexpr int64_t kSchemaMajor = 8;

// The one models/NAME.json of the archive.
Result<std::string> model_name(const Archive& archive) {
  constexpr std::string_view kFolder = "models/", kSuffix = ".json";
  std::vector<std::string> names;
  for (const std::string& member : archive.members()) {
    if (member.size() <= kFolder.size() + kSuffix.size() || member.compare(0, kFolder.size(), kFolder) != 0) continue;
    if (member.compare(member.size() - kSuffix.size(), kSuffix.size(), kSuffix) != 0) continue;
    names.push_back(member.substr(kFolder.size(), member.size() - kFolder.size() - kSuffix.size()));
  }
  if (names.size() == 1) return names[0];
  const auto not_a_model = [&](std::string why) {
    return Diagnostic(kNotAModel).with("path", archive.path()).with("why", std::move(why));
  };
  if (names.size() > 1)
    return not_a_model("it holds " + std::to_string(names.size()) + " models, where one is expected");
  if (archive.has("serialized_exported_program.json"))
    return not_a_model("it was written by an older release of PyTorch");
  if (archive.has("constants.pkl") || archive.has("data.pkl"))
    return not_a_model("it was written by torch.jit.save or torch.save");
  return Diagnostic(kMissingMember).with("path", archive.path()).with("member", "models/NAME.json");
}

Status check_schema(const Json& program, const std::string& member) {
  const Json* version = object_field(program, "schema_version");
  const auto major = version ? integer_field(*version, "major") : std::nullopt;
  if (!major) return Diagnostic(kMalformedModel).with("member", member).with("why", "it has no schema version");
  if (*major == kSchemaMajor) return Done{};
  const auto minor = integer_field(*version, "minor");
  return Diagnostic(kUnsupportedSchema)
      .with("version", std::to_string(*major) + "." + std::to_string(minor.value_or(0)));
}

// Strides were needed to tell views from copies; from here on only those of inputs mean something.
void drop_strides(Graph& graph) {
  for (Node* node = graph.first(); node; node = node->next()) {
    if (!node->is_call()) continue;
    ValueType type = node->type();
    bool changed = false;
    for (TensorType& tensor : type.tensors) {
      changed = changed || !tensor.strides.empty();
      tensor.strides.clear();
    }
    if (changed) graph.set_type(node, std::move(type));
  }
}

// Two writes to one buffer are one thing to know.
void add_new(Diagnostics& into, const Diagnostics& from) {
  for (const Diagnostic& diagnostic : from.list()) {
    const std::string message = diagnostic.message();
    const auto same = [&](const Diagnostic& other) { return other.message() == message; };
    if (std::none_of(into.list().begin(), into.list().end(), same)) into.add(diagnostic);
  }
}

}  // namespace
}  // namespace model

Result<Model> load_model(const std::string& path, std::shared_ptr<OperatorTable> operators) {
  auto archive = open_archive(path);
  if (!archive) return archive.diagnostics();
  auto name = model::model_name(**archive);
  if (!name) return name.diagnostics();
  const std::string member = "models/" + *name + ".json";
  auto program = model::read_json(**archive, member);
  if (!program) return program.diagnostics();
  if (auto status = model::check_schema(*program, member); !status) return status.diagnostics();
  const model::Json* graph_module = model::object_field(*program, "graph_module");
  if (!graph_module) return Diagnostic(kMalformedModel).with("member", member).with("why", "it has no `graph_module`");
  auto weights = model::WeightStore::open(**archive, *name);
  if (!weights) return weights.diagnostics();

  Model result;
  result.graph = std::make_shared<Graph>(std::move(operators));
  Diagnostics warnings;
  model::GraphBuilder builder(*result.graph, *weights, member, warnings);
  if (auto status = builder.build(*graph_module); !status) return status.diagnostics();
  if (auto status = functionalise(*result.graph, warnings); !status) return status.diagnostics();
  model::drop_strides(*result.graph);
  result.graph->erase_unused();
  result.file = (*archive)->file();
  result.inputs = std::move(builder.inputs());
  result.outputs = std::move(builder.outputs());
  model::add_new(result.warnings, warnings);
  return result;
}

}  // namespace qrules
