#include "mime/forward.hpp"

#include "mime/ascii.hpp"
#include "mime/headers.hpp"
#include "mime/thread.hpp"
#include "support/json.hpp"

namespace mailroom::mime {
namespace {

constexpr std::size_t kMostAddresses = 50;
constexpr std::size_t kMostOfAName = 200;

std::string addresses(const std::vector<Address>& list) {
  std::string out;
  for (std::size_t i = 0; i < list.size(); ++i) {
    if (i == kMostAddresses) return out + ", and " + std::to_string(list.size() - i) + " more";
    const Address& a = list[i];
    if (i > 0) out += ", ";
    const std::string name = one_line(std::string(aoh::utf8_prefix(a.name, kMostOfAName)));
    const std::string address = one_line(std::string(aoh::utf8_prefix(a.address, 320)));
    out += name.empty() ? address : name + " <" + address + ">";
  }
  return out;
}

std::string date(const Message& m) {
  if (!m.date) return {};
  std::string when = m.date->substr(0, 16);
  if (when.size() != 16) return *m.date;
  when[10] = ' ';
  return when + (m.date->ends_with("Z") ? " UTC" : " " + m.date->substr(19));
}

/// "From: Joe <joe@a.b>\n..." : what a reader needs to know of it.
std::string head(const Message& m) {
  std::string out;
  const auto line = [&](const char* name, const std::string& value) {
    if (!value.empty()) out += std::string(name) + ": " + value + "\n";
  };
  line("From", addresses(m.from.empty() ? m.sender : m.from));
  line("Date", date(m));
  line("Subject", one_line(std::string(aoh::utf8_prefix(m.subject.value_or(""), 2000))));
  line("To", addresses(m.to));
  line("Cc", addresses(m.cc));
  return out;
}

std::string body(const Message& m, std::size_t max_bytes) {
  if (!m.text) return {};
  std::string_view text = aoh::utf8_prefix(*m.text, max_bytes);
  const bool cut = text.size() < m.text->size();
  while (!text.empty() && is_space(text.back())) text.remove_suffix(1);
  return std::string(text) + (cut ? "\n[...]" : "");
}

constexpr const char* kTitle = "---------- Forwarded message ----------";

}  // namespace

std::string forward_text(const Message& original, std::size_t max_bytes) {
  return std::string(kTitle) + "\n" + head(original) + "\n" + body(original, max_bytes) + "\n";
}

std::string forward_html(const Message& original, std::size_t max_bytes) {
  return std::string("<div>") + kTitle + "<br>\n" + text_to_html(head(original)) + "</div>\n<br>\n<div>\n" +
         text_to_html(body(original, max_bytes)) + "\n</div>\n";
}

Draft forward_draft(const Message& original) {
  Draft draft;
  draft.subject = forward_subject(aoh::utf8_prefix(original.subject.value_or(""), 2000));
  draft.references = reply_threading(original).references;
  return draft;
}

std::string forward_filename(const Message& original) {
  const std::string subject = base_subject(original.subject.value_or(""));
  return safe_filename(std::string(aoh::utf8_prefix(subject.empty() ? "message" : subject, 100)) + ".eml");
}

}  // namespace mailroom::mime
