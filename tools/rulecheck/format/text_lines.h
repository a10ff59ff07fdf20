// Texts of a rule file as lines.
#pragma once

#include <string>
#include <vector>

namespace qrules::tools {

// Without spaces at the ends of lines, and without blank lines at the end.
std::vector<std::string> lines_of(const std::string& text);
// Without the indentation that all share; a graph's spaces say nothing.
std::vector<std::string> graph_lines(const std::string& text);
// Broken between words, at most `width` columns wide where words are not wider.
std::vector<std::string> wrapped(const std::string& text, size_t width);

}  // namespace qrules::tools
