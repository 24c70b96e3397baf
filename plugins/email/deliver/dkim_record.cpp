#include "deliver/dkim_record.hpp"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

#include <algorithm>
#include <memory>

#include "base/dns.hpp"
#include "base/error.hpp"
#include "deliver/tag_list.hpp"
#include "mime/ascii.hpp"
#include "mime/codec.hpp"

namespace mailroom::deliver {
namespace {

constexpr int kLeastBits = 1024, kGoodBits = 2048;
constexpr std::size_t kEd25519 = 32;

Failure wrong(const std::string& why, std::string_view where) {
  return {Errc::invalid, "the DKIM record cannot be used: " + why, printable(where, 100)};
}

std::string base64_of(std::string_view text, bool& broken) {
  std::string packed;
  for (const char c : text)
    if (!mime::is_space(c)) packed += c;
  const bool sound =
      packed.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=") ==
      std::string::npos;
  broken = !sound;
  return sound ? mime::decode_base64(packed, &broken) : std::string();
}

int rsa_bits(const std::string& der) {
  const auto* at = reinterpret_cast<const unsigned char*>(der.data());
  const std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> key(
      d2i_PUBKEY(nullptr, &at, static_cast<long>(der.size())), &EVP_PKEY_free);
  ERR_clear_error();
  return key && EVP_PKEY_get_base_id(key.get()) == EVP_PKEY_RSA ? EVP_PKEY_get_bits(key.get()) : 0;
}

void judge(DkimRecord& r, const TagList& tags) {
  if (r.bits > 0 && r.key_type == "rsa" && r.bits < kLeastBits)
    r.problems.push_back("the key has " + std::to_string(r.bits) + " bits; receivers ignore RSA below 1024");
  else if (r.bits > 0 && r.key_type == "rsa" && r.bits < kGoodBits)
    r.problems.push_back("the key has " + std::to_string(r.bits) + " bits; 2048 are expected");
  if (!r.hashes.empty() && std::find(r.hashes.begin(), r.hashes.end(), "sha256") == r.hashes.end())
    r.problems.push_back("h= does not allow sha256, the only hash that receivers accept (RFC 8301)");
  const std::vector<std::string> services = pieces(tags.value("s", "*"), ':');
  if (std::find(services.begin(), services.end(), "*") == services.end() &&
      std::find(services.begin(), services.end(), "email") == services.end())
    r.problems.push_back("s= does not allow email");
  if (r.testing) r.problems.push_back("t=y says that signing is only being tested: receivers may ignore it");
}

}  // namespace

bool DkimRecord::is_key(std::string_view public_text) const {
  bool broken = false;
  return !key.empty() && base64_of(public_text, broken) == key && !broken;
}

DkimRecord parse_dkim_record(std::string_view txt) {
  const TagList tags = TagList::parse(txt);
  DkimRecord r;
  if (const std::string* v = tags.find("v"); v && (*v != "DKIM1" || tags.all().front().first != "v"))
    throw wrong("v= is not DKIM1, or not the first tag", "v=" + *v);
  r.key_type = mime::to_lower(tags.value("k", "rsa"));
  if (r.key_type != "rsa" && r.key_type != "ed25519")
    throw wrong("the key type is not known", "k=" + r.key_type);
  r.hashes = pieces(tags.value("h"), ':');
  for (const std::string& flag : pieces(tags.value("t"), ':')) {
    r.testing = r.testing || flag == "y";
    r.strict = r.strict || flag == "s";
  }
  const std::string* p = tags.find("p");
  if (!p) throw wrong("it has no key", "p=");
  r.revoked = p->empty();
  if (!r.revoked) {
    bool broken = false;
    r.key = base64_of(*p, broken);
    if (broken || r.key.empty()) throw wrong("the key is not base64", "p=" + *p);
    r.bits = r.key_type == "rsa" ? rsa_bits(r.key) : r.key.size() == kEd25519 ? 256 : 0;
    if (r.bits == 0) throw wrong("the key is not one of the type " + r.key_type, "p=" + *p);
  }
  judge(r, tags);
  return r;
}

std::string dkim_name(std::string_view selector, std::string_view domain) {
  std::string out = std::string(selector) + "._domainkey." + std::string(domain);
  const bool sound = std::all_of(selector.begin(), selector.end(), [](char c) {
    return mime::is_alpha(c) || mime::is_digit(c) || c == '-' || c == '_' || c == '.';
  });
  if (!sound || !is_dns_name(out))
    throw Failure(Errc::invalid, "this is no DKIM selector", printable(selector, 100),
                  "Letters, digits, - and _, with dots between labels");
  return out;
}

}  // namespace mailroom::deliver
