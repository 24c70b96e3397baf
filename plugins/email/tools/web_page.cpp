#include "tools/web_page.hpp"

#include "discover/found.hpp"
#include "http/exchange.hpp"
#include "net/connect.hpp"
#include "net/driver.hpp"

namespace mailroom::tools {
namespace {

using std::chrono::seconds;

constexpr net::ConnectTimeouts kConnect{seconds(5), seconds(5), seconds(8), seconds(5)};
constexpr int kRedirections = 2;

struct Page {
  net::Endpoint endpoint;
  std::string head;
  std::size_t max_bytes = 0;
};

/// Host and target of an https URL on the usual port, without a name and password in front.
std::pair<std::string, std::string> split(const std::string& url) {
  constexpr std::string_view kScheme = "https://";
  const bool https = url.starts_with(kScheme);
  const std::size_t slash = https ? url.find_first_of("/?#", kScheme.size()) : std::string::npos;
  std::string host = https ? url.substr(kScheme.size(), slash - kScheme.size()) : std::string();
  std::string target = slash == std::string::npos ? "/" : url.substr(slash, url.find('#') - slash);
  if (!target.starts_with('/')) target = "/" + target;
  if (!discover::is_host(host) || target.size() > 2000 ||
      target.find_first_not_of(
          "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~:/?[]@!$&'()*+,;=%") !=
          std::string::npos)
    throw Failure(Errc::unsupported, "it points to something other than https on the usual port");
  return {std::move(host), std::move(target)};
}

net::Task<http::HttpResponse> get(host::Runtime& runtime, std::shared_ptr<host::Job> job,
                                  std::shared_ptr<Page> page, net::Executor executor) {
  const std::unique_ptr<net::Stream> stream = co_await net::open(
      executor, runtime.net(), page->endpoint, runtime.trace("https " + page->endpoint.where()), kConnect);
  const host::Job::Abortable abortable(*job, [&s = *stream] { s.abort(); });
  http::HttpLimits limits;
  limits.body = page->max_bytes;
  http::HttpTimeouts timeouts;
  timeouts.write = timeouts.answer = seconds(8);
  http::Exchange exchange(page->head, {}, false, false, timeouts, limits);
  const Action::Kind end = co_await net::drive(*stream, exchange);
  if (end != Action::Kind::done) throw Failure(exchange.error());
  co_return std::move(exchange.response());
}

std::string address_of(const DnsLookup& lookup, const std::string& host) {
  for (const DnsType type : {DnsType::a, DnsType::aaaa}) {
    const DnsAnswer answer = lookup(type, host);
    if (answer.found() && !answer.records.empty()) return answer.records.front().text;
    if (answer.kind == DnsAnswer::Kind::temporary) throw Failure(Errc::dns, "the DNS did not answer", host);
  }
  throw Failure(Errc::not_found, "there is no such host", host);
}

}  // namespace

std::string read_web_page(const Toolbox& box, aoh::Call& call, const DnsLookup& lookup, std::string url,
                          const std::string& ca_file, std::size_t max_bytes) {
  for (int i = 0; i <= kRedirections; ++i) {
    auto [host, target] = split(url);
    const auto page = std::make_shared<Page>();
    page->endpoint.host = host;
    page->endpoint.port = 443;
    page->endpoint.ca_file = ca_file;
    page->endpoint.connect_address = address_of(lookup, host);
    page->max_bytes = max_bytes;
    page->head = "GET " + target + " HTTP/1.1\r\nHost: " + host +
                 "\r\nAccept: */*\r\nUser-Agent: Mailroom\r\nConnection: close\r\n\r\n";
    const auto job = std::make_shared<host::Job>(call.id());
    const http::HttpResponse r = box.runtime.run<http::HttpResponse>(
        call, job, [&runtime = box.runtime, job, page](net::Executor executor) {
          return get(runtime, job, page, std::move(executor));
        });
    if (r.status == 200) return r.body;
    const bool moved = r.status == 301 || r.status == 302 || r.status == 307 || r.status == 308;
    if (!moved) throw Failure(Errc::not_found, "it answers " + std::to_string(r.status), host);
    url = r.field("location");
    if (url.starts_with('/') && !url.starts_with("//")) url = "https://" + host + url;
  }
  throw Failure(Errc::protocol, "it points on and on");
}

}  // namespace mailroom::tools
