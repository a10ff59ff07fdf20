// Texts that are compared without regard to how they are spaced.
#pragma once

#include <string>
#include <string_view>

namespace qrules::tools {

// With one space where there were several, or line ends; without any at the ends.
std::string squeezed(std::string_view text);

}  // namespace qrules::tools
