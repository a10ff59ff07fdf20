// From a graph to a plan: each node is given to the handlers that know its operator, in order.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include <qrules/runtime/prepared_plan.h>

namespace qrules {

class PlanBuilder {
 public:
  PlanBuilder(std::shared_ptr<const Graph> graph, const std::map<std::string, int64_t>& symbols,
              const PlanOptions& options);
  Result<std::shared_ptr<const Plan>> build();

 private:
  friend class BuilderContext;

  // What a root is used for while the plan is made.
  struct RootUse {
    std::vector<const Node*> nodes;  // whose values live in it
    bool is_result = false;
  };

  Status add_placeholder(const Node& node);
  Status add_constant(const Node& node);
  Status add_call(const Node& node);
  Status add_outputs(const Node& node);
  void add_getitem(const Node& node);

  Result<TensorLayout> layout_of(const Node& node, const TensorType& type) const;
  std::optional<int64_t> evaluate(Dim dim) const;
  size_t add_root(Root root);
  // A copy of a value in another layout. `shared`: later users may read it too, and of a constant it is made with the
  // plan; else it may be written over, and a step makes it.
  Place relayout(const Node& value, const Place& place, const TensorLayout& layout, bool shared);
  // Runs a kernel whose inputs are all constants; its results become constants. False when the kernel refuses them.
  bool fold(Step& step);
  // The results of such a step from an earlier preparation, where all are known.
  bool recall(const Step& step);
  std::string name_of_folded(const Step& step, size_t result) const;
  void finish();

  std::shared_ptr<PreparedPlan> plan_;
  const Graph& graph_;
  const std::map<std::string, int64_t>& symbols_;
  std::shared_ptr<const HandlerRegistry> handlers_;
  std::shared_ptr<PackedStore> packed_;  // may be null
  int threads_ = 0;
  bool round_products_ = false;
  std::unordered_map<const Node*, std::vector<Place>> places_;
  std::vector<RootUse> uses_;
  std::unordered_map<const Node*, std::vector<Place>> copies_;  // shared copies in other layouts
  size_t scratch_ = 0;
};

}  // namespace qrules
