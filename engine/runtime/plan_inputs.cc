// Inputs against what a graph expects of them.

#include <sstream>

#include <qrules/graph/text.h>
#include <qrules/runtime/diagnostics.h>
#include <qrules/runtime/plan.h>

namespace qrules {
namespace {

std::string print_sizes(const std::vector<int64_t>& sizes) {
  std::ostringstream out;
  out << '[';
  for (size_t i = 0; i < sizes.size(); ++i) out << (i ? "," : "") << sizes[i];
  out << ']';
  return std::move(out).str();
}

std::string print_sizes(const std::vector<Dim>& sizes, const DimTable& dims) {
  std::string out = "[";
  for (size_t i = 0; i < sizes.size(); ++i) out += (i ? "," : "") + dims.print(sizes[i]);
  return out + "]";
}

}  // namespace

Result<std::map<std::string, int64_t>> bind_symbols(const Graph& graph, std::span<const TensorLayout> inputs) {
  const std::vector<Node*>& placeholders = graph.placeholders();
  if (inputs.size() != placeholders.size()) {
    return Diagnostic(kWrongInputCount)
        .with("expected", static_cast<int64_t>(placeholders.size()))
        .with("count", static_cast<int64_t>(inputs.size()));
  }
  Diagnostics diagnostics;
  std::map<std::string, int64_t> symbols;
  const auto about = [&](const DiagnosticKind& kind, size_t i) {
    return Diagnostic(kind).with("index", static_cast<int64_t>(i)).with("name", placeholders[i]->name());
  };
  for (size_t i = 0; i < inputs.size(); ++i) {
    const TensorType* wanted = placeholders[i]->tensor();
    if (!wanted) continue;
    if (wanted->dtype != inputs[i].dtype) {
      diagnostics.add(about(kWrongInputDType, i)
                          .with("expected", std::string(name(wanted->dtype)))
                          .with("found", std::string(name(inputs[i].dtype))));
      continue;
    }
    bool fits = wanted->rank() == inputs[i].sizes.size();
    for (size_t d = 0; fits && d < wanted->rank(); ++d) {
      const Dim size = wanted->sizes[d];
      if (size.is_static()) {
        fits = size.value() == inputs[i].sizes[d];
      } else if (auto symbol = graph.dims().symbol_name(size)) {
        auto [known, added] = symbols.emplace(*symbol, inputs[i].sizes[d]);
        if (known->second != inputs[i].sizes[d]) {
          diagnostics.add(about(kContradictingSizes, i)
                              .with("why", "size " + std::to_string(d) + " is " + std::to_string(inputs[i].sizes[d]) +
                                               ", but " + *symbol + " is " + std::to_string(known->second)));
        }
      }
    }
    if (!fits)
      diagnostics.add(about(kWrongInputShape, i)
                          .with("expected", print_sizes(wanted->sizes, graph.dims()))
                          .with("found", print_sizes(inputs[i].sizes)));
  }
  if (diagnostics.has_errors()) return diagnostics;
  // Sizes that are computed from others, now that the symbols are known.
  for (size_t i = 0; i < inputs.size(); ++i) {
    const TensorType* wanted = placeholders[i]->tensor();
    for (size_t d = 0; wanted && d < wanted->rank(); ++d) {
      const auto value = wanted->sizes[d].is_static() ? std::nullopt : graph.dims().evaluate(wanted->sizes[d], symbols);
      if (value && *value != inputs[i].sizes[d]) {
        diagnostics.add(about(kContradictingSizes, i)
                            .with("why", "size " + std::to_string(d) + " is " + std::to_string(inputs[i].sizes[d]) +
                                             ", but " + graph.dims().print(wanted->sizes[d]) + " is " +
                                             std::to_string(*value)));
      }
    }
  }
  if (diagnostics.has_errors()) return diagnostics;
  return symbols;
}

}  // namespace qrules
