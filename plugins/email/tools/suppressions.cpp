#include "tools/suppressions.hpp"

#include "host/suppressions.hpp"
#include "mime/fence.hpp"

namespace mailroom::tools {
namespace {

constexpr std::uint32_t kPage = 500;

aoh::Json entry_json(const host::Suppression& s) {
  aoh::Json j{{"address", s.address},
              {"reason", std::string(host::name(s.reason))},
              {"since", host::utc_text(s.since_unix_ns)}};
  j.set_if(!s.status.empty(), "status", s.status);
  j.set_if(!s.said.empty(), "said", s.said);
  j.set_if(!s.message_id.empty(), "message_id", s.message_id);
  if (s.ends_unix_ns() != INT64_MAX) j.set("expires", host::utc_text(s.ends_unix_ns()));
  return j;
}

/// Exactly one address, without a name.
std::string address_of(const aoh::Json& args) {
  const std::vector<mime::Address> list = addresses_of(args, "address");
  if (list.size() != 1)
    throw Failure(Errc::invalid, "one address is wanted, " + std::to_string(list.size()) + " were given",
                  "address", "Write user@example.org");
  return list.front().address;
}

aoh::Result changed(bool yes, aoh::Json list, std::string text) {
  return aoh::Result::ok(aoh::Json{{"suppressions", std::move(list)}, {"changed", yes}}, std::move(text));
}

aoh::Result list_page(const host::Services& services, const std::string& credential,
                      const std::string& after) {
  std::string next, lines;
  aoh::Json list = aoh::Json::array();
  for (const host::Suppression& s : host::suppressions(services, credential, after, kPage, next)) {
    list.push(entry_json(s));
    lines += printable(s.address, 320) + ": " + std::string(host::name(s.reason)) + " since " +
             host::utc_text(s.since_unix_ns) + (s.status.empty() ? "" : ", " + s.status) +
             (s.said.empty() ? "" : ", \"" + s.said + "\"") + "\n";
  }
  const bool none = list.empty();
  aoh::Json structured{{"suppressions", std::move(list)}, {"untrusted", true}};
  structured.set_if(!next.empty(), "next", next);
  if (none) return aoh::Result::ok(std::move(structured), "No address is suppressed.");
  std::string text = mime::fence(lines, "suppressions", random_token());
  if (!next.empty()) text += "\nThere are more: go on with after.";
  return mail_result(std::move(structured), std::move(text), "suppressions");
}

}  // namespace

aoh::Result email_suppressions(const Toolbox& box, const aoh::Json& args, aoh::Call& call) {
  return answer([&] {
    const host::Services& services = box.runtime.services();
    const std::string credential = services.account(credential_of(args, call)).id;
    const std::string& action = args["action"].str();
    if (action == "add") {
      host::Suppression s;
      s.credential_id = credential;
      s.address = address_of(args);
      s.reason = host::Suppression::Reason::manual;
      s.said = printable(args["reason"].str(), 200);
      const bool fresh = host::suppress(services, s);
      const auto now = host::is_suppressed(services, credential, s.address);
      aoh::Json list = aoh::Json::array();
      if (now) list.push(entry_json(*now));
      return changed(fresh, std::move(list),
                     s.address + (fresh ? " is suppressed from now on." : " was suppressed already."));
    }
    if (action == "release") {
      const std::string address = address_of(args);
      const bool there = host::release(services, credential, address);
      return changed(there, aoh::Json::array(),
                     address + (there ? " may be sent to again." : " was not suppressed."));
    }
    return list_page(services, credential, args["after"].str());
  });
}

}  // namespace mailroom::tools
