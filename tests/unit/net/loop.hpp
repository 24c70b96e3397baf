// A strand, a clock and TLS contexts for one test, and a way to run a coroutine on them.
#pragma once
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <exception>
#include <functional>
#include <optional>

#include "net/connect.hpp"
#include "net/system_clock.hpp"

namespace mailroom::testing {

struct Loop {
  boost::asio::io_context io{1};
  net::SystemClock clock{io.get_executor()};
  net::TlsContexts contexts;

  net::Context context() { return {clock, contexts}; }
  net::Executor executor() { return io.get_executor(); }

  /// Runs `body()` to its end on this thread and returns what it returns or throws what it throws.
  template <typename T>
  T run(std::function<net::Task<T>()> body) {
    std::optional<T> value;
    start([&]() -> net::Task<void> { value.emplace(co_await body()); });
    return std::move(*value);
  }
  void run(std::function<net::Task<void>()> body) { start(std::move(body)); }

 private:
  void start(std::function<net::Task<void>()> body) {
    std::exception_ptr failed;
    bool done = false;
    io.restart();
    boost::asio::co_spawn(io, std::move(body), [&](std::exception_ptr e) {
      failed = e;
      done = true;
    });
    while (!done && io.run_one() > 0) {
    }
    if (failed) std::rethrow_exception(failed);
  }
};

}  // namespace mailroom::testing
