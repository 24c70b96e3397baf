#include "net/alarm.hpp"
#include "net/backoff.hpp"
#include "net/connect.hpp"
#include "net/driver.hpp"
#include "net/system_clock.hpp"
namespace mailroom::net {
struct Stream::Impl {};
struct Alarm::State {};
struct SystemClock::State {};
Stream::~Stream() = default;
std::string Endpoint::where() const { return host + ":" + std::to_string(port); }
void check(const Endpoint&) {}
bool is_loopback_name(std::string_view) { return false; }
std::string_view name(TlsMode) { return ""; }
bool parse_tls_mode(std::string_view, TlsMode&) { return false; }
Alarm::Alarm(Executor, Clock&) {}
Alarm::~Alarm() = default;
Task<bool> Alarm::wait_until(std::int64_t) { co_return true; }
Task<bool> Alarm::wait_for(std::chrono::milliseconds) { co_return true; }
void Alarm::poke() {}
SystemClock::SystemClock(Executor) {}
SystemClock::~SystemClock() = default;
std::int64_t SystemClock::now_ns() const { return 0; }
Clock::TimerId SystemClock::schedule(std::int64_t, std::function<void()>) { return 1; }
bool SystemClock::cancel(TimerId) { return false; }
std::chrono::milliseconds Backoff::delay(unsigned, std::uint64_t) const { return first; }
}  // namespace mailroom::net
