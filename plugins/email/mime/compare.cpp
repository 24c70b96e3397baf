#include "mime/compare.hpp"

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <vector>

#include "mime/ascii.hpp"

namespace mailroom::mime {
namespace {

constexpr std::size_t kLooked = 2u << 10;  // bytes of each body
constexpr std::size_t kShortest = 4;       // letters of a word that counts
constexpr std::size_t kEnough = 8;         // different words

// Hashes of the different words of ASCII letters; words with other letters are left out whole, since HTML may
// write them as entities.
std::vector<std::uint32_t> words(std::string_view s, bool html) {
  s = s.substr(0, kLooked);
  std::vector<std::uint32_t> found;
  bool tag = false;
  for (std::size_t i = 0; i < s.size();) {
    const char c = s[i];
    if (html && (c == '<' || c == '>')) tag = c == '<';
    if (tag || !(is_alpha(c) || c == '&' || static_cast<unsigned char>(c) >= 0x80)) {
      ++i;
      continue;
    }
    std::uint32_t hash = 2166136261u;
    std::size_t letters = 0;
    bool plain = true;
    for (; i < s.size(); ++i, ++letters) {
      const char d = s[i];
      if (is_alpha(d))
        hash = (hash ^ static_cast<unsigned char>(lower(d))) * 16777619u;
      else if ((html && (d == '&' || d == ';' || d == '#')) || static_cast<unsigned char>(d) >= 0x80)
        plain = false;
      else
        break;
    }
    if (letters == 0) ++i;
    if (plain && letters >= kShortest) found.push_back(hash);
  }
  std::sort(found.begin(), found.end());
  found.erase(std::unique(found.begin(), found.end()), found.end());
  return found;
}

std::size_t common(const std::vector<std::uint32_t>& a, const std::vector<std::uint32_t>& b) {
  std::vector<std::uint32_t> both;
  std::set_intersection(a.begin(), a.end(), b.begin(), b.end(), std::back_inserter(both));
  return both.size();
}

}  // namespace

bool differ_entirely(std::string_view text, std::string_view html) {
  const auto a = words(text, false), b = words(html, true);
  return a.size() >= kEnough && b.size() >= kEnough && common(a, b) * 10 < std::min(a.size(), b.size());
}

bool same_words(std::string_view text, std::string_view html) {
  const auto a = words(text, false), b = words(html, true);
  if (a.empty() || b.empty()) return false;
  return common(a, b) * 10 >= std::max(a.size(), b.size()) * 9;
}

bool looks_like_base64(std::string_view body) {
  body = trim(body.substr(0, 1000));
  return std::count(body.begin(), body.end(), ' ') * 10 <= static_cast<std::ptrdiff_t>(body.size());
}

bool begins_with_fields(std::string_view text) {
  text = text.substr(std::min(text.find_first_not_of("\r\n"), text.size()));
  for (std::string_view name :
       {"content-type:", "content-transfer-encoding:", "mime-version:", "content-disposition:"})
    if (istarts_with(text, name)) return true;
  return false;
}

}  // namespace mailroom::mime
