#include "tools/broadcasts.hpp"

#include <pthread.h>

#include <algorithm>
#include <chrono>
#include <csignal>

#include "outbox/outbox.hpp"
#include "tools/compose_args.hpp"
#include "tools/sign.hpp"

namespace mailroom::tools {
namespace {

constexpr std::chrono::milliseconds kLook{200};
constexpr std::chrono::seconds kAfterFailure{5};
constexpr std::size_t kFirstPiece = 8u << 10, kPiece = 256u << 10;  // of a line; most are short

std::string record_key(const std::string& id) { return "outbox/" + id; }
std::string running_key(const std::string& id) { return "broadcast/" + id; }

}  // namespace

void Broadcasts::start() {
  // Signals are the host's: its threads take them.
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  thread_ = std::thread([this] { loop(); });
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

void Broadcasts::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  if (thread_.joinable()) thread_.join();
}

std::optional<BroadcastJob> Broadcasts::find(const std::string& id) const {
  const auto value = box_.runtime.services().state.get(record_key(id));
  if (!value) return std::nullopt;
  const aoh::Json json = aoh::Json::parse(value->text);
  if (json["kind"].str() != "broadcast") return std::nullopt;
  return BroadcastJob::from(json, value->version);
}

void Broadcasts::add(BroadcastJob& job) {
  save(job);
  poke();
}

void Broadcasts::poke() {
  {
    const std::lock_guard lock(mutex_);
    poked_ = true;
  }
  changed_.notify_all();
}

void Broadcasts::save(BroadcastJob& job) {
  const host::Services& services = box_.runtime.services();
  const bool over = job.state == BroadcastJob::State::done || job.state == BroadcastJob::State::cancelled;
  std::vector<aoh::State::Put> puts;
  puts.push_back(
      {running_key(job.id), over ? std::string() : std::string("{}"), AOH_STATE_ANY_VERSION, over});
  puts.push_back({record_key(job.id), job.to_json(services.clock.wall_ns()).dump(), job.version, false});
  if (!services.state.apply(puts))
    throw Failure(Errc::temporary, "the broadcast was changed by somebody else meanwhile",
                  "broadcast " + job.id, "Try again");
  if (const auto now = services.state.get(record_key(job.id))) job.version = now->version;
}

BroadcastJob Broadcasts::change(const std::string& id, BroadcastJob::State wanted) {
  const std::lock_guard lock(work_);
  auto job = find(id);
  if (!job)
    throw Failure(Errc::not_found, "there is no such broadcast", "broadcast " + printable(id, 64),
                  "action list shows those there are");
  if (job->state == wanted) return *job;
  if (job->state == BroadcastJob::State::done || job->state == BroadcastJob::State::cancelled)
    throw Failure(Errc::state, "the broadcast is " + std::string(name(job->state)) + " already",
                  "broadcast " + id);
  // What was taken back is found missing when it goes on from the beginning; what was sent is found sent.
  if (wanted == BroadcastJob::State::running) job->next = job->offset = 0;
  job->state = wanted;
  save(*job);
  if (wanted != BroadcastJob::State::running) take_back(*job);
  poke();
  return *job;
}

// Nobody gets a message of a broadcast that is paused or cancelled; those between final dot and answer are
// seen to their end.
void Broadcasts::take_back(const BroadcastJob& job) {
  for (std::uint64_t n = 0; n < std::min(job.next + kAhead, job.total); ++n)
    box_.outbox.store().withdraw(job.message_id_of(n));
}

bool Broadcasts::stopping() {
  const std::lock_guard lock(mutex_);
  return stopping_;
}

void Broadcasts::loop() {
  const host::Services& services = box_.runtime.services();
  std::map<std::string, Run> runs;
  for (;;) {
    bool more = false;
    try {
      const aoh::Json keys = services.state.list("broadcast/");
      for (const aoh::Json& row : keys.items()) {
        if (stopping()) return;
        const std::string id = row["key"].str().substr(10);
        Run& run = runs[id];
        if (std::chrono::steady_clock::now() < run.not_before) continue;
        try {
          const std::lock_guard working(work_);
          more |= step(id, run);
        } catch (const std::exception& e) {
          run.not_before = std::chrono::steady_clock::now() + kAfterFailure;
          services.log.warn("a broadcast could not go on", aoh::Json{{"broadcast", id}, {"what", e.what()}});
        }
      }
      std::erase_if(runs, [&](const auto& run) {
        return std::none_of(keys.items().begin(), keys.items().end(),
                            [&](const aoh::Json& row) { return row["key"].str().substr(10) == run.first; });
      });
    } catch (const std::exception& e) {
      services.log.warn("broadcasts cannot be read", aoh::Json{{"what", e.what()}});
    }
    std::unique_lock lock(mutex_);
    if (!more) changed_.wait_for(lock, kLook, [&] { return stopping_ || poked_; });
    poked_ = false;
    if (stopping_) return;
  }
}

bool Broadcasts::step(const std::string& id, Run& run) {
  auto job = find(id);
  if (!job) {
    box_.runtime.services().state.apply({{running_key(id), {}, AOH_STATE_ANY_VERSION, true}});
    return false;
  }
  if (job->state == BroadcastJob::State::cancelled) {
    take_back(*job);  // the host's own verb set it
    save(*job);
    return false;
  }
  if (job->state != BroadcastJob::State::running ||
      job->send_at_unix_ns > box_.runtime.services().clock.wall_ns()) {
    run = {};
    return false;
  }
  close_finished(*job, run);
  if (run.open.size() >= kAhead) return false;
  if (job->next < job->total) {
    while (job->next < job->total && run.open.size() < kAhead && !stopping()) prepare(*job, run);
    save(*job);
    return run.open.size() < kAhead;
  }
  if (!run.open.empty()) return false;
  job->state = BroadcastJob::State::done;
  save(*job);
  box_.runtime.services().log.info("a broadcast is done",
                                   aoh::Json{{"broadcast", id}, {"recipients", job->total}});
  return false;
}

void Broadcasts::close_finished(const BroadcastJob& job, Run& run) {
  // After a start: what the last process prepared and did not see to its end.
  if (!run.loaded) {
    run.loaded = true;
    const std::uint64_t first = job.next > kAhead ? job.next - kAhead : 0;
    for (std::uint64_t n = first; n < job.next; ++n) run.open.push_back(n);
  }
  std::erase_if(run.open, [&](std::uint64_t n) {
    const auto entry = box_.outbox.store().find(job.message_id_of(n));
    return !entry ||
           (entry->record.state != outbox::State::queued &&
            entry->record.state != outbox::State::committing &&
            entry->record.state != outbox::State::prepared) ||
           (entry->record.state == outbox::State::queued && entry->record.attempts > 0);
  });
}

BroadcastLine Broadcasts::read_line(const BroadcastJob& job, std::size_t& length) const {
  std::string line;
  for (;;) {
    const std::string piece = box_.runtime.services().blobs.read(job.lines, {}, job.offset + line.size(),
                                                                 line.empty() ? kFirstPiece : kPiece);
    if (piece.empty()) break;
    line += piece;
    const std::size_t end = line.find('\n', line.size() - piece.size());
    if (end == line.npos) continue;
    length = end + 1;
    return BroadcastLine::from(aoh::Json::parse(std::string_view(line).substr(0, end)));
  }
  throw Failure(Errc::state, "the broadcast's messages are not as they were stored", "broadcast " + job.id);
}

void Broadcasts::prepare(BroadcastJob& job, Run& run) {
  std::size_t length = 0;
  const BroadcastLine line = read_line(job, length);
  const std::string id = job.message_id_of(job.next);
  auto& store = box_.outbox.store();
  const host::Services& services = box_.runtime.services();
  auto found = store.find(id);
  if (!found) {
    if (run.attachments.size() != job.attachments.size())
      for (const aoh::Json& a : job.attachments)
        run.attachments.push_back(
            {a["filename"].str(),
             a["mime_type"].str(),
             services.blob(a["blob"].str(), {}, box_.runtime.config().max_message_bytes),
             {},
             false});
    const host::Account account = services.account(job.credential_id);
    mime::Composed mail = compose(box_, draft_of(job, line, run.attachments));
    sign(box_, account, "outbox:" + job.id, mail);
    outbox::Record r;
    r.id = id;
    r.credential_id = job.credential_id;
    r.session_id = job.session_id;
    r.broadcast = job.id;
    r.state = outbox::State::queued;
    r.why_queued = "broadcast";
    r.next_attempt_unix_ns = services.clock.wall_ns();
    found = store.prepare(std::move(r), mail, line.subject);
    box_.outbox.wake(found->record, found->record.next_attempt_unix_ns);
  }
  if (!found->record.over()) run.open.push_back(job.next);
  ++job.next;
  job.offset += length;
}

}  // namespace mailroom::tools
