#include "cli/client.hpp"

#include <poll.h>

#include <filesystem>

namespace aoh::host {

int forward(Line& line, const std::vector<std::string>& arguments, const Inputs& inputs, const Io& io,
            SignalFd& signals) {
  Json argv = Json::array(), secrets = Json::object();
  for (const auto& a : arguments) argv.push(a);
  for (const auto& [field, secret] : inputs.secrets) secrets.set(field, std::string(secret.reveal()));
  Json request{{"argv", std::move(argv)},
               {"cwd", std::filesystem::current_path().string()},
               {"terminal", inputs.terminal}};
  if (inputs.document) request.set("document", *inputs.document);
  if (!secrets.empty()) request.set("secrets", std::move(secrets));
  line.send(request);
  int interrupts = 0;
  for (;;) {
    pollfd fds[] = {{line.fd(), POLLIN, 0}, {signals.fd(), POLLIN, 0}};
    ::poll(fds, 2, -1);
    if (signals.take()) {
      if (interrupts++ > 0) return 130;
      line.send(Json{{"cancel", true}});
    }
    while (const auto message = line.receive()) {
      if (const Json* out = message->find("out")) io.out(out->str());
      if (const Json* err = message->find("err")) io.err(err->str());
      if (const Json* exit = message->find("exit")) return static_cast<int>(exit->integer(1));
    }
    if (line.closed())
      throw CliError(
          "the host that runs in this home went away before it had answered; look at its log before you "
          "repeat this");
  }
}

}  // namespace aoh::host
