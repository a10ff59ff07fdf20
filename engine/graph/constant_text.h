// Numbers of constants and arguments as text, exact to the bit.
#pragma once

#include <string>

#include <qrules/graph/constant.h>

namespace qrules::text {

// The shortest decimal that reads back to the same double; always recognisable as a real (1.0, 1e-05, inf, nan).
std::string print_real(double value);

// Complex elements have no text form.
bool has_element_text(DType dtype);
// Element i in row-major order.
std::string print_element(const Constant& constant, int64_t i);
// All elements have the same bits.
bool is_uniform(const Constant& constant);

// Writes a value to element i of `data`, rounded to the nearest (ties to even) of a narrower float. False when an
// integer type cannot hold it.
bool store_real(void* data, DType dtype, int64_t i, double value);
bool store_integer(void* data, DType dtype, int64_t i, int64_t value);
bool store_integer(void* data, DType dtype, int64_t i, uint64_t value);

}  // namespace qrules::text
