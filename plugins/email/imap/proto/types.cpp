#include "imap/proto/types.hpp"

#include <algorithm>

#include "imap/proto/ascii.hpp"

namespace mailroom::imap {

Capabilities::Capabilities(std::string_view words) {
  std::string out;
  for (int n = 0; !words.empty() && n < 500; ++n) {
    const std::string_view word = words.substr(0, words.find(' '));
    if (!word.empty() && word.size() <= 200) out += " " + upper(word);
    words.remove_prefix(std::min(words.size(), word.size() + 1));
  }
  words_ = out + " ";
  words_.shrink_to_fit();
}

bool Capabilities::has(std::string_view name) const {
  return !name.empty() && name.find(' ') == std::string_view::npos &&
         words_.find(" " + upper(name) + " ") != std::string::npos;
}

void Capabilities::add(std::string_view words) {
  std::string all = words_;
  all += words;
  *this = Capabilities(all);
}

std::vector<std::string> Capabilities::names() const {
  std::vector<std::string> out;
  for (std::size_t at = 1, end; (end = words_.find(' ', at)) != std::string::npos; at = end + 1)
    out.push_back(words_.substr(at, end - at));
  return out;
}

bool ListEntry::has(std::string_view attribute) const {
  return std::any_of(attributes.begin(), attributes.end(),
                     [&](const std::string& a) { return same(a, attribute); });
}

const Section* MessageRow::section(std::string_view name) const {
  for (const Section& s : sections)
    if (same(s.name, name)) return &s;
  return nullptr;
}

}  // namespace mailroom::imap
