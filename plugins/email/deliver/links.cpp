#include "deliver/links.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <numeric>

#include "base/error.hpp"
#include "deliver/sigv4.hpp"
#include "mime/compose.hpp"
#include "support/markup.hpp"

namespace mailroom::deliver {
namespace {

constexpr std::size_t kMostPrefix = 200, kMostToken = 64, kMostKeyName = 80;

bool plain(char c) {
  return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '_' ||
         c == '-';
}

/// `name` in the letters that no URL, header or file system minds; the extension survives the cut.
std::string ascii_name(std::string_view name, std::size_t most) {
  std::string out;
  for (const char c : name) {
    if (plain(c) && !(c == '.' && out.ends_with('.')))
      out += c;
    else if (plain(c))
      continue;  // ".." never
    else if (!out.ends_with('_'))
      out += '_';
  }
  out.erase(0, std::min(out.find_first_not_of("._-"), out.size()));
  if (out.size() > most) {
    const auto dot = out.rfind('.');
    const std::string ending = dot == std::string::npos || out.size() - dot > 16 ? "" : out.substr(dot);
    out = out.substr(0, most - ending.size()) + ending;
  }
  if (out.find_first_not_of("._-") == std::string::npos) return "file";
  return out;
}

bool good_token(std::string_view t) {
  const auto of = [&](std::string_view letters) {
    return t.find_first_not_of(letters) == std::string_view::npos;
  };
  if (t.size() > kMostToken) return false;
  return (t.size() >= 32 && of("0123456789abcdef")) ||
         (t.size() >= 26 && of("abcdefghijklmnopqrstuvwxyz234567"));
}

void check_prefix(std::string_view prefix) {
  const auto bad = [&](const char* why) {
    throw Failure(Errc::config, std::string("the object store's prefix ") + why,
                  "prefix " + printable(prefix, 100), "Use letters, digits, '.', '_', '-' and '/'");
  };
  if (prefix.size() > kMostPrefix) bad("has more than 200 bytes");
  for (const char c : prefix)
    if (!plain(c) && c != '/') bad("has characters that are not allowed");
  if (prefix.starts_with('/')) bad("begins with '/'");
  for (std::size_t at = 0; at < prefix.size();) {
    const std::size_t end = std::min(prefix.find('/', at), prefix.size());
    const std::string_view segment = prefix.substr(at, end - at);
    if (segment.empty() || segment == "." || segment == "..") bad("has an empty segment, \".\" or \"..\"");
    at = end + 1;
  }
}

void check_url(std::string_view url) {
  if (!url.starts_with("https://") && !url.starts_with("http://"))
    throw Failure(Errc::invalid, "a link is neither https nor http", "links.url");
  for (const char c : url)
    if (static_cast<unsigned char>(c) <= 0x20 || static_cast<unsigned char>(c) >= 0x7F)
      throw Failure(Errc::invalid, "a link has blanks, controls or characters beyond ASCII", "links.url");
}

}  // namespace

std::uint64_t encoded_size(std::uint64_t n) {
  const std::uint64_t letters = (n / 3 + (n % 3 != 0)) * 4;
  return letters + (letters / 76 + (letters % 76 != 0)) * 2;
}

std::uint64_t message_ceiling(std::uint64_t configured, std::uint64_t server_size) {
  return server_size == 0 ? configured : std::min(configured, server_size);
}

std::vector<std::size_t> choose_links(const std::vector<std::uint64_t>& sizes, std::uint64_t rest,
                                      std::uint64_t ceiling) {
  constexpr std::uint64_t kHuge = std::uint64_t{1} << 60;  // no sum below overflows
  const auto cost = [&](std::size_t i) {
    return encoded_size(std::min(sizes[i], kHuge / 2)) + kPartOverhead;
  };
  std::uint64_t total = std::min(rest, kHuge);
  for (std::size_t i = 0; i < sizes.size(); ++i) total = std::min(kHuge, total + cost(i));
  if (total <= ceiling) return {};
  std::vector<std::size_t> order(sizes.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::sort(order.begin(), order.end(),
            [&](std::size_t a, std::size_t b) { return sizes[a] != sizes[b] ? sizes[a] > sizes[b] : a > b; });
  std::vector<std::size_t> chosen;
  for (const std::size_t i : order) {
    chosen.push_back(i);
    total = std::min(rest, kHuge);
    for (std::size_t k = chosen.size(); k < order.size(); ++k)
      total = std::min(kHuge, total + cost(order[k]));
    if (total <= ceiling) break;
  }
  std::sort(chosen.begin(), chosen.end());
  return chosen;
}

std::string object_key(std::string_view prefix, std::string_view token, std::string_view filename) {
  if (!good_token(token))
    throw Failure(Errc::invalid, "the token of an object's name has fewer than 128 random bits", "token");
  while (prefix.ends_with('/')) prefix.remove_suffix(1);
  check_prefix(prefix);
  std::string out(prefix);
  if (!out.empty()) out += '/';
  return out + std::string(token) + "/" + ascii_name(mime::safe_filename(filename), kMostKeyName);
}

std::string content_disposition(std::string_view filename) {
  const std::string name = mime::safe_filename(filename);
  const std::string fallback = ascii_name(name, 200);
  std::string out = "attachment; filename=\"" + fallback + "\"";
  if (fallback != name) out += "; filename*=UTF-8''" + uri_encode(name, false);
  return out;
}

std::string human_size(std::uint64_t bytes) {
  static constexpr const char* kUnits[] = {"bytes", "kB", "MB", "GB", "TB", "PB", "EB"};
  if (bytes == 1) return "1 byte";
  double value = static_cast<double>(bytes);
  std::size_t unit = 0;
  // What would be shown as 1000 belongs to the next unit.
  for (; unit + 1 < std::size(kUnits) && value >= (unit == 0 ? 1000 : 999.5); ++unit) value /= 1000;
  std::array<char, 32> out{};
  std::snprintf(out.data(), out.size(), unit == 0 || value >= 9.95 ? "%.0f %s" : "%.1f %s", value,
                kUnits[unit]);
  return out.data();
}

std::string utc_minute(std::int64_t unix_s) {
  using std::chrono::floor, std::chrono::days, std::chrono::seconds, std::chrono::sys_seconds;
  const sys_seconds t{seconds{unix_s}};
  const auto day = floor<days>(t);
  const std::chrono::year_month_day date{day};
  const std::chrono::hh_mm_ss time{t - day};
  std::array<char, 40> out{};
  std::snprintf(out.data(), out.size(), "%04d-%02u-%02u %02d:%02d UTC", static_cast<int>(date.year()),
                static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                static_cast<int>(time.hours().count()), static_cast<int>(time.minutes().count()));
  return out.data();
}

std::string text_block(const std::vector<LinkText>& links) {
  if (links.empty()) return {};
  std::string out = links.size() == 1 ? "This file is too large for mail; please download it:\n"
                                      : "These files are too large for mail; please download them:\n";
  for (const LinkText& l : links) {
    check_url(l.url);
    // The name has its line for itself: one that is written from right to left moves nothing else.
    out += "\n" + mime::safe_filename(l.filename) + "\n";
    out += "  " + human_size(l.size) + ", available until " + utc_minute(l.expires_s) + "\n";
    out += "  SHA-256: " + l.sha256 + "\n";
    out += "  " + l.url + "\n";
  }
  return out;
}

std::string html_block(const std::vector<LinkText>& links) {
  if (links.empty()) return {};
  std::string out =
      "<div style=\"border:1px solid #ccc;padding:12px;margin:16px 0;font-family:sans-serif\">\n<p>";
  out += links.size() == 1 ? "This file is too large for mail; please download it:"
                           : "These files are too large for mail; please download them:";
  out += "</p>\n<ul>\n";
  for (const LinkText& l : links) {
    check_url(l.url);
    out += "<li><a href=\"" + aoh::escaped_markup(l.url) + "\"><bdi>" +
           aoh::escaped_markup(mime::safe_filename(l.filename)) + "</bdi></a><br>\n" + human_size(l.size) +
           ", available until " + utc_minute(l.expires_s) + "<br>\n<small>SHA-256: <code>" +
           aoh::escaped_markup(l.sha256) + "</code></small></li>\n";
  }
  return out + "</ul>\n</div>\n";
}

}  // namespace mailroom::deliver
