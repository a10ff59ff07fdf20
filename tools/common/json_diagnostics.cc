// See json_diagnostics.h.

#include <common/json_diagnostics.h>

#include <algorithm>
#include <cctype>
#include <cstring>
#include <vector>

namespace qrules::tools {
namespace {

using nlohmann::json;

// Places of a label or edit as keys of `object`; nothing for a span outside any text.
void add_place(json& object, const Span& span) {
  if (!span) return;
  const SourceFile::Position begin = span.file->position(span.begin);
  const SourceFile::Position end = span.file->position(span.end);
  object["file"] = span.file->name();
  object["line"] = begin.line;
  object["column"] = begin.column;
  object["end"] = {{"line", end.line}, {"column", end.column}};
}

json region(const Span& span) {
  const SourceFile::Position begin = span.file->position(span.begin);
  const SourceFile::Position end = span.file->position(span.end);
  return {{"startLine", begin.line}, {"startColumn", begin.column}, {"endLine", end.line}, {"endColumn", end.column}};
}

// Names of files are paths; what a URI may not hold is escaped.
std::string to_uri(const std::string& path) {
  std::string result;
  for (const char c : path) {
    if (std::isalnum(static_cast<unsigned char>(c)) || std::strchr("-._~/", c)) {
      result += c;
    } else {
      constexpr char kHex[] = "0123456789ABCDEF";
      const auto byte = static_cast<unsigned char>(c);
      result += {'%', kHex[byte >> 4], kHex[byte & 15]};
    }
  }
  return result;
}

json location(const Span& span) {
  return {{"physicalLocation", {{"artifactLocation", {{"uri", to_uri(span.file->name())}}}, {"region", region(span)}}}};
}

std::string with_advice(const Diagnostic& diagnostic) {
  std::string text = diagnostic.message();
  for (const std::string& note : diagnostic.notes) text += "\nnote: " + note;
  for (const Help& help : diagnostic.helps) {
    text += "\nhelp: " + help.text;
    // Short edits in words: annotations show no difference.
    if (help.span && help.replacement.find('\n') == std::string::npos && !help.replacement.empty())
      text += " (`" + help.replacement + "`)";
  }
  return text;
}

json to_result(const Diagnostic& diagnostic, size_t rule_index) {
  json result = {{"ruleId", diagnostic.kind->code},
                 {"ruleIndex", rule_index},
                 {"level", name(diagnostic.kind->level)},
                 {"message", {{"text", with_advice(diagnostic)}}},
                 {"locations", json::array()}};
  json related = json::array();
  for (const Label& label : diagnostic.labels) {
    if (!label.span) continue;
    json place = location(label.span);
    if (!label.text.empty()) place["message"] = {{"text", label.text}};
    if (result["locations"].empty()) {
      result["locations"].push_back(std::move(place));
    } else {
      place["id"] = related.size();
      related.push_back(std::move(place));
    }
  }
  if (!related.empty()) result["relatedLocations"] = std::move(related);
  for (const Help& help : diagnostic.helps) {
    if (!help.span) continue;
    json change = {
        {"artifactLocation", {{"uri", to_uri(help.span.file->name())}}},
        {"replacements",
         json::array({{{"deletedRegion", region(help.span)}, {"insertedContent", {{"text", help.replacement}}}}})}};
    result["fixes"].push_back(
        {{"description", {{"text", help.text}}}, {"artifactChanges", json::array({std::move(change)})}});
  }
  return result;
}

// Workflow commands are one line; properties have separators of their own.
std::string escape(std::string_view text, bool property) {
  std::string result;
  for (const char c : text) {
    switch (c) {
      case '%': result += "%25"; break;
      case '\r': result += "%0D"; break;
      case '\n': result += "%0A"; break;
      case ':': result += property ? "%3A" : ":"; break;
      case ',': result += property ? "%2C" : ","; break;
      default: result += c;
    }
  }
  return result;
}

}  // namespace

json to_json(const Diagnostic& diagnostic) {
  json result = {
      {"code", diagnostic.kind->code},   {"name", diagnostic.kind->name}, {"level", name(diagnostic.kind->level)},
      {"message", diagnostic.message()}, {"labels", json::array()},       {"notes", diagnostic.notes},
      {"helps", json::array()},          {"arguments", json::object()}};
  if (!diagnostic.labels.empty()) add_place(result, diagnostic.labels.front().span);
  for (size_t i = 0; i < diagnostic.labels.size(); ++i) {
    json label = {{"text", diagnostic.labels[i].text}, {"primary", i == 0}};
    add_place(label, diagnostic.labels[i].span);
    result["labels"].push_back(std::move(label));
  }
  for (const Help& help : diagnostic.helps) {
    json advice = {{"text", help.text}};
    if (help.span) {
      add_place(advice["edit"], help.span);
      advice["edit"]["replacement"] = help.replacement;
      advice["applicable"] = help.applicable;
    }
    result["helps"].push_back(std::move(advice));
  }
  for (const auto& [name, value] : diagnostic.arguments) {
    std::visit([&, &key = name](const auto& held) { result["arguments"][key] = held; }, value);
  }
  return result;
}

json to_json(const Diagnostics& diagnostics) {
  json result = json::array();
  for (const Diagnostic& diagnostic : diagnostics.list()) result.push_back(to_json(diagnostic));
  return result;
}

json to_sarif(const Diagnostics& diagnostics, const std::string& tool, const std::string& version) {
  std::vector<const DiagnosticKind*> kinds;
  for (const Diagnostic& diagnostic : diagnostics.list()) kinds.push_back(diagnostic.kind);
  std::sort(kinds.begin(), kinds.end(), [](auto* a, auto* b) { return std::strcmp(a->code, b->code) < 0; });
  kinds.erase(std::unique(kinds.begin(), kinds.end()), kinds.end());
  json rules = json::array();
  for (const DiagnosticKind* kind : kinds) {
    rules.push_back({{"id", kind->code},
                     {"name", kind->name},
                     {"shortDescription", {{"text", kind->name}}},
                     {"fullDescription", {{"text", kind->explanation}}},
                     {"defaultConfiguration", {{"level", name(kind->level)}}}});
  }
  json results = json::array();
  for (const Diagnostic& diagnostic : diagnostics.list()) {
    const auto place = std::find(kinds.begin(), kinds.end(), diagnostic.kind);
    results.push_back(to_result(diagnostic, static_cast<size_t>(place - kinds.begin())));
  }
  json driver = {{"name", tool}, {"semanticVersion", version}, {"rules", std::move(rules)}};
  json run = {
      {"tool", {{"driver", std::move(driver)}}}, {"columnKind", "unicodeCodePoints"}, {"results", std::move(results)}};
  return {{"$schema", "https://json.schemastore.org/sarif-2.1.0.json"},
          {"version", "2.1.0"},
          {"runs", json::array({std::move(run)})}};
}

std::string to_github(const Diagnostic& diagnostic) {
  std::string result =
      diagnostic.kind->level == Level::note ? "::notice " : std::string("::") + name(diagnostic.kind->level) + " ";
  if (!diagnostic.labels.empty() && diagnostic.labels.front().span) {
    const Span& span = diagnostic.labels.front().span;
    const SourceFile::Position begin = span.file->position(span.begin);
    const SourceFile::Position end = span.file->position(span.end);
    result += "file=" + escape(span.file->name(), true) + ",line=" + std::to_string(begin.line) +
              ",endLine=" + std::to_string(end.line);
    // GitHub ignores columns of ranges over several lines.
    if (begin.line == end.line)
      result += ",col=" + std::to_string(begin.column) + ",endColumn=" + std::to_string(end.column);
    result += ",";
  }
  result += "title=" + escape(std::string(diagnostic.kind->code) + " " + diagnostic.kind->name, true);
  return result + "::" + escape(with_advice(diagnostic), false);
}

std::string dump(const json& value, int indent) {
  return value.dump(indent, ' ', false, json::error_handler_t::replace);
}

}  // namespace qrules::tools
