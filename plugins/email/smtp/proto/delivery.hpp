// One message's way over an open session: MAIL, RCPT, DATA or BDAT, the message, its end.
#pragma once
#include <optional>

#include "smtp/proto/body.hpp"
#include "smtp/proto/dialogue.hpp"

namespace mailroom::smtp {

/// Ends in `done` when the connection may be used again, in `failed` when not; outcome() is complete in both
/// cases. Answers `event` once: when everything but the last piece has been written, and of chunks answered.
/// Then commit() goes on; abandoning the machine and the connection there leaves nothing sent.
///
/// Round trips with PIPELINING: one for the envelope with DATA (RFC 2920), one for the end. DATA waits for
/// the recipients' answers when one of them can stop the delivery (`all_or_nothing`).
class Delivery final : public Dialogue {
 public:
  static constexpr std::uint64_t kChunkedFrom =
      64 * 1024;  ///< larger messages go by BDAT where it is offered:
                  ///< a smaller one would only wait once more

  /// `message` is borrowed until the machine has ended. Throws Failure(invalid) for an envelope that must not
  /// be sent.
  Delivery(Session& session, const Envelope& envelope, const Message& message, bool all_or_nothing);
  ~Delivery() override = default;

  /// At the event: false when the server has said something by now. It must not: the machine has failed then,
  /// and nothing was sent.
  bool ready();
  void commit();
  const Outcome& outcome() const { return outcome_; }

 private:
  enum class At { envelope, data, body, chunks, committing, end, empty_end };
  void on_reply(Reply&& reply) override;
  void on_written() override;
  void on_failed(const Error& error) override;
  bool precheck();
  void send_envelope();
  void envelope_answered(Reply&& reply);
  void recipient_answered(const Reply& reply);
  void envelope_known();
  void send_message();
  void data_answered(const Reply& reply);
  void chunk_answered(Reply&& reply);
  void written_out();
  void finished(const Reply& reply);
  void refuse_recipients(bool for_good, const std::string& who);
  void decide(const Reply& reply, std::string what);
  void conclude();

  Envelope envelope_;
  const Message& message_;
  const bool all_or_nothing_;
  At at_ = At::envelope;
  std::optional<Body> body_;
  bool chunked_ = false;             // BDAT instead of DATA?
  bool reset_asked_ = false;         // is the answer to RSET still to come?
  bool mail_asked_ = false;          // has MAIL been written?
  bool data_asked_ = false;          // has DATA gone out with the envelope?
  bool settled_ = false;             // does the outcome stand, whatever becomes of the connection?
  bool end_given_ = false;           // may the last piece have reached the server?
  std::size_t sent_ = 0;             // RCPTs written
  std::size_t answered_ = 0;         // RCPTs answered
  unsigned outstanding_ = 0;         // replies to what was written that are still to come
  Reply data_reply_;                 // to the DATA that went with the envelope
  std::optional<Reply> mail_reply_;  // none: not answered yet
  std::optional<Reply> chunk_no_;    // the first refusal of a chunk
  Outcome outcome_;
};

}  // namespace mailroom::smtp
