// The one symbol that `qrules` looks up in libqrules-torch.so.

#include <qrules/runtime/torch.h>

extern "C" __attribute__((visibility("default"))) const qrules::TorchParts* qrules_torch_parts() {
  static constexpr qrules::TorchParts parts{qrules::open_torch_archive, qrules::make_dispatcher_handler};
  return &parts;
}
