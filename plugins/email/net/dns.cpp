#include "net/dns.hpp"

#include <ares.h>
#include <arpa/inet.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <map>

#include "base/error.hpp"

namespace mailroom::net {
namespace {

using Steady = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr std::size_t kMostServers = 8;
constexpr int kPatience = 2;  // questions in a row without any answer
constexpr int kInternet = 1, kEdnsSize = 1232;

int code_of(DnsType type) {
  constexpr std::array kCodes{1, 28, 15, 16, 12, 33, 5};  // in DnsType's order
  return kCodes[static_cast<std::size_t>(type)];
}

bool is_server(std::string_view text) {
  std::string address(text);
  std::string port;
  if (text.starts_with('[')) {
    const std::size_t end = text.find(']');
    if (end == std::string_view::npos) return false;
    address = text.substr(1, end - 1);
    if (const std::string_view rest = text.substr(end + 1); !rest.empty()) {
      if (rest[0] != ':') return false;
      port = rest.substr(1);
      if (port.empty()) return false;
    }
  } else if (const std::size_t colon = text.find(':');
             colon != std::string_view::npos && text.find(':', colon + 1) == std::string_view::npos) {
    address = text.substr(0, colon);
    port = text.substr(colon + 1);
    if (port.empty()) return false;
  }
  if (!port.empty()) {
    if (port.size() > 5 || port.find_first_not_of("0123456789") != std::string::npos) return false;
    if (const int n = std::stoi(port); n < 1 || n > 65535) return false;
  }
  std::array<unsigned char, 16> bytes{};
  return inet_pton(AF_INET, address.c_str(), bytes.data()) == 1 ||
         inet_pton(AF_INET6, address.c_str(), bytes.data()) == 1;
}

// Sockets of our own making: c-ares 1.18 writes to TCP with writev(), whose SIGPIPE would be the host's.
ares_socket_t open_socket(int family, int type, int protocol, void*) {
  return ::socket(family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, protocol);
}
int close_socket(ares_socket_t fd, void*) { return ::close(fd); }
int connect_socket(ares_socket_t fd, const sockaddr* to, ares_socklen_t n, void*) {
  return ::connect(fd, to, n);
}
ares_ssize_t receive(ares_socket_t fd, void* data, std::size_t n, int flags, sockaddr* from,
                     ares_socklen_t* size, void*) {
  return ::recvfrom(fd, data, n, flags, from, size);
}
ares_ssize_t send_pieces(ares_socket_t fd, const iovec* pieces, int n, void*) {
  msghdr message{};
  message.msg_iov = const_cast<iovec*>(pieces);  // sendmsg() only reads them
  message.msg_iovlen = static_cast<std::size_t>(n);
  return ::sendmsg(fd, &message, MSG_NOSIGNAL);
}
constexpr ares_socket_functions kSockets{&open_socket, &close_socket, &connect_socket, &receive,
                                         &send_pieces};

/// What c-ares tells of one question. It calls back in ares_query, ares_process_fd or ares_destroy, all of
/// them on the thread that asks.
struct Reply {
  DnsType type{};
  bool done = false;
  int status = ARES_ETIMEOUT;
  DnsAnswer answer{};
};

void replied(void* arg, int status, int, unsigned char* bytes, int size) {
  Reply& reply = *static_cast<Reply*>(arg);
  reply.done = true;
  reply.status = status;
  switch (status) {
    case ARES_SUCCESS:
    case ARES_ENODATA:
    case ARES_ENOTFOUND:
      if (bytes && size > 0)
        reply.answer = read_dns_answer(
            reply.type, {reinterpret_cast<const char*>(bytes), static_cast<std::size_t>(size)});
      else
        reply.answer.kind =
            status == ARES_ENOTFOUND ? DnsAnswer::Kind::no_such_name : DnsAnswer::Kind::no_data;
      break;
    case ARES_EBADNAME:
      reply.answer.kind = DnsAnswer::Kind::no_such_name;
      break;
    case ARES_ETIMEOUT:
      reply.answer.why = "no DNS server answered in time";
      break;
    case ARES_ECONNREFUSED:
      reply.answer.why = "no DNS server could be asked, or none had an answer";
      break;
    default:
      reply.answer.why = std::string("the DNS failed: ") + ares_strerror(status);
  }
}

}  // namespace

void check_dns_servers(const std::vector<std::string>& servers) {
  if (servers.size() > kMostServers)
    throw Failure(Errc::config, "more than " + std::to_string(kMostServers) + " DNS servers", "dns_servers");
  for (const std::string& s : servers)
    if (!is_server(s))
      throw Failure(Errc::config, "this is not a DNS server's address: \"" + printable(s, 64) + "\"",
                    "dns_servers", "Write 192.0.2.53, 127.0.0.1:5353 or [2001:db8::1]:53");
}

struct DnsResolver::Impl {
  DnsOptions options;
  ares_channel channel = nullptr;
  int wake = -1;  // made readable by cancel()
  std::atomic<bool> cancelled{false};
  Steady::time_point end;  // of all questions together
  std::size_t asked = 0;
  bool heard = false;  // has any server answered anything?
  int silent = 0;      // questions in a row that nobody answered
  std::map<std::pair<DnsType, std::string>, DnsAnswer> known;

  ~Impl() {
    if (channel) ares_destroy(channel);
    if (wake >= 0) ::close(wake);
  }
  void wait(const Reply& reply, Steady::time_point until);
};

DnsResolver::DnsResolver(DnsOptions options) : impl_(std::make_unique<Impl>()) {
  check_dns_servers(options.servers);
  impl_->options = std::move(options);
  impl_->end = Steady::now() + impl_->options.all;
  impl_->wake = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  // ares_library_init() is a matter of other systems: here it only counts, in a variable of the process.
  ares_options o{};
  o.flags = ARES_FLAG_NOSEARCH | ARES_FLAG_NOALIASES | ARES_FLAG_EDNS;
  o.ednspsz = kEdnsSize;
  o.timeout = static_cast<int>(impl_->options.timeout.count());
  o.tries = impl_->options.tries;
  char lookups[] = "b";  // the DNS only, no hosts file
  o.lookups = lookups;
  const int mask = ARES_OPT_FLAGS | ARES_OPT_EDNSPSZ | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_LOOKUPS;
  int status = impl_->wake < 0 ? ARES_ENOMEM : ares_init_options(&impl_->channel, &o, mask);
  if (status == ARES_SUCCESS) ares_set_socket_functions(impl_->channel, &kSockets, nullptr);
  if (status == ARES_SUCCESS && !impl_->options.servers.empty()) {
    std::string list;
    for (const std::string& s : impl_->options.servers) list += (list.empty() ? "" : ",") + s;
    status = ares_set_servers_ports_csv(impl_->channel, list.c_str());
  }
  if (status != ARES_SUCCESS)
    throw Failure(Errc::internal, std::string("the DNS client cannot start: ") + ares_strerror(status));
}

DnsResolver::~DnsResolver() = default;

void DnsResolver::cancel() {
  impl_->cancelled = true;
  const std::uint64_t one = 1;
  [[maybe_unused]] const ssize_t n = ::write(impl_->wake, &one, sizeof one);
}

void DnsResolver::Impl::wait(const Reply& reply, Steady::time_point until) {
  while (!reply.done && !cancelled) {
    std::array<ares_socket_t, ARES_GETSOCK_MAXNUM> sockets{};
    const int bits = ares_getsock(channel, sockets.data(), static_cast<int>(sockets.size()));
    std::array<pollfd, ARES_GETSOCK_MAXNUM + 1> polled{};
    nfds_t n = 0;
    for (std::size_t i = 0; i < sockets.size(); ++i) {
      short events = 0;
      if (ARES_GETSOCK_READABLE(bits, static_cast<int>(i))) events |= POLLIN;
      if (ARES_GETSOCK_WRITABLE(bits, static_cast<int>(i))) events |= POLLOUT;
      if (events) polled[n++] = {sockets[i], events, 0};
    }
    const nfds_t count = n;
    polled[n++] = {wake, POLLIN, 0};
    const auto left = std::chrono::duration_cast<milliseconds>(until - Steady::now());
    if (left.count() <= 0) return;
    timeval most{static_cast<time_t>(left.count() / 1000),
                 static_cast<suseconds_t>(left.count() % 1000 * 1000)};
    timeval next{};
    const timeval* wanted = ares_timeout(channel, &most, &next);
    const int ms = static_cast<int>(wanted->tv_sec * 1000 + (wanted->tv_usec + 999) / 1000);
    const int ready = ::poll(polled.data(), n, ms);
    if (ready <= 0) ares_process_fd(channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
    for (nfds_t i = 0; ready > 0 && i < count; ++i)
      if (polled[i].revents)
        ares_process_fd(channel,
                        polled[i].revents & (POLLIN | POLLERR | POLLHUP) ? polled[i].fd : ARES_SOCKET_BAD,
                        polled[i].revents & POLLOUT ? polled[i].fd : ARES_SOCKET_BAD);
  }
}

DnsAnswer DnsResolver::ask(DnsType type, std::string_view dns_name) {
  const auto stop_if_cancelled = [&] {
    if (impl_->cancelled) throw Failure(Errc::cancelled, "the DNS was not waited for");
  };
  stop_if_cancelled();
  DnsAnswer answer;
  if (!is_dns_name(dns_name)) {
    answer.kind = DnsAnswer::Kind::no_such_name;
    return answer;
  }
  std::string asked_for(dns_name);
  if (asked_for.ends_with('.')) asked_for.pop_back();
  for (char& c : asked_for)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
  const auto key = std::make_pair(type, asked_for);
  if (const auto it = impl_->known.find(key); it != impl_->known.end()) return it->second;
  if (impl_->silent >= (impl_->heard ? kPatience : 1)) {
    answer.why = "not asked: no DNS server has answered the questions before";
    return answer;
  }
  if (impl_->asked++ >= impl_->options.questions || Steady::now() >= impl_->end) {
    answer.why = "not asked: the limit of questions or of time for one report is reached";
    return answer;
  }
  Reply reply;
  reply.type = type;
  ares_query(impl_->channel, asked_for.c_str(), kInternet, code_of(type), &replied, &reply);
  impl_->wait(reply, impl_->end);
  if (!reply.done) ares_cancel(impl_->channel);  // calls back, so that nothing points at `reply` any more
  stop_if_cancelled();
  const bool silence = reply.status == ARES_ETIMEOUT || reply.status == ARES_ECANCELLED;
  impl_->silent = silence ? impl_->silent + 1 : 0;
  impl_->heard = impl_->heard || !silence;
  if (reply.status == ARES_ECANCELLED) reply.answer.why = "no DNS server answered in time";
  return impl_->known[key] = std::move(reply.answer);
}

}  // namespace mailroom::net
