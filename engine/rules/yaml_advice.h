// What is wrong with a text that yaml-cpp refuses, in words for people who write rules.
#pragma once

#include <string>

#include <qrules/support/diagnostic.h>

namespace qrules {

// The error QR0002 for a text that the YAML parser gave up at byte `at` with the message `why`. yaml-cpp notices most
// mistakes lines later and in the words of its grammar; this looks for the frequent ones near `at`: tabs, quotes and
// brackets that are not closed, lines that are indented differently from their neighbours, keys without colon, values
// with a second colon, texts that begin with % or @, and blocks without `|`. The place is that of the mistake.
Diagnostic yaml_error(const SourcePtr& file, size_t at, const std::string& why);

}  // namespace qrules
