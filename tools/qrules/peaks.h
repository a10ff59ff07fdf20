// What the machine can do at best, measured beside the model: what a profile's shares are shares of.
#pragma once

#include <cstddef>
#include <vector>

#include <qrules/runtime/plan.h>

namespace qrules::tools {

struct Peaks {
  double int8_gops = 0;   // billions of operations in a second of a product of 1024 x 1024 x 1024 integers
  double float_gops = 0;  // of f32
  struct Speed {
    size_t bytes = 0;
    double gb_per_s = 0;  // of reading that many bytes again and again
  };
  std::vector<Speed> reading;  // by bytes, growing: a level of the caches each, then memory

  // The time in microseconds below which a step cannot be: its operations at the peak, or its bytes at the speed of
  // reading as many, whichever is more.
  double limit_us(const PlanStep& step) const;
};

// Takes about half a second. Errors: those of Plan::prepare.
Result<Peaks> measure_peaks(int threads);

}  // namespace qrules::tools
