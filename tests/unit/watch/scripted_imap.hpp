// An IMAP server with one mailbox in the test's own process, which goes wrong where a test says so.
#pragma once
#include <atomic>
#include <cstdint>
#include <functional>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "net/tls_server.hpp"

namespace mailroom::testing {

/// Behaves by RFC 3501 and RFC 2177, where it is told to offer them by RFC 7162 (QRESYNC) and RFC 8474
/// (OBJECTID), without TLS, one connection at a time. Everything may be called from any thread, also from a
/// fault, which runs in the server's.
class ScriptedImap {
 public:
  struct Mail {
    std::uint32_t uid = 0;
    std::string subject, date;  // date: INTERNALDATE, the same under every numbering
    std::string header, text;
    std::string structure;                                      // BODYSTRUCTURE as it goes over the wire
    std::vector<std::pair<std::string, std::string>> sections;  // besides HEADER, TEXT and 1: "2.MIME"
    std::string email_id;                                       // told where OBJECTID is offered
    std::uint64_t modseq = 0;
  };
  struct Command {
    std::string tag, verb, rest;          // "a4", "UID FETCH", "1:5 (UID ...)"; verb "greeting" comes first
    bool names(std::uint32_t uid) const;  // is it a UID FETCH of this message?
    bool wants(std::string_view item) const { return rest.find(item) != std::string::npos; }
  };
  /// True: it has answered. False: the server answers as it should.
  using Fault = std::function<bool(const Command&)>;

  ScriptedImap();
  unsigned short port() const { return server_.port(); }

  // Without telling; the reference holds until the next change. `date`: else one of its own.
  Mail& add(const std::string& subject, const std::string& date = "");
  void deliver(const std::string& subject);  // and tells, as soon as IMAP allows
  void expunge(const std::string& subject);  // tells at once
  void renumber();                           // another UIDVALIDITY, other UIDs; the connection is cut
  void cut();                                // the connection, without a word
  void reset();           // the same by RST, as a NAT or a host that was started anew answers
  void silence(bool on);  // half open: it takes what comes and says nothing
  void go_deaf();         // the same, this connection alone
  void offer(const std::string& capabilities);  // once the client is signed in; "IDLE" at first
  void fault(Fault fault);                      // null: none any more
  std::uint32_t uid(const std::string& subject);
  bool idling();
  unsigned connections();
  std::vector<std::string> commands();  // verb and rest of each, "DONE" as well, over all connections
  std::size_t count(const std::string& command);  // of commands() that begin so

  // For faults.
  void say(const std::string& bytes);
  void answer(const Command& command);  // as it should be
  bool client_gone();
  std::string row(const Mail& mail, const Command& command);
  std::vector<Mail> asked_for(const Command& command);

 private:
  void serve(int fd);
  bool take(const std::string& line);  // false: the connection ends
  void tell_news();
  std::string sequence(const Mail& mail) const;
  std::string changed_since(const Command& examine);

  std::recursive_mutex mutex_;
  std::vector<Mail> mails_;
  std::uint32_t validity_ = 7, next_uid_ = 1;
  unsigned made_ = 0;     // mails so far
  int fd_ = -1;           // of the connection; -1: none
  std::size_t told_ = 0;  // EXISTS as the client knows it
  std::string idle_tag_;  // empty: not in IDLE
  unsigned connections_ = 0;
  bool deaf_ = false, resyncs_ = false;  // the connection: does it answer nothing; has it enabled QRESYNC?
  bool silent_ = false;
  std::uint64_t modseq_ = 1;
  std::string offers_ = "IDLE";
  std::vector<std::string> commands_;
  Fault fault_;
  TlsServer server_;  // last: its thread uses the others
};

}  // namespace mailroom::testing
