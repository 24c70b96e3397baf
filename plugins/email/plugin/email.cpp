// The email plugin: its tools and its trigger source, wired to the host.
#include "aoh/sdk.hpp"
#include "aoh_manifest.hpp"
#include "host/runtime.hpp"
#include "oauth/saved.hpp"
#include "oauth/store.hpp"
#include "outbox/outbox.hpp"
#include "tools/attachment.hpp"
#include "tools/broadcast.hpp"
#include "tools/credential_authorize.hpp"
#include "tools/credential_test.hpp"
#include "tools/deliverability.hpp"
#include "tools/draft.hpp"
#include "tools/fetch.hpp"
#include "tools/forward.hpp"
#include "tools/links.hpp"
#include "tools/mailboxes.hpp"
#include "tools/parse.hpp"
#include "tools/reply.hpp"
#include "tools/rules_explain.hpp"
#include "tools/search.hpp"
#include "tools/send.hpp"
#include "tools/setup.hpp"
#include "tools/suppressions.hpp"
#include "tools/templates.hpp"
#include "tools/thread.hpp"
#include "tools/update.hpp"
#include "watch/watcher.hpp"

namespace mailroom {
namespace {

host::Config config_or_refuse(const aoh::Json& json) {
  try {
    return host::Config::from(json);
  } catch (const Failure& f) {
    throw aoh::StatusError(AOH_E_INVALID, f.error.line());
  }
}

constexpr std::chrono::seconds kTokenDrain{5};

/// One instance. Makes no thread and no connection until a tool or a trigger needs one.
class Email : public aoh::Plugin {
 public:
  Email(const aoh_host* h, const aoh::Json& config)
      : Plugin(h, config), runtime_(h, config_or_refuse(config)) {
    const host::Services& s = runtime_.services();
    const std::pair<bool, const char*> needed[] = {{static_cast<bool>(s.clock), AOH_CLOCK_ID},
                                                   {static_cast<bool>(s.credentials), AOH_CREDENTIAL_ID},
                                                   {static_cast<bool>(s.vault), AOH_VAULT_ID},
                                                   {static_cast<bool>(s.state), AOH_STATE_ID},
                                                   {static_cast<bool>(s.blobs), AOH_BLOB_ID}};
    for (const auto& [there, id] : needed)
      if (!there)
        throw aoh::StatusError(AOH_E_UNSUPPORTED, std::string("the email plugin needs the host's service ") +
                                                      id + ": grant it, or use a host that has it");
    runtime_.use_tokens(&tokens_);
  }
  ~Email() override {
    measures_.on_collect(nullptr, nullptr);
    if (watching_credentials_) runtime_.services().credentials.on_changed(nullptr, nullptr);
    broadcasts_.stop();
    outbox_.stop();
    // What a token endpoint is about to answer may be the only way to sign in again.
    tokens_.drain(kTokenDrain);
    // A message on its way, whose call was given up, holds a claim in the outbox: it goes first.
    runtime_.stop();
  }

  aoh::Result send(const aoh::Json& args, aoh::Call& call) { return tools::email_send(box_, args, call); }
  aoh::Result fetch(const aoh::Json& args, aoh::Call& call) { return tools::email_fetch(box_, args, call); }
  aoh::Result search(const aoh::Json& args, aoh::Call& call) { return tools::email_search(box_, args, call); }
  aoh::Result reply(const aoh::Json& args, aoh::Call& call) { return tools::email_reply(box_, args, call); }
  aoh::Result broadcast(const aoh::Json& args, aoh::Call& call) {
    return tools::email_broadcast(box_, broadcasts_, args, call);
  }
  aoh::Result forward(const aoh::Json& args, aoh::Call& call) {
    return tools::email_forward(box_, args, call);
  }
  aoh::Result draft(const aoh::Json& args, aoh::Call& call) { return tools::email_draft(box_, args, call); }
  aoh::Result update(const aoh::Json& args, aoh::Call& call) { return tools::email_update(box_, args, call); }
  aoh::Result thread(const aoh::Json& args, aoh::Call& call) { return tools::email_thread(box_, args, call); }
  aoh::Result attachment(const aoh::Json& args, aoh::Call& call) {
    return tools::email_attachment(box_, args, call);
  }
  aoh::Result watch(const aoh::Json& args, aoh::Call& call) { return tools::email_watch(box_, args, call); }
  aoh::Result mailboxes(const aoh::Json& args, aoh::Call& call) {
    return tools::email_mailboxes(box_, args, call);
  }
  aoh::Result templates(const aoh::Json& args, aoh::Call& call) {
    return tools::email_templates(box_, args, call);
  }
  aoh::Result links(const aoh::Json& args, aoh::Call& call) { return tools::email_links(box_, args, call); }
  aoh::Result rules_explain(const aoh::Json& args, aoh::Call& call) {
    return tools::email_rules_explain(box_, args, call);
  }
  aoh::Result parse(const aoh::Json& args, aoh::Call& call) { return tools::email_parse(box_, args, call); }
  aoh::Result deliverability(const aoh::Json& args, aoh::Call& call) {
    return tools::email_deliverability(box_, args, call);
  }
  aoh::Result suppressions(const aoh::Json& args, aoh::Call& call) {
    return tools::email_suppressions(box_, args, call);
  }

  aoh::Result test(const aoh::Json& args, aoh::Call& call) { return tools::email_test(box_, args, call); }

  aoh::Result credential_test(std::string_view credential, aoh::Call& call) override {
    return tools::credential_test(box_, credential, call, call.context()["send_to_self"].boolean());
  }

  aoh::Result credential_setup(std::string_view type, const aoh::Json& request, aoh::Call& call) override {
    return tools::credential_setup(box_, type, request, call);
  }
  aoh::Result credential_authorize(std::string_view credential, aoh::Call& call) override {
    return tools::credential_authorize(box_, credential, call);
  }

  void trigger_start(const aoh::Json& source, std::string_view cursor,
                     std::shared_ptr<aoh::Trigger> trigger) override {
    try {
      watch::Source wanted = watch::Source::from(source, &rule_sets_);
      if (!std::exchange(watching_credentials_, true))
        runtime_.services().credentials.on_changed(&Email::credential_changed, this);
      if (!std::exchange(measuring_, true)) measures_.on_collect(&Email::collect, this);
      aoh_trigger* const handle = trigger->handle();
      auto watcher =
          watch::Watcher::start(runtime_, std::move(wanted), cursor, std::move(trigger), &measures_);
      const std::lock_guard lock(mutex_);
      watchers_[handle] = std::move(watcher);
    } catch (const Failure& f) {
      throw aoh::StatusError(AOH_E_INVALID, f.error.line());
    }
  }
  void trigger_reconfigure(aoh_trigger* trigger, const aoh::Json& source) override {
    try {
      watch::Source wanted = watch::Source::from(source, &rule_sets_);
      if (const auto w = find(trigger)) {
        w->reconfigure(std::move(wanted));
        return;
      }
    } catch (const Failure& f) {
      throw aoh::StatusError(AOH_E_INVALID, f.error.line());
    }
    throw aoh::StatusError(AOH_E_NOT_FOUND, "no such trigger runs");
  }
  void trigger_stop(aoh_trigger* trigger) override {
    std::shared_ptr<watch::Watcher> w;
    {
      const std::lock_guard lock(mutex_);
      if (const auto it = watchers_.find(trigger); it != watchers_.end()) {
        w = std::move(it->second);
        watchers_.erase(it);
      }
    }
    if (w) w->stop();
  }
  void background_start() override {
    outbox_.start();
    broadcasts_.start();
  }
  /// Tool calls end; triggers are stopped by the host one by one.
  void quiesce(std::int64_t) override { runtime_.quiesce(); }

 private:
  std::shared_ptr<watch::Watcher> find(aoh_trigger* trigger) {
    const std::lock_guard lock(mutex_);
    const auto it = watchers_.find(trigger);
    return it == watchers_.end() ? nullptr : it->second;
  }
  aoh::Json watchers(std::string_view credential_id, std::string_view mailbox) {
    aoh::Json out = aoh::Json::array();
    const std::lock_guard lock(mutex_);
    for (const auto& [handle, w] : watchers_)
      if ((credential_id.empty() || w->credential_id() == credential_id) &&
          (mailbox.empty() || w->mailbox() == mailbox))
        out.push(w->status());
    return out;
  }
  aoh::Json in_force(std::string_view credential_id, std::string_view mailbox) {
    const std::lock_guard lock(mutex_);
    for (const auto& [handle, w] : watchers_)
      if (w->credential_id() == credential_id && w->mailbox() == mailbox) return w->in_force();
    return {};
  }
  static void credential_changed(void* arg, aoh_str id) noexcept {
    if (oauth::is_saving()) return;  // a renewed token is no reason to try again what failed
    try {
      Email* self = static_cast<Email*>(arg);
      const std::lock_guard lock(self->mutex_);
      for (const auto& [handle, w] : self->watchers_)
        if (w->credential_id() == aoh::sv(id)) w->credential_changed();
    } catch (...) {  // the next attempt reads the record anyway
    }
  }

  static void collect(void* arg) noexcept {
    try {
      Email* self = static_cast<Email*>(arg);
      const std::lock_guard lock(self->mutex_);
      for (const auto& [handle, w] : self->watchers_) w->measure(self->measures_);
    } catch (...) {  // the next one may have the memory
    }
  }

  watch::Measures measures_{host()};
  host::Runtime runtime_;
  oauth::TokenStore tokens_{runtime_};
  bool watching_credentials_ = false, measuring_ = false;  // [lifecycle] only
  watch::RuleSets rule_sets_;
  std::mutex mutex_;  // guards watchers_
  std::map<aoh_trigger*, std::shared_ptr<watch::Watcher>> watchers_;
  outbox::Outbox outbox_{runtime_};
  tools::Toolbox box_{runtime_, outbox_,
                      [this](std::string_view c, std::string_view m) { return watchers(c, m); },
                      [this](std::string_view c, std::string_view m) { return in_force(c, m); }};
  tools::Broadcasts broadcasts_{box_};
};

}  // namespace
}  // namespace mailroom

AOH_MODULE(mailroom::Email, aoh_generated::kManifest, aoh::tool("email_parse", &mailroom::Email::parse),
           aoh::tool("email_fetch", &mailroom::Email::fetch),
           aoh::tool("email_search", &mailroom::Email::search),
           aoh::tool("email_send", &mailroom::Email::send),
           aoh::tool("email_broadcast", &mailroom::Email::broadcast),
           aoh::tool("email_reply", &mailroom::Email::reply),
           aoh::tool("email_forward", &mailroom::Email::forward),
           aoh::tool("email_draft", &mailroom::Email::draft),
           aoh::tool("email_mailboxes", &mailroom::Email::mailboxes),
           aoh::tool("email_thread", &mailroom::Email::thread),
           aoh::tool("email_attachment", &mailroom::Email::attachment),
           aoh::tool("email_update", &mailroom::Email::update),
           aoh::tool("email_templates", &mailroom::Email::templates),
           aoh::tool("email_links", &mailroom::Email::links),
           aoh::tool("email_watch", &mailroom::Email::watch),
           aoh::tool("email_deliverability", &mailroom::Email::deliverability),
           aoh::tool("email_suppressions", &mailroom::Email::suppressions),
           aoh::tool("email_rules_explain", &mailroom::Email::rules_explain),
           aoh::tool("email_test", &mailroom::Email::test))
