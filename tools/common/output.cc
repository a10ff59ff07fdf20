// See output.h.

#include <common/output.h>

#include <cstdlib>
#include <cstring>

#include <unistd.h>

namespace qrules::tools {

bool is_terminal(std::FILE* stream) { return isatty(fileno(stream)) == 1; }

bool wants_color(std::FILE* stream) {
  if (const char* plain = std::getenv("NO_COLOR"); plain && *plain) return false;
  if (const char* term = std::getenv("TERM"); term && std::strcmp(term, "dumb") == 0) return false;
  return is_terminal(stream);
}

std::string paint(std::string_view text, Color color, bool on) {
  if (!on) return std::string(text);
  const char* code = "0";
  switch (color) {
    case Color::red: code = "1;31"; break;
    case Color::green: code = "32"; break;
    case Color::yellow: code = "33"; break;
    case Color::bold: code = "1"; break;
    case Color::dim: code = "2"; break;
  }
  return "\033[" + std::string(code) + "m" + std::string(text) + "\033[0m";
}

std::string counted(size_t count, std::string_view noun) {
  return std::to_string(count) + " " + std::string(noun) + (count == 1 ? "" : "s");
}

}  // namespace qrules::tools
