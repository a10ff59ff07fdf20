// What of the runtime needs LibTorch, as one table: loading LibTorch takes longer than most models take to be rewritten
// and run, and only operators without a kernel of ours and compressed archives need it.
#pragma once

#include <memory>
#include <string>

#include <qrules/runtime/archive.h>
#include <qrules/runtime/kernel.h>

namespace qrules {

struct TorchParts {
  Result<std::unique_ptr<Archive>> (*open_archive)(const std::string& path) = nullptr;
  std::shared_ptr<const Handler> (*make_dispatcher)() = nullptr;
};

// The parts, of this program where it links LibTorch (lowerings/aten/linked.cc, in qrules::runtime), else of
// `libqrules-torch.so`, which is loaded by the first call (tools/qrules/torch_on_demand.cc). Null, with the reason,
// when that cannot be loaded. May be called by several threads.
const TorchParts* torch_parts(std::string& why);

// Where both are (runtime/archive_torch.cc, lowerings/aten/dispatcher.cc).
Result<std::unique_ptr<Archive>> open_torch_archive(const std::string& path);
std::shared_ptr<const Handler> make_dispatcher_handler();

}  // namespace qrules
