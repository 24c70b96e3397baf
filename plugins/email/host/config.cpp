#include "host/config.hpp"

#include "base/error.hpp"
#include "net/dns.hpp"

namespace mailroom::host {
namespace {

std::int64_t in_range(const aoh::Json& json, const char* field, std::int64_t fallback, std::int64_t low,
                      std::int64_t high) {
  const aoh::Json* v = json.find(field);
  if (!v) return fallback;
  if (!v->is_int() || v->integer() < low || v->integer() > high)
    throw Failure(Errc::config,
                  std::string(field) + " must be an integer from " + std::to_string(low) + " to " +
                      std::to_string(high),
                  field);
  return v->integer();
}

std::string folder(const aoh::Json& json, const char* field) {
  const aoh::Json* v = json.find(field);
  if (!v) return {};
  if (!v->is_string() || !v->str().starts_with('/'))
    throw Failure(Errc::config, std::string(field) + " must be an absolute path", field);
  return v->str();
}

}  // namespace

Config Config::from(const aoh::Json& json) {
  Config c;
  for (const auto& m : json.members())
    if (m.key != "files_root" && m.key != "templates_root" && m.key != "trace" && m.key != "threads" &&
        m.key != "idle_renew_s" && m.key != "poll_interval_s" && m.key != "batch_messages" &&
        m.key != "max_message_bytes" && m.key != "dns_servers")
      throw Failure(Errc::config,
                    "the email plugin's configuration has no field \"" + printable(m.key, 64) + "\"",
                    printable(m.key, 64));
  c.files_root = folder(json, "files_root");
  c.templates_root = folder(json, "templates_root");
  if (const aoh::Json* trace = json.find("trace")) {
    if (!trace->is_bool()) throw Failure(Errc::config, "trace must be true or false", "trace");
    c.trace = trace->boolean();
  }
  c.threads = static_cast<unsigned>(in_range(json, "threads", 1, 1, 8));
  c.idle_renew = std::chrono::seconds(in_range(json, "idle_renew_s", 1500, 10, 1740));
  c.poll_interval = std::chrono::seconds(in_range(json, "poll_interval_s", 55, 1, 3600));
  c.batch_messages = static_cast<std::size_t>(in_range(json, "batch_messages", 50, 1, 200));
  c.max_message_bytes =
      static_cast<std::size_t>(in_range(json, "max_message_bytes", 25 << 20, 65536, 64 << 20));
  if (const aoh::Json* servers = json.find("dns_servers")) {
    for (const aoh::Json& s : servers->items()) c.dns_servers.push_back(s.str());
    if (!servers->is_array()) throw Failure(Errc::config, "dns_servers must be a list", "dns_servers");
    net::check_dns_servers(c.dns_servers);
  }
  return c;
}

}  // namespace mailroom::host
