// Turns the JSON of an exported program into a graph. Shared by model_graph.cc (nodes) and model_arguments.cc
// (arguments).
#pragma once

#include <map>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include <qrules/graph/graph.h>
#include <qrules/runtime/model_json.h>
#include <qrules/runtime/model_weights.h>

namespace qrules::model {

class GraphBuilder {
 public:
  // `member` is the name of the JSON in messages.
  GraphBuilder(Graph& graph, WeightStore& weights, std::string member, Diagnostics& warnings)
      : graph_(graph), weights_(weights), member_(std::move(member)), warnings_(warnings) {}

  // Fills the graph from a `graph_module`. In-place operators are still in it, and types of calls carry strides.
  // Errors: QR05xx (arguments that do not fit a signature), QR0607 to QR0626.
  Status build(const Json& graph_module);

  std::vector<std::string>& inputs() { return inputs_; }
  std::vector<std::string>& outputs() { return outputs_; }

 private:
  // One level of graphs: what its names stand for.
  struct Scope {
    const Json* graph = nullptr;
    std::unordered_map<std::string, Argument> values;
    std::optional<DType> autocast;  // inside an autocast region
    int depth = 0;
  };
  // The call that an argument belongs to, for messages.
  struct Place {
    std::string node;
    std::string op;
    std::string parameter;
  };
  struct Weight {
    std::string what;  // parameter, buffer, constant
    std::string name;
  };

  // --- model_graph.cc
  Status add_inputs(const Json& signature, Scope& scope);
  Status add_nodes(Scope& scope);
  Status add_node(const Json& node, Scope& scope);
  Status add_call(const Json& node, const Place& place, Scope& scope);
  Status add_region(const Json& node, const Place& place, Scope& scope);
  Status bind_results(const Json& node, const Json& outputs, Node* call, Scope& scope);
  Status set_outputs(const Json& signature, Scope& scope);
  Result<ValueType> result_type(const Json& outputs, Scope& scope);
  Result<TensorType> tensor_type(const std::string& name, Scope& scope);
  Node* add_getitem(Node* tuple, size_t index, ValueType type, const std::string& name);
  void add_autocast(OpId op, std::vector<Argument>& arguments, const ValueType& type, std::optional<DType> lower);
  void set_location(const Json& node, Node* call);
  Diagnostic malformed(std::string why) const;

  // --- model_arguments.cc
  Result<Argument> read_argument(const Json& json, const Place& place, Scope& scope);
  Result<Argument> read_value(const std::string& name, const Place& place, Scope& scope);
  Result<Argument> read_symbol(const Json& json, const char* table, const Place& place, Scope& scope);
  Result<Argument> read_optional(const Json& json, const Place& place, Scope& scope);
  template <typename Read>
  Result<Argument> read_list(const Json& json, const Place& place, Read read);

  Graph& graph_;
  WeightStore& weights_;
  std::string member_;
  Diagnostics& warnings_;
  std::map<std::string, Weight> weight_names_;  // not yet in the graph
  std::vector<std::string> inputs_;
  std::vector<std::string> outputs_;
  Node* first_call_ = nullptr;  // constants go before it
};

}  // namespace qrules::model
