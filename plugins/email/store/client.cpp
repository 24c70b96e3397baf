#include "store/client.hpp"

#include <openssl/rand.h>

#include <boost/asio/post.hpp>

#include "net/driver.hpp"

namespace mailroom::store {
namespace {

constexpr std::size_t kExpectFrom = 256u << 10;  // a body from which asking first is worth a round trip

std::uint64_t any_number() {
  std::uint64_t out = 0;
  RAND_bytes(reinterpret_cast<unsigned char*>(&out), sizeof out);  // a poor one would do as well
  return out;
}

/// Worth another attempt by itself: what was lost on the way, or asked for by the store.
bool again(const Error& e) {
  return e.code == Errc::closed || e.code == Errc::timeout || e.code == Errc::temporary ||
         e.code == Errc::connect;
}

bool good(const HttpResponse& r) { return r.status >= 200 && r.status < 300; }

}  // namespace

Client::Client(net::Executor executor, net::Context context, Account account, deliver::S3Key key,
               std::function<std::int64_t()> unix_s, net::TraceSink trace, Options options)
    : executor_(executor),
      context_(context),
      account_(std::move(account)),
      key_(std::move(key)),
      unix_s_(std::move(unix_s)),
      trace_(std::move(trace)),
      options_(options),
      pause_(std::make_shared<net::Alarm>(executor, context.clock)) {}

Client::~Client() { drop(); }

void Client::drop() {
  std::unique_ptr<net::Stream> gone;
  const std::lock_guard lock(mutex_);
  gone = std::move(stream_);
}

void Client::check() const {
  if (aborted_) throw Failure(Errc::cancelled, "the work with the object store was given up");
}

void Client::abort() {
  aborted_ = true;
  {
    const std::lock_guard lock(mutex_);
    if (stream_) stream_->abort();
  }
  boost::asio::post(executor_, [weak = std::weak_ptr(pause_)] {
    if (const auto alarm = weak.lock()) alarm->poke();
  });
}

net::Task<void> Client::connect() {
  std::unique_ptr<net::Stream> fresh =
      co_await net::open(executor_, context_, account_.endpoint, trace_, options_.connect);
  {
    const std::lock_guard lock(mutex_);
    stream_ = std::move(fresh);
  }
  check();  // an abort() while there was no stream yet
}

net::Task<HttpResponse> Client::once(const deliver::S3Request& request, std::string_view body, bool sign) {
  check();
  const bool fresh = !stream_ || !stream_->is_open();
  if (fresh) co_await connect();
  const bool expects = body.size() >= kExpectFrom;
  const bool has_body = request.method == "PUT" || request.method == "POST";
  const deliver::HttpFields added =
      sign ? deliver::sign_request(request, key_, unix_s_()) : deliver::HttpFields{};
  Exchange exchange(
      request_head(request, added, has_body ? static_cast<std::int64_t>(body.size()) : -1, expects), body,
      expects, request.method == "HEAD", options_.http);
  net::DriveOptions until;
  if (expects) until.pause_ns = net::after(context_.clock.now_ns(), options_.http.proceed);
  Action::Kind end = co_await net::drive(*stream_, exchange, until);
  if (end == Action::Kind::read) {
    exchange.proceed();
    end = co_await net::drive(*stream_, exchange);
  }
  if (end != Action::Kind::done) {
    drop();
    Error e = exchange.error();
    if (e.where.empty()) e.where = account_.endpoint.where();
    throw Failure(std::move(e));
  }
  HttpResponse response = std::move(exchange.response());
  if (!response.keeps_open) drop();
  co_return response;
}

net::Task<HttpResponse> Client::send(deliver::S3Request request, std::string_view body, const char* doing,
                                     bool sign) {
  for (unsigned attempt = 0;; ++attempt) {
    const bool kept = stream_ && stream_->is_open();
    Error error;
    try {
      HttpResponse response = co_await once(request, body, sign);
      error = refusal(response, doing, account_.endpoint.where());
      if (good(response) || error.code != Errc::temporary) co_return response;
    } catch (const Failure& f) {
      error = f.error;
    }
    check();
    if (!again(error) || attempt + 1 >= options_.attempts) throw Failure(std::move(error));
    // A connection that had been kept was closed meanwhile: no sign of trouble, so no pause.
    if (attempt == 0 && kept && error.code == Errc::closed) continue;
    co_await pause_->wait_for(options_.backoff.delay(attempt, any_number()));
    check();
  }
}

net::Task<std::optional<std::uint64_t>> Client::head(std::string key) {
  const HttpResponse r =
      co_await send(object_request(account_.bucket, "HEAD", key), {}, "looking for the object");
  if (r.status == 404) co_return std::nullopt;
  if (!good(r)) throw Failure(refusal(r, "looking for the object", account_.endpoint.where()));
  const std::string& size = r.field("content-length");
  if (size.empty() || size.size() > 18 || size.find_first_not_of("0123456789") != std::string::npos)
    throw Failure(Errc::protocol, "the object store does not tell the object's size",
                  account_.endpoint.where());
  co_return std::stoull(size);
}

net::Task<void> Client::put(std::string key, std::string type, std::string_view body) {
  deliver::S3Request request = object_request(account_.bucket, "PUT", key);
  request.headers = {{"Content-Type", std::move(type)}};
  request.payload_sha256 = deliver::sha256_hex_of(body);
  const HttpResponse r = co_await send(std::move(request), body, "storing the file");
  if (!good(r)) throw Failure(refusal(r, "storing the file", account_.endpoint.where()));
}

net::Task<std::string> Client::follow(std::string url) {
  // The request line as it stands in the link: whoever follows it sends the same.
  const auto path = url.find('/', url.find("://") + 3);
  const bool ours = url.starts_with(account_.bucket.scheme + "://") && path != std::string::npos;
  if (!ours) throw Failure(Errc::internal, "the link does not lead to the object store");
  check();
  if (!stream_ || !stream_->is_open()) co_await connect();
  const std::string host =
      url.substr(account_.bucket.scheme.size() + 3, path - account_.bucket.scheme.size() - 3);
  Exchange exchange(
      "GET " + url.substr(path) + " HTTP/1.1\r\nHost: " + host + "\r\nUser-Agent: mailroom\r\n\r\n", {},
      false, false, options_.http);
  const Action::Kind end = co_await net::drive(*stream_, exchange);
  HttpResponse r = std::move(exchange.response());
  if (end != Action::Kind::done || !r.keeps_open) drop();
  if (end != Action::Kind::done) throw Failure(exchange.error());
  if (!good(r)) throw Failure(refusal(r, "following the link", account_.endpoint.where()));
  co_return std::move(r.body);
}

net::Task<void> Client::remove(std::string key) {
  const HttpResponse r =
      co_await send(object_request(account_.bucket, "DELETE", key), {}, "deleting the object");
  if (good(r) || error_code(r) == "NoSuchKey") co_return;
  throw Failure(refusal(r, "deleting the object", account_.endpoint.where()));
}

net::Task<std::string> Client::begin_upload(std::string key, std::string type) {
  deliver::S3Request request = object_request(account_.bucket, "POST", key);
  request.query = {{"uploads", ""}};
  request.headers = {{"Content-Type", std::move(type)}};
  const HttpResponse r = co_await send(std::move(request), {}, "beginning the upload");
  if (!good(r)) throw Failure(refusal(r, "beginning the upload", account_.endpoint.where()));
  co_return read_upload_id(r.body);
}

net::Task<std::optional<std::vector<Part>>> Client::list_parts(std::string key, std::string upload) {
  std::vector<Part> all;
  unsigned after = 0;
  do {
    deliver::S3Request request = object_request(account_.bucket, "GET", key);
    request.query = {{"uploadId", upload}};
    if (after) request.query.emplace_back("part-number-marker", std::to_string(after));
    const HttpResponse r = co_await send(std::move(request), {}, "asking for the parts");
    if (error_code(r) == "NoSuchUpload" || (r.status == 404 && error_code(r).empty())) co_return std::nullopt;
    if (!good(r)) throw Failure(refusal(r, "asking for the parts", account_.endpoint.where()));
    PartPage page = read_parts(r.body);
    if (page.next != 0 && page.next <= after)
      throw Failure(Errc::protocol, "the object store's list of parts has no end", account_.endpoint.where());
    after = page.next;
    all.insert(all.end(), page.parts.begin(), page.parts.end());
  } while (after != 0);
  co_return all;
}

net::Task<std::string> Client::put_part(std::string key, std::string upload, unsigned number,
                                        std::string_view body, std::string body_sha256) {
  deliver::S3Request request = object_request(account_.bucket, "PUT", key);
  request.query = {{"partNumber", std::to_string(number)}, {"uploadId", std::move(upload)}};
  request.payload_sha256 = std::move(body_sha256);
  const HttpResponse r = co_await send(std::move(request), body, "storing a part");
  if (!good(r)) throw Failure(refusal(r, "storing a part", account_.endpoint.where()));
  const std::string& etag = r.field("etag");
  if (etag.empty() || etag.size() > 200)
    throw Failure(Errc::protocol, "the object store gives no ETag for a part", account_.endpoint.where());
  co_return etag;
}

net::Task<void> Client::complete(std::string key, std::string upload, std::vector<Part> parts) {
  const std::string body = complete_body(parts);
  for (unsigned attempt = 0;; ++attempt) {
    deliver::S3Request request = object_request(account_.bucket, "POST", key);
    request.query = {{"uploadId", upload}};
    request.headers = {{"Content-Type", "application/xml"}};
    request.payload_sha256 = deliver::sha256_hex_of(body);
    const HttpResponse r = co_await send(std::move(request), body, "completing the upload");
    if (!good(r)) throw Failure(refusal(r, "completing the upload", account_.endpoint.where()));
    const std::optional<Error> error = completion_error(r, account_.endpoint.where());
    if (!error) co_return;
    if (error->code != Errc::temporary || attempt + 1 >= options_.attempts) throw Failure(*error);
    co_await pause_->wait_for(options_.backoff.delay(attempt, any_number()));
    check();
  }
}

net::Task<void> Client::abort_upload(std::string key, std::string upload) {
  deliver::S3Request request = object_request(account_.bucket, "DELETE", key);
  request.query = {{"uploadId", std::move(upload)}};
  const HttpResponse r = co_await send(std::move(request), {}, "giving the upload up");
  if (good(r) || r.status == 404) co_return;
  throw Failure(refusal(r, "giving the upload up", account_.endpoint.where()));
}

}  // namespace mailroom::store
