// What a stream of the terminal takes.
#pragma once

#include <cstdio>
#include <string>
#include <string_view>

namespace qrules::tools {

bool is_terminal(std::FILE* stream);
// A terminal whose user did not ask for plain text (NO_COLOR, TERM=dumb).
bool wants_color(std::FILE* stream);

enum class Color { red, green, yellow, bold, dim };

// The text between the escapes of a colour, or as it is.
std::string paint(std::string_view text, Color color, bool on);

// "1 rule", "2 rules".
std::string counted(size_t count, std::string_view noun);

}  // namespace qrules::tools
