#include "cli/command.hpp"

#include <CLI/CLI.hpp>
#include <algorithm>

#include "loader/schema.hpp"
#include "triggers/schedule.hpp"

namespace aoh::host {
namespace fs = std::filesystem;
namespace {

/// Puts `app`'s words into `out` as it was parsed: "sessions", "list".
std::string verb_of(const CLI::App& app) {
  std::string verb;
  for (const CLI::App* a = &app; !a->get_subcommands().empty();) {
    a = a->get_subcommands().front();
    verb += (verb.empty() ? "" : " ") + a->get_name();
  }
  return verb;
}

/// "no verb "cal"; did you mean "call"?", when that is what is wrong.
std::string unknown_verb(const CLI::App& app, const std::vector<std::string>& arguments) {
  const CLI::App* level = &app;
  for (const std::string& word : arguments) {
    if (word.starts_with('-')) return {};
    std::vector<std::string> names;
    for (const CLI::App* s : level->get_subcommands([](const CLI::App*) { return true; }))
      names.push_back(s->get_name());
    if (names.empty()) return {};
    if (std::find(names.begin(), names.end(), word) == names.end()) {
      const std::string near = nearest(word, names);
      std::string all;
      for (const auto& n : names) all += (all.empty() ? "" : ", ") + n;
      return "there is no verb \"" + word + "\"" + (near.empty() ? "." : "; did you mean \"" + near + "\"?") +
             " Known: " + all;
    }
    level = level->get_subcommand(word);
  }
  return {};
}

CLI::App* sub(CLI::App* g, const char* name, const char* help) { return g->add_subcommand(name, help); }

void add_credential_verbs(CLI::App* credential, Command& c, std::vector<std::string>& secret_files,
                          std::vector<std::string>& secrets) {
  CLI::App* add =
      sub(credential, "add", "Add or replace a credential; asks at a terminal for what it cannot find");
  add->add_option("--id", c.id, "Its name here");
  add->add_option("--type", c.type, "Its type, by a module's manifest");
  CLI::App* edit = sub(credential, "edit", "Change fields of a credential; the others stay as they are");
  edit->add_option("--unset", c.unset, "FIELD to take out")->take_all();
  CLI::App* rotate =
      sub(credential, "rotate", "Replace a credential's secrets; the old ones stay until the new are stored");
  for (CLI::App* v : {add, rotate})
    v->add_flag("--propose", c.propose,
                "Only say what would be asked, and for add what was found; store nothing");
  for (CLI::App* v : {edit, rotate}) v->add_option("ID", c.target, "Its name")->required();
  for (CLI::App* v : {add, edit}) {
    v->add_option("--file", c.file, "The record, or the fields that change, as JSON");
    v->add_option("--label", c.label, "Words for people");
    v->add_option("--email", c.email, "The account's address");
    v->add_option("--imap", c.imap, "HOST or HOST:PORT");
    v->add_option("--smtp", c.smtp, "HOST or HOST:PORT");
    v->add_option("--tls", c.tls, "implicit or starttls");
    v->add_option("--username", c.username, "For signing in; the address when left out");
    v->add_option("--ca-file", c.ca_file, "PEM file of the authority that signed the server's certificate");
    v->add_flag("--yes", c.yes, "Use what was found also where it is doubtful");
  }
  for (CLI::App* v : {add, edit, rotate}) {
    v->add_option("--secret-file", secret_files,
                  "FIELD=PATH: a secret field's value, without the last line end")
        ->take_all();
    v->add_option("--secret", secrets, "FIELD=-: a secret field's value from standard input")->take_all();
    v->add_flag("--test", c.test, "Try it first; store it only if every step works");
    v->add_flag("--no-test", c.no_test, "Do not offer to try it first");
    v->add_option("--timeout", c.timeout_s, "Seconds for looking things up, and for trying it")
        ->check(CLI::PositiveNumber);
  }
  sub(credential, "list", "All credentials, without secrets");
  const auto one = [&](const char* name, const char* help, bool required = true) {
    sub(credential, name, help)->add_option("ID", c.target, "Its name")->required(required);
  };
  one("show", "One credential, without secrets");
  one("authorize", "Sign in to it (OAuth 2): shows the address to open, or the code to enter");
  CLI::App* authorize = credential->get_subcommand("authorize");
  authorize->add_flag("--no-browser", c.no_browser,
                      "Open no browser, which it never does: for scripts that say so");
  authorize->add_option("--timeout", c.timeout_s, "Seconds to wait for the person; 600 when left out")
      ->check(CLI::PositiveNumber);
  one("export", "One credential, or all, as `credential add --file` takes it, without secrets", false);
  one("revoke", "Forget a credential's secrets; the record stays");
  one("remove", "Remove a credential and its secrets");
  one("audit", "Who was handed which secret, and when; never the secret", false);
  credential->get_subcommand("audit")
      ->add_option("--limit", c.limit, "At most so many")
      ->check(CLI::Range(1, 100'000));
}

void add_verbs(CLI::App& app, Command& c, std::vector<std::string>& secret_files,
               std::vector<std::string>& secrets, std::string& clock_start) {
  const auto group = [&](const char* name, const char* help) {
    CLI::App* g = app.add_subcommand(name, help);
    g->require_subcommand(1);
    return g;
  };
  const auto verb = [&](CLI::App* g, const char* name, const char* help, const char* target = nullptr,
                        const char* target_help = nullptr, bool required = true) {
    CLI::App* v = g->add_subcommand(name, help);
    if (target) v->add_option(target, c.target, target_help)->required(required);
    return v;
  };
  CLI::App* plugins =
      group("plugins", "Modules: what is there, whether they keep the rules, which are trusted");
  verb(plugins, "list", "Every module found, and whether it is trusted");
  verb(plugins, "check", "Try a module against the rules of the interface", "MODULE",
       "Id, or path of the .so")
      ->add_option("--case", c.check_case, "Only this case");
  verb(plugins, "trust", "Record a module's hashes, so that it may be loaded", "MODULE",
       "Id, or path of the .so");
  verb(group("tools", "Tools of the loaded modules"), "list", "Every tool, with what it takes");

  CLI::App* call = verb(&app, "call", "Call a tool", "TOOL", "Name of the tool");
  call->add_option("JSON", c.text, "Arguments; - reads them from standard input, @FILE from a file");
  call->add_option("--timeout", c.timeout_s, "Seconds, instead of the tool's own limit")
      ->check(CLI::PositiveNumber);

  add_credential_verbs(group("credential", "Accounts; their secrets lie sealed in the vault"), c,
                       secret_files, secrets);

  CLI::App* test = verb(group("integration", "Connections to the outside"), "test",
                        "Try a credential step by step: DNS, TCP, TLS, sign-in");
  test->add_option("--credential,CREDENTIAL", c.credential, "Its name")->required();
  test->add_option("--type", c.type, "Its type");
  test->add_flag("--send-to-self", c.send_to_self,
                 "Then send a message from the account to itself, and wait for it");
  test->add_option("--timeout", c.timeout_s, "Seconds for all of it")->check(CLI::PositiveNumber);

  CLI::App* blueprint = group("blueprint", "Which events start which agent");
  verb(blueprint, "check", "Look for mistakes in a blueprint", "FILE", "YAML or JSON");
  verb(blueprint, "add", "Take a blueprint into the home", "FILE", "YAML or JSON; its name is the id");
  verb(blueprint, "list", "All blueprints of the home");
  verb(blueprint, "remove", "Remove one", "ID", "Its id");

  CLI::App* rules = group("rules", "What is done with messages before any blueprint is asked");
  verb(rules, "check", "Look for mistakes in a rules file", "FILE", "YAML or JSON");
  CLI::App* explain = verb(rules, "explain", "Which rules and blueprints a message hits, and why", "MESSAGE",
                           "A file (.eml); or name a stored one", false);
  explain->add_option("--credential", c.credential, "The account")->required();
  explain->add_option("--rules", c.rules, "Rules file (default: rules.yaml of the home)");
  explain->add_option("--mailbox", c.mailbox, "Where the message lies, or would (default: INBOX)");
  explain->add_option("--uid", c.uid, "A stored message")
      ->check(CLI::Range(std::int64_t{1}, std::int64_t{4'294'967'295}));
  explain->add_option("--message-id", c.message_id, "A stored message");

  CLI::App* run = verb(&app, "run", "Watch, hand over and run sessions until it is told to stop");
  CLI::Option* virtual_clock =
      run->add_flag("--virtual-clock", c.virtual_clock, "Time stands still until `clock advance`");
  run->add_option("--clock-start", clock_start,
                  "Where it begins, such as 2027-03-28T00:30:00Z; now when left out")
      ->needs(virtual_clock);
  verb(group("clock", "Time, under run --virtual-clock"), "advance", "Move time on", "DURATION",
       "90s, 24m59s, 2h");

  verb(&app, "metrics", "What the running host's modules count and measure")
      ->add_flag("--prometheus", c.prometheus, "In the text format that Prometheus reads");

  CLI::App* sessions = group("sessions", "Agent sessions");
  CLI::App* list = verb(sessions, "list", "The newest sessions");
  list->add_option("--state", c.state, "Only these: queued, running, waiting, finished, failed, uncertain");
  list->add_option("--limit", c.limit, "At most so many")->check(CLI::Range(1, 100'000));
  verb(sessions, "show", "One session with its ledger", "ID", "Its id");
  verb(sessions, "replay", "What was called, in order; calls nothing", "ID", "Its id");
  verb(sessions, "retry", "Run failed inputs again", "ID", "Its id");

  CLI::App* parked = group("parked", "Work that waits for a person");
  verb(parked, "list", "What is parked, and why");
  verb(parked, "retry", "Try it again", "WHICH", "Its number, or all");
  verb(parked, "drop", "Give it up; it stays on record", "WHICH", "Its number, or all");

  CLI::App* outbox = group("outbox", "What was sent, or may have been");
  verb(outbox, "list", "All records");
  verb(outbox, "show", "One record", "ID", "Its id");
  verb(outbox, "cancel", "Take back one that waits", "ID", "Its id");
  CLI::App* resolve = verb(outbox, "resolve", "Say what became of an uncertain one", "ID", "Its id");
  resolve->add_option("STATE", c.text, "sent or failed")
      ->required()
      ->check(CLI::IsMember({"sent", "failed"}));

  CLI::App* kb = group("kb", "The knowledge base: what modules have put there for searching");
  CLI::App* search = verb(kb, "search", "Passages with all of the words, the best first");
  search->add_option("WORDS", c.words, "Nothing in them is syntax")->required();
  CLI::App* documents = verb(kb, "list", "The newest documents");
  CLI::App* show = verb(kb, "show", "One document's provenance and text", "ID", "Its number");
  for (CLI::App* v : {search, documents, show})
    v->add_option("--limit", c.limit, "At most so many passages, or documents")
        ->check(CLI::Range(1, 1'000'000));
  CLI::App* remove =
      verb(kb, "remove", "Remove one document, or all that came from one message, sender or file", "ID",
           "Its number", false);
  remove->add_option("--message-id", c.message_id, "All of this message");
  remove->add_option("--sender", c.sender, "All of this address");
  remove->add_option("--sha256", c.sha256, "All of this file");

  CLI::App* links = group("links", "Files that lie in the open behind a link");
  verb(links, "list", "All links, with state and end");
  verb(links, "revoke", "Delete the file behind a link", "ID", "Its id");
}

void absolute(fs::path& path, const fs::path& cwd) {
  if (!path.empty()) path = (cwd / path).lexically_normal();
}
void absolute(std::string& path, const fs::path& cwd) {
  if (!path.empty()) path = (cwd / path).lexically_normal().string();
}

std::pair<std::string, std::string> split_secret(const std::string& s, const char* option) {
  const auto eq = s.find('=');
  if (eq == 0 || eq == std::string::npos || eq + 1 == s.size())
    throw UsageError(std::string(option) + " wants FIELD=" + (option[8] == '-' ? "PATH" : "-") +
                         " (a secret itself never stands on the command line)",
                     false);
  return {s.substr(0, eq), s.substr(eq + 1)};
}

}  // namespace

std::string Command::start_up_option() const {
  if (!modules.empty()) return "--modules";
  if (!agents.empty()) return "--agents";
  if (!trace.empty()) return "--trace";
  if (no_development) return "--no-development";
  return fault.empty() ? "" : "--fault";
}

Command parse_command(std::vector<std::string> arguments, const fs::path& cwd) {
  Command c;
  std::vector<std::string> secret_files, secrets;
  CLI::App app("host-stub: loads modules, calls their tools, runs agent sessions on what their triggers see.",
               "host-stub");
  app.require_subcommand(1);
  app.fallthrough();
  app.add_option("--home", c.home, "Where everything is remembered (default: below XDG_STATE_HOME)");
  app.add_flag("--json", c.json, "For programs");
  app.add_option("--modules", c.modules, "Folder of modules, looked into first")->expected(1)->take_all();
  app.add_option("--agents", c.agents, "Folder of agent files, looked into first")->expected(1)->take_all();
  app.add_option("--trace", c.trace, "The redacted wire goes to this file");
  app.add_flag("--no-development", c.no_development,
               "Trust nothing without a record, in a build folder either");
  app.add_flag("--allow-debug", c.allow_debug,
               "Let debuggers and core dumps see this process, secrets included");
  app.add_option("--fault", c.fault, "Faults to inject: POINT[~TEXT][@N|/K][+MS]=kill|fail|delay, by ;");
  std::string clock_start;
  add_verbs(app, c, secret_files, secrets, clock_start);
  const std::vector<std::string> given = arguments;
  try {
    std::reverse(arguments.begin(), arguments.end());
    app.parse(arguments);
  } catch (const CLI::CallForHelp&) {
    const CLI::App* deepest = &app;
    while (!deepest->get_subcommands().empty()) deepest = deepest->get_subcommands().front();
    throw UsageError(deepest->help(), true);
  } catch (const CLI::ParseError& e) {
    std::string what = unknown_verb(app, given);
    if (what.empty()) what = e.what();
    std::replace(what.begin(), what.end(), '\n', ' ');
    throw UsageError(what + "; see --help", false);
  }
  c.verb = verb_of(app);
  try {
    if (!clock_start.empty()) c.clock_start_ns = Schedule::at(clock_start, {}).next(-1, 0);
  } catch (const ScheduleError& e) {
    throw UsageError(std::string("--clock-start: ") + e.what(), false);
  }
  for (const auto& s : secret_files) c.secrets.push_back(split_secret(s, "--secret-file"));
  for (auto& s : c.secrets) absolute(s.second, cwd);
  for (const auto& s : secrets) {
    c.secrets.push_back(split_secret(s, "--secret"));
    if (c.secrets.back().second != "-")
      throw UsageError(
          "--secret takes only FIELD=-, which reads standard input; for a file use --secret-file FIELD=PATH",
          false);
  }
  for (fs::path* p : {&c.home, &c.trace}) absolute(*p, cwd);
  for (auto* list : {&c.modules, &c.agents})
    for (fs::path& p : *list) absolute(p, cwd);
  absolute(c.file, cwd);
  absolute(c.ca_file, cwd);
  absolute(c.rules, cwd);
  if (c.verb == "blueprint check" || c.verb == "blueprint add" || c.verb.starts_with("rules "))
    absolute(c.target, cwd);
  if (c.verb.starts_with("plugins ") &&
      (c.target.find('/') != std::string::npos || c.target.ends_with(".so")))
    absolute(c.target, cwd);
  if (c.verb == "call" && c.text.starts_with('@')) c.text = "@" + (cwd / c.text.substr(1)).string();
  return c;
}

}  // namespace aoh::host
