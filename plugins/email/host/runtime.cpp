#include "host/runtime.hpp"

#include <boost/asio/strand.hpp>
#include <chrono>
#include <csignal>

#include "base/error.hpp"

namespace mailroom::host {
namespace {

// How long a cancelled call is waited for. Aborting a connection takes effect at once; only a name look-up
// does not.
constexpr std::chrono::seconds kGrace{2};

}  // namespace

Errc Job::why() const {
  const std::lock_guard lock(mutex_);
  return why_;
}

void Job::cancel(Errc why) {
  const std::lock_guard lock(mutex_);
  if (why_ == Errc::ok) why_ = why;
  // Under the lock, so that the connection cannot go meanwhile (~Abortable takes it).
  if (abort_) abort_();
  changed_.notify_all();
}

void Job::check() const {
  switch (why()) {
    case Errc::ok:
      return;
    case Errc::timeout:
      throw Failure(Errc::timeout, "the call's time was up", "", "Try again, or ask for less at once");
    default:
      throw Failure(Errc::cancelled, "the call was cancelled");
  }
}

Job::Abortable::Abortable(Job& job, std::function<void()> abort) : job_(job) {
  const std::lock_guard lock(job_.mutex_);
  job_.abort_ = std::move(abort);
  if (job_.why_ != Errc::ok) job_.abort_();
}

Job::Abortable::~Abortable() {
  const std::lock_guard lock(job_.mutex_);
  job_.abort_ = nullptr;
}

Runtime::Runtime(const aoh_host* host, Config config)
    : config_(std::move(config)), services_(host), clock_(host) {
  tls_.on_handshake = [this](const net::Endpoint& e, const net::TlsDetails& details) {
    if (!services_.clock) return;
    const std::int64_t now_s = services_.clock.wall_ns() / 1'000'000'000;
    if (const std::optional<std::string> words = expiry_.seen(e.where(), details, now_s))
      services_.log.warn(*words, aoh::Json{{"where", e.where()}, {"days_left", details.days_left(now_s)}});
  };
}

Runtime::~Runtime() { stop(); }

void Runtime::stop() {
  quiesce();
  if (!io_) return;
  guard_.reset();
  io_->stop();
  for (std::thread& t : threads_) t.join();
  threads_.clear();
  clock_.stop();
  io_.reset();
}

net::TraceSink Runtime::trace(std::string label) const {
  if (!config_.trace) return {};
  return [log = services_.log, label = std::move(label)](std::string_view line) {
    log.debug("wire", aoh::Json{{"wire", label + " " + std::string(line)}});
  };
}

void Runtime::start() {
  if (io_) return;
  io_ = std::make_unique<boost::asio::io_context>(static_cast<int>(config_.threads));
  guard_.emplace(io_->get_executor());
  // Signals are the host's: its threads take them.
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  try {
    for (unsigned i = 0; i < config_.threads; ++i)
      threads_.emplace_back([this] {
        for (;;) {
          try {
            io_->run();
            return;
          } catch (const std::exception& e) {
            services_.log.error("network work threw an exception that nobody handled",
                                aoh::Json{{"what", e.what()}});
          } catch (...) {
            services_.log.error("network work threw something that nobody handled");
          }
        }
      });
  } catch (...) {
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
    throw;
  }
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

net::Executor Runtime::strand() {
  const std::lock_guard lock(mutex_);
  start();
  return boost::asio::make_strand(*io_);
}

void Runtime::quiesce() {
  std::set<std::shared_ptr<Job>> jobs;
  {
    const std::lock_guard lock(mutex_);
    quiescing_ = true;
    jobs = jobs_;
  }
  for (const auto& job : jobs) job->cancel(Errc::cancelled);
}

void Runtime::pause(aoh::Call& call, std::chrono::milliseconds time) {
  const auto job = std::make_shared<Job>(call.id());
  const auto at = clock_.now_ns() + std::chrono::nanoseconds(time).count();
  const net::Clock::TimerId timer = clock_.schedule(at, [job] { finished(*job); });
  if (wait(call, job)) return;
  clock_.cancel(timer);
  job->check();
}

void Runtime::finished(Job& job) {
  const std::lock_guard lock(job.mutex_);
  job.done_ = true;
  job.changed_.notify_all();
}

bool Runtime::wait(aoh::Call& call, const std::shared_ptr<Job>& job) {
  {
    const std::lock_guard lock(mutex_);
    if (quiescing_) job->cancel(Errc::cancelled);
    jobs_.insert(job);
  }
  call.on_cancel([job] { job->cancel(Errc::cancelled); });
  net::Clock::TimerId timer = 0;
  if (call.deadline_ns() != INT64_MAX)
    timer = clock_.schedule(call.deadline_ns(), [job] { job->cancel(Errc::timeout); });
  bool done = false;
  {
    std::unique_lock lock(job->mutex_);
    job->changed_.wait(lock, [&] { return job->done_ || job->why_ != Errc::ok; });
    done = job->done_ || job->changed_.wait_for(lock, kGrace, [&] { return job->done_; });
  }
  if (timer) clock_.cancel(timer);
  const std::lock_guard lock(mutex_);
  jobs_.erase(job);
  return done;
}

}  // namespace mailroom::host
