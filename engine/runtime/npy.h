// NumPy's .npy files (format 1 to 3, little-endian, C and Fortran order).
#pragma once

#include <string>

#include <qrules/runtime/tensor.h>
#include <qrules/support/result.h>

namespace qrules {

// Reads a file into a contiguous tensor. Errors QR06xx: not a .npy, truncated, objects (pickles), unsupported dtype.
Result<HostTensor> read_npy(const std::string& path);
// The layout that it would have, from the file's header. The same errors, but for those of reading the elements.
Result<TensorLayout> read_npy_layout(const std::string& path);
// Writes contiguous C order; bf16 and f8 are written as f32.
Status write_npy(const std::string& path, const TensorLayout& layout, const void* data);
// The same values in another dtype, when every step is a plain cast (f32 given for a bf16 placeholder). Error when it
// is not.
Result<HostTensor> convert(const HostTensor& tensor, DType dtype);

}  // namespace qrules
