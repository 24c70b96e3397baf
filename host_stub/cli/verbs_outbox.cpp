// `outbox`: what was sent, or may have been.
#include "cli/verbs.hpp"
#include "sessions/session_store.hpp"

namespace aoh::host {

int outbox_verb(App& app, const Command& c, const Io& io) {
  if (c.verb == "outbox resolve") {
    const bool sent = c.text == "sent";
    const std::int64_t now = app.clock().wall_ns();
    const Sql sql(app.db());
    State& state = app.state();
    // The record and the session that waits for it, or neither.
    const std::string session = sql.write("outbox.resolve", [&] {
      const std::string why = state.resolve_outbox(c.target, c.text, "operator", now);
      if (!why.empty()) throw CliError(why);
      return settle_uncertain(sql, c.target, sent, now);
    });
    if (c.json)
      io.json(Json{{"id", c.target}, {"state", c.text}}.set_if(!session.empty(), "session_id", session));
    else
      io.line(c.target + " counts as " + c.text +
              (session.empty() ? ""
               : sent          ? "; session " + session + " goes on"
                               : "; host-stub sessions retry " + session + " sends it again"));
    return 0;
  }
  if (c.verb == "outbox cancel") {
    const std::string why =
        app.state().resolve_outbox(c.target, "cancelled", "operator", app.clock().wall_ns());
    if (!why.empty()) throw CliError(why);
    if (c.json)
      io.json(Json{{"id", c.target}, {"state", "cancelled"}});
    else
      io.line(c.target + " is taken back: it will not be sent");
    return 0;
  }
  Json all = Json::array();
  for (Json& r : app.state().outbox()) {
    if (c.verb == "outbox show") {
      if (r["id"].str() != c.target) continue;
      io.json(r);
      return 0;
    }
    if (!c.json)
      io.line(r["id"].str() + "  " + r["state"].str() + "  " + r["kind"].str() + "  " + r["summary"].str());
    all.push(std::move(r));
  }
  if (c.verb == "outbox show")
    throw CliError("no outbox record \"" + c.target + "\"; `outbox list` shows them");
  if (c.json) io.json(Json{{"outbox", std::move(all)}});
  return 0;
}

}  // namespace aoh::host
