// One message's way over an open session: MAIL, RCPT, DATA, the message, its end.
#pragma once
#include <string_view>

#include "smtp/proto/dialogue.hpp"
#include "smtp/proto/dot_stuffing.hpp"

namespace mailroom::smtp {

/// Ends in `done` when the connection may be used again, in `failed` when not; outcome() is complete in both
/// cases. Answers `event` once: when everything but the end mark has been written. Then commit() goes on;
/// abandoning the machine and the connection there leaves nothing sent.
class Delivery final : public Dialogue {
 public:
  /// `message` is borrowed until the machine has ended. Throws Failure(invalid) for an envelope or message
  /// that must not be sent.
  Delivery(Session& session, const Envelope& envelope, std::string_view message, bool all_or_nothing);
  ~Delivery() override = default;

  void commit();
  const Outcome& outcome() const { return outcome_; }

 private:
  enum class At { reset, envelope, data, body, committing, end };
  void on_reply(Reply&& reply) override;
  void on_written() override;
  void on_failed(const Error& error) override;
  bool precheck();
  void start();
  void send_envelope();
  void mail_answered(const Reply& reply);
  void recipient_answered(const Reply& reply);
  void recipients_known();
  void finished(const Reply& reply);
  void decide(Outcome::State state, const Reply& reply, std::string what, std::string cure = {});

  Envelope envelope_;
  DotStuffer body_;
  bool all_or_nothing_;
  At at_ = At::envelope;
  bool end_given_ = false;    // may the end mark have reached the server?
  bool mail_ok_ = false;      // was MAIL accepted?
  std::size_t sent_ = 0;      // RCPTs written
  std::size_t answered_ = 0;  // RCPTs answered
  unsigned outstanding_ = 0;  // replies of the current group still to come
  Reply mail_reply_;          // a refusal of MAIL, until the rest of the group is in
  Outcome outcome_;
};

}  // namespace mailroom::smtp
