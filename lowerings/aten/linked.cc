// LibTorch's parts in a program that links LibTorch.

#include <qrules/runtime/torch.h>

namespace qrules {

const TorchParts* torch_parts(std::string&) {
  static constexpr TorchParts parts{open_torch_archive, make_dispatcher_handler};
  return &parts;
}

}  // namespace qrules
