// What an IMAP server tells, as values.
#pragma once
#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"

namespace mailroom::imap {

using Uid = std::uint32_t;  ///< never 0 (RFC 3501 §2.3.1.1)

/// Capability names as of the last time the server told them: TLS and sign-in each make earlier ones void.
/// One string, for it is kept as long as the connection.
class Capabilities {
 public:
  Capabilities() = default;
  /// `words`: separated by spaces. At most 500 of them, of at most 200 bytes each; others do not count.
  explicit Capabilities(std::string_view words);
  void add(std::string_view words);        ///< to those that are there
  bool has(std::string_view name) const;   ///< case-insensitive
  std::vector<std::string> names() const;  ///< upper case, in the server's order

 private:
  std::string words_;  // " IDLE ID ", upper case
};

/// The selected mailbox, kept up to date by whatever untagged responses arrive in any command's answer.
struct MailboxState {
  std::string name;  ///< UTF-8; empty: none selected
  bool read_only = false;
  std::uint32_t uid_validity = 0;  ///< 0: the server told none (then UIDs cannot be trusted across sessions)
  std::optional<std::uint32_t> uid_next;
  std::uint32_t exists = 0;  ///< number of messages
  std::optional<std::uint64_t> highest_modseq;
  std::vector<std::string> permanent_flags;  ///< "\*": keywords may be made
  std::string mailbox_id;                    ///< OBJECTID (RFC 8474 §4); empty where it is not told
  std::uint64_t changes = 0;                 ///< counts EXISTS, EXPUNGE and FETCH rows that nobody asked for
};

struct ListEntry {
  std::string name;                            ///< UTF-8, decoded from modified UTF-7 (RFC 3501 §5.1.3)
  char delimiter = 0;                          ///< 0: flat
  std::vector<std::string> attributes;         ///< "\Sent", "\Noselect", ... as sent
  bool has(std::string_view attribute) const;  ///< case-insensitive
};

struct StatusData {
  std::optional<std::uint32_t> messages, uid_next, uid_validity, unseen, recent;
  std::optional<std::uint64_t> highest_modseq, size;
  std::optional<std::uint32_t> deleted;  ///< IMAP4rev2 (RFC 9051 §6.3.11)
  std::string mailbox_id;                ///< OBJECTID
};

/// One entry of BODYSTRUCTURE (RFC 3501 §7.4.2). Texts are as sent (encoded words undecoded), types lower
/// case.
struct BodyPart {
  std::string number;  ///< the section for BODY.PEEK[...]: "1.2"; empty for a multipart at the top
  std::string type, subtype;
  std::vector<std::pair<std::string, std::string>> params;  ///< names lower case
  std::string id, description, encoding;
  std::uint32_t size = 0;   ///< octets in transfer encoding
  bool size_known = true;   ///< the server gave a number
  std::uint32_t lines = 0;  ///< text and message/rfc822 only
  std::string disposition;  ///< lower case
  std::vector<std::pair<std::string, std::string>> disposition_params;
  std::vector<BodyPart> parts;  ///< of a multipart, or the one body of a message/rfc822
};

/// One BODY[...] item of a FETCH row.
struct Section {
  std::string name;                     ///< between the brackets: "", "HEADER", "1.2", "1.MIME"
  std::optional<std::uint64_t> origin;  ///< of a partial fetch
  bool nil = false;                     ///< the server has no such part
  bool decoded = false;                 ///< without its transfer encoding (BINARY)
  bool streamed = false;                ///< its bytes went to the fetch's sink: `bytes` is empty
  std::uint64_t size = 0;               ///< bytes that came, streamed or not
  std::string bytes;
};

/// One message's answer to a fetch. What was not asked or not told is absent.
struct MessageRow {
  Uid uid = 0;
  std::uint32_t sequence = 0;  ///< good for nothing but display: it changes with every expunge
  std::optional<std::vector<std::string>> flags;
  std::optional<std::uint64_t> size;            ///< RFC822.SIZE
  std::string internal_date;                    ///< as sent: " 1-Jan-2026 10:00:00 +0000"
  std::optional<std::int64_t> internal_date_s;  ///< seconds since 1970, absent when the text is no date
  std::optional<std::uint64_t> modseq;
  std::optional<BodyPart> structure;
  std::string email_id, thread_id;                    ///< OBJECTID (RFC 8474)
  std::string gm_message_id, gm_thread_id;            ///< Gmail's
  std::optional<std::vector<std::string>> gm_labels;  ///< Gmail's, UTF-8; its own begin with a backslash
  std::vector<Section> sections;
  /// Set when this message's answer could not be read whole (malformed BODYSTRUCTURE, over a limit), or when
  /// the server refuses this one of several: the row says which message (uid) and holds what could be read;
  /// the connection lives.
  Error error;

  const Section* section(std::string_view name) const;
};

struct FetchItems {
  bool flags = true;
  bool size = false;
  bool internal_date = false;
  bool modseq = false;     ///< only sent where CONDSTORE is offered
  bool structure = false;  ///< BODYSTRUCTURE
  bool object_ids = true;  ///< EMAILID/THREADID or X-GM-MSGID/X-GM-THRID, where offered
  bool labels = false;     ///< X-GM-LABELS, where offered
  /// Only messages that have changed since (CHANGEDSINCE, RFC 7162 §3.1.4.1); only sent where CONDSTORE is
  /// offered: without it, all come.
  std::optional<std::uint64_t> changed_since;
  struct Want {
    std::string name;  ///< section: "" (whole), "HEADER", "1.2", "HEADER.FIELDS (FROM TO)"; checked
    std::optional<std::uint32_t> limit;  ///< fetch at most this many bytes from `origin`
    std::uint32_t origin = 0;
    /// A part without its transfer encoding (BINARY, RFC 3516), where that is offered and the server knows
    /// the encoding; Section::decoded tells how it came. Only part numbers, or "".
    bool decoded = false;
  };
  std::vector<Want> sections;  ///< always BODY.PEEK: reading never sets \Seen
};

struct FetchSummary {
  std::uint32_t rows = 0;  ///< delivered to the callback
};

/// Why an idle() came back; several may be true.
struct IdleResult {
  bool exists = false;             ///< EXISTS or RECENT: the number of messages was told anew
  bool expunged = false;           ///< EXPUNGE or VANISHED
  bool flags = false;              ///< FETCH
  bool deadline = false;           ///< the time was up
  bool interrupted = false;        ///< somebody called interrupt()
  std::uint32_t exists_count = 0;  ///< messages now in the mailbox
  /// Other mailboxes with news (NOTIFY, RFC 5465), each as it was told last; at most Limits::news.
  std::map<std::string, StatusData> others;
  bool news_lost = false;  ///< the server tells no more by itself (NOTIFICATIONOVERFLOW): look everywhere
};

struct AppendResult {
  std::uint32_t uid_validity = 0;  ///< 0 without UIDPLUS
  Uid uid = 0;
};

struct Limits {
  std::size_t line = 1 << 20;  ///< bytes of one response outside literals
  std::uint64_t literal =
      64ull << 20;  ///< bytes of one literal kept; a longer one is skipped and named in MessageRow::error
  std::uint64_t skip = 1ull << 31;       ///< bytes of one literal at all; a longer one ends the connection
  std::uint64_t response = 80ull << 20;  ///< bytes kept of one response
  std::size_t literals = 1'000;          ///< literals in one response
  std::size_t depth = 60;                ///< parentheses
  std::size_t parts = 5'000;             ///< in one BODYSTRUCTURE
  std::uint32_t untagged = 2'000'000;    ///< responses in one command's answer
  std::uint32_t search_results = 5'000'000;  ///< UIDs
  std::uint32_t list_entries = 100'000;
  std::uint32_t refusals = 50;          ///< messages that a server may refuse one by one in one fetch
  std::uint32_t resync_rows = 200'000;  ///< changed messages in the answer of one SELECT
  std::uint32_t news = 10'000;          ///< mailboxes that one IDLE tells of
};

struct Timeouts {
  std::chrono::milliseconds greeting{30'000};
  std::chrono::milliseconds command{60'000};  ///< silence within one command's answer
  // Of a whole command, however busy the server is with it: who drips must not hold it for ever.
  std::chrono::milliseconds opening{180'000};     ///< from the first byte to the end of the sign-in
  std::chrono::milliseconds whole{600'000};       ///< any other command
  std::chrono::milliseconds transfer{3'600'000};  ///< FETCH and APPEND
  std::chrono::milliseconds write{60'000};
  std::chrono::milliseconds idle_done{30'000};  ///< from DONE to the tagged answer
  std::chrono::milliseconds logout{5'000};
};

}  // namespace mailroom::imap
