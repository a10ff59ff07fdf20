// A plan as it is run: steps, buffers, and where pointers come from.
#pragma once

#include <memory>
#include <vector>

#include <qrules/runtime/plan.h>

namespace qrules {

// Memory that values live in: views share the root of what they are views of.
struct Root {
  enum class Kind : uint8_t { arena, input, constant };
  Kind kind = Kind::arena;
  size_t bytes = 0;
  size_t offset = 0;                 // arena
  size_t input = 0;                  // input
  std::shared_ptr<const void> data;  // constant
};

// A value in memory.
struct Place {
  size_t root = 0;
  size_t byte_offset = 0;
  TensorLayout layout;
};

struct Step {
  std::unique_ptr<Kernel> kernel;
  std::vector<Place> inputs, outputs;
  size_t report = 0;  // index into steps()
};

class PreparedPlan final : public Plan {
 public:
  const std::vector<PlanStep>& steps() const override { return report; }
  size_t arena_bytes() const override { return arena; }
  size_t packed_bytes() const override { return constants; }
  const std::vector<TensorLayout>& input_layouts() const override { return inputs; }
  const std::vector<TensorLayout>& output_layouts() const override { return outputs; }
  std::unique_ptr<Context> make_context() const override;

  std::shared_ptr<const Graph> graph;
  std::vector<PlanStep> report;
  std::vector<Root> roots;
  std::vector<Step> program;
  std::vector<TensorLayout> inputs, outputs;
  std::vector<Place> results;
  size_t arena = 0;  // buffers, then scratch
  size_t scratch_offset = 0;
  size_t constants = 0;
  int threads = 0;
};

}  // namespace qrules
