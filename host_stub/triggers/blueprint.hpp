// A blueprint: which events start which agent, with what, and what is done when it ends. Read from YAML or
// JSON.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "sessions/yaml.hpp"
#include "triggers/catalog.hpp"
#include "triggers/ticks.hpp"

namespace aoh::host {

enum class SessionTemplate { per_message, per_thread, per_sender, shared };
/// What happens to an event whose session is still busy with an earlier one.
enum class Conflict { queue, skip, parallel };

/// An entry of `on_finish`, its fields still templates.
struct FinishEntry {
  std::string action;
  Json fields;
};

/// One blueprint, checked. A value.
struct Blueprint {
  std::string id;                  ///< the file's name without extension; [A-Za-z0-9._-]{1,64}
  std::string source;              ///< "email", or "cron", the host's own
  std::string credential_id;       ///< empty when the source needs none
  Json trigger;                    ///< the whole `trigger` object but `action`, as written
  Json match;                      ///< the module's business; valid by its match_schema
  std::string start_from = "now";  ///< now, unseen, all, or a date (RFC 3339)
  std::int64_t debounce_ns =
      0;  ///< merge what arrives for one session within it; nothing to merge per message
  Conflict conflict = Conflict::queue;
  std::int64_t max_parallel = 0;  ///< sessions of this blueprint at work at once; 0: no limit of its own
  std::int64_t max_sessions_per_hour = 0;  ///< new sessions in any 60 minutes; 0: no limit
  std::string agent_id;
  SessionTemplate session_template = SessionTemplate::per_message;
  std::int64_t session_idle_ns = 0;  ///< after it, the same key opens a fresh session; 0: never
  Json inputs;                       ///< object; strings in it are templates
  std::vector<FinishEntry> on_finish;

  Json schedule;                     ///< of source cron: {"at" | "cron" | "every": text, "timezone": name}
  Missed missed = Missed::run_once;  ///< of source cron

  /// The source's key by the manifest, {"credential_id": "quotes-inbox", "mailbox": "INBOX"}; of cron
  /// {"blueprint": id}.
  Json source_key;
  /// What the module gets in source_json: {"id", "match", "start_from", "credential_id"}; of source cron
  /// {"id", "schedule", "missed"}.
  Json for_module() const;
};

/// Reads and checks a blueprint. Throws DocumentError, one line a problem with line and column; `file` is the
/// name shown. Without the module of its source in the catalog that is a problem, too.
Blueprint parse_blueprint(std::string_view text, std::string_view id, std::string_view file,
                          const Catalog& catalog);

/// The id that a file's name gives ("a/supplier-quote.yaml": "supplier-quote"). Throws DocumentError for an
/// unusable name.
std::string blueprint_id(std::string_view path);

/// The session that an event of a blueprint belongs to: its thread, its sender, one for all, or `dedupe_key`
/// per message. An event without a thread or sender is by itself.
std::string session_key(const Blueprint& blueprint, const Json& payload, std::string_view dedupe_key);

std::string_view to_string(SessionTemplate t);
std::string_view to_string(Conflict c);

}  // namespace aoh::host
