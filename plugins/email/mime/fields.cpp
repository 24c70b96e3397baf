#include "mime/fields.hpp"

#include <algorithm>
#include <array>

#include "mime/ascii.hpp"
#include "mime/charset.hpp"
#include "mime/headers.hpp"

namespace mailroom::mime {
namespace {

struct List {
  std::string_view name;
  std::vector<Address> Message::*member;
  bool once;  // further fields are not read: a signature may cover another one
};
constexpr std::array<List, 6> kLists{{{"from", &Message::from, true},
                                      {"sender", &Message::sender, true},
                                      {"reply-to", &Message::reply_to, true},
                                      {"to", &Message::to, false},
                                      {"cc", &Message::cc, false},
                                      {"bcc", &Message::bcc, false}}};
constexpr std::array kSingle = std::to_array<std::string_view>(
    {"subject", "date", "message-id", "in-reply-to", "references", "content-type",
     "content-transfer-encoding", "content-disposition", "mime-version"});

class Reader {
 public:
  Reader(const ParseLimits& limits, std::string_view declared_charset, Message& message, Warnings& warnings)
      : limits_(limits), declared_charset_(declared_charset), message_(message), warnings_(warnings) {}

  void read(const EntitySpan& root) {
    std::vector<std::string> seen;
    bool cut = false;
    for (const auto& span : root.fields) {
      const std::string raw = unfold(trim(span.value), limits_.max_field_bytes, &cut);
      HeaderNotes notes;
      HeaderField field{lossy_utf8(span.name), decode_header(raw, &notes), one_line(lossy_utf8(raw))};
      bytes_warnings(field.name, span.value, raw, notes);
      std::string name = to_lower(field.name);
      const bool first = std::find(seen.begin(), seen.end(), name) == seen.end();
      known(name, raw, field.value, first);
      if (first && seen.size() < 500) seen.push_back(std::move(name));
      message_.headers.push_back(std::move(field));
    }
    if (cut) warnings_.limit("limit_field", "a header field is longer than is read");
    address_warnings();
  }

 private:
  void bytes_warnings(const std::string& name, std::string_view as_sent, const std::string& raw,
                      const HeaderNotes& notes) {
    if (!is_ascii(raw) && !is_utf8(raw)) {
      const std::string charset = guess_charset(raw, declared_charset_);
      warnings_.add("header_8bit",
                    name + " has 8-bit bytes of no declared charset; as " + charset +
                        " it reads: " + one_line(convert_from(charset, raw.substr(0, 120)).value_or("")));
    }
    if (notes.invalid)
      warnings_.add("header_charset", name + " has an encoded word that is not of its charset");
    if (notes.line_end) warnings_.add("header_line_end", name + " has an encoded word that holds a line end");
    if (as_sent.find('\0') != as_sent.npos) warnings_.add("nul", name + " holds a NUL byte");
    for (std::size_t at = as_sent.find('\r'); at != as_sent.npos;) {
      // "\r\r\n" is a line end that a relay doubled.
      const std::size_t next = as_sent.find_first_not_of('\r', at);
      if (next == as_sent.npos) break;
      if (as_sent[next] == '\n') {
        at = as_sent.find('\r', next);
        continue;
      }
      warnings_.add("bare_cr", name + " holds a CR without LF: in another reader a field may begin there");
      break;
    }
  }

  void known(const std::string& name, const std::string& raw, const std::string& value, bool first) {
    for (const auto& list : kLists) {
      if (list.name != name) continue;
      if (!first) warnings_.add("header_repeated", name + " stands more than once");
      if (!first && list.once) return;
      auto& into = message_.*list.member;
      auto more = parse_addresses(raw, limits_.max_addresses - std::min(limits_.max_addresses, into.size()));
      for (auto& a : more) {
        clean(a.name, true, warnings_);
        clean(a.group, true, warnings_);
      }
      into.insert(into.end(), std::make_move_iterator(more.begin()), std::make_move_iterator(more.end()));
      if (into.size() >= limits_.max_addresses)
        warnings_.limit("limit_addresses", "more addresses than are read in " + name);
      return;
    }
    if (std::find(kSingle.begin(), kSingle.end(), name) == kSingle.end()) return;
    if (!first) {
      warnings_.add("header_repeated", name + " stands more than once");
      return;
    }
    if (name == "subject") {
      if (!value.empty()) clean(message_.subject.emplace(value), true, warnings_);
    } else if (name == "date") {
      if (auto date = parse_date(raw)) {
        message_.date = std::move(date->rfc3339);
        message_.date_unix = date->unix_seconds;
      } else if (!value.empty()) {
        warnings_.add("date_invalid", "the Date field is no date");
      }
    } else if (name == "message-id") {
      auto ids = parse_ids(raw);
      if (!ids.empty()) message_.message_id = std::move(ids.front());
    } else if (name == "in-reply-to") {
      message_.in_reply_to = parse_ids(raw);
    } else if (name == "references") {
      message_.references = parse_ids(raw);
    }
  }

  // Who a person would take for the sender.
  void address_warnings() {
    const auto mailboxes = static_cast<std::size_t>(std::count_if(
        message_.from.begin(), message_.from.end(), [](const Address& a) { return !a.address.empty(); }));
    if (mailboxes > 1 && message_.sender.empty())
      warnings_.add("from_several", "From has several addresses and there is no Sender (RFC 5322 §3.6.2)");
    for (const auto& list : kLists) {
      if (!list.once) continue;
      for (const auto& a : message_.*list.member) {
        const std::size_t at = a.name.find('@');
        if (at == a.name.npos || at == 0 || at + 1 == a.name.size() || is_space(a.name[at - 1])) continue;
        if (a.address.empty() || to_lower(a.name).find(to_lower(a.address)) == std::string::npos)
          warnings_.add("address_in_name",
                        std::string(list.name) + " shows the name \"" +
                            std::string(aoh::utf8_prefix(a.name, 80)) +
                            "\", which looks like another address than " +
                            (a.address.empty() ? "its own, which is missing"
                                               : std::string(aoh::utf8_prefix(a.address, 60))));
      }
    }
  }

  const ParseLimits& limits_;
  std::string_view declared_charset_;
  Message& message_;
  Warnings& warnings_;
};

}  // namespace

void read_fields(const EntitySpan& root, const ParseLimits& limits, std::string_view declared_charset,
                 Message& message, Warnings& warnings) {
  Reader(limits, declared_charset, message, warnings).read(root);
}

}  // namespace mailroom::mime
