#include <sstream>

#include "cli/verbs.hpp"
#include "triggers/admin.hpp"

namespace aoh::host {
namespace {

int run(App& app, const Command& c, const Sql& sql, PrintTo to) {
  const std::int64_t now = app.clock().wall_ns();
  if (c.verb == "blueprint check") return blueprint_check(c.target, app.catalog(), now, to);
  if (c.verb == "blueprint add") return blueprint_add(sql, c.target, app.catalog(), now, to);
  if (c.verb == "blueprint list") return blueprint_list(sql, app.catalog(), to);
  if (c.verb == "blueprint remove") return blueprint_remove(sql, c.target, to);
  if (c.verb == "sessions list") return sessions_list(sql, c.state, c.limit, to);
  if (c.verb == "sessions show") return sessions_show(sql, c.target, to);
  if (c.verb == "sessions replay") return sessions_replay(sql, c.target, to);
  if (c.verb == "sessions retry") return sessions_retry(sql, c.target, now, to);
  if (c.verb == "parked list") return parked_list(sql, to);
  if (c.verb == "parked retry") return parked_retry(sql, c.target, now, to);
  if (c.verb == "parked drop") return parked_drop(sql, c.target, to);
  throw CliError("`" + c.verb + "` is not a verb of this host");
}

}  // namespace

int automation_verb(App& app, const Command& c, const Io& io) {
  std::ostringstream out;
  const int status = run(app, c, Sql(app.db()), PrintTo{out, c.json});
  const bool changes = c.verb.ends_with(" add") || c.verb.ends_with(" remove") ||
                       c.verb.ends_with(" retry") || c.verb.ends_with(" drop");
  if (Automation* automation = app.automation(); automation && changes) automation->reload();
  io.out(out.str());
  return status;
}

}  // namespace aoh::host
