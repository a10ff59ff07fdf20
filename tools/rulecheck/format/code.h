// The layout of patterns, conditions and rewrites.
#pragma once

#include <string>
#include <vector>

#include <qrules/rules/mapped_text.h>

namespace qrules::tools {

enum class CodeKind { pattern, condition, rewrite };

// The lines of a text of this kind in the one spelling that it has: a statement on one line when it fits into `width`
// columns, else broken before `|`, `and` and `or` and behind commas, with two spaces before what goes on. Comments and
// single blank lines stay; a statement with comments inside keeps its lines. Pieces of templates keep what touches
// them.
std::vector<std::string> format_code(CodeKind kind, const MappedText& text, size_t width);

// The same tokens and statements in the same order, whatever the spaces.
bool same_code(CodeKind kind, const MappedText& a, const MappedText& b);

// The comments of a text in order, without spaces around them.
std::vector<std::string> comments_of(CodeKind kind, const MappedText& text);

}  // namespace qrules::tools
