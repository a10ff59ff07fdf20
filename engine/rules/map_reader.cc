#include <qrules/rules/map_reader.h>

#include <algorithm>
#include <cctype>
#include <charconv>

#include <qrules/rules/diagnostics.h>

namespace qrules {
namespace {

using Kind = YamlNode::Kind;

bool is_flow(const YamlNode& node) { return node.span && node.span.text().substr(0, 1) == "{"; }

// Columns from the beginning of the line.
size_t column_of(const Span& span) { return span.begin - span.file->line_start(span.file->position(span.begin).line); }

std::string joined(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : ", ") + word;
  return text;
}

}  // namespace

MapReader::MapReader(const YamlNode& node, const MapForm& form, Diagnostics& diagnostics)
    : node_(node), form_(form), diagnostics_(diagnostics) {
  if (node.kind != Kind::map) {
    Diagnostic diagnostic = wrong(form.where, node, "a map");
    if (diagnostic.helps.empty()) diagnostic.helps.push_back({"its keys are " + joined(form.keys), {}, {}});
    diagnostics_.add(std::move(diagnostic));
    return;
  }
  valid_ = true;
  for (const YamlEntry& entry : node.entries) {
    if (std::find(form_.keys.begin(), form_.keys.end(), entry.key) == form_.keys.end()) unknown_key(entry);
  }
}

void MapReader::unknown_key(const YamlEntry& entry) {
  Diagnostic diagnostic = Diagnostic(kUnknownKey, entry.key_span, "not a key of " + form_.where)
                              .with("key", entry.key)
                              .with("where", form_.where);
  // Keys that the map does not have yet are the likelier ones.
  std::vector<std::string> missing;
  for (const std::string& key : form_.keys) {
    if (!node_.find(key)) missing.push_back(key);
  }
  std::string meant;
  if (const auto other = form_.other_names.find(entry.key); other != form_.other_names.end()) {
    meant = other->second;
    diagnostic = std::move(diagnostic).fix("the key is `" + meant + "`", entry.key_span, meant);
  } else if (auto near = did_you_mean(entry.key, missing)) {
    meant = *near;
    diagnostic = std::move(diagnostic).fix("did you mean `" + meant + "`?", entry.key_span, meant);
  } else if (diagnostic.suggest(entry.key, form_.keys, entry.key_span)) {
    diagnostic.helps.back().applicable = false;  // the map has that key already
    meant = *did_you_mean(entry.key, form_.keys);
  } else {
    diagnostic.helps.push_back({"the keys of " + form_.where + " are " + joined(form_.keys), {}, {}});
  }
  if (!meant.empty() && !node_.find(meant)) {
    meant_.emplace(meant, &entry);
  } else if (meant.empty()) {
    lost_ = diagnostics_.size();
  } else {
    diagnostic.helps.front().applicable = false;
    diagnostic.labels.push_back({node_.find(meant)->key_span, "`" + meant + "` is given here"});
  }
  diagnostics_.add(std::move(diagnostic));
}

const YamlEntry* MapReader::entry(std::string_view key) const {
  if (!valid_) return nullptr;
  if (const YamlEntry* found = node_.find(key)) return found;
  const auto meant = meant_.find(key);
  return meant == meant_.end() ? nullptr : meant->second;
}

const YamlNode* MapReader::optional(std::string_view key) const {
  const YamlEntry* found = entry(key);
  return found && found->value->kind != Kind::null ? found->value.get() : nullptr;
}

const YamlNode* MapReader::required(std::string_view key, std::string_view example, bool sure) {
  const YamlNode* value = optional(key);
  if (value || !valid_) return value;
  const std::string key_text(key);
  const YamlEntry* empty = entry(key);
  if (!empty && lost_ != kNone) {
    diagnostics_[lost_].notes.push_back(form_.where + " needs `" + key_text + "`");
    return nullptr;
  }
  const Span place = empty ? empty->key_span : node_.entries.empty() ? node_.span : node_.entries.front().key_span;
  Diagnostic diagnostic =
      Diagnostic(kMissingKey, place, empty ? "nothing is given for it" : "`" + key_text + "` is missing")
          .with("where", form_.where)
          .with("key", key_text);
  if (place && !node_.entries.empty()) {
    const YamlEntry& first = empty ? *empty : node_.entries.front();
    const std::string indent(column_of(first.key_span), ' ');
    std::string value_text(example);
    for (size_t at = value_text.find('\n'); at != std::string::npos; at = value_text.find('\n', at + 1))
      value_text.insert(at + 1, indent);
    const bool one_line = first.value->kind == Kind::scalar &&
                          first.value->span.text().find('\n') == std::string_view::npos &&
                          first.value->span.text().substr(0, 1) != "|" && first.value->span.text().substr(0, 1) != ">";
    Help help{"give `" + key_text + "`", place, {}, sure};
    if (empty) {
      const size_t colon = place.file->text().find(':', place.end);
      help.span = {place.file, colon + 1, colon + 1};
      help.replacement = " " + value_text;
    } else if (is_flow(node_)) {
      help.span = {place.file, first.key_span.begin, first.key_span.begin};
      help.replacement = key_text + ": " + value_text + ", ";
    } else if (one_line && form_.where != "a rule file") {
      help.span = {place.file, first.value->span.end, first.value->span.end};
      help.replacement = "\n" + indent + key_text + ": " + value_text;
    } else {
      help.span = {place.file, first.key_span.begin, first.key_span.begin};
      help.replacement = key_text + ": " + value_text + "\n" + indent;
    }
    diagnostic.helps.push_back(std::move(help));
  }
  diagnostics_.add(std::move(diagnostic));
  return nullptr;
}

MappedText MapReader::text(std::string_view key, const YamlNode* value) {
  if (!value) return {};
  if (value->kind == Kind::scalar) return value->text;
  Diagnostic diagnostic = wrong("`" + std::string(key) + "`", *value, "a text");
  const YamlEntry* given = entry(key);
  const bool texts = value->kind == Kind::list && !value->elements.empty() &&
                     std::all_of(value->elements.begin(), value->elements.end(), [](const YamlPtr& element) {
                       return element->kind == Kind::scalar && element->text.text().find('\n') == std::string::npos;
                     });
  if (texts && given && given->value.get() == value) {
    const Span& last = value->elements.back()->span;
    const bool flow = value->span.text().substr(0, 1) == "[";
    if (flow && value->elements.size() == 1) {
      const size_t close = last.file->text().find(']', last.end);
      if (close != std::string_view::npos)
        diagnostic =
            std::move(diagnostic)
                .fix("write the text alone", Span{last.file, value->span.begin, close + 1}, std::string(last.text()));
      diagnostics_.add(std::move(diagnostic));
      return value->elements.front()->text;
    }
    if (!flow) {
      const size_t colon = given->key_span.file->text().find(':', given->key_span.end);
      std::string block = " |";
      for (const YamlPtr& element : value->elements)
        block += "\n" + std::string(column_of(given->key_span) + 2, ' ') + element->text.text();
      diagnostic = std::move(diagnostic)
                       .fix("write the lines as one text", Span{last.file, colon + 1, last.end}, std::move(block));
    }
  }
  if (diagnostic.helps.empty()) diagnostic.helps.push_back({"one text, in a block that begins with `|`", {}, {}});
  diagnostics_.add(std::move(diagnostic));
  return {};
}

std::optional<int> MapReader::integer(std::string_view key, const YamlNode* value, int least) {
  if (!value) return std::nullopt;
  const std::string expected = least == 0 ? "a count (0, 1, 2, ...)" : "an integer";
  Diagnostic diagnostic = wrong("`" + std::string(key) + "`", *value, expected);
  diagnostic.helps.clear();
  if (value->kind == Kind::scalar) {
    const std::string& digits = value->text.text();
    int parsed = 0;
    const auto [stop, error] = std::from_chars(digits.data(), digits.data() + digits.size(), parsed);
    const bool number = error == std::errc() && stop == digits.data() + digits.size();
    if (number && !value->quoted && parsed >= least) return parsed;
    if (number && parsed >= least) {
      diagnostic = std::move(diagnostic).fix("numbers are written without quotes", value->span, digits);
    } else if (digits == "true" || digits == "yes") {
      diagnostic = std::move(diagnostic).propose("say how often", value->span, "1");
    } else if (digits == "false" || digits == "no") {
      diagnostic = std::move(diagnostic).fix("say how often", value->span, "0");
    } else if (number) {
      diagnostic = std::move(diagnostic).propose("a rule that must not fire has `0`", value->span, "0");
    } else {
      diagnostic = std::move(diagnostic).help("write a whole number");
    }
  } else {
    diagnostic = std::move(diagnostic).help("write a whole number");
  }
  diagnostics_.add(std::move(diagnostic));
  return std::nullopt;
}

bool MapReader::boolean(std::string_view key, const YamlNode* value, bool otherwise) {
  if (!value) return otherwise;
  Diagnostic diagnostic = wrong("`" + std::string(key) + "`", *value, "true or false");
  diagnostic.helps.clear();
  if (value->kind == Kind::scalar) {
    std::string word = value->text.text();
    if (!value->quoted && (word == "true" || word == "false")) return word == "true";
    std::transform(word.begin(), word.end(), word.begin(),
                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    const bool yes = word == "true" || word == "yes" || word == "on" || word == "1" || word == "y";
    const bool no = word == "false" || word == "no" || word == "off" || word == "0" || word == "n";
    if (yes || no) {
      diagnostics_.add(std::move(diagnostic).fix("write it out", value->span, yes ? "true" : "false"));
      return yes;
    }
    if (auto near = did_you_mean(word, {"true", "false"})) {
      diagnostics_.add(std::move(diagnostic).fix("did you mean `" + *near + "`?", value->span, *near));
      return *near == "true";
    }
  }
  diagnostics_.add(std::move(diagnostic).help("write `true` or `false`"));
  return otherwise;
}

std::vector<const YamlNode*> MapReader::list(std::string_view key, const YamlNode* value, bool lone) {
  std::vector<const YamlNode*> result;
  if (!value) return result;
  if (value->kind == Kind::list) {
    for (const YamlPtr& element : value->elements) result.push_back(element.get());
  } else if (lone && value->kind == Kind::scalar) {
    result.push_back(value);
  } else {
    Diagnostic diagnostic = wrong("`" + std::string(key) + "`", *value, "a list");
    if (value->kind == Kind::map && !value->entries.empty()) {
      const YamlEntry& first = value->entries.front();
      if (first.value->kind == Kind::map) {
        diagnostic = std::move(diagnostic)
                         .help("the elements of a list begin with `- `: write `- name: " + first.key +
                               "` with the other keys below it");
      } else {
        diagnostic = std::move(diagnostic)
                         .propose("the elements of a list begin with a dash",
                                  Span{first.key_span.file, first.key_span.begin, first.key_span.begin}, "- ");
      }
    } else {
      diagnostic = std::move(diagnostic).help("a list is `[a, b]`, or a line that begins with `- ` for each element");
    }
    diagnostics_.add(std::move(diagnostic));
  }
  return result;
}

std::vector<NamedReference> MapReader::names(std::string_view key, const YamlNode* value) {
  std::vector<NamedReference> result;
  for (const YamlNode* element : list(key, value, true)) {
    if (element->kind == Kind::scalar)
      result.push_back({element->text.text(), element->span});
    else
      add_wrong("an element of " + std::string(key), *element, "a name");
  }
  return result;
}

Diagnostic MapReader::wrong(const std::string& what, const YamlNode& value, std::string expected) {
  std::string found =
      value.kind == Kind::scalar ? "`" + value.text.text().substr(0, 40) + "`" : std::string(name(value.kind));
  return Diagnostic(kWrongValue, value.span, "expected " + expected)
      .with("key", what)
      .with("expected", expected)
      .with("found", std::move(found));
}

}  // namespace qrules
