#include "tools/listing.hpp"

#include "read/reader.hpp"
#include "tools/days.hpp"

namespace mailroom::tools {
namespace {

constexpr std::size_t kAddresses = 20, kSubject = 1'000;

std::string names(const std::vector<mime::Address>& list) {
  std::string out;
  for (std::size_t i = 0; i < list.size() && i < 3; ++i) {
    if (i) out += ", ";
    const mime::Address& a = list[i];
    out += a.name.empty() ? a.address : std::string(aoh::utf8_prefix(a.name, 100)) + " <" + a.address + ">";
  }
  if (list.size() > 3) out += ", and " + std::to_string(list.size() - 3) + " more";
  return out;
}

}  // namespace

aoh::Json listed(const read::Summary& s, const imap::MailboxState& mailbox) {
  mime::RenderOptions options;
  options.format = mime::Format::summary;
  options.max_addresses = kAddresses;
  aoh::Json j = read::to_json(s.message, s.row, mailbox, options);
  j.erase("references");
  if (j["subject"].str().size() > kSubject)
    j.set("subject", std::string(aoh::utf8_prefix(j["subject"].str(), kSubject)));
  if (s.row.internal_date_s) j.set("received", utc_seconds(*s.row.internal_date_s));
  if (s.row.structure) j.set("has_attachment", s.attachments > 0).set("attachment_count", s.attachments);
  if (s.row.error) {
    aoh::Json warnings = j["warnings"].is_array() ? j["warnings"] : aoh::Json::array();
    warnings.push(aoh::Json{{"code", "row_broken"}, {"detail", s.row.error.what}});
    j.set("warnings", std::move(warnings));
  }
  return j;
}

std::string line_of(const read::Summary& s) {
  std::string out = "UID " + std::to_string(s.row.uid);
  if (s.row.internal_date_s) out += "  " + utc_seconds(*s.row.internal_date_s);
  if (s.row.size) out += "  " + std::to_string(*s.row.size) + " bytes";
  if (s.attachments > 0) out += "  " + std::to_string(s.attachments) + " attached";
  if (s.row.flags)
    for (const std::string& f : *s.row.flags) out += "  " + printable(f, 60);
  out += "\n  " + names(s.message.from) + " to " + names(s.message.to) + "\n  " +
         std::string(aoh::utf8_prefix(s.message.subject.value_or("(no subject)"), kSubject)) + "\n";
  return out;
}

aoh::Json unreadable_json(const std::vector<std::pair<imap::Uid, Error>>& unreadable) {
  aoh::Json out = aoh::Json::array();
  for (const auto& [uid, error] : unreadable) out.push(aoh::Json{{"uid", uid}, {"error", error_json(error)}});
  return out;
}

std::string unreadable_lines(const std::vector<std::pair<imap::Uid, Error>>& unreadable) {
  std::string out;
  for (const auto& [uid, error] : unreadable)
    out += "UID " + std::to_string(uid) + " is there, and cannot be read: " + error.line() + "\n";
  return out;
}

}  // namespace mailroom::tools
