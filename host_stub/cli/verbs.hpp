// What each verb does, given a host. Each returns the exit status and throws CliError for what a person
// should read.
#pragma once
#include "cli/app.hpp"
#include "cli/command.hpp"
#include "cli/io.hpp"

namespace aoh::host {

/// Any verb but `run` and `plugins check`. Thread-safe where the App is.
int run_verb(App& app, const Command& command, const Inputs& inputs, const Io& io);

// The verbs by area.
int plugins_verb(App& app, const Command& command, const Io& io);
int call_verb(App& app, const Command& command, const Inputs& inputs, const Io& io);
int integration_test_verb(App& app, const Command& command, const Inputs& inputs, const Io& io);
int authorize_verb(App& app, const Command& command, const Inputs& inputs, const Io& io);
int credential_verb(App& app, const Command& command, const Inputs& inputs, const Io& io);
int outbox_verb(App& app, const Command& command, const Io& io);
int kb_verb(App& app, const Command& command, const Io& io);
int links_verb(App& app, const Command& command, const Inputs& inputs, const Io& io);
int rules_verb(App& app, const Command& command, const Inputs& inputs, const Io& io);
int metrics_verb(App& app, const Command& command, const Io& io);
int automation_verb(App& app, const Command& command, const Io& io);  ///< blueprint, sessions, parked

/// "24m59s", "90s", "2h", "7d" in nanoseconds; CliError for anything else.
std::int64_t duration_ns(std::string_view text);

/// "2026-11-26 14:20Z", for tables.
std::string utc(std::int64_t unix_s);

}  // namespace aoh::host
