// Values of header fields: read whatever they are; and what we write reads as it was meant.
#include "mime/headers.hpp"

#include "fuzz.hpp"
#include "mime/ascii.hpp"
#include "mime/codec.hpp"
#include "mime/header_writer.hpp"
#include "mime/outgoing.hpp"
#include "mime/parse.hpp"
#include "mime/thread.hpp"
#include "mime/unicode.hpp"

namespace mailroom::fuzz {
namespace {

using namespace mime;

void read(std::string_view value) {
  must_be_a_line(decode_header(value), "a decoded value is one line");
  for (const std::size_t most : {std::size_t{3}, std::size_t{5000}}) {
    const auto list = parse_addresses(value, most);
    must(list.size() <= most, "addresses are counted");
    for (const Address& a : list)
      for (const std::string* s : {&a.name, &a.address, &a.group})
        must_be_a_line(*s, "an address is one line");
  }
  if (const auto date = parse_date(value)) {
    must_be_a_line(date->rfc3339, "a date is one line");
    must(date->rfc3339.size() == 25 || (date->rfc3339.size() == 20 && date->rfc3339.ends_with('Z')),
         "a date is RFC 3339");
    if (date->unix_seconds >= 0 && date->unix_seconds < 253'402'300'800) {
      const auto again = parse_date(date_text(date->unix_seconds));
      must(again && again->unix_seconds == date->unix_seconds, "a written date is the same instant");
    }
  }
  const auto ids = parse_ids(value);
  must(ids.size() <= 200, "ids are counted");
  for (const std::string& id : ids) must(id.size() <= 998, "an id is within its limit");
  const Structured s = parse_structured(value);
  must_be_a_line(s.value, "a structured value is one line");
  must(s.parameters.size() <= 200, "parameters are counted");
  for (const Parameter& p : s.parameters) must_be_a_line(p.value, "a parameter is one line");
  bool cut = false;
  must(unfold(value, 50, &cut).size() <= 50, "a field is within its limit");
  must_be_a_line(one_line(aoh::valid_utf8(value)), "one line is one line");
  must_be_utf8(reply_subject(decode_header(value)), "a subject is UTF-8");
  must_be_utf8(base_subject(decode_header(value)), "a subject is UTF-8");
  must_be_utf8(safe_filename(aoh::valid_utf8(value)), "a file name is UTF-8");
}

std::string value_of(const std::string& field) {
  must(field.ends_with("\r\n"), "a field has its line end");
  for (std::size_t at = 0; at < field.size();) {
    const std::size_t end = field.find("\r\n", at);
    must(end - at <= 998, "a line is within 998");
    must(at == 0 || field[at] == ' ' || field[at] == '\t', "a further line is a fold");
    at = end + 2;
  }
  return field.substr(field.find(':') + 1, field.size() - field.find(':') - 3);
}

void write(const std::string& text) {
  must(decode_header(value_of(text_field("Subject", text))) == text, "a written subject reads as it was");
  std::string line;
  for (const std::string& word : encoded_words(text, 60)) {
    must(word.size() <= 75, "an encoded word is within 75");
    line += (line.empty() ? "" : "\r\n ") + word;
  }
  must(decode_header(line) == text, "encoded words read as they were");
  const std::vector<Address> list = {{text, "a@example.org", ""}, {"", "b@example.org", ""}};
  must(parse_addresses(value_of(address_field("To", list))) == list, "written addresses read as they were");
  const Structured disposition = parse_structured(value_of(disposition_field("attachment", text)));
  const std::string* name = disposition.find("filename");
  must(disposition.value == "attachment" && name && *name == text, "a written file name reads as it was");
}

}  // namespace

FUZZ_TARGET(mime_headers) {
  read(data);
  const std::string text(aoh::utf8_prefix(data, 500));
  // What compose() would let through, and does not trim; readers drop a byte order mark.
  if (text.find("\xEF\xBB\xBF") == std::string::npos && !text.empty() && trim(text) == text &&
      aoh::valid_utf8(text) == text && slot_problem(text, 500).empty())
    write(text);
}

}  // namespace mailroom::fuzz
