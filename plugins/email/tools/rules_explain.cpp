#include "tools/rules_explain.hpp"

#include <algorithm>

#include "host/bytes.hpp"
#include "mime/parse.hpp"
#include "policy/auth_results.hpp"
#include "policy/match.hpp"
#include "policy/orders.hpp"
#include "tools/account_session.hpp"

namespace mailroom::tools {
namespace {

constexpr std::size_t kMaxMessage = 64u << 20;
constexpr std::size_t kMostPassedOver = 200;

struct Looked {
  mime::Message message;
  std::optional<imap::MessageRow> row;  // of a stored message
  std::uint64_t size = 0;
};

net::Task<Looked> look(imap::Client& client, Which which) {
  Located at = co_await locate(client, std::move(which));
  Looked out;
  out.message = co_await read::fetch_text(client, at.head);
  out.row = std::move(at.head);
  co_return out;
}

host::Bytes bytes_of(const Toolbox& box, const aoh::Json& args, const aoh::Call& call) {
  const host::Services& services = box.runtime.services();
  if (args.has("raw")) return host::Bytes(args["raw"].str());
  if (args.has("blob")) return host::open_blob(services, args["blob"].str(), call.id(), kMaxMessage);
  const std::string& root = box.runtime.config().files_root;
  if (!call.from_operator() && root.empty())
    throw Failure(Errc::refused, "files by path are not open to agents", "path",
                  "Use a blob, or let the operator set files_root");
  return host::open_file(services, args["path"].str(), call.from_operator() ? std::string() : root,
                         kMaxMessage);
}

Looked look(const Toolbox& box, const aoh::Json& args, aoh::Call& call, const host::Account& account) {
  int given = 0;
  for (const char* field : {"raw", "blob", "path"}) given += args.has(field) ? 1 : 0;
  if (given + (args.has("uid") || args.has("message_id") ? 1 : 0) > 1)
    throw Failure(Errc::invalid, "more than one message is named", "uid, message_id, path, blob, raw",
                  "Name one");
  if (given == 0)
    return imap_call<Looked>(box, call, account, [which = which_message(args)](imap::Client& client) {
      return look(client, which);
    });
  const host::Bytes bytes = bytes_of(box, args, call);
  Looked out;
  out.message = mime::parse(bytes.view());
  out.size = bytes.view().size();
  return out;
}

// The rules that the message hits and does not; what they mean.
policy::Orders tell_rules(const policy::Rules& rules, const policy::Rules::Decision& d, aoh::Json& out,
                          std::string& text) {
  aoh::Json hits = aoh::Json::array(), passed = aoh::Json::array();
  for (std::size_t i = 0; i < d.asked.size(); ++i) {
    const policy::Rule& r = rules.rules()[i];
    const auto index = static_cast<std::int64_t>(i);
    if (d.asked[i].truth != policy::Truth::yes) {
      if (passed.size() < kMostPassedOver)
        passed.push({{"index", index}, {"name", r.name}, {"failed", std::string(d.asked[i].why)}});
      continue;
    }
    hits.push({{"index", index}, {"name", r.name}, {"do", r.actions}, {"continue", r.go_on}});
    text += "rule " + std::to_string(i + 1) + " \"" + r.name + "\" matches: " + r.actions.dump() + "\n";
  }
  if (hits.empty()) text += rules.empty() ? "there are no rules\n" : "no rule matches\n";
  for (const aoh::Json& p : passed.items())
    text += "  \"" + p["name"].str() + "\" does not: " + p["failed"].str() + "\n";
  out.set("hits", std::move(hits)).set("passed_over", std::move(passed));
  out.set("not_asked", static_cast<std::int64_t>(rules.rules().size() - d.asked.size()));
  return policy::orders_of(rules, d.hits);
}

std::string terms_of(const policy::Orders& o, const policy::Orders::Terms& terms) {
  std::string text;
  for (std::size_t i = 0; i < terms.limits; ++i)
    text += ", unless its sender is over the limit of rule \"" + o.limits[i].rule + "\"";
  if (!terms.approval.empty())
    text += ", once a person lets it (parked retry), as rule \"" + terms.approval + "\" wants it";
  return text;
}

void tell_blueprints(const aoh::Json& blueprints, const policy::Facts& facts, const policy::Orders& orders,
                     aoh::Json& out, std::string& text) {
  aoh::Json list = aoh::Json::array();
  for (const aoh::Json& b : blueprints.items()) {
    const std::string& id = b["id"].str();
    const policy::Match match = policy::Match::compile(b["match"]);
    const policy::Outcome o = match.test(facts);
    const auto start = std::find_if(orders.starts.begin(), orders.starts.end(),
                                    [&](const auto& s) { return s.blueprint == id; });
    bool starts = false;
    std::string why;
    if (start != orders.starts.end()) {
      starts = true;
      why = "rule \"" + start->rule + "\" starts it" + terms_of(orders, start->terms);
    } else if (!orders.ended_by.empty()) {
      why = "rule \"" + orders.ended_by + "\": " + (orders.quarantined ? "quarantine" : "ignore");
    } else {
      starts = o.truth == policy::Truth::yes;
      why = starts ? "its match" + terms_of(orders, orders.terms) : std::string(o.why) + " does not match";
    }
    text += "blueprint " + id + (starts ? " starts: " : " does not start: ") + why + "\n";
    list.push({{"id", id}, {"starts", starts}, {"why", why}});
  }
  out.set("blueprints", std::move(list));
}

}  // namespace

aoh::Result email_rules_explain(const Toolbox& box, const aoh::Json& args, aoh::Call& call) {
  return answer([&]() -> aoh::Result {
    const std::string credential = credential_of(args, call);
    const host::Account account = box.runtime.services().account(credential);
    const std::string mailbox = args["mailbox"].str_or("INBOX");
    aoh::Json in_force;
    if (!args.has("rules") || !args.has("blueprints")) {
      in_force = box.in_force(credential, mailbox);
      if (in_force.is_null())
        throw Failure(Errc::state,
                      "no watcher of this mailbox runs here, so that its rules and blueprints are not known",
                      "credential " + credential + ", mailbox " + printable(mailbox, 200),
                      "Give rules and blueprints, or use host-stub rules explain");
    }
    const aoh::Json& blueprints = args.has("blueprints") ? args["blueprints"] : in_force["blueprints"];
    const policy::Rules rules = policy::Rules::compile(args.has("rules") ? args["rules"] : in_force["rules"]);

    const Looked looked = look(box, args, call, account);
    policy::Facts facts;
    facts.message = &looked.message;
    facts.parts = facts.text = true;
    facts.folder = mailbox;
    facts.trusted = account.trusted_authserv_ids;
    facts.now_s = box.runtime.services().clock.wall_ns() / 1'000'000'000;
    aoh::Json notes = aoh::Json::array();
    if (looked.row) {
      facts.flags = looked.row->flags ? &*looked.row->flags : nullptr;
      facts.size = looked.row->size;
      facts.arrived_s = looked.row->internal_date_s;
    } else {
      facts.size = looked.size;
      notes.push("A file has no flags and no time of arrival: no condition on them holds.");
    }
    aoh::Json out = aoh::Json::object();
    std::string text;
    const policy::Orders orders = tell_rules(rules, rules.explain(facts, credential), out, text);
    tell_blueprints(blueprints, facts, orders, out, text);
    const policy::AuthVerdict verdict = policy::auth_verdict(looked.message, account.trusted_authserv_ids);
    if (!verdict.by.empty()) out.set("authentication", verdict.json());
    for (const aoh::Json& n : notes.items()) text += n.str() + "\n";
    out.set("notes", std::move(notes));
    return aoh::Result::ok(std::move(out), std::move(text));
  });
}

}  // namespace mailroom::tools
