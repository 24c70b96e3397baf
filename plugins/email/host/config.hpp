// The plugin's configuration (config_schema in manifests/email.json).
#pragma once
#include <chrono>
#include <cstddef>
#include <string>
#include <vector>

#include "support/json.hpp"

namespace mailroom::host {

struct Config {
  std::string files_root;  ///< below it agents may name files; empty: they may name none
  std::string
      templates_root;    ///< its folders are the mail templates (docs/templates.md); empty: there are none
  bool trace = false;    ///< the redacted wire goes to the log
  unsigned threads = 1;  ///< that run network work
  std::chrono::seconds idle_renew{
      1500};  ///< IDLE is renewed after so long (servers give up at 30 min, RFC 2177)
  std::chrono::seconds poll_interval{55};     ///< between looks where IDLE is missing
  std::size_t batch_messages = 50;            ///< handed over together
  std::size_t max_message_bytes = 25u << 20;  ///< read or sent
  std::vector<std::string> dns_servers;       ///< "127.0.0.1:5353"; empty: the system's

  /// Throws Failure(config) naming the field, for what the schema would have refused.
  static Config from(const aoh::Json& json);
};

}  // namespace mailroom::host
