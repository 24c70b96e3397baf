#include "cli/verbs.hpp"

#include <ctime>

namespace aoh::host {
namespace {

int tools_list(App& app, const Command& c, const Io& io) {
  app.open_modules();
  for (const auto& n : app.not_loaded()) io.err("not loaded: " + n.why + "\n");
  Json tools = Json::array();
  for (const auto& t : app.registry().tools()) {
    if (c.json) {
      tools.push(t.spec->mcp);
    } else {
      const auto& use = t.spec->credential;
      io.line(t.spec->name + "  " + t.spec->title +
              (use ? "  (credential: " + std::string(name(use->grant)) + ")" : ""));
    }
  }
  if (c.json) io.json(Json{{"tools", std::move(tools)}});
  return 0;
}

int clock_advance(App& app, const Command& c, const Io& io) {
  VirtualClock* clock = app.virtual_clock();
  if (!clock) throw CliError("time can be moved only while `run --virtual-clock` is up in this home");
  clock->advance(duration_ns(c.target));
  if (Automation* automation = app.automation()) automation->reload();
  if (c.json) io.json(Json{{"wall_unix_ns", clock->wall_ns()}});
  return 0;
}

}  // namespace

std::int64_t duration_ns(std::string_view text) {
  const auto bad = [&] {
    return CliError("\"" + std::string(text) + "\" is not a duration; write 90s, 24m59s, 2h or 7d");
  };
  std::int64_t total = 0;
  constexpr std::int64_t kMost = 3660 * 86'400LL;  // ten years, seconds
  for (std::size_t i = 0; i < text.size();) {
    std::int64_t n = 0;
    const std::size_t begin = i;
    for (; i < text.size() && text[i] >= '0' && text[i] <= '9'; ++i) {
      n = n * 10 + (text[i] - '0');
      if (n > kMost) throw bad();
    }
    if (i == begin || i == text.size()) throw bad();
    const char unit = text[i++];
    if (unit == 'm' && i < text.size() && text[i] == 's') throw bad();
    const std::int64_t seconds = unit == 's'   ? 1
                                 : unit == 'm' ? 60
                                 : unit == 'h' ? 3600
                                 : unit == 'd' ? 86'400
                                               : 0;
    if (seconds == 0 || n > (kMost - total) / seconds) throw bad();
    total += n * seconds;
  }
  if (total == 0) throw bad();
  return total * 1'000'000'000;
}

int run_verb(App& app, const Command& c, const Inputs& inputs, const Io& io) {
  if (c.verb.starts_with("plugins ")) return plugins_verb(app, c, io);
  if (c.verb == "tools list") return tools_list(app, c, io);
  if (c.verb == "call") return call_verb(app, c, inputs, io);
  if (c.verb == "integration test") return integration_test_verb(app, c, inputs, io);
  if (c.verb == "credential authorize") return authorize_verb(app, c, inputs, io);
  if (c.verb.starts_with("credential ")) return credential_verb(app, c, inputs, io);
  if (c.verb.starts_with("outbox ")) return outbox_verb(app, c, io);
  if (c.verb.starts_with("kb ")) return kb_verb(app, c, io);
  if (c.verb.starts_with("links ")) return links_verb(app, c, inputs, io);
  if (c.verb.starts_with("rules ")) return rules_verb(app, c, inputs, io);
  if (c.verb == "metrics") return metrics_verb(app, c, io);
  if (c.verb == "clock advance") return clock_advance(app, c, io);
  return automation_verb(app, c, io);
}

std::string utc(std::int64_t unix_s) {
  const std::time_t t = unix_s;
  std::tm tm{};
  char text[32] = "?";
  if (::gmtime_r(&t, &tm)) std::strftime(text, sizeof text, "%Y-%m-%d %H:%MZ", &tm);
  return text;
}

}  // namespace aoh::host
