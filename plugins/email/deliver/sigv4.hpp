// Signatures for S3's HTTP interface, as AWS, MinIO and others check them: AWS Signature Version 4.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "support/secret.hpp"

namespace mailroom::deliver {

struct S3Key {
  std::string access_key;
  aoh::Secret secret_key;
  std::string region = "us-east-1";
};

using HttpFields = std::vector<std::pair<std::string, std::string>>;

/// A request as it will go out. `path` begins with '/' and is not escaped yet; neither are the query's names
/// and values. Every field of `headers` is signed.
struct S3Request {
  std::string method = "GET";
  std::string host;  ///< as the Host field has it, with the port where it is not the scheme's own
  std::string path;
  HttpFields query;
  HttpFields headers;          ///< without Host, X-Amz-Date and X-Amz-Content-SHA256
  std::string payload_sha256;  ///< hex; "UNSIGNED-PAYLOAD" where TLS alone protects the body
};

/// The fields to add to `request`, Authorization among them. `now_s`: Unix time; servers refuse what is more
/// than 15 minutes off. Throws Failure (config) without keys, (internal) when a hash cannot be made.
HttpFields sign_request(const S3Request& request, const S3Key& key, std::int64_t now_s);

/// The most that S3 lets a presigned link live: 7 days.
inline constexpr std::int64_t kMostLinkSeconds = 7 * 24 * 3600;

/// A link that whoever holds it may follow until `now_s + lives_s`. `scheme`: "https" or "http". Only Host is
/// signed, and the body is not. Throws Failure (config) for a life that is not 1 to kMostLinkSeconds.
std::string presigned_url(const S3Request& request, const S3Key& key, std::string_view scheme,
                          std::int64_t now_s, std::int64_t lives_s);

/// Percent-encoding as the signature counts it: all but A-Z a-z 0-9 - . _ ~, and '/' where `keep_slash`.
std::string uri_encode(std::string_view text, bool keep_slash);
/// `path` and query as they go on the request line.
std::string request_target(const S3Request& request);
/// Lower-case hex of SHA-256.
std::string sha256_hex_of(std::string_view bytes);

}  // namespace mailroom::deliver
