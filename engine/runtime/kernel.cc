#include <qrules/runtime/kernel.h>

#include <qrules/support/aligned.h>

namespace qrules {

std::shared_ptr<const void> PrepareContext::packed(const std::string&, size_t bytes,
                                                   const std::function<void(void*)>& fill) {
  const std::shared_ptr<void> memory = allocate_aligned(bytes);
  fill(memory.get());
  return memory;
}

void HandlerRegistry::add(std::string op_name, std::shared_ptr<const Handler> handler) {
  by_op_[std::move(op_name)].push_back(std::move(handler));
}

void HandlerRegistry::add_fallback(std::shared_ptr<const Handler> handler) { fallbacks_.push_back(std::move(handler)); }

std::vector<const Handler*> HandlerRegistry::find(const std::string& op_name) const {
  std::vector<const Handler*> result;
  if (auto found = by_op_.find(op_name); found != by_op_.end()) {
    for (const auto& handler : found->second) result.push_back(handler.get());
  }
  for (const auto& handler : fallbacks_) result.push_back(handler.get());
  return result;
}

}  // namespace qrules
