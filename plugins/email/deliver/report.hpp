// What comes back: delivery reports (RFC 3464 in RFC 6522's multipart/report) and complaints (RFC 5965).
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace mailroom::deliver {

/// The fate of one recipient, as the reporting server tells it. Every text is a stranger's word.
struct ReportedRecipient {
  enum class Action { failed, delayed, delivered, relayed, expanded, unknown };

  std::string address;  ///< Original-Recipient where it is given, else Final-Recipient; without the type
  Action action = Action::unknown;
  std::string status;      ///< enhanced status code, "5.1.1"; empty when there is none (RFC 3463)
  std::string diagnostic;  ///< the remote server's words, one line, at most 512 bytes
  std::string remote_mta;

  /// Failed for good: the address takes no mail. A full mailbox (x.2.2) or an action of a 4.x.x code is not.
  bool dead() const;
};

struct Report {
  enum class Kind { bounce, complaint };

  Kind kind = Kind::bounce;
  std::vector<ReportedRecipient> recipients;  ///< of a complaint: those it names, action unknown
  std::string message_id;     ///< of the message it answers, without angle brackets; empty when not told
  std::string envelope_id;    ///< ENVID of the submission (RFC 3461 §4.4); empty when not told
  std::string reporting_mta;  ///< of a bounce
  std::string feedback_type;  ///< of a complaint: "abuse", "fraud", "not-spam" ...
};

/// Reads `raw` (a whole message). Nothing when it is neither; a report whose machine-readable part is damaged
/// gives what could be read. At most 1,000 recipients and 1 MB of that part are looked at. Pure. Whether to
/// believe it is the caller's matter: anybody can write such a message, so it must name a Message-ID or an
/// envelope that was really sent to that address.
std::optional<Report> read_report(std::string_view raw);

}  // namespace mailroom::deliver
