#include "calls/check.hpp"
#include "cli/verbs.hpp"

namespace aoh::host {
int links_verb(App& app, const Command& c, const Inputs& inputs, const Io& io) {
  if (c.verb == "links list") {
    Json all = Json::array();
    for (Json& r : app.state().links()) {
      if (!c.json)
        io.line(r["id"].str() + "  " + r["state"].str() + "  until " + utc(r["expires_unix_s"].integer()) +
                "  " + std::to_string(r["size"].integer()) + "  " + one_line(r["summary"].str()));
      all.push(std::move(r));
    }
    if (c.json) io.json(Json{{"links", std::move(all)}});
    return 0;
  }
  // Taking a link back is work for the module that made it (aoh/services/state.h).
  for (const Json& r : app.state().links()) {
    if (r["id"].str() != c.target) continue;
    Command call = c;
    call.verb = "call";
    call.target = r["module"].str() + "_links";
    Inputs arguments;
    Json asked{{"action", "revoke"}, {"id", c.target}};
    asked.set_if(r.has("credential_id"), "credential_id", r["credential_id"]);
    arguments.document = asked.dump();
    arguments.terminal = inputs.terminal;
    return call_verb(app, call, arguments, io);
  }
  throw CliError("no link \"" + c.target + "\"; `links list` shows them");
}

}  // namespace aoh::host
