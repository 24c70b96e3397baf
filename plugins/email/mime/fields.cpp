#include "mime/fields.hpp"

#include <algorithm>
#include <array>

#include "mime/address_look.hpp"
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
      if (!is_ascii(field.value)) clean(field.value, true, warnings_);
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
    if (notes.nul) warnings_.add("nul", name + " has an encoded word that holds a NUL");
    if (as_sent.find('\0') != as_sent.npos) warnings_.add("nul", name + " holds a NUL byte");
    if (has_bare_cr(as_sent))
      warnings_.add("bare_cr", name + " holds a CR without LF: in another reader a field may begin there");
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
        look_at(a.address, list.name);
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
      if (!value.empty()) message_.subject = value;
    } else if (name == "date") {
      if (auto date = parse_date(raw)) {
        message_.date = std::move(date->rfc3339);
        message_.date_unix = date->unix_seconds;
      } else if (!value.empty()) {
        warnings_.add("date_invalid", "the Date field is no date");
      }
    } else if (name == "message-id") {
      auto ids = ids_of(raw, name);
      if (!ids.empty()) message_.message_id = std::move(ids.front());
    } else if (name == "in-reply-to") {
      message_.in_reply_to = ids_of(raw, name);
    } else if (name == "references") {
      message_.references = ids_of(raw, name);
    }
  }

  std::vector<std::string> ids_of(const std::string& raw, const std::string& name) {
    auto ids = parse_ids(raw);
    for (std::string& id : ids) mark_invisible(id, name, warnings_);
    return ids;
  }

  void look_at(std::string& address, std::string_view list) {
    mark_invisible(address, list, warnings_);
    if (address.empty()) return;
    const auto shown = [&] { return std::string(list) + " " + std::string(aoh::utf8_prefix(address, 80)); };
    if (const std::string_view why = address_doubt(address); !why.empty())
      warnings_.add("address_doubtful", shown() + " " + std::string(why));
    else if (address_looks_like_another(address))
      warnings_.add("address_lookalike", shown() + " has letters that look like those of another address");
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
        const bool group = shows_other_address(a.group, {});
        if (!group && !shows_other_address(a.name, a.address)) continue;
        warnings_.add("address_in_name",
                      std::string(list.name) + " shows the name \"" +
                          std::string(aoh::utf8_prefix(group ? a.group : a.name, 80)) +
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
