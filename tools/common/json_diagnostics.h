// Diagnostics for machines: JSON, SARIF 2.1.0 and annotations of GitHub workflows.
#pragma once

#include <string>

#include <nlohmann/json.hpp>

#include <qrules/support/diagnostic.h>

namespace qrules::tools {

// {"code", "name", "level", "message", "file", "line", "column", "end": {"line", "column"}, "labels": [{place, "text",
// "primary"}], "notes": [text], "helps": [{"text", "edit": {place, "replacement"}}], "arguments": {name: value}}.
// Without a place the keys file, line, column and end are absent. Columns count code points from 1; an end is behind
// the last one.
nlohmann::json to_json(const Diagnostic& diagnostic);
nlohmann::json to_json(const Diagnostics& diagnostics);

// A SARIF log with one run of the tool; edits become fixes, later labels related locations.
nlohmann::json to_sarif(const Diagnostics& diagnostics, const std::string& tool, const std::string& version);

// "::error file=a.yaml,line=1,col=2,endLine=1,endColumn=4,title=QR0101 unknown-operator::message", one line without a
// newline; notes and helps follow the message.
std::string to_github(const Diagnostic& diagnostic);

// Text that json can hold: bytes that are not UTF-8 become U+FFFD when dumped.
std::string dump(const nlohmann::json& json, int indent = 2);

}  // namespace qrules::tools
