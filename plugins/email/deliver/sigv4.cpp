#include "deliver/sigv4.hpp"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>

#include "base/error.hpp"

namespace mailroom::deliver {
namespace {

constexpr const char* kAlgorithm = "AWS4-HMAC-SHA256";

std::string hex(std::string_view bytes) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string out;
  out.reserve(bytes.size() * 2);
  for (const char c : bytes) {
    out += kDigits[static_cast<unsigned char>(c) >> 4];
    out += kDigits[static_cast<unsigned char>(c) & 15];
  }
  return out;
}

std::string hmac(std::string_view key, std::string_view data) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> out{};
  unsigned size = 0;
  if (!HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()),
            reinterpret_cast<const unsigned char*>(data.data()), data.size(), out.data(), &size))
    throw Failure(Errc::internal, "the object store's signature could not be made");
  return {reinterpret_cast<const char*>(out.data()), size};
}

/// 20130524T000000Z
std::string stamp(std::int64_t unix_s) {
  using std::chrono::floor, std::chrono::days, std::chrono::seconds, std::chrono::sys_seconds;
  const sys_seconds t{seconds{unix_s}};
  const auto day = floor<days>(t);
  const std::chrono::year_month_day date{day};
  const std::chrono::hh_mm_ss time{t - day};
  std::array<char, 32> out{};
  const int n =
      std::snprintf(out.data(), out.size(), "%04d%02u%02uT%02d%02d%02dZ", static_cast<int>(date.year()),
                    static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                    static_cast<int>(time.hours().count()), static_cast<int>(time.minutes().count()),
                    static_cast<int>(time.seconds().count()));
  return {out.data(), static_cast<std::size_t>(n)};
}

std::string trimmed(std::string_view value) {
  std::string out;
  bool space = false;
  for (const char c : value) {
    if (c == ' ' || c == '\t') {
      space = !out.empty();
      continue;
    }
    if (space) out += ' ';
    space = false;
    out += c;
  }
  return out;
}

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + ('a' - 'A'));
  return out;
}

std::string canonical_query(const HttpFields& query) {
  HttpFields encoded;
  for (const auto& [name, value] : query)
    encoded.emplace_back(uri_encode(name, false), uri_encode(value, false));
  std::sort(encoded.begin(), encoded.end());
  std::string out;
  for (const auto& [name, value] : encoded) {
    if (!out.empty()) out += '&';
    out += name;
    out += '=';
    out += value;
  }
  return out;
}

struct Scope {
  std::string date, text;
};

Scope scope_of(const S3Key& key, const std::string& when) {
  if (key.access_key.empty() || key.secret_key.empty())
    throw Failure(Errc::config, "the object store has no keys", "",
                  "Store its access key and secret key with host-stub credential add");
  Scope s;
  s.date = when.substr(0, 8);
  s.text = s.date + "/" + key.region + "/s3/aws4_request";
  return s;
}

/// Names joined by ';', and the signature over the canonical request.
struct Signature {
  std::string names, value;
};

Signature signature(const S3Request& request, HttpFields headers, const S3Key& key, const std::string& when,
                    const Scope& scope) {
  headers.emplace_back("host", request.host);
  for (auto& [name, value] : headers) {
    name = lower(name);
    value = trimmed(value);
  }
  std::sort(headers.begin(), headers.end());
  Signature out;
  std::string canonical =
      request.method + "\n" + uri_encode(request.path, true) + "\n" + canonical_query(request.query) + "\n";
  for (const auto& [name, value] : headers) {
    canonical += name + ":" + value + "\n";
    if (!out.names.empty()) out.names += ';';
    out.names += name;
  }
  canonical += "\n" + out.names + "\n" + request.payload_sha256;
  const std::string to_sign =
      std::string(kAlgorithm) + "\n" + when + "\n" + scope.text + "\n" + sha256_hex_of(canonical);
  std::string derived = "AWS4";
  derived += key.secret_key.reveal();
  for (const std::string& step : {scope.date, key.region, std::string("s3"), std::string("aws4_request")}) {
    std::string next = hmac(derived, step);
    aoh::wipe(derived);
    derived = std::move(next);
  }
  out.value = hex(hmac(derived, to_sign));
  aoh::wipe(derived);
  return out;
}

}  // namespace

std::string sha256_hex_of(std::string_view bytes) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned size = 0;
  if (EVP_Digest(bytes.data(), bytes.size(), digest.data(), &size, EVP_sha256(), nullptr) != 1)
    throw Failure(Errc::internal, "a hash could not be made");
  return hex({reinterpret_cast<const char*>(digest.data()), size});
}

std::string uri_encode(std::string_view text, bool keep_slash) {
  static constexpr char kDigits[] = "0123456789ABCDEF";
  std::string out;
  out.reserve(text.size());
  for (const char c : text) {
    const bool plain = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
                       c == '-' || c == '.' || c == '_' || c == '~' || (c == '/' && keep_slash);
    if (plain) {
      out += c;
    } else {
      out += '%';
      out += kDigits[static_cast<unsigned char>(c) >> 4];
      out += kDigits[static_cast<unsigned char>(c) & 15];
    }
  }
  return out;
}

std::string request_target(const S3Request& request) {
  const std::string query = canonical_query(request.query);
  return uri_encode(request.path, true) + (query.empty() ? "" : "?" + query);
}

HttpFields sign_request(const S3Request& request, const S3Key& key, std::int64_t now_s) {
  const std::string when = stamp(now_s);
  const Scope scope = scope_of(key, when);
  HttpFields added{{"x-amz-content-sha256", request.payload_sha256}, {"x-amz-date", when}};
  HttpFields headers = request.headers;
  headers.insert(headers.end(), added.begin(), added.end());
  const Signature s = signature(request, std::move(headers), key, when, scope);
  added.emplace_back("Authorization", std::string(kAlgorithm) + " Credential=" + key.access_key + "/" +
                                          scope.text + ",SignedHeaders=" + s.names + ",Signature=" + s.value);
  return added;
}

std::string presigned_url(const S3Request& request, const S3Key& key, std::string_view scheme,
                          std::int64_t now_s, std::int64_t lives_s) {
  if (lives_s < 1 || lives_s > kMostLinkSeconds)
    throw Failure(Errc::config, "a link lives 1 second to 7 days", "links.expires");
  const std::string when = stamp(now_s);
  const Scope scope = scope_of(key, when);
  S3Request asked = request;
  asked.payload_sha256 = "UNSIGNED-PAYLOAD";
  asked.query.insert(asked.query.end(), {{"X-Amz-Algorithm", kAlgorithm},
                                         {"X-Amz-Credential", key.access_key + "/" + scope.text},
                                         {"X-Amz-Date", when},
                                         {"X-Amz-Expires", std::to_string(lives_s)},
                                         {"X-Amz-SignedHeaders", "host"}});
  const Signature s = signature(asked, {}, key, when, scope);
  return std::string(scheme) + "://" + asked.host + request_target(asked) + "&X-Amz-Signature=" + s.value;
}

}  // namespace mailroom::deliver
