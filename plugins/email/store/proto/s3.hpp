// S3's REST interface: requests as values, answers and refusals read. Pure.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "deliver/sigv4.hpp"
#include "http/exchange.hpp"

namespace mailroom::store {

using http::Exchange, http::HttpLimits, http::HttpResponse, http::HttpTimeouts;

/// Where the objects lie.
struct Bucket {
  std::string scheme = "https";
  std::string host;  ///< as the Host field has it: with the port where it is not the scheme's own
  std::string name;
  bool path_style = true;  ///< host/bucket/key (MinIO); else bucket.host/key
};

/// A request about one object; method, query and the rest are the caller's.
deliver::S3Request object_request(const Bucket& bucket, std::string method, std::string_view key);

/// Request line and fields, ready for the wire. `body`: its length; negative: the method has none.
std::string request_head(const deliver::S3Request& request, const deliver::HttpFields& added,
                         std::int64_t body, bool expects);

/// A link to the object that whoever holds it may follow; the download is called `filename`.
std::string download_link(const Bucket& bucket, const deliver::S3Key& key, std::string_view object,
                          std::string_view filename, std::int64_t now_s, std::int64_t lives_s);

inline constexpr std::uint64_t kPartSize = 8u << 20;
inline constexpr std::uint64_t kMostParts = 10'000;
inline constexpr std::uint64_t kSinglePut = 16u << 20;  ///< more than this goes in parts
inline constexpr std::uint64_t kMostObject = std::uint64_t{5} << 40;
/// 8 MiB, doubled until `size` fits into 10,000 parts.
std::uint64_t part_size(std::uint64_t size);

/// A part that the store has. `etag` with its quotes.
struct Part {
  unsigned number = 0;
  std::uint64_t size = 0;
  std::string etag;
};
struct PartPage {
  std::vector<Part> parts;
  unsigned next = 0;  ///< part-number-marker of the next page; 0: this was the last
};

/// Answers. Each throws Failure(protocol) for what is none.
std::string read_upload_id(std::string_view xml);
PartPage read_parts(std::string_view xml);
/// The body of CompleteMultipartUpload.
std::string complete_body(const std::vector<Part>& parts);
/// CompleteMultipartUpload may say 200 and then fail: the error that stands in the body.
std::optional<Error> completion_error(const HttpResponse& response, std::string_view where);

/// What a refusal means and what to do about it. `doing`: "storing the file". The store's words stay apart.
/// temporary: 5xx, 429, SlowDown, RequestTimeout; auth: wrong key or secret; config: no such bucket, wrong
/// region, clock off; refused: not allowed; not_found; state: no such upload.
Error refusal(const HttpResponse& response, std::string_view doing, std::string_view where);
/// The <Code> of an error's body; empty when it has none.
std::string error_code(const HttpResponse& response);

}  // namespace mailroom::store
