#include "cli/verbs.hpp"

namespace aoh::host {

int automation_verb(App&, const Command& c, const Io&) {
  throw CliError("`" + c.verb + "` is not built yet");
}

}  // namespace aoh::host
