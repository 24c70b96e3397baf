#include "tools/credential_authorize.hpp"

#include "oauth/authorize.hpp"

namespace mailroom::tools {

aoh::Result credential_authorize(const Toolbox& box, std::string_view credential_id, aoh::Call& call) {
  return answer([&] {
    const host::Account account = box.runtime.services().account(credential_id);
    const auto say = [&](const std::string& text) { call.progress(0, 0, text); };
    oauth::Authorized got;
    try {
      got = oauth::authorize(box.runtime, call, account, say);
    } catch (const Failure& f) {
      if (f.error.code != Errc::timeout || !f.error.where.empty()) throw;
      throw Failure(Errc::timeout, "nobody signed in in time", "credential " + account.id,
                    "Begin again: host-stub credential authorize " + account.id);
    }
    std::string text =
        "signed in: credential \"" + account.id + "\" has a token for " + std::to_string(got.life_s) + " s";
    text += got.renewable ? ", and renews it by itself"
                          : "; the provider gave no refresh token, so that somebody must sign in again then "
                            "(ask for the scope offline_access)";
    return aoh::Result::ok(
        {{"credential_id", account.id}, {"expires_in", got.life_s}, {"renewable", got.renewable}},
        std::move(text));
  });
}

}  // namespace mailroom::tools
