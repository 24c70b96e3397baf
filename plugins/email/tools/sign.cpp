#include "tools/sign.hpp"

#include "deliver/dkim.hpp"
#include "outbox/pacer.hpp"

namespace mailroom::tools {
namespace {

// The n-th block of a PEM bundle.
std::string_view pem_block(std::string_view pem, std::size_t n) {
  constexpr std::string_view kBegin = "-----BEGIN ", kEnd = "-----END ";
  std::size_t at = pem.find(kBegin);
  for (; n > 0 && at != pem.npos; --n) at = pem.find(kBegin, at + kBegin.size());
  if (at == pem.npos) return {};
  std::size_t end = pem.find(kEnd, at);
  if (end == pem.npos) return {};
  end = pem.find("-----", end + kEnd.size());
  if (end == pem.npos) return {};
  return pem.substr(at, end + 5 - at);
}

std::string where_of(const host::Account& account, std::size_t n) {
  const host::DkimEntry& entry = account.dkim[n];
  return "credential " + account.id + ": dkim[" + std::to_string(n) + "] (" + entry.selector +
         "._domainkey." + entry.domain + ")";
}

}  // namespace

deliver::DkimKey signing_key(const host::Services& services, const host::Account& account, std::size_t n,
                             std::string_view bearer) {
  const std::string where = where_of(account, n);
  const aoh::Secret bundle = services.secret(account, "dkim_key", bearer);
  const std::string_view all = bundle.reveal();
  std::string_view own = pem_block(all, n);
  if (own.empty() && n > 0 && pem_block(all, 1).empty()) own = pem_block(all, 0);
  if (own.empty())
    throw Failure(Errc::config, "there is no key to sign with", where,
                  "dkim_key holds one PEM block for each entry of dkim, or one for all");
  try {
    return deliver::DkimKey::from_pem(aoh::Secret(std::string(own)));
  } catch (Failure& f) {
    if (f.error.where.empty()) f.error.where = where;
    throw Failure(f.error);
  }
}

void sign(const Toolbox& box, const host::Account& account, std::string_view bearer, mime::Composed& mail) {
  const std::string domain = outbox::domain_of(mail.envelope_from);
  std::string signatures;
  const host::Services& services = box.runtime.services();
  for (std::size_t i = 0; i < account.dkim.size(); ++i) {
    const host::DkimEntry& entry = account.dkim[i];
    if (domain != entry.domain && !domain.ends_with("." + entry.domain)) continue;
    try {
      const deliver::DkimKey key = signing_key(services, account, i, bearer);
      deliver::DkimOptions options;
      options.domain = entry.domain;
      options.selector = entry.selector;
      options.header = entry.header_simple ? deliver::Canon::simple : deliver::Canon::relaxed;
      options.body = entry.body_simple ? deliver::Canon::simple : deliver::Canon::relaxed;
      signatures +=
          deliver::dkim_signature(mail.bytes, key, options, services.clock.wall_ns() / 1'000'000'000);
    } catch (Failure& f) {
      if (f.error.where.empty()) f.error.where = where_of(account, i);
      throw Failure(f.error);
    }
  }
  if (!signatures.empty()) mail.bytes.insert(0, signatures);
}

}  // namespace mailroom::tools
