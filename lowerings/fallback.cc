// The handler for all other operators: PyTorch's dispatcher, which is loaded when the first call needs it.

#include <mutex>

#include <qrules/lowerings/int8_call.h>
#include <qrules/lowerings/register.h>
#include <qrules/runtime/torch.h>

namespace qrules {
namespace {

class DispatcherOnDemand final : public Handler {
 public:
  std::string_view name() const override { return "aten"; }

  Result<std::unique_ptr<Kernel>> prepare(PrepareContext& context) const override {
    std::call_once(loaded_, [this] {
      if (const TorchParts* torch = torch_parts(why_)) dispatcher_ = torch->make_dispatcher();
    });
    if (!dispatcher_) return int8::refuse("LibTorch cannot be loaded: " + why_);
    return dispatcher_->prepare(context);
  }

 private:
  // Filled once, then only read.
  mutable std::once_flag loaded_;
  mutable std::shared_ptr<const Handler> dispatcher_;
  mutable std::string why_;
};

}  // namespace

void register_aten_handlers(HandlerRegistry& registry) {
  registry.add_fallback(std::make_shared<DispatcherOnDemand>());
}

}  // namespace qrules
