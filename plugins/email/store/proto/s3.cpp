#include "store/proto/s3.hpp"

#include "deliver/links.hpp"
#include "store/proto/xml.hpp"
#include "support/markup.hpp"

namespace mailroom::store {
namespace {

constexpr std::size_t kMostEtag = 200, kMostUploadId = 1024;

[[noreturn]] void bad(const std::string& why) {
  throw Failure(Errc::protocol, "the object store's answer is not what it should be: " + why);
}

/// Something of the store's that goes back onto the wire.
bool wire_safe(std::string_view s, std::size_t most) {
  if (s.empty() || s.size() > most) return false;
  for (const char c : s)
    if (static_cast<unsigned char>(c) <= 0x20 || static_cast<unsigned char>(c) >= 0x7F) return false;
  return true;
}

std::uint64_t number(const std::string& s, std::uint64_t most) {
  if (s.empty() || s.size() > 18 || s.find_first_not_of("0123456789") != std::string::npos)
    bad("\"" + printable(s, 32) + "\" is no number");
  const std::uint64_t n = std::stoull(s);
  if (n > most) bad("a number is too large");
  return n;
}

struct Meaning {
  std::string_view code;  // S3's
  Errc errc;
  const char* what;
  const char* cure;
};
constexpr Meaning kMeanings[] = {
    {"InvalidAccessKeyId", Errc::auth, "the object store does not know the access key",
     "Check access_key in the credential, and that the key is active"},
    {"SignatureDoesNotMatch", Errc::auth, "the object store refused the signature: the secret key is wrong",
     "Store the right one with host-stub credential add (secret_key); also check access_key and region"},
    {"InvalidSecurity", Errc::auth, "the object store refused the keys", "Check access_key and secret_key"},
    {"ExpiredToken", Errc::auth, "the keys have expired", "Store new ones with host-stub credential add"},
    {"RequestTimeTooSkewed", Errc::config, "this machine's clock and the object store's differ too much",
     "Set this machine's clock (NTP); 15 minutes are the most that a store accepts"},
    {"RequestExpired", Errc::config, "this machine's clock and the object store's differ too much",
     "Set this machine's clock (NTP)"},
    {"NoSuchBucket", Errc::config, "there is no such bucket",
     "Make the bucket, or correct bucket in the credential"},
    {"InvalidBucketName", Errc::config, "the bucket's name is not one that the object store takes",
     "Correct bucket in the credential"},
    {"PermanentRedirect", Errc::config, "the bucket is served elsewhere", "Correct endpoint and region"},
    {"TemporaryRedirect", Errc::temporary, "the bucket is being moved", "Try again later"},
    {"AuthorizationHeaderMalformed", Errc::config, "the object store expects another region",
     "Correct region in the credential"},
    {"AccessDenied", Errc::refused, "the object store does not allow it",
     "Allow the key s3:PutObject, GetObject, DeleteObject, ListMultipartUploadParts and "
     "AbortMultipartUpload"},
    {"EntityTooLarge", Errc::limit, "the object store takes no file of that size", "Raise the store's limit"},
    {"QuotaExceeded", Errc::refused, "the object store is full", "Make room, or raise the quota"},
    {"XMinioStorageFull", Errc::temporary, "the object store is full", "Make room"},
    {"NoSuchUpload", Errc::state, "the upload is not there any more", "Start it anew"},
    {"NoSuchKey", Errc::not_found, "there is no such object", ""},
    {"SlowDown", Errc::temporary, "the object store asks to slow down", "Try again later"},
    {"RequestTimeout", Errc::temporary, "the object store gave up waiting", "Try again later"},
    {"OperationAborted", Errc::temporary, "the object store is busy with the object", "Try again later"},
    {"XAmzContentSHA256Mismatch", Errc::temporary, "the bytes did not arrive as they were sent",
     "Try again; if it stays, something in between changes them"},
};

const Meaning* meaning(std::string_view code) {
  for (const Meaning& m : kMeanings)
    if (m.code == code) return &m;
  return nullptr;
}

Meaning by_status(int status) {
  if (status >= 500 || status == 429 || status == 408)
    return {"", Errc::temporary, "the object store cannot do it now", "Try again later"};
  if (status == 401)
    return {"", Errc::auth, "the object store refused the keys", "Check access_key and secret_key"};
  if (status == 403)
    return {"", Errc::refused, "the object store does not allow it",
            "Check access_key, secret_key, and what the key may do in the bucket"};
  if (status == 404)
    return {"", Errc::not_found, "there is no such object or bucket", "Check bucket in the credential"};
  if (status >= 300 && status < 400)
    return {"", Errc::config, "the bucket is served elsewhere", "Correct endpoint and region"};
  return {"", Errc::refused, "the object store refused", "See what it said"};
}

Error error_of(std::string_view code, std::string_view message, int status, std::string_view doing,
               std::string_view where) {
  const Meaning* known = meaning(code);
  const Meaning m = known ? *known : by_status(status);
  Error e{m.errc, std::string(doing) + " failed: " + m.what, std::string(where), {}, m.cure};
  e.server = printable("HTTP " + std::to_string(status) + (code.empty() ? "" : " " + std::string(code)) +
                       (message.empty() ? "" : ": " + std::string(message)));
  return e;
}

/// Code and message of an error's body, as far as it has them.
std::pair<std::string, std::string> said(const HttpResponse& r) {
  try {
    const Xml root = parse_xml(r.body);
    if (root.name == "Error") return {root.text_of("Code"), root.text_of("Message")};
  } catch (const Failure&) {  // a proxy's page
  }
  return {};
}

}  // namespace

deliver::S3Request object_request(const Bucket& bucket, std::string method, std::string_view key) {
  deliver::S3Request r;
  r.method = std::move(method);
  r.host = bucket.path_style ? bucket.host : bucket.name + "." + bucket.host;
  r.path = (bucket.path_style ? "/" + bucket.name + "/" : "/") + std::string(key);
  r.payload_sha256 = deliver::sha256_hex_of("");
  return r;
}

std::string request_head(const deliver::S3Request& request, const deliver::HttpFields& added,
                         std::int64_t body, bool expects) {
  std::string out = request.method + " " + deliver::request_target(request) + " HTTP/1.1\r\n";
  out += "Host: " + request.host + "\r\n";
  for (const auto* list : {&request.headers, &added})
    for (const auto& [name, value] : *list) {
      for (const std::string_view part : {std::string_view(name), std::string_view(value)})
        if (part.find_first_of(std::string_view("\r\n\0", 3)) != std::string_view::npos)
          throw Failure(Errc::invalid, "a request to the object store would have a line end in a field",
                        printable(name, 64));
      out += name + ": " + value + "\r\n";
    }
  out += "User-Agent: mailroom\r\n";
  if (body >= 0) out += "Content-Length: " + std::to_string(body) + "\r\n";
  if (expects) out += "Expect: 100-continue\r\n";
  return out + "\r\n";
}

std::string download_link(const Bucket& bucket, const deliver::S3Key& key, std::string_view object,
                          std::string_view filename, std::int64_t now_s, std::int64_t lives_s) {
  deliver::S3Request r = object_request(bucket, "GET", object);
  r.query = {{"response-content-disposition", deliver::content_disposition(filename)}};
  return deliver::presigned_url(r, key, bucket.scheme, now_s, lives_s);
}

std::uint64_t part_size(std::uint64_t size) {
  std::uint64_t out = kPartSize;
  while (out * kMostParts < size && out < kMostObject) out *= 2;
  return out;
}

std::string read_upload_id(std::string_view xml) {
  const Xml root = parse_xml(xml);
  const std::string& id = root.text_of("UploadId");
  if (root.name != "InitiateMultipartUploadResult" || !wire_safe(id, kMostUploadId))
    bad("it gives no upload's id");
  return id;
}

PartPage read_parts(std::string_view xml) {
  const Xml root = parse_xml(xml);
  if (root.name != "ListPartsResult") bad("it is no list of parts");
  PartPage page;
  for (const Xml& c : root.children) {
    if (c.name != "Part") continue;
    Part p;
    p.number = static_cast<unsigned>(number(c.text_of("PartNumber"), kMostParts));
    p.size = number(c.text_of("Size"), kMostObject);
    p.etag = c.text_of("ETag");
    if (p.number == 0 || !wire_safe(p.etag, kMostEtag)) bad("a part has no number or no ETag");
    page.parts.push_back(std::move(p));
  }
  if (root.text_of("IsTruncated") == "true") {
    page.next = static_cast<unsigned>(number(root.text_of("NextPartNumberMarker"), kMostParts));
    if (page.next == 0 || page.parts.empty()) bad("a list of parts goes on nowhere");
  }
  return page;
}

std::string complete_body(const std::vector<Part>& parts) {
  std::string out = "<CompleteMultipartUpload xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">";
  for (const Part& p : parts)
    out += "<Part><PartNumber>" + std::to_string(p.number) + "</PartNumber><ETag>" +
           aoh::escaped_markup(p.etag) + "</ETag></Part>";
  return out + "</CompleteMultipartUpload>";
}

std::optional<Error> completion_error(const HttpResponse& response, std::string_view where) {
  const Xml root = parse_xml(response.body);
  if (root.name == "CompleteMultipartUploadResult") return std::nullopt;
  if (root.name != "Error") bad("it does not tell whether the upload is complete");
  // S3 says 200 before it knows; what it says then means "try again" unless it is one of the known ones.
  return error_of(root.text_of("Code"), root.text_of("Message"), 500, "completing the upload", where);
}

Error refusal(const HttpResponse& response, std::string_view doing, std::string_view where) {
  const auto [code, message] = said(response);
  return error_of(code, message, response.status, doing, where);
}

std::string error_code(const HttpResponse& response) { return said(response).first; }

}  // namespace mailroom::store
