#include "imap/client.hpp"
namespace mailroom::imap {
namespace {
[[noreturn]] void stub() { throw Failure(Errc::unsupported, "not built yet"); }
}  // namespace
net::Task<std::unique_ptr<Client>> Client::connect(net::Executor, net::Context, Login, net::TraceSink) {
  stub();
  co_return nullptr;
}
Client::~Client() = default;
const Capabilities& Client::capabilities() const { return session_.caps; }
const MailboxState& Client::mailbox() const { return session_.mailbox; }
net::Task<std::map<std::string, std::string>> Client::id(const std::map<std::string, std::string>&) {
  stub();
  co_return std::map<std::string, std::string>{};
}
net::Task<std::vector<ListEntry>> Client::list(std::string_view) {
  stub();
  co_return std::vector<ListEntry>{};
}
net::Task<StatusData> Client::status(std::string_view) {
  stub();
  co_return StatusData{};
}
net::Task<MailboxState> Client::select(std::string_view, bool) {
  stub();
  co_return MailboxState{};
}
net::Task<std::vector<Uid>> Client::uid_search(const Criteria&) {
  stub();
  co_return std::vector<Uid>{};
}
net::Task<FetchSummary> Client::uid_fetch(const UidSet&, const FetchItems&, const OnRow&) {
  stub();
  co_return FetchSummary{};
}
net::Task<void> Client::uid_store(const UidSet&, StoreMode, const std::vector<std::string>&) {
  stub();
  co_return;
}
net::Task<AppendResult> Client::append(std::string_view, const std::vector<std::string>&, std::string_view) {
  stub();
  co_return AppendResult{};
}
bool Client::can_idle() const { return false; }
net::Task<IdleResult> Client::idle(std::int64_t, bool) {
  stub();
  co_return IdleResult{};
}
net::Task<void> Client::noop() {
  stub();
  co_return;
}
net::Task<void> Client::logout() { co_return; }
void Client::interrupt() {}
void Client::abort() {}
}  // namespace mailroom::imap
