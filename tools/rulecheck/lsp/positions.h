// Places as the protocol counts them: lines and characters from 0, characters in the unit that both sides agreed on.
#pragma once

#include <string>
#include <string_view>

#include <nlohmann/json.hpp>

#include <qrules/support/source.h>

namespace qrules::tools::lsp {

enum class Encoding { utf8, utf16, utf32 };

// {"line", "character"} of a byte. A byte inside a character is that character's begin.
nlohmann::json to_position(const SourceFile& source, size_t offset, Encoding encoding);
nlohmann::json to_range(const SourceFile& source, size_t begin, size_t end, Encoding encoding);
// The byte of a position; past the end of a line or of the text: its end. Throws nlohmann's exceptions when it is none.
size_t to_offset(const SourceFile& source, const nlohmann::json& position, Encoding encoding);

// "file:///a%20b.yaml" to "/a b.yaml" and back. A URI of another scheme is its own path.
std::string to_path(std::string_view uri);
std::string to_uri(std::string_view path);

}  // namespace qrules::tools::lsp
