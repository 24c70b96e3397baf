#include "deliver/tag_list.hpp"

#include <algorithm>

#include "base/error.hpp"
#include "mime/ascii.hpp"

namespace mailroom::deliver {
namespace {

constexpr std::size_t kMostTags = 100, kMostBytes = 64u << 10;

Failure wrong(const std::string& why, std::string_view where) {
  return {Errc::invalid, "the record cannot be read: " + why, printable(where, 200)};
}

}  // namespace

TagList TagList::parse(std::string_view text) {
  if (text.size() > kMostBytes) throw wrong("it has more than 64 KB", "");
  TagList list;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find(';'), text.size());
    const std::string_view tag = mime::trim(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
    if (tag.empty()) continue;  // a ";" too many harms nobody
    const std::size_t equals = tag.find('=');
    if (equals == std::string_view::npos) throw wrong("a tag has no \"=\"", tag);
    const std::string_view name = mime::trim(tag.substr(0, equals));
    const bool sound = !name.empty() && std::all_of(name.begin(), name.end(), [](char c) {
      return mime::is_alpha(c) || mime::is_digit(c) || c == '_';
    });
    if (!sound) throw wrong("this is no tag's name", tag);
    if (list.find(name)) throw wrong("a tag stands there twice", tag);
    if (list.tags_.size() == kMostTags) throw wrong("it has more than 100 tags", "");
    list.tags_.emplace_back(name, mime::trim(tag.substr(equals + 1)));
  }
  return list;
}

const std::string* TagList::find(std::string_view name) const {
  for (const auto& [n, v] : tags_)
    if (n == name) return &v;
  return nullptr;
}

std::string TagList::value(std::string_view name, std::string_view fallback) const {
  const std::string* v = find(name);
  return v ? *v : std::string(fallback);
}

bool has_version(std::string_view text, std::string_view version) {
  text = mime::trim(text);
  if (!text.starts_with('v') && !text.starts_with('V')) return false;
  text = mime::trim(text.substr(1));
  if (!text.starts_with('=')) return false;
  text = mime::trim(text.substr(1));
  if (!text.starts_with(version)) return false;
  text = mime::trim(text.substr(version.size()));
  return text.empty() || text[0] == ';';
}

std::vector<std::string> pieces(std::string_view text, char separator) {
  std::vector<std::string> out;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find(separator), text.size());
    if (const std::string_view piece = mime::trim(text.substr(0, end)); !piece.empty())
      out.push_back(mime::to_lower(piece));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return out;
}

}  // namespace mailroom::deliver
