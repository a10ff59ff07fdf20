// `rulecheck lsp`. See lsp/server.h.

#include <rulecheck/command.h>
#include <rulecheck/lsp/server.h>

namespace qrules::tools {
namespace {

class ServerCommand final : public Command {
 public:
  explicit ServerCommand(CLI::App& app) : Command(app, "lsp", kAboutServer) {
    app_->add_flag("--stdio", stdio_, "What it does anyway; some editors say so");
  }

  int run() override { return lsp::serve(0, 1); }

 private:
  bool stdio_ = false;
};

}  // namespace

std::unique_ptr<Command> make_server_command(CLI::App& app) { return std::make_unique<ServerCommand>(app); }

}  // namespace qrules::tools
