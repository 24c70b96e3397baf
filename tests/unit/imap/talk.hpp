// One client at a scripted server.
#pragma once
#include "imap/client.hpp"
#include "imap/scripted_server.hpp"
#include "net/loop.hpp"

namespace mailroom::imap::testing {

using namespace mailroom::testing;

using Work = std::function<net::Task<void>(Client&)>;

struct Talk {
  Error error;
  std::string wrong;  // what the client wrote otherwise than the script says
};

/// Signs in at a server that plays `script`, does `work`, and does not sign out.
inline Talk talk(Script script, Work work, Login login = {}, std::function<void(int)> after = {}) {
  ScriptedServer server(std::move(script), std::move(after));
  login.endpoint.host = "127.0.0.1";
  login.endpoint.port = server.port();
  login.endpoint.tls = net::TlsMode::none;
  login.endpoint.require_tls = false;
  login.credentials.user = "tim";
  login.credentials.password = aoh::Secret("pw");
  Talk out;
  {
    Loop loop;
    try {
      loop.run([&]() -> net::Task<void> {
        const std::unique_ptr<Client> client =
            co_await Client::connect(loop.executor(), loop.context(), std::move(login));
        co_await work(*client);
      });
    } catch (const Failure& f) {
      out.error = f.error;
    }
  }
  out.wrong = server.finish();
  return out;
}

}  // namespace mailroom::imap::testing
