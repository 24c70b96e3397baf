// The email plugin: its tools and its trigger source, wired to the host.
#include "aoh/sdk.hpp"
#include "aoh_manifest.hpp"
#include "host/runtime.hpp"
#include "tools/fetch.hpp"
#include "tools/mailboxes.hpp"
#include "tools/outbox.hpp"
#include "tools/parse.hpp"
#include "tools/reply.hpp"
#include "tools/send.hpp"

namespace mailroom {
namespace {

host::Config config_or_refuse(const aoh::Json& json) {
  try {
    return host::Config::from(json);
  } catch (const Failure& f) {
    throw aoh::StatusError(AOH_E_INVALID, f.error.line());
  }
}

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
  }
  ~Email() override { runtime_.quiesce(); }

  aoh::Result send(const aoh::Json& args, aoh::Call& call) { return tools::email_send(box_, args, call); }
  aoh::Result fetch(const aoh::Json& args, aoh::Call& call) { return tools::email_fetch(box_, args, call); }
  aoh::Result reply(const aoh::Json& args, aoh::Call& call) { return tools::email_reply(box_, args, call); }
  aoh::Result watch(const aoh::Json& args, aoh::Call& call) { return tools::email_watch(box_, args, call); }
  aoh::Result mailboxes(const aoh::Json& args, aoh::Call& call) {
    return tools::email_mailboxes(box_, args, call);
  }
  aoh::Result parse(const aoh::Json& args, aoh::Call& call) { return tools::email_parse(box_, args, call); }

  void quiesce(std::int64_t) override { runtime_.quiesce(); }

 private:
  host::Runtime runtime_;
  tools::Outbox outbox_{runtime_.services()};
  tools::Toolbox box_{runtime_, outbox_, {}};
};

}  // namespace
}  // namespace mailroom

AOH_MODULE(mailroom::Email, aoh_generated::kManifest, aoh::tool("email_parse", &mailroom::Email::parse),
           aoh::tool("email_fetch", &mailroom::Email::fetch), aoh::tool("email_send", &mailroom::Email::send),
           aoh::tool("email_reply", &mailroom::Email::reply),
           aoh::tool("email_mailboxes", &mailroom::Email::mailboxes),
           aoh::tool("email_watch", &mailroom::Email::watch))
