// Expressions of conditions as texts that can be compared: places stand in them instead of names, so that equal texts
// of two rules have equal values.
#pragma once

#include <optional>
#include <string>

#include <qrules/generate/places.h>

namespace qrules::generate {

// An expression with places instead of names.
struct Written {
  std::string text;
  std::optional<Argument> value;
  bool integer = false;  // whole numbers from 0
  bool size = false;     // of which some may be symbols, without an order
};

// A value that is known beforehand.
Written known(Argument value);

class Writer {
 public:
  // Both must outlive this.
  Writer(const PlaceOf& place, const OperatorTable& operators) : place_(place), operators_(operators) {}

  // Nothing when a name has no place.
  std::optional<Written> write(const Expression& expression) const;

 private:
  std::optional<Written> call(const Expression& expression) const;
  std::optional<Written> loop(const Expression& expression) const;

  const PlaceOf& place_;
  const OperatorTable& operators_;
};

}  // namespace qrules::generate
