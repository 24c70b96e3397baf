// One mailbox watched: connect, catch up, IDLE or poll, hand over, and again, for ever.
#pragma once
#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "aoh/sdk/trigger.hpp"
#include "host/providers.hpp"
#include "host/runtime.hpp"
#include "imap/client.hpp"
#include "net/alarm.hpp"
#include "watch/cursor.hpp"
#include "watch/measures.hpp"
#include "watch/source.hpp"

namespace mailroom::watch {

/// What a person sees of a watcher. "idle" and "polling" are said only while a connection lives, and no
/// longer than until the server is due to be asked again: from then on it is "probing", until the server
/// answers (within 30 s, else "backoff" and a new connection).
struct Health {
  std::string state = "starting";  ///< starting, catching_up, fetching, idle, polling, backoff, failed
  std::int64_t last_contact_ns = 0, last_event_ns = 0, retry_at_ns = 0;  ///< Unix time; 0: none
  std::int64_t heard_ns = 0;          ///< when last_contact_ns was, by the clock; 0: never
  std::int64_t probe_ns = INT64_MAX;  ///< idle, polling: from when on silence proves nothing; the clock's
  std::int64_t lag_ms = 0;            ///< of the last event: from the server's INTERNALDATE to the host
  std::optional<std::int64_t>
      hand_over_ms;               ///< of the last one that the server told of: from then to the host
  std::uint64_t handed_over = 0;  ///< events since the start
  std::uint64_t parked = 0;       ///< messages given up since the start
  std::uint64_t connections = 0;
  std::string last_error, cure;
};

/// Lives on a strand of its own; start, stop, reconfigure and status may come from any thread. It keeps
/// itself alive until it has told the host that it stopped. One account's trouble stays in its own watcher.
class Watcher : public std::enable_shared_from_this<Watcher> {
 public:
  /// Does not block. `cursor`: what the host stored last, empty at first. Throws Failure for a cursor that
  /// cannot be read.
  static std::shared_ptr<Watcher> start(host::Runtime& runtime, Source source, std::string_view cursor,
                                        std::shared_ptr<aoh::Trigger> trigger,
                                        const Measures* measures = nullptr);
  Watcher(host::Runtime& runtime, net::Executor executor, Source source, std::optional<Cursor> cursor,
          std::shared_ptr<aoh::Trigger> trigger, const Measures* measures);

  void stop();
  void reconfigure(Source source);  ///< same key; the cursor stays
  void credential_changed();        ///< ends a wait for better times
  std::string credential_id() const { return credential_id_; }
  std::string mailbox() const { return mailbox_; }
  struct Batch;                                  ///< in batch.hpp
  aoh::Json status() const;                      ///< as email_watch shows it
  void measure(const Measures& measures) const;  ///< when the host collects metrics
  aoh::Json in_force() const;                    ///< {"rules", "blueprints"} that decide

 private:
  struct Connecting;

  net::Task<void> run();
  net::Task<void> session();
  net::Task<void> wait_for_news(bool sure);
  net::Task<void> back_off(const Error& error);
  void suspect(const Error& error);

  // sign_in.cpp
  net::Task<bool> connect();
  net::Task<bool> token_is_new();
  bool token_has_ended(const Error& error);
  net::Task<bool> wait_for(std::shared_ptr<Connecting> attempt);
  static net::Task<void> connect_into(std::shared_ptr<Connecting> to, host::Runtime* runtime,
                                      host::Account account, std::string bearer, net::Executor executor,
                                      std::weak_ptr<Watcher> waiter);
  static net::Task<void> sign_in_into(std::shared_ptr<Connecting> to, host::Runtime* runtime,
                                      host::Account account, std::string bearer, net::Executor executor,
                                      std::weak_ptr<Watcher> waiter);

  // resume.cpp
  net::Task<bool> open(imap::MailboxState& mailbox);
  net::Task<void> know_again(Batch& batch, Cursor& next);

  // catch_up.cpp
  net::Task<bool> begin();
  net::Task<void> fill();
  net::Task<bool> catch_up();
  net::Task<void> process(std::vector<imap::Uid> uids, bool last);
  net::Task<void> fetch_heads(Batch& batch);
  net::Task<void> fetch_texts(Batch& batch);

  // decide.cpp
  void ask(Batch& batch);
  net::Task<void> decide(Batch& batch);

  // reports.cpp
  net::Task<void> take_reports(Batch& batch);

  // hand_over.cpp
  net::Task<void> hand_over(std::vector<aoh::Event> events, aoh::Json decisions, Cursor next);

  void say(std::string state, std::int64_t probe_ns = INT64_MAX);
  void contact();
  std::string state_now() const;  // under mutex_
  bool told_to_stop() const { return stopping_; }

  host::Runtime& runtime_;
  const net::Executor executor_;
  const std::string credential_id_, mailbox_;
  std::shared_ptr<const Source> source_;  // what is wanted? replaced whole by reconfigure
  std::optional<Cursor> cursor_;          // what is durable at the host?
  std::shared_ptr<aoh::Trigger> trigger_;
  const Measures* const measures_;  // null: nobody measures
  std::int64_t news_ns_ = 0;  // when did the server tell of what is being fetched? the clock's; 0: it did not
  net::Alarm alarm_;          // backoff, polling, connecting
  net::Alarm host_alarm_;     // the host's answer to a hand-over
  std::unique_ptr<imap::Client> client_;
  std::vector<std::string> trusted_;  // whose Authentication-Results are believed?
  std::vector<std::string> own_;      // the account's addresses
  host::WatchTimes times_{};          // how long does an IDLE last, and when is looked where there is none?
  bool status_keeps_ = false;         // is it STATUS that keeps the session alive (quirk noop_does_not_keep)?
  bool idling_ = false;               // may the client be interrupted?
  std::uint64_t modseq_ = 0;          // HIGHESTMODSEQ as the mailbox was opened; 0: not told
  bool plain_select_ = false;         // did a resumption by QRESYNC not come to its end the last time?
  bool no_idle_ = false;              // did the server refuse an IDLE that it had offered?
  bool stopping_ = false;             // has the host asked to stop?
  unsigned attempt_ = 0;              // failures in a row
  unsigned hollow_ = 0;  // times in a row that the server announced a message that was not there yet
  std::string token_;    // generation of the secret that the connection signed in with
  std::int64_t token_ends_ns_ =
      INT64_MAX;              // when does that run out? the clock's; moved on while no other is to be had
  bool token_ended_ = false;  // did the session end for that reason alone?
  imap::Uid work_first_ = 0, work_last_ = 0;  // which messages are being fetched? 0: none
  imap::Uid careful_until_ = 0;               // up to it messages go one by one: one of them broke a session
  imap::Uid suspect_ = 0;                     // the message at which sessions broke
  unsigned suspect_times_ = 0;                // how often in a row
  unsigned fill_times_ = 0;                   // how often was the filling begun and not ended?
  std::string suspect_why_;                   // the last time

  mutable std::mutex mutex_;  // guards health_, latest_
  Health health_;
  std::shared_ptr<const Source> latest_;  // source_ as it is or will be in a moment: for other threads
};

}  // namespace mailroom::watch
