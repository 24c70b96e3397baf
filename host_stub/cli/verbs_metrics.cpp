#include "calls/check.hpp"
#include "cli/verbs.hpp"
#include "services/metrics.hpp"

namespace aoh::host {

int metrics_verb(App& app, const Command& c, const Io& io) {
  if (!app.automation())
    throw CliError("no host runs in the home " + app.home().dir().string() +
                   ", and what is measured lies in its memory; start one with `run`");
  const auto all = app.metrics().collect();
  if (c.json) {
    io.json(metrics_json(all));
  } else if (c.prometheus) {
    io.out(metrics_prometheus(all));
  } else {
    std::string shown;
    for (const std::string& line : metrics_table(all)) shown += without_controls(line) + "\n";
    io.out(shown);
  }
  return 0;
}

}  // namespace aoh::host
