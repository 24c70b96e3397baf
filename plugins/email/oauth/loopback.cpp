#include "oauth/loopback.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <cerrno>
#include <cstring>
#include <deque>
#include <utility>

#include "net/alarm.hpp"

namespace mailroom::oauth {
namespace asio = boost::asio;
using asio::ip::tcp;
namespace {

constexpr unsigned kAtOnce = 16;
constexpr std::chrono::seconds kOneRequest{10};

struct Shared {
  Shared(net::Executor e, net::Clock& c, std::string p, std::string s)
      : executor(e), clock(c), path(std::move(p)), state(std::move(s)), acceptor(e), alarm(e, c) {}
  net::Executor executor;
  net::Clock& clock;
  std::string path, state;
  tcp::acceptor acceptor;
  net::Alarm alarm;                               // somebody came back, or the job ended
  std::deque<std::shared_ptr<tcp::socket>> open;  // by age
  bool answered = false;
  Redirect redirect;
  Error foreign;  // the last request that was somebody else's
};

net::Task<void> serve(std::shared_ptr<Shared> shared, std::shared_ptr<tcp::socket> socket) {
  const net::Clock::TimerId timer = shared->clock.schedule(net::after(shared->clock.now_ns(), kOneRequest),
                                                           [socket, executor = shared->executor] {
                                                             asio::post(executor, [socket] {
                                                               boost::system::error_code ignored;
                                                               socket->close(ignored);
                                                             });
                                                           });
  std::string head;
  boost::system::error_code ec;
  std::array<char, 2048> buffer{};
  while (!ec && head.size() < kMostRequest && head.find("\r\n\r\n") == std::string::npos) {
    const std::size_t n =
        co_await socket->async_read_some(asio::buffer(buffer), asio::redirect_error(asio::use_awaitable, ec));
    head.append(buffer.data(), n);
  }
  if (head.find("\r\n\r\n") != std::string::npos && !shared->answered) {
    Redirect redirect = read_redirect(head, shared->path, shared->state);
    const std::string answer = page(redirect);
    const bool way_back = redirect.kind == Redirect::Kind::code || redirect.kind == Redirect::Kind::refused;
    if (redirect.kind == Redirect::Kind::foreign) shared->foreign = redirect.error;
    if (way_back) {
      shared->answered = true;
      shared->redirect = std::move(redirect);
    }
    co_await asio::async_write(*socket, asio::buffer(answer), asio::redirect_error(asio::use_awaitable, ec));
    socket->shutdown(tcp::socket::shutdown_both, ec);
    if (way_back) shared->alarm.poke();
  }
  aoh::wipe(head);  // it had the code
  shared->clock.cancel(timer);
  std::erase(shared->open, socket);
}

net::Task<void> accept_all(std::shared_ptr<Shared> shared) {
  for (;;) {
    boost::system::error_code ec;
    auto socket = std::make_shared<tcp::socket>(shared->executor);
    co_await shared->acceptor.async_accept(*socket, asio::redirect_error(asio::use_awaitable, ec));
    if (!shared->acceptor.is_open()) co_return;
    if (ec) {
      net::Alarm pause(shared->executor, shared->clock);  // out of descriptors, say
      co_await pause.wait_for(std::chrono::milliseconds(200));
      continue;
    }
    if (shared->open.size() >= kAtOnce) {  // whoever came first has had the most time
      shared->open.front()->close(ec);
      shared->open.pop_front();
    }
    shared->open.push_back(socket);
    asio::co_spawn(shared->executor, serve(shared, socket), asio::detached);
  }
}

}  // namespace

Loopback::Loopback(std::uint16_t port) {
  fd_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  const int one = 1;
  if (fd_ >= 0) (void)::setsockopt(fd_, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
  auto* const at = reinterpret_cast<sockaddr*>(&address);
  if (fd_ < 0 || ::bind(fd_, at, size) != 0 || ::listen(fd_, static_cast<int>(kAtOnce)) != 0 ||
      ::getsockname(fd_, at, &size) != 0) {
    const std::string why = std::generic_category().message(errno);
    if (fd_ >= 0) ::close(fd_);
    throw Failure(Errc::connect, "nothing can listen for the browser: " + why,
                  "127.0.0.1:" + std::to_string(port),
                  "Leave the port out of oauth.redirect_uri, or free it");
  }
  port_ = ntohs(address.sin_port);
}

Loopback::~Loopback() {
  if (fd_ >= 0) ::close(fd_);
}

net::Task<Redirect> Loopback::wait(net::Executor executor, net::Clock& clock, std::shared_ptr<host::Job> job,
                                   std::string path, std::string state) {
  const auto shared = std::make_shared<Shared>(executor, clock, std::move(path), std::move(state));
  shared->acceptor.assign(tcp::v4(), std::exchange(fd_, -1));
  asio::co_spawn(executor, accept_all(shared), asio::detached);
  {
    const host::Job::Abortable abortable(*job, [weak = std::weak_ptr(shared), executor] {
      asio::post(executor, [weak] {
        if (const auto s = weak.lock()) s->alarm.poke();
      });
    });
    while (!shared->answered && !job->cancelled()) co_await shared->alarm.wait_until(INT64_MAX);
  }
  boost::system::error_code ignored;
  shared->acceptor.close(ignored);
  for (const auto& socket : shared->open) socket->close(ignored);
  if (!shared->answered && shared->foreign && job->timed_out()) throw Failure(shared->foreign);
  if (!shared->answered) job->check();
  co_return std::move(shared->redirect);
}

}  // namespace mailroom::oauth
