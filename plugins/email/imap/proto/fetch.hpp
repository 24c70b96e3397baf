// UID FETCH: rows as they come, large sections to a sink.
#pragma once
#include <exception>

#include "imap/proto/exchange.hpp"
#include "imap/proto/section_sink.hpp"
#include "imap/proto/uid_set.hpp"

namespace mailroom::imap {

struct FetchRequest {
  UidSet set;
  FetchItems items;
};

/// Do these items name anything that RFC 3501 does not have, on this server? False where the session is to do
/// without (Quirk::plain_items).
bool uses_extensions(const Session& session, const FetchItems& items);

/// Answers `event` for each row; take_row() takes it and goes on. Rows that no request asked for are folded
/// into the session. Several requests go out in one breath, and their rows come in whatever order the server
/// likes; each belongs to the request whose set and items it fits.
class Fetch final : public Exchange, private LiteralSink {
 public:
  /// `sink`, if any, must live until this is destroyed. Throws Failure(invalid) for no request, for an empty
  /// set or a section name that is none.
  Fetch(Session& session, std::vector<FetchRequest> requests, SectionSink* sink = nullptr);
  Fetch(Session& session, const UidSet& set, const FetchItems& items);
  ~Fetch() override;
  Fetch(const Fetch&) = delete;
  Fetch& operator=(const Fetch&) = delete;

  MessageRow take_row();
  /// What the sink threw, which ended the dialogue; null else.
  std::exception_ptr sink_error() const { return broken_; }

 private:
  bool asked_for(const MessageRow& row) const;
  bool begin(std::string_view line, std::uint64_t size) override;
  void bytes(std::string_view piece) override;
  [[noreturn]] void give_up();

  Framer& framer_;
  std::vector<FetchRequest> requests_;
  MessageRow row_;
  SectionSink* sink_;
  std::exception_ptr broken_;
};

}  // namespace mailroom::imap
