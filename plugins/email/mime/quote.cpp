// Quoting of the message that is answered.
#include <algorithm>

#include "mime/ascii.hpp"
#include "mime/headers.hpp"
#include "mime/thread.hpp"
#include "support/json.hpp"
#include "support/markup.hpp"

namespace mailroom::mime {
namespace {

std::string attribution(const Message& m) {
  std::string who = "the sender";
  const auto& list = m.from.empty() ? m.sender : m.from;
  if (!list.empty()) who = list.front().name.empty() ? list.front().address : list.front().name;
  who = one_line(std::string(aoh::utf8_prefix(who, 200)));
  if (!m.date) return who + " wrote:";
  std::string when = m.date->substr(0, 16);
  if (when.size() == 16) when[10] = ' ';
  return "On " + when + (m.date->ends_with("Z") ? " UTC" : " " + m.date->substr(19)) + ", " + who + " wrote:";
}

}  // namespace

std::string quote_text(const Message& original, std::size_t max_bytes) {
  std::string out = attribution(original) + "\n";
  if (!original.text) return out;
  std::string_view text = aoh::utf8_prefix(*original.text, max_bytes);
  const bool cut = text.size() < original.text->size();
  while (!text.empty() && is_space(text.back())) text.remove_suffix(1);
  for (std::size_t at = 0; at <= text.size() && !text.empty();) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    const std::string_view line = text.substr(at, end - at);
    out += line.empty() || line.front() == '>' ? ">" : "> ";
    out += line;
    out += '\n';
    at = end + 1;
  }
  if (cut) out += "> [...]\n";
  return out;
}

std::string text_to_html(std::string_view text) {
  std::string out;
  out.reserve(text.size() + text.size() / 8);
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find_first_of("\r\n", at), text.size());
    aoh::escape_markup(out, text.substr(at, end - at));
    if (end < text.size()) out += "<br>\n";
    at = end + 1 + (text.substr(end, 2) == "\r\n");
  }
  return out;
}

std::string quote_html(const Message& original, std::size_t max_bytes) {
  std::string out = "<p>" + text_to_html(attribution(original)) + "</p>\n<blockquote type=\"cite\">\n";
  if (original.text) {
    std::string_view text = aoh::utf8_prefix(*original.text, max_bytes);
    const bool cut = text.size() < original.text->size();
    while (!text.empty() && is_space(text.back())) text.remove_suffix(1);
    out += text_to_html(text);
    if (cut) out += "<br>\n[...]";
  }
  return out + "\n</blockquote>\n";
}

}  // namespace mailroom::mime
