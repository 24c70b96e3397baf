// The private Postfix and Dovecot for a C++ test: starts them for the lifetime of an object, by
// tests/rig/rig.
//
//   mailroom::testing::Rig rig;                       // half a second; one for a whole test program is
//   enough rig.deliver({.to = "quotes@rig.test", .subject = "Quote 17"}); auto mail =
//   rig.maildir("quotes@rig.test", 1);    // waits until one is there
//
// Every address has a mailbox, all with the same password; each rig has ports and a folder of its own, so
// test programs may run side by side. If the test dies, however, the rig notices and stops. Methods throw
// std::runtime_error with the script's words.
#pragma once
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "support/json.hpp"

namespace mailroom::testing {

class Rig {
 public:
  struct Options {
    bool many = false;     ///< idle connections hibernate: for a thousand of them
    bool discard = false;  ///< Postfix throws accepted mail away: for throughput runs
  };
  struct Mail {
    std::string to;
    std::string from = "sales@supplier.example";
    std::string subject = "Message {n}";  ///< {n} is the number of the message, from 1
    std::string body = "This is message {n}.\n";
    std::string message_id{};  ///< with {n}; empty: a fresh one each
    std::string file{};        ///< a whole message in this file instead, sent byte for byte
    int count = 1;
    std::vector<std::string> headers{};  ///< "Name: value"
  };

  Rig() : Rig(Options{}) {}
  explicit Rig(Options options) {
    std::string name = "/tmp/rig-XXXXXX";  // short: Unix sockets stand below it
    if (!::mkdtemp(name.data())) throw std::runtime_error("mkdtemp /tmp/rig-XXXXXX failed");
    dir_ = name;
    std::string more = " --owner " + std::to_string(::getpid());
    if (options.many) more += " --many";
    if (options.discard) more += " --discard";
    try {
      info = aoh::Json::parse(run("start", more));
    } catch (...) {
      remove();
      throw;
    }
  }
  Rig(const Rig&) = delete;
  Rig& operator=(const Rig&) = delete;
  ~Rig() {
    try {
      run("stop", "");
    } catch (const std::exception& e) {
      std::fprintf(stderr, "%s\n", e.what());
    }
    if (!::getenv("MAILROOM_KEEP_RIG")) remove();
  }

  aoh::Json info;  ///< rig.json
  const std::string& dir() const { return dir_; }
  std::string host() const { return text("host"); }                        ///< 127.0.0.1, good manners
  std::string no_idle_host() const { return text("no_idle_host"); }        ///< IMAP without IDLE, same ports
  std::string wrong_name_host() const { return text("wrong_name_host"); }  ///< certificate of another host
  std::string untrusted_host() const {
    return text("untrusted_host");
  }  ///< certificate of an unknown authority
  std::string ca_file() const { return text("ca_file"); }
  std::string password() const { return text("password"); }
  std::string user() const { return "quotes@rig.test"; }                     ///< any address would do
  bool cyrus() const { return text("imap") == "cyrus"; }                     ///< else Dovecot
  int imap_tls_port() const { return port("imap_tls_port"); }                ///< the 993 role
  int imap_plain_port() const { return port("imap_plain_port"); }            ///< the 143 role, STARTTLS
  int smtp_tls_port() const { return port("smtp_tls_port"); }                ///< the 465 role
  int smtp_submission_port() const { return port("smtp_submission_port"); }  ///< the 587 role, STARTTLS
  int smtp_mx_port() const { return port("smtp_mx_port"); }                  ///< the 25 role, no sign-in

  /// Mail from outside through Postfix, as fast as it takes it; returns the Message-IDs. It stands in the
  /// mailbox a little later.
  std::vector<std::string> deliver(const Mail& m) {
    std::string a = " --to " + quoted(m.to) + " --from " + quoted(m.from) + " --subject " +
                    quoted(m.subject) + " --body " + quoted(m.body) + " --count " + std::to_string(m.count);
    if (!m.message_id.empty()) a += " --message-id " + quoted(m.message_id);
    if (!m.file.empty()) a += " --file " + quoted(m.file);
    for (const std::string& header : m.headers) a += " --header " + quoted(header);
    aoh::Json sent = aoh::Json::parse(run("deliver", a));
    std::vector<std::string> ids;
    for (const aoh::Json& id : sent["message_ids"].items()) ids.push_back(id.str());
    return ids;
  }
  /// What lies in a mailbox: message_id, subject, from, to, in_reply_to, references, body, attachments, size,
  /// arrived, flags, file. Waits until `wait_for` messages are there; throws after `seconds`.
  aoh::Json maildir(std::string_view user, int wait_for = 0, int seconds = 90,
                    std::string_view folder = "INBOX") {
    std::string a =
        " --user " + quoted(user) + " --folder " + quoted(folder) + " --timeout " + std::to_string(seconds);
    if (wait_for > 0) a += " --wait " + std::to_string(wait_for);
    return aoh::Json::parse(run("maildir", a));
  }
  void restart_dovecot() { run("server", " dovecot restart"); }
  void stop_dovecot() { run("server", " dovecot stop"); }
  void start_dovecot() { run("server", " dovecot start"); }
  void stop_postfix() { run("server", " postfix stop"); }
  void start_postfix() { run("server", " postfix start"); }

 private:
  static std::string quoted(std::string_view s) {
    std::string q = "'";
    for (char c : s) q += c == '\'' ? std::string("'\\''") : std::string(1, c);
    return q + "'";
  }
  std::string text(std::string_view key) const { return info[key].str(); }
  int port(std::string_view key) const { return static_cast<int>(info[key].integer()); }
  void remove() {
    std::error_code ignored;
    std::filesystem::remove_all(dir_, ignored);
  }
  std::string run(const std::string& verb, const std::string& more) {
    const char* source = ::getenv("MAILROOM_SOURCE_DIR");
    std::string script = std::string(source ? source : ".") + "/tests/rig/rig";
    std::string command = quoted(script) + " " + verb + " --dir " + quoted(dir_) + more + " 2>&1";
    std::FILE* pipe = ::popen(command.c_str(), "r");
    if (!pipe) throw std::runtime_error("cannot run " + script);
    std::string out;
    char buffer[4096];
    for (std::size_t n = 0; (n = std::fread(buffer, 1, sizeof buffer, pipe)) > 0;) out.append(buffer, n);
    int status = ::pclose(pipe);
    if (status != 0) throw std::runtime_error("tests/rig/rig " + verb + ": " + out);
    return out;
  }

  std::string dir_;
};

}  // namespace mailroom::testing
