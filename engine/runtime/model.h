// Reading torch.export archives.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include <qrules/graph/graph.h>
#include <qrules/support/mapped_file.h>
#include <qrules/support/result.h>

namespace qrules {

struct ModelInput {
  std::string name;  // placeholder name
};

struct Model {
  std::shared_ptr<Graph> graph;  // user inputs are placeholders; parameters, buffers and constants are constant nodes
  std::vector<std::string> inputs;   // names of the user inputs, in order
  std::vector<std::string> outputs;  // names of the user outputs, in order
  Diagnostics warnings;
  std::shared_ptr<const MappedFile> file;  // whose bytes constants may be; null when they are copies
};

// Reads `model.pt2` as torch.export.save (2.13) writes it. Functionalises in-place operators, drops observers, inlines
// autocast regions, replaces symbolic integers by sizes. Weights are mapped or shared, not copied. Pickled members are
// never read. Errors QR06xx: not an archive, truncated, missing members, unsupported schema version, argument or
// higher-order operator (named).
Result<Model> load_model(const std::string& path, std::shared_ptr<OperatorTable> operators = OperatorTable::shared());

}  // namespace qrules
