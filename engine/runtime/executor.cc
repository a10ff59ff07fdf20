// Running a plan: one arena and one set of kernel states for each context. Pointers are fixed when the context is made,
// but for those into the model's inputs.

#include <chrono>

#include <omp.h>

#include <qrules/runtime/prepared_plan.h>
#include <qrules/support/aligned.h>

namespace qrules {
namespace {

class PlanContext final : public Plan::Context {
 public:
  explicit PlanContext(std::shared_ptr<const PreparedPlan> plan)
      : plan_(std::move(plan)),
        memory_(allocate_aligned(plan_->arena)),
        arena_(static_cast<char*>(memory_.get())),
        times_(plan_->steps().size(), 0),
        starts_(plan_->steps().size(), 0) {
    steps_.resize(plan_->program.size());
    for (size_t i = 0; i < steps_.size(); ++i) {
      const Step& step = plan_->program[i];
      Prepared& prepared = steps_[i];
      prepared.inputs.resize(step.inputs.size());
      prepared.outputs.resize(step.outputs.size());
      for (size_t k = 0; k < step.inputs.size(); ++k) point(step.inputs[k], prepared.inputs[k]);
      for (size_t k = 0; k < step.outputs.size(); ++k)
        prepared.outputs[k] = arena_ + plan_->roots[step.outputs[k].root].offset + step.outputs[k].byte_offset;
      prepared.state = step.kernel->make_state();
      prepared.arguments = {prepared.inputs.data(), prepared.outputs.data(), arena_ + plan_->scratch_offset,
                            prepared.state.get(), &failed_};
    }
    results_.resize(plan_->results.size());
    for (size_t i = 0; i < results_.size(); ++i) point(plan_->results[i], results_[i]);
  }

  void run(std::span<const void* const> inputs) override {
    if (plan_->threads > 0) omp_set_num_threads(plan_->threads);
    failed_ = false;
    for (const Patch& patch : patches_)
      *patch.where = static_cast<const char*>(inputs[patch.input]) + patch.byte_offset;
    if (!profiling_) {
      for (size_t i = 0; i < steps_.size(); ++i) run(i);
      return;
    }
    const auto nanoseconds = [](auto duration) {
      return std::chrono::duration_cast<std::chrono::nanoseconds>(duration).count();
    };
    const auto begin = std::chrono::steady_clock::now();
    for (size_t i = 0; i < steps_.size(); ++i) {
      const size_t report = plan_->program[i].report;
      const auto start = std::chrono::steady_clock::now();
      run(i);
      times_[report] = nanoseconds(std::chrono::steady_clock::now() - start);
      starts_[report] = nanoseconds(start - begin);
    }
  }

  std::span<const void* const> outputs() const override { return results_; }
  bool failed() const override { return failed_; }
  void set_profiling(bool on) override { profiling_ = on; }
  const std::vector<int64_t>& step_times() const override { return times_; }
  const std::vector<int64_t>& step_starts() const override { return starts_; }

 private:
  struct Prepared {
    std::vector<const void*> inputs;
    std::vector<void*> outputs;
    std::unique_ptr<KernelState> state;
    KernelArguments arguments;
  };
  struct Patch {
    const void** where;
    size_t input;
    size_t byte_offset;
  };

  void run(size_t step) const { plan_->program[step].kernel->run(steps_[step].arguments); }

  void point(const Place& place, const void*& where) {
    const Root& root = plan_->roots[place.root];
    switch (root.kind) {
      case Root::Kind::arena: where = arena_ + root.offset + place.byte_offset; break;
      case Root::Kind::constant: where = static_cast<const char*>(root.data.get()) + place.byte_offset; break;
      case Root::Kind::input: patches_.push_back({&where, root.input, place.byte_offset}); break;
    }
  }

  std::shared_ptr<const PreparedPlan> plan_;
  std::shared_ptr<void> memory_;
  char* arena_;
  std::vector<Prepared> steps_;
  std::vector<const void*> results_;
  std::vector<Patch> patches_;
  std::vector<int64_t> times_, starts_;
  bool profiling_ = false;
  bool failed_ = false;
};

}  // namespace

std::unique_ptr<Plan::Context> PreparedPlan::make_context() const {
  return std::make_unique<PlanContext>(std::static_pointer_cast<const PreparedPlan>(shared_from_this()));
}

}  // namespace qrules
