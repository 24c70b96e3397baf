#include "auth/choose.hpp"

#include <algorithm>

#include "auth/scram.hpp"

namespace mailroom::auth {
namespace {

using Hash = ScramKind::Hash;
using Binding = ScramKind::Binding;

bool same_name(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](char x, char y) {
    const auto upper = [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c; };
    return upper(x) == upper(y);
  });
}

bool among(std::span<const std::string> names, std::string_view name) {
  return std::any_of(names.begin(), names.end(), [&](const std::string& n) { return same_name(n, name); });
}

constexpr std::string_view kTokens[] = {"OAUTHBEARER", "XOAUTH2"};
constexpr std::string_view kPasswords[] = {
    "SCRAM-SHA-256-PLUS", "SCRAM-SHA-256", "SCRAM-SHA-1-PLUS", "SCRAM-SHA-1", "CRAM-MD5", "PLAIN", "LOGIN"};

class Gathering {
 public:
  Gathering(std::span<const std::string> offered, const Credentials& who, const Circumstances& where)
      : offered_(offered), who_(who), where_(where) {}

  std::vector<std::unique_ptr<Mechanism>> all() {
    if (!who_.token.empty()) {
      if (may("OAUTHBEARER")) found_.push_back(oauthbearer(who_, where_));
      if (may("XOAUTH2")) found_.push_back(xoauth2(who_));
      return std::move(found_);
    }
    add_scram("SCRAM-SHA-256-PLUS", "SCRAM-SHA-256", Hash::sha256);
    add_scram("SCRAM-SHA-1-PLUS", "SCRAM-SHA-1", Hash::sha1);
    if (may("CRAM-MD5")) found_.push_back(cram_md5(who_));
    // PLAIN before LOGIN: the same secrecy, one round trip less, and a standard.
    if (may("PLAIN")) found_.push_back(plain(who_));
    if (may("LOGIN")) found_.push_back(login(who_));
    return std::move(found_);
  }

 private:
  bool may(std::string_view name) const { return among(offered_, name) && allowed(who_, name); }

  void add_scram(std::string_view plus, std::string_view bare, Hash hash) {
    if (where_.nonce.empty()) return;
    const bool exporter = !where_.tls_exporter.empty(), end_point = !where_.server_end_point.empty();
    if (may(plus)) {
      if (exporter) found_.push_back(scram({plus, hash, Binding::tls_exporter}, who_, where_));
      if (end_point) found_.push_back(scram({plus, hash, Binding::server_end_point}, who_, where_));
    }
    if (!may(bare)) return;
    // 'y' where no -PLUS of any hash came: a server that offers one would refuse it.
    const bool stripped = (exporter || end_point) && !among(offered_, "SCRAM-SHA-256-PLUS") &&
                          !among(offered_, "SCRAM-SHA-1-PLUS");
    found_.push_back(scram({bare, hash, stripped ? Binding::not_offered : Binding::none}, who_, where_));
  }

  std::span<const std::string> offered_;
  const Credentials& who_;
  const Circumstances& where_;
  std::vector<std::unique_ptr<Mechanism>> found_;
};

}  // namespace

bool allowed(const Credentials& credentials, std::string_view name) {
  if (credentials.mechanisms.empty()) return name != "CRAM-MD5";
  return among(credentials.mechanisms, name);
}

std::vector<std::unique_ptr<Mechanism>> usable(std::span<const std::string> offered,
                                               const Credentials& credentials,
                                               const Circumstances& circumstances) {
  return Gathering(offered, credentials, circumstances).all();
}

Error no_way(const char* protocol, std::span<const std::string> offered, const Credentials& credentials) {
  const bool token = !credentials.token.empty();
  Error e{Errc::unsupported,
          std::string("the ") + protocol + " server offers no way to sign in with " +
              (token ? "an access token" : "a password"),
          {},
          {},
          token ? "Use a password or app password, or enable OAUTHBEARER or XOAUTH2 on the server."
                : "Enable PLAIN for this account on the server."};
  const auto offers = [&](const auto& names) {
    return std::any_of(std::begin(names), std::end(names), [&](auto n) { return among(offered, n); });
  };
  if (token ? offers(kTokens) : offers(kPasswords)) {
    e.what =
        std::string("the ") + protocol + " server offers none of the ways to sign in that the account allows";
    e.cure = "Add one of those that the server offers to the credential's sasl, or leave sasl out.";
  } else if (!token && offers(kTokens)) {
    e.cure = "The server takes access tokens only: set the credential's authentication to oauth2.";
  }
  std::string words;
  for (const std::string& name : offered) words += (words.empty() ? "AUTH " : " ") + name;
  e.server = printable(words);
  return e;
}

}  // namespace mailroom::auth
