// The trace of a sign-in at a server that quotes whatever it is told: no form of the credentials is in it.
#include <gtest/gtest.h>
#include <sys/socket.h>

#include <thread>

#include "auth/base64.hpp"
#include "imap/client.hpp"
#include "net/loop.hpp"
#include "smtp/client.hpp"

namespace mailroom {
namespace {

using testing::Loop;

constexpr const char* kUser = "tim";
const std::string kToken = "ya29.token-4711-of-hunter";

/// What a server does with the lines of one client; `say` sends.
using Say = std::function<void(const std::string&)>;
using Quoter = std::function<bool(const std::string& line, const Say& say)>;  // false: it hangs up

/// One connection: the greeting, then each line to the quoter, until the client leaves.
class QuotingServer {
 public:
  QuotingServer(std::string greeting, Quoter quoter) : listener_(::socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in at{};
    at.sin_family = AF_INET;
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof at;
    if (::bind(listener_, reinterpret_cast<sockaddr*>(&at), size) != 0 || ::listen(listener_, 1) != 0)
      throw std::runtime_error("no port");
    ::getsockname(listener_, reinterpret_cast<sockaddr*>(&at), &size);
    port = ntohs(at.sin_port);
    thread_ = std::thread([this, greeting = std::move(greeting), quoter = std::move(quoter)] {
      const int peer = ::accept(listener_, nullptr, nullptr);
      const timeval patience{20, 0};
      ::setsockopt(peer, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
      const Say say = [peer](const std::string& text) {
        (void)!::send(peer, text.data(), text.size(), MSG_NOSIGNAL);
      };
      say(greeting);
      std::string line;
      for (char c = 0; ::recv(peer, &c, 1, 0) == 1;) {
        if (c != '\n') {
          line += c;
          continue;
        }
        if (!line.empty() && line.back() == '\r') line.pop_back();
        if (!quoter(std::exchange(line, {}), say)) break;
      }
      ::shutdown(peer, SHUT_WR);
      for (char c = 0; ::recv(peer, &c, 1, 0) == 1;) {  // what it still writes is not to meet a reset
      }
      ::close(peer);
    });
  }
  ~QuotingServer() {
    ::shutdown(listener_, SHUT_RDWR);
    thread_.join();
    ::close(listener_);
  }
  std::uint16_t port = 0;

 private:
  int listener_;
  std::thread thread_;
};

net::Endpoint here(std::uint16_t port) {
  net::Endpoint e;
  e.host = "127.0.0.1";
  e.port = port;
  e.tls = net::TlsMode::none;
  e.require_tls = false;
  return e;
}

auth::Credentials who(const std::string& password, bool token) {
  auth::Credentials c;
  c.user = kUser;
  c.password = aoh::Secret(password);
  if (token) c.token = aoh::Secret(kToken);
  return c;
}

/// Plain, quoted as IMAP does it, and within base64 at each of the three offsets.
std::vector<std::string> forms(const std::string& secret) {
  std::string quoted;
  for (const char c : secret) quoted += (c == '"' || c == '\\') ? std::string("\\") + c : std::string(1, c);
  std::vector<std::string> out{secret, quoted};
  for (std::size_t ahead = 0; ahead < 3; ++ahead) {
    const std::string text(auth::base64(std::string(ahead, '\0') + secret).reveal());
    const std::size_t first = (ahead * 8 + 5) / 6, last = (ahead + secret.size()) * 8 / 6;
    out.push_back(text.substr(first, last - first));
  }
  return out;
}

void expect_clean(const std::vector<std::string>& lines, const std::string& password, const std::string& what,
                  bool must_sign_in) {
  std::string all;
  for (const std::string& l : lines) all += l + "\n";
  for (const std::string& secret : {password, kToken})
    for (const std::string& form : forms(secret)) EXPECT_EQ(all.find(form), all.npos) << what << "\n" << all;
  if (must_sign_in) {
    EXPECT_NE(all.find("C: [withheld]"), all.npos) << what << "\n" << all;
    EXPECT_NE(all.find("[withheld]\nS: "), all.npos) << what << "\n" << all;
  }
}

constexpr const char* kMechanisms[] = {"",         "PLAIN",   "LOGIN",      "SCRAM-SHA-1", "SCRAM-SHA-256",
                                       "CRAM-MD5", "XOAUTH2", "OAUTHBEARER"};
const std::vector<std::string> kPasswords = {"hunter2-secret", "hun\"ter2\\secret", "hunt\xc3\xa4r2-secret"};

/// How the server takes the first line of a sign-in.
enum class Manner { refuse, challenge, success, cut };
constexpr Manner kManners[] = {Manner::refuse, Manner::challenge, Manner::success, Manner::cut};

TEST(Trace, AnImapSignInThatIsQuotedBack) {
  for (const std::string& password : kPasswords)
    for (const std::string mechanism : kMechanisms)
      for (const bool initial : {true, false})
        for (const Manner manner : kManners) {
          std::string tag;
          int told = 0;
          const QuotingServer server(
              "* OK [CAPABILITY IMAP4rev1" + std::string(initial ? " SASL-IR LITERAL+" : "") +
                  (mechanism.empty() ? "" : " AUTH=" + mechanism) + "] hi\r\n",
              [&, told](const std::string& line, const Say& say) mutable {
                if (told++ == 0) tag = line.substr(0, line.find(' '));
                if (manner == Manner::cut)
                  return say("* BAD " + line + "\r\n* BYE you said " + line + "\r\n"), false;
                if (manner == Manner::success)
                  return say(line + " OK\r\n" + tag + " OK [CAPABILITY " + line + "] in\r\n"), false;
                // In one segment, with halves of lines.
                if (manner == Manner::challenge && told < 4)
                  return say("* NO " + line + "\r\n+ " + line + "\r\n* OK half of " + line), true;
                say("\r\n* BAD {" + std::to_string(line.size()) + "}\r\n" + line + " " + line + "\r\n" + tag +
                    " NO [" + line + "] you said " + line + "\r\n");
                return false;
              });
          std::vector<std::string> lines;
          Loop loop;
          imap::Login login;
          login.endpoint = here(server.port);
          login.credentials = who(password, mechanism.find("OAUTH") != mechanism.npos);
          const net::TraceSink sink = [&](std::string_view l) { lines.emplace_back(l); };
          std::string said;
          try {
            loop.run([&]() -> net::Task<void> {
              co_await imap::Client::connect(loop.executor(), loop.context(), std::move(login), sink);
            });
          } catch (const Failure& f) {
            said = f.error.line();
          }
          lines.push_back(said);
          expect_clean(lines, password, "IMAP " + mechanism, mechanism.empty() || mechanism == "PLAIN");
        }
}

TEST(Trace, AnSmtpSignInThatIsQuotedBack) {
  for (const std::string& password : kPasswords)
    for (const std::string mechanism : kMechanisms)
      for (const Manner manner : kManners) {
        if (mechanism.empty()) continue;
        int told = 0;
        const QuotingServer server("220 hi\r\n", [&, told](const std::string& line, const Say& say) mutable {
          if (line.starts_with("EHLO"))
            return say("250-here\r\n250-PIPELINING\r\n250 AUTH " + mechanism + "\r\n"), true;
          ++told;
          if (manner == Manner::cut) return say("421-you said\r\n421 " + line + "\r\n"), false;
          if (manner == Manner::success) return say("235-2.7.0 " + line + "\r\n235 " + line + "\r\n"), true;
          if (manner == Manner::challenge && told < 4) return say("334 " + line + "\r\n"), true;
          say("535-" + line + "\r\n535 5.7.8 " + line + "\r\n250 and " + line);
          return false;
        });
        std::vector<std::string> lines;
        Loop loop;
        smtp::Login login;
        login.endpoint = here(server.port);
        login.ehlo_name = "me.example";
        login.credentials = who(password, mechanism.find("OAUTH") != mechanism.npos);
        const net::TraceSink sink = [&](std::string_view l) { lines.emplace_back(l); };
        std::string said;
        try {
          loop.run([&]() -> net::Task<void> {
            auto client =
                co_await smtp::Client::connect(loop.executor(), loop.context(), std::move(login), sink);
            co_await client->quit();
          });
        } catch (const Failure& f) {
          said = f.error.line();
        }
        lines.push_back(said);
        expect_clean(lines, password, "SMTP " + mechanism, mechanism == "PLAIN");
      }
}

}  // namespace
}  // namespace mailroom
