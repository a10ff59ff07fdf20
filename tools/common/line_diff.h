// Two texts, line by line.
#pragma once

#include <string>
#include <vector>

namespace qrules::tools {

// Lines of both texts in order: "  same", "- only in `expected`", "+ only in `found`". Empty when they are equal.
std::vector<std::string> line_diff(const std::string& expected, const std::string& found);

}  // namespace qrules::tools
