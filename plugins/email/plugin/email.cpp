// The email plugin: its tools and its trigger source, wired to the host.
#include "aoh/sdk.hpp"
#include "aoh_manifest.hpp"
#include "host/runtime.hpp"
#include "tools/parse.hpp"

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

  aoh::Result parse(const aoh::Json& args, aoh::Call& call) { return tools::email_parse(box_, args, call); }

  void quiesce(std::int64_t) override { runtime_.quiesce(); }

 private:
  host::Runtime runtime_;
  tools::Toolbox box_{runtime_, {}};
};

}  // namespace
}  // namespace mailroom

AOH_MODULE(mailroom::Email, aoh_generated::kManifest, aoh::tool("email_parse", &mailroom::Email::parse))
