#include <algorithm>

#include "calls/check.hpp"
#include "cli/verbs.hpp"
#include "sessions/agent.hpp"
#include "sessions/sql.hpp"
#include "triggers/blueprint_store.hpp"
#include "triggers/rules_file.hpp"

namespace aoh::host {
namespace {

RulesFile read_rules(App& app, const std::filesystem::path& file) {
  std::vector<std::string> ids;
  for (const auto& b : stored_blueprints(Sql(app.db()))) ids.push_back(b.id);
  return parse_rules(read_document(file, RulesLimits::kYaml.max_bytes), file.string(), app.catalog(), ids);
}

int check(App& app, const Command& c, const Io& io) {
  const RulesFile rules = read_rules(app, c.target);
  if (c.json)
    io.json(Json{{"source", rules.source}, {"rules", static_cast<std::int64_t>(rules.rules.size())}});
  else
    io.line(c.target + ": ok; " + std::to_string(rules.rules.size()) + " rules for " + rules.source);
  return 0;
}

// The module decides, as it would for its own source, by its tool SOURCE_rules_explain; here it is given what
// lies in the home.
int explain(App& app, const Command& c, const Inputs& inputs, const Io& io) {
  const Catalog catalog = app.catalog();
  const auto source = std::find_if(catalog.sources.begin(), catalog.sources.end(),
                                   [](const auto& s) { return s.actions.has_value(); });
  if (source == catalog.sources.end())
    throw CliError("no module has rules; plugins list shows what there is");
  const std::string mailbox = c.mailbox.empty() ? "INBOX" : c.mailbox;
  Json arguments{{"credential_id", c.credential}, {"mailbox", mailbox}, {"rules", Json::array()}};
  arguments.set_if(!c.target.empty(), "path", c.target);
  arguments.set_if(c.uid != 0, "uid", c.uid);
  arguments.set_if(!c.message_id.empty(), "message_id", c.message_id);
  const std::filesystem::path file = c.rules.empty() ? app.home().rules() : std::filesystem::path(c.rules);
  if (!c.rules.empty() || std::filesystem::exists(file)) arguments.set("rules", read_rules(app, file).rules);
  Json blueprints = Json::array();
  for (const auto& b : load_blueprints(Sql(app.db()), catalog).good)
    if (b->source == source->source && b->credential_id == c.credential &&
        b->source_key["mailbox"].str() == mailbox)
      blueprints.push({{"id", b->id}, {"match", b->match}});
  arguments.set("blueprints", std::move(blueprints));
  Command call = c;
  call.verb = "call";
  call.target = source->source + "_rules_explain";
  Inputs in;
  in.document = arguments.dump();
  in.terminal = inputs.terminal;
  return call_verb(app, call, in, io);
}

}  // namespace

int rules_verb(App& app, const Command& c, const Inputs& inputs, const Io& io) {
  return c.verb == "rules check" ? check(app, c, io) : explain(app, c, inputs, io);
}

}  // namespace aoh::host
