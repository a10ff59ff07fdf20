// A value or the diagnostics that say why there is none. The engine's public functions return it and do not throw.
#pragma once

#include <cassert>
#include <utility>
#include <variant>

#include <qrules/support/diagnostic.h>

namespace qrules {

template <typename T>
class [[nodiscard]] Result {
 public:
  Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}                        // NOLINT
  Result(Diagnostics diagnostics) : state_(std::in_place_index<1>, std::move(diagnostics)) {}  // NOLINT
  Result(Diagnostic diagnostic) : state_(std::in_place_index<1>) {                             // NOLINT
    std::get<1>(state_).add(std::move(diagnostic));
  }

  bool ok() const { return state_.index() == 0; }
  explicit operator bool() const { return ok(); }
  T& value() & {
    assert(ok());
    return std::get<0>(state_);
  }
  const T& value() const& {
    assert(ok());
    return std::get<0>(state_);
  }
  T&& value() && {
    assert(ok());
    return std::get<0>(std::move(state_));
  }
  T& operator*() & { return value(); }
  const T& operator*() const& { return value(); }
  T* operator->() { return &value(); }
  const T* operator->() const { return &value(); }
  const Diagnostics& diagnostics() const {
    assert(!ok());
    return std::get<1>(state_);
  }

 private:
  std::variant<T, Diagnostics> state_;
};

// Success without a value.
struct Done {};
using Status = Result<Done>;

}  // namespace qrules
