#include <list>
#include <mutex>

#include <qrules/runtime/plan.h>

namespace qrules {

struct PlanCache::Impl {
  std::shared_ptr<const Graph> graph;
  PlanOptions options;
  size_t capacity;
  std::mutex mutex;
  std::list<std::pair<std::map<std::string, int64_t>, std::shared_ptr<const Plan>>> plans;  // most recently used first
};

PlanCache::PlanCache(std::shared_ptr<const Graph> graph, PlanOptions options, size_t capacity)
    : impl_(std::make_unique<Impl>()) {
  impl_->graph = std::move(graph);
  impl_->options = std::move(options);
  impl_->capacity = std::max<size_t>(capacity, 1);
}

PlanCache::~PlanCache() = default;

Result<std::shared_ptr<const Plan>> PlanCache::get(std::span<const TensorLayout> inputs) {
  auto symbols = bind_symbols(*impl_->graph, inputs);
  if (!symbols.ok()) return symbols.diagnostics();
  // A second thread that wants a new plan waits for the first: it is likely to want the same one.
  const std::lock_guard<std::mutex> lock(impl_->mutex);
  for (auto it = impl_->plans.begin(); it != impl_->plans.end(); ++it) {
    if (it->first != *symbols) continue;
    impl_->plans.splice(impl_->plans.begin(), impl_->plans, it);
    return impl_->plans.front().second;
  }
  auto plan = Plan::prepare(impl_->graph, *symbols, impl_->options);
  if (!plan.ok()) return plan;
  impl_->plans.emplace_front(std::move(*symbols), *plan);
  if (impl_->plans.size() > impl_->capacity) impl_->plans.pop_back();
  return plan;
}

}  // namespace qrules
