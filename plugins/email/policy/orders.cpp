#include "policy/orders.hpp"

#include <algorithm>

namespace mailroom::policy {
namespace {

constexpr const char* kQuarantine = "Quarantine";

void add_once(std::vector<std::string>& list, const std::string& text) {
  if (std::find(list.begin(), list.end(), text) == list.end()) list.push_back(text);
}

/// One text, or a list of them.
template <typename F>
void each(const aoh::Json& texts, F&& f) {
  if (texts.is_string()) f(texts.str());
  for (const aoh::Json& text : texts.items()) f(text.str());
}

}  // namespace

Orders orders_of(const Rules& rules, const std::vector<std::size_t>& hits) {
  Orders o;
  for (const std::size_t hit : hits) {
    const Rule& rule = rules.rules()[hit];
    const aoh::Json& what = rule.actions;
    if (const aoh::Json& limit = what["rate_limit"]; limit.is_object()) {
      o.limits.push_back({rule.name, limit["messages"].integer(), rule.limit_s});
      o.terms.limits = o.limits.size();
    }
    if (what["approval"].boolean() && o.terms.approval.empty()) o.terms.approval = rule.name;
    const bool quarantine = what["quarantine"].boolean() || what["quarantine"].is_string();
    const bool open = o.ended_by.empty() && !quarantine;
    if (open)
      each(what["start"], [&](const std::string& id) {
        if (std::none_of(o.starts.begin(), o.starts.end(),
                         [&](const Orders::Start& s) { return s.blueprint == id; }))
          o.starts.push_back({id, rule.name, o.terms});
      });
    if (o.ended_by.empty() && (quarantine || what["ignore"].boolean())) o.ended_by = rule.name;

    each(what["flag"], [&](const std::string& flag) { add_once(o.flags, flag); });
    each(what["label"], [&](const std::string& label) { add_once(o.labels, label); });
    if (quarantine && !o.quarantined) {
      o.quarantined = true;
      o.move_to = what["quarantine"].str_or(kQuarantine);
    } else if (what.has("move") && o.move_to.empty()) {
      o.move_to = what["move"].str();
    }
    if (quarantine || what.has("flag") || what.has("label") || what.has("move"))
      add_once(o.changed_by, rule.name);

    if (what.has("reply") && o.template_name.empty()) {
      o.template_name = what["reply"]["template"].str();
      o.template_data = what["reply"]["data"];
      o.answered_by = rule.name;
      o.answer_terms = o.terms;
    }
  }
  if (o.quarantined) o.template_name.clear();
  return o;
}

}  // namespace mailroom::policy
