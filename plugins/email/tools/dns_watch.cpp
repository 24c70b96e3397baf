#include "tools/dns_watch.hpp"

namespace mailroom::tools {

WatchedDns::WatchedDns(host::Runtime& r, aoh::Call& call, net::DnsOptions options)
    : resolver(std::make_shared<net::DnsResolver>(std::move(options))), runtime(r) {
  // The host may call back late: what it calls holds the resolver.
  call.on_cancel([held = resolver] { held->cancel(); });
  if (call.cancelled()) resolver->cancel();
  if (call.deadline_ns() != INT64_MAX)
    timer = runtime.clock().schedule(call.deadline_ns(), [held = resolver] { held->cancel(); });
}

WatchedDns::~WatchedDns() {
  if (timer) runtime.clock().cancel(timer);
}

}  // namespace mailroom::tools
