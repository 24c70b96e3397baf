// An IMAP session (RFC 3501, RFC 2177): imap/proto's machines over net's stream.
#pragma once
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "auth/mechanism.hpp"
#include "imap/proto/change.hpp"
#include "imap/proto/exchange.hpp"
#include "imap/proto/fetch.hpp"
#include "imap/proto/introduce.hpp"
#include "imap/proto/notify.hpp"
#include "imap/proto/order.hpp"
#include "imap/proto/search.hpp"
#include "imap/proto/select.hpp"
#include "imap/proto/session.hpp"
#include "imap/proto/transfer.hpp"
#include "imap/proto/types.hpp"
#include "imap/proto/uid_set.hpp"
#include "net/connect.hpp"

namespace mailroom::imap {

struct Login {
  net::Endpoint endpoint;
  auth::Credentials credentials;
  Limits limits;
  Timeouts timeouts;
  Quirks quirks;  ///< of the provider's entry
  /// Who we are, for servers that let nobody in without ID (RFC 2971).
  Identity identity{{"name", "Mailroom"}, {"vendor", "Mailroom"}, {"version", "0.1"}};
  bool resync = false;  ///< QRESYNC and CONDSTORE are wanted (RFC 7162): enabled where they are offered
};

/// A mailbox and how many messages it has.
struct Counted {
  ListEntry entry;
  std::optional<StatusData> status;
};

/// Called on the strand for each message as its row is complete. What it throws ends the fetch and the
/// connection.
using OnRow = std::function<void(MessageRow&& row)>;

/// One authenticated session. Belongs to a strand; one call at a time; interrupt() and abort() from any
/// thread. Errors: Failure. is_fatal(code) tells whether the session is over; refused, temporary, not_found,
/// invalid and unsupported leave it usable. The server's BYE is Errc::bye.
class Client {
 public:
  /// Connects, reads the greeting, does STARTTLS, signs in (AUTHENTICATE, else LOGIN) and asks for the
  /// capabilities anew after each. The credentials are wiped from the session once it is signed in. Throws
  /// Failure: those of net::open(), starttls_missing, auth, auth_throttled, unsupported (no way to sign in),
  /// protocol, bye, timeout, closed.
  static net::Task<std::unique_ptr<Client>> connect(net::Executor executor, net::Context context, Login login,
                                                    net::TraceSink trace = {});
  ~Client();

  const Capabilities& capabilities() const;
  const net::TlsDetails* tls() const;  ///< null without TLS
  /// The selected mailbox as it is now known; name empty when there is none.
  const MailboxState& mailbox() const;

  /// ID (RFC 2971): tells who we are, returns what the server is; nothing where it is not offered. Names
  /// lower case.
  net::Task<std::map<std::string, std::string>> id(const std::map<std::string, std::string>& own);
  net::Task<std::vector<ListEntry>> list(std::string_view pattern = "*");
  /// All mailboxes with what they are for (RFC 6154) where the server tells it; for find_special().
  net::Task<std::vector<ListEntry>> list_with_uses();
  /// The mailboxes with their counts: in one command where the server can (RFC 5819), else by a STATUS of
  /// each of the first `most` that can be selected. One that cannot be looked into has no counts.
  net::Task<std::vector<Counted>> list_with_counts(std::string_view pattern = "*", std::size_t most = 200);
  /// STATUS (not for the selected mailbox, RFC 3501 §6.3.10). not_found when there is no such mailbox.
  net::Task<StatusData> status(std::string_view mailbox);
  /// SELECT, or EXAMINE when `read_only`. not_found when there is no such mailbox; then none is selected.
  net::Task<MailboxState> select(std::string_view mailbox, bool read_only = false);
  /// The same, and what has changed since `known`: told by the SELECT where Login::resync was set and the
  /// server has QRESYNC; by UID FETCH of what has changed and UID SEARCH where it has CONDSTORE; else by the
  /// flags of all that was known. At most Limits::resync_rows changes, else limit. An empty `known` the first
  /// time, so that the server tells HIGHESTMODSEQ.
  net::Task<MailboxState> select(std::string_view mailbox, bool read_only, Known known, Since& since);
  /// Ascending, without duplicates. unsupported: the server does not know UTF-8 (BADCHARSET).
  net::Task<std::vector<Uid>> uid_search(const Criteria& criteria);
  bool can_sort() const;
  /// UID SORT: in the server's order. Throws unsupported where can_sort() is false.
  net::Task<std::vector<Uid>> uid_sort(Sort sort, const Criteria& criteria);
  /// How the server can group messages into conversations; nullopt: it cannot.
  std::optional<Threading> threading() const;
  /// UID THREAD: the conversations among the messages that meet `criteria`. Throws unsupported where
  /// threading() is nullopt.
  net::Task<std::vector<std::vector<Uid>>> uid_thread(const Criteria& criteria);
  /// UID FETCH. Rows of messages outside `set`, and rows without anything that was asked, are somebody else's
  /// news: folded into mailbox(), not delivered. A message that does not exist has no row. Where the server
  /// answers NO to many, they are asked for in smaller sets, until the one that it refuses is alone: that
  /// one's row has an `error` (refused or temporary) that names it, and the others come. Throws that error
  /// where only one was asked for, and the server's NO when it refuses more than Limits::refusals of them.
  /// BAD has it asked again without several ranges, then without items of extensions.
  net::Task<FetchSummary> uid_fetch(const UidSet& set, const FetchItems& items, const OnRow& on_row);
  /// Several of them, sent in one breath: one round trip for all. Their commands together should stay below
  /// 16 KB, which fit into any socket's buffer. Sections that `sink` takes are not held here, so that one of
  /// any size needs no memory; the row tells their sizes. Nothing is read while on_row or the sink is at
  /// work, so that a slow consumer holds the server back.
  net::Task<FetchSummary> uid_fetch(std::vector<FetchRequest> requests, const OnRow& on_row,
                                    SectionSink* sink = nullptr);
  /// UID STORE .SILENT. Flags are checked: "\Seen" or a keyword atom.
  net::Task<void> uid_store(const UidSet& set, StoreMode mode, const std::vector<std::string>& flags);
  /// Gmail's labels. Throws unsupported where X-GM-EXT-1 is not offered.
  net::Task<void> uid_store_labels(const UidSet& set, StoreMode mode, const std::vector<std::string>& labels);
  /// UID COPY: all of the set or, when it throws, as good servers have it, none (RFC 3501 §6.4.7). not_found
  /// (TRYCREATE) when there is no such mailbox.
  net::Task<CopyResult> uid_copy(const UidSet& set, std::string_view mailbox);
  bool can_move() const;
  /// UID MOVE (RFC 6851). When it throws, some may have been moved: `result` says which, as far as the server
  /// told.
  net::Task<void> uid_move(const UidSet& set, std::string_view mailbox, CopyResult& result);
  /// True when single messages can be removed (UIDPLUS).
  bool can_expunge_alone() const;
  /// UID EXPUNGE: removes those of `set` that are marked \Deleted, and no others. Throws unsupported where
  /// can_expunge_alone() is false: a plain EXPUNGE would remove what others have marked.
  net::Task<void> uid_expunge(const UidSet& set);
  /// CREATE; `use` is told to the server where it can keep it.
  net::Task<void> create(std::string_view mailbox, std::optional<Use> use = std::nullopt);
  net::Task<void> rename_mailbox(std::string_view from, std::string_view to);
  /// DELETE, with all that lies in it.
  net::Task<void> delete_mailbox(std::string_view mailbox);
  /// APPEND of a whole message with CRLF line ends, which is written from where it lies. `internal_date`:
  /// seconds since 1970, else the time of arrival. not_found (TRYCREATE) when there is no such mailbox.
  net::Task<AppendResult> append(std::string_view mailbox, const std::vector<std::string>& flags,
                                 std::string_view message,
                                 std::optional<std::int64_t> internal_date = std::nullopt);

  /// COMPRESS=DEFLATE (RFC 4978), once the session is to fetch much over a line that is not local: it costs
  /// 60 KB and processor time on both sides for the rest of the session. True when both sides compress now;
  /// false where the server does not offer it, or refuses.
  net::Task<bool> compress();
  bool is_local() const;  ///< the server is on this machine
  bool can_notify() const;
  /// NOTIFY (RFC 5465): from now on idle() tells news of other mailboxes, too. What is told at once
  /// (NotifyRequest::status_now) is the result. Throws unsupported where can_notify() is false: then each
  /// mailbox wants a connection, or a STATUS now and then.
  net::Task<std::map<std::string, StatusData>> notify(NotifyRequest request);

  bool can_idle() const;
  /// IDLE until something happens in the mailbox, `until_ns` (the clock's) has come, or interrupt(); DONE has
  /// then been sent and answered, and the session is free for the next command. News that came before the
  /// call and that no command has reported yet (mailbox().changes moved) is the caller's to notice.
  /// `wake_on_flags`: also FETCH news ends it. The other exit is abort(). Holds no buffers while waiting.
  net::Task<IdleResult> idle(std::int64_t until_ns, bool wake_on_flags = false);

  net::Task<void> noop();
  /// LOGOUT, its answer awaited shortly, close. Never throws.
  net::Task<void> logout();

  /// Any thread: the pending idle(), or the next one, ends in good order with `interrupted`.
  void interrupt();
  /// Any thread: drops the connection; a pending call fails with Errc::cancelled.
  void abort();

 private:
  struct Listed {
    std::vector<ListEntry> entries;
    std::map<std::string, StatusData> statuses;
  };
  Client(std::unique_ptr<net::Stream> stream, const Login& login);
  /// To its end, within Timeouts::whole, or `most` where it is given.
  net::Task<void> run(Exchange& exchange, std::optional<std::chrono::milliseconds> most = std::nullopt);
  /// LIST with RETURN, and without where the server refuses it: then it is not asked so again.
  net::Task<Listed> extended_list(std::string_view pattern, bool statuses);
  net::Task<MailboxState> open(Select& select, std::string_view mailbox);
  /// True: there is a row to take. False: the answer is complete. Throws what ended it.
  net::Task<bool> next_row(Fetch& fetch, std::int64_t deadline_ns);
  std::int64_t transfer_deadline() const;
  Failure failure(const Machine& machine) const;
  void break_off();
  net::Task<UidSet> still_missing(const UidSet& piece, const std::vector<Uid>& came);
  net::Task<void> compare(const Known& known, Since& since);
  net::Task<std::vector<Uid>> search_once(const Criteria& criteria, bool extended);

  std::unique_ptr<net::Stream> stream_;
  Session session_;
  bool compressed_ = false;
  enum class Refusal { no, bad, unknown_encoding };
  Refusal refusal_ = Refusal::no;  // how did the server say no to the last command that it refused?
};

}  // namespace mailroom::imap
