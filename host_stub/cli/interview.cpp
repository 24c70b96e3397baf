#include "cli/interview.hpp"

#include <algorithm>

#include "cli/credential_draft.hpp"
#include "cli/terminal.hpp"

namespace aoh::host {
namespace {

CliError gave_up() { return CliError("nothing is stored: the questions were not answered"); }

std::string line_of(const Json& f) {
  return one_line(f["field"].str() + ": " + f["value"].str() + " (" + f["how"].str() + ")") + "\n";
}

/// The answer to one question, put into the record or the secrets. Asks again while it makes no sense.
void put_answer(const Json& question, Json& record, std::map<std::string, Secret>& secrets, const Io& io) {
  const std::string& field = question["field"].str();
  const std::string& fallback = question["default"].str();
  if (question.has("hint")) io.err("  " + one_line(question["hint"].str()) + "\n");
  const std::string title = one_line(question["title"].str_or(field));
  if (question["secret"].boolean()) {
    auto secret = ask_secret(title + " (not shown, empty: " + question["empty"].str_or("none") + "): ");
    if (!secret) throw gave_up();
    if (!secret->empty()) secrets[field] = std::move(*secret);
    return;
  }
  std::string choices;
  for (const Json& choice : question["choices"].items())
    choices += (choices.empty() ? "" : ", ") + choice.str();
  for (;;) {
    const auto answer = ask(title + (choices.empty() ? "" : " (" + choices + ")") +
                            (fallback.empty() ? "" : " [" + fallback + "]") + ": ");
    if (!answer) throw gave_up();
    const std::string value = answer->empty() ? fallback : *answer;
    if (value.empty() && !question["required"].boolean()) return;
    const auto& list = question["choices"].items();
    const bool known = list.empty() || std::any_of(list.begin(), list.end(),
                                                   [&](const Json& choice) { return choice.str() == value; });
    if (value.empty() || !known) continue;
    if (question["form"].str() != "server") {
      record.set(field, value);
      return;
    }
    try {
      record.set(field, server_of(value, title));
      return;
    } catch (const CliError& e) {
      io.err(std::string(e.what()) + "\n");
    }
  }
}

Json propose(const std::vector<std::string>& words, const Inputs& inputs, const RunWords& run, const Io& io) {
  std::string out;
  Io quiet = io;
  quiet.out = [&out](std::string_view text) { out += text; };
  std::vector<std::string> more = words;
  for (const char* word : {"--propose", "--json"}) more.emplace_back(word);
  const int status = run(more, inputs, quiet);
  if (status != 0) throw CliError("nothing is stored; the line above says why");
  return Json::parse(out);
}

Inputs copy_of(const Inputs& in) {
  Inputs out;
  out.document = in.document;
  for (const auto& [field, secret] : in.secrets) out.secrets[field] = secret.clone();
  out.terminal = in.terminal;
  return out;
}

}  // namespace

bool wants_interview(const Command& c) {
  if (c.json || c.propose) return false;
  return (c.verb == "credential add" || (c.verb == "credential rotate" && c.secrets.empty())) && can_ask();
}

int interview(const Command& c, std::vector<std::string> words, const RunWords& run, const Io& io) {
  Inputs inputs = gather(c);
  const bool rotating = c.verb == "credential rotate";
  if (rotating) {
    Json unused = Json::object();
    const Json proposal = propose(words, inputs, run, io);
    for (const Json& question : proposal["ask"].items()) put_answer(question, unused, inputs.secrets, io);
    if (inputs.secrets.empty()) throw gave_up();
  } else {
    if (c.file.empty() && c.email.empty() && c.type.empty()) {
      const auto address = ask("Address of the account: ");
      if (!address || address->empty()) throw gave_up();
      words.push_back("--email=" + *address);
    }
    Json proposal = propose(words, inputs, run, io);
    Json record = proposal["record"];
    for (const Json& f : proposal["found"].items()) io.err("  found " + line_of(f));
    if (const std::string& doubt = proposal["confirm"].str(); !doubt.empty() && !c.yes) {
      io.err("  " + one_line(doubt) + "\n");
      if (!ask_whether("Use it?", false)) throw gave_up();
      words.emplace_back("--yes");
    }
    if (!record.has("id")) {
      const std::string& address = record["email"].str();
      std::string name;
      for (const char ch : address.substr(0, std::min<std::size_t>(address.find('@'), 40)))
        name += std::isalnum(static_cast<unsigned char>(ch)) || ch == '.' || ch == '-' ? ch : '_';
      put_answer(
          Json{{"field", "id"}, {"title", "Name of the account here"}, {"default", name}, {"required", true}},
          record, inputs.secrets, io);
    }
    for (const Json& question : proposal["ask"].items())
      if (!(question["secret"].boolean() && inputs.secrets.contains(question["field"].str())))
        put_answer(question, record, inputs.secrets, io);
    inputs.document = record.dump();
  }
  const bool oauth = !rotating && Json::parse(*inputs.document)["authentication"].str() == "oauth2";
  if (c.no_test || c.test || oauth) {
    const int status = run(words, inputs, io);
    if (status == 0 && oauth)
      io.line("sign in next: host-stub credential authorize " + Json::parse(*inputs.document)["id"].str());
    return status;
  }
  std::vector<std::string> trying = words;
  trying.emplace_back("--test");
  Inputs kept = copy_of(inputs);
  try {
    if (const int status = run(trying, inputs, io); status == 0) return 0;
  } catch (const CliError& e) {
    io.err(error_line(e.what()));
  }
  if (!ask_whether("Store it all the same?", false)) throw CliError("nothing is stored");
  return run(words, kept, io);
}

}  // namespace aoh::host
