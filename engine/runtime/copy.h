// Moving the elements of a tensor to another layout.
#pragma once

#include <memory>

#include <qrules/runtime/kernel.h>

namespace qrules {

// A kernel with one input and one result of the same dtype and sizes and any strides. Large copies use all threads.
std::unique_ptr<Kernel> make_copy(const TensorLayout& from, const TensorLayout& to);

}  // namespace qrules
