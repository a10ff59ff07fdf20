#include <qrules/lowerings/register.h>

namespace qrules {

std::shared_ptr<const HandlerRegistry> HandlerRegistry::builtin() {
  static const std::shared_ptr<const HandlerRegistry> registry = [] {
    auto made = std::make_shared<HandlerRegistry>();
    // Kernels of our own first: they take the calls that they are faster at.
    register_avx512_handlers(*made);
    register_onednn_handlers(*made);
    register_avx2_handlers(*made);
    register_decomposed_handlers(*made);
    register_aten_handlers(*made);
    return made;
  }();
  return registry;
}

std::shared_ptr<const HandlerRegistry> HandlerRegistry::reference() {
  static const std::shared_ptr<const HandlerRegistry> registry = [] {
    auto made = std::make_shared<HandlerRegistry>();
    register_decomposed_handlers(*made);
    register_aten_handlers(*made);
    return made;
  }();
  return registry;
}

}  // namespace qrules
