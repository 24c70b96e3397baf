#include "oauth/client.hpp"

#include "net/driver.hpp"
#include "oauth/proto/answers.hpp"
#include "oauth/proto/requests.hpp"

namespace mailroom::oauth {

using std::chrono::milliseconds;

net::Task<http::HttpResponse> post(net::Executor executor, net::Context context, host::OAuthSettings settings,
                                   std::string url_text, aoh::Secret body, net::TraceSink trace) {
  const host::Url url = host::parse_url(url_text, "oauth");
  const net::Endpoint endpoint = settings.server(url);
  net::check(endpoint);
  const std::int64_t deadline = net::after(context.clock.now_ns(), kRequestTime);
  const net::ConnectTimeouts connect{milliseconds(5'000), milliseconds(4'000), milliseconds(8'000),
                                     milliseconds(6'000)};
  const std::unique_ptr<net::Stream> stream = co_await net::open(executor, context, endpoint, {}, connect);
  http::HttpTimeouts timeouts;
  timeouts.write = timeouts.answer = kRequestTime;
  http::HttpLimits limits;
  limits.body = kMostAnswer;
  http::Exchange exchange(post_head(url, body.reveal().size()), body.reveal(), false, false, timeouts,
                          limits);
  net::DriveOptions options;
  options.deadline_ns = deadline;
  const Action::Kind end = co_await net::drive(*stream, exchange, options);
  if (end != Action::Kind::done) {
    Error e = exchange.error();
    if (e.where.empty()) e.where = endpoint.where();
    throw Failure(std::move(e));
  }
  if (trace)
    trace("-- POST " + url.target.substr(0, url.target.find('?')) +
          " [withheld]: " + std::to_string(exchange.response().status));
  co_return std::move(exchange.response());
}

}  // namespace mailroom::oauth
