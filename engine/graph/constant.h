// Data of a constant tensor: weights, scales, zero points.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <qrules/graph/dtype.h>

namespace qrules {

// A contiguous (row-major) tensor of known sizes. `data` may be null: the value is then not known (graph text names
// constants without their bytes) and nothing that needs it may fire. The bytes never change and may be mapped from a
// file.
struct Constant {
  DType dtype = DType::f32;
  std::vector<int64_t> sizes;
  std::shared_ptr<const void> data;
  size_t bytes = 0;

  bool has_data() const { return data != nullptr || bytes == 0; }
  int64_t element_count() const;

  // An owned, zero-filled constant; `fill` writes its elements before it becomes immutable.
  static std::shared_ptr<const Constant> make(DType dtype, std::vector<int64_t> sizes,
                                              const std::function<void(void*)>& fill);
};

using ConstantPtr = std::shared_ptr<const Constant>;

// Element i (row-major) as a double or integer; bf16, f16 and f8 are widened. The data must be there.
double element_as_double(const Constant& constant, int64_t i);
int64_t element_as_int(const Constant& constant, int64_t i);

}  // namespace qrules
