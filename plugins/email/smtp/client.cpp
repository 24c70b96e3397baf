#include "smtp/client.hpp"
namespace mailroom::smtp {
namespace {
[[noreturn]] void stub() { throw Failure(Errc::unsupported, "not built yet"); }
}  // namespace
net::Task<std::unique_ptr<Client>> Client::connect(net::Executor, net::Context, Login, net::TraceSink) {
  stub();
  co_return nullptr;
}
Client::Client(std::unique_ptr<net::Stream> stream, Login login)
    : stream_(std::move(stream)), login_(std::move(login)) {}
Client::~Client() = default;
const Capabilities& Client::capabilities() const { return session_.caps; }
net::Task<Outcome> Client::deliver(const Envelope&, std::string_view, BeforeCommit, bool) {
  stub();
  co_return Outcome{};
}
net::Task<void> Client::noop() {
  stub();
  co_return;
}
net::Task<void> Client::quit() { co_return; }
void Client::abort() {}
}  // namespace mailroom::smtp
