#include "watch/rule_events.hpp"

#include "imap/proto/ascii.hpp"
#include "mime/ascii.hpp"
#include "policy/loop_guard.hpp"
#include "read/reader.hpp"

namespace mailroom::watch {
namespace {

constexpr std::size_t kMostId = 998;  // of a Message-ID, as tools take it

aoh::Json strings(const std::vector<std::string>& list) {
  aoh::Json out = aoh::Json::array();
  for (const std::string& s : list) out.push(s);
  return out;
}

/// Of the limits: who it is from, as far as anybody knows.
std::string sender_of(const Watcher::Batch::Item& item) {
  for (const mime::Address& a : item.header->from)
    if (!a.address.empty()) return mime::to_lower(aoh::utf8_prefix(a.address, 320));
  return {};
}

}  // namespace

std::string rule_named(std::string_view rule) { return "rule \"" + printable(rule, 200) + "\""; }

std::optional<aoh::Event> change_event(const Source& source, std::uint32_t uid_validity,
                                       const Watcher::Batch::Item& item, const std::string& key) {
  const policy::Orders& o = item.orders;
  std::string to = o.move_to;
  if (to == source.mailbox || (imap::same(to, "INBOX") && imap::same(source.mailbox, "INBOX"))) to.clear();
  if (o.flags.empty() && o.labels.empty() && to.empty()) return std::nullopt;
  std::string rules, what;
  for (const std::string& name : o.changed_by) rules += (rules.empty() ? "" : ", ") + rule_named(name);
  aoh::Json arguments{
      {"mailbox", source.mailbox}, {"uids", aoh::Json::array({item.uid})}, {"uid_validity", uid_validity}};
  const auto add = [&](const char* name, const char* argument, aoh::Json value) {
    what += std::string(what.empty() ? "" : ", ") + name;
    arguments.set(argument, std::move(value));
  };
  if (!o.flags.empty()) add("flag", "add_flags", strings(o.flags));
  if (!o.labels.empty()) add("label", "add_labels", strings(o.labels));
  if (!to.empty()) add(o.quarantined ? "quarantine" : "move", "move_to", to);
  if (o.quarantined && !to.empty()) arguments.set("create", true);
  if (const auto& id = item.header->message_id; id && !to.empty() && id->size() <= kMostId)
    arguments.set("message_id", *id);
  aoh::Event event;
  event.type = "email.rule";
  event.dedupe_key = key + "#change";
  event.payload = aoh::Json{{"rule", std::string(aoh::utf8_prefix(rules, 800)) + ": " + what},
                            {"of", key},
                            {"holds", !to.empty()},
                            {"call", {{"tool", "email_update"}, {"arguments", std::move(arguments)}}}};
  if (!to.empty())
    event.payload.set("learns", {{"email.mailbox", "messages.0.to.mailbox"},
                                 {"email.uid", "messages.0.to.uid"},
                                 {"email.uid_validity", "messages.0.to.uid_validity"}});
  return event;
}

std::optional<aoh::Event> answer_event(const Source& source, std::uint32_t uid_validity,
                                       const Watcher::Batch::Item& item, const std::string& key,
                                       const std::vector<std::string>& own, std::int64_t now_s,
                                       aoh::Json& decision) {
  const policy::Orders& o = item.orders;
  if (o.template_name.empty()) return std::nullopt;
  const std::string rule = rule_named(o.answered_by) + ": reply";
  decision = {{"key", key + "#reply"}, {"blueprint", ""}, {"decision", "action"}, {"why", rule}};
  if (const policy::Verdict v =
          policy::may_answer_by_rule(*item.header, own, item.head->internal_date_s.value_or(0), now_s);
      !v) {
    decision.set("decision", "ignored").set("why", rule + ": " + v.why);
    return std::nullopt;
  }
  decision = with_terms(std::move(decision), item, {o.answer_terms.limits, {}}, key);
  const std::string to = mime::to_lower(aoh::utf8_prefix(policy::answered_address(*item.header), 320));
  const std::string thread(aoh::utf8_prefix(read::thread_id(*item.header, *item.head), 320));
  aoh::Json& limits = decision.slot("limits");
  const auto limit = [&](const char* of, const std::string& who) {
    if (!who.empty())
      limits.push({{"rule", "automatic answers of " + source.credential_id + of},
                   {"who", who},
                   {"most", policy::kAnswersToOne},
                   {"per_s", 86'400},
                   {"of", key}});
  };
  limit(" to one sender", to);
  limit(" in one conversation", thread);
  aoh::Json arguments{{"mailbox", source.mailbox},
                      {"uid", item.uid},
                      {"uid_validity", uid_validity},
                      {"template", o.template_name},
                      {"automatic", true}};
  arguments.set_if(!o.template_data.is_null(), "data", o.template_data);
  aoh::Event event;
  event.type = "email.rule";
  event.dedupe_key = key + "#reply";
  event.payload = aoh::Json{
      {"rule", rule}, {"of", key}, {"call", {{"tool", "email_reply"}, {"arguments", std::move(arguments)}}}};
  return event;
}

aoh::Json with_terms(aoh::Json decision, const Watcher::Batch::Item& item, const policy::Orders::Terms& terms,
                     const std::string& key) {
  aoh::Json limits = aoh::Json::array();
  for (std::size_t i = 0; i < terms.limits; ++i) {
    const policy::Orders::Limit& l = item.orders.limits[i];
    limits.push({{"rule", rule_named(l.rule)},
                 {"who", sender_of(item)},
                 {"most", l.messages},
                 {"per_s", l.per_s},
                 {"of", key}});
  }
  if (!limits.empty()) decision.set("limits", std::move(limits));
  return decision.set_if(!terms.approval.empty(), "approval", terms.approval);
}

}  // namespace mailroom::watch
