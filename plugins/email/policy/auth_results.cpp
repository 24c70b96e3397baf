#include "policy/auth_results.hpp"

#include <algorithm>
#include <array>
#include <vector>

#include "mime/ascii.hpp"
#include "policy/comments.hpp"

namespace mailroom::policy {
namespace {

using mime::iequals;
using mime::trim;

constexpr std::size_t kMaxResults = 100;  // of one field
constexpr std::array kWords{"pass", "fail",   "softfail",  "neutral",
                            "none", "policy", "temperror", "permerror"};

// The pieces between semicolons that stand in no quoted string.
std::vector<std::string_view> pieces(std::string_view value) {
  std::vector<std::string_view> out;
  bool quoted = false;
  std::size_t begin = 0;
  for (std::size_t i = 0; i <= value.size() && out.size() < kMaxResults; ++i) {
    if (i == value.size() || (value[i] == ';' && !quoted)) {
      out.push_back(trim(value.substr(begin, i - begin)));
      begin = i + 1;
    } else if (value[i] == '"') {
      quoted = !quoted;
    } else if (value[i] == '\\' && quoted) {
      ++i;
    }
  }
  return out;
}

std::string_view first_word(std::string_view text, std::string_view ends) {
  return trim(text.substr(0, text.find_first_of(ends)));
}

// "mx.example.org 1": the name, without the version; "" for a piece that is a result, as of servers that
// leave the name out.
std::string_view server_name(std::string_view piece) {
  if (piece.find('=') != std::string_view::npos) return {};
  if (piece.size() >= 2 && piece.front() == '"' && piece.back() == '"')
    return piece.substr(1, piece.size() - 2);
  return first_word(piece, " \t");
}

// One piece, "dkim=pass header.d=example.org": what it says of which method.
void take(std::string_view piece, AuthVerdict& field) {
  const std::size_t equals = piece.find('=');
  if (equals == std::string_view::npos) return;
  const std::string method = mime::to_lower(first_word(piece.substr(0, equals), "/ \t"));
  const std::string word = mime::to_lower(first_word(trim(piece.substr(equals + 1)), " \t;"));
  if (std::find(kWords.begin(), kWords.end(), word) == kWords.end()) return;
  if (method == "spf" && !field.spf) field.spf = word;
  if (method == "dmarc" && !field.dmarc) field.dmarc = word;
  if (method == "dkim" && (!field.dkim || word == "pass")) field.dkim = word;
}

}  // namespace

aoh::Json AuthVerdict::json() const {
  aoh::Json j = aoh::Json::object();
  j.set_if(spf.has_value(), "spf", spf.value_or(""));
  j.set_if(dkim.has_value(), "dkim", dkim.value_or(""));
  j.set_if(dmarc.has_value(), "dmarc", dmarc.value_or(""));
  return j.set_if(!by.empty(), "by", by);
}

AuthVerdict auth_verdict(const mime::Message& message, std::span<const std::string> trusted) {
  AuthVerdict all;
  if (trusted.empty()) return all;
  for (const mime::HeaderField& f : message.headers) {
    if (!all.by.empty() && iequals(f.name, "Received")) break;
    if (!iequals(f.name, "Authentication-Results")) continue;
    const std::string plain = without_comments(f.raw);
    const auto parts = pieces(plain);
    const std::string_view name = parts.empty() ? std::string_view() : server_name(parts.front());
    const auto who =
        std::find_if(trusted.begin(), trusted.end(), [&](const auto& t) { return iequals(t, name); });
    if (name.empty() || who == trusted.end()) continue;
    AuthVerdict field;
    for (std::size_t i = 1; i < parts.size(); ++i) take(parts[i], field);
    if (all.by.empty()) all.by = *who;
    if (!all.spf) all.spf = field.spf;
    if (!all.dkim) all.dkim = field.dkim;
    if (!all.dmarc) all.dmarc = field.dmarc;
  }
  return all;
}

}  // namespace mailroom::policy
