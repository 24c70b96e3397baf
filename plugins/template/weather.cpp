#include "weather.hpp"

#include <chrono>
#include <condition_variable>

#include "aoh_manifest.hpp"

namespace weather {
namespace {

/// Waits that end early when the call is cancelled.
class Pause {
 public:
  explicit Pause(aoh::Call& call) : call_(call) {
    call.on_cancel([this] {
      const std::lock_guard lock(m_);
      cancelled_ = true;
      wake_.notify_all();
    });
  }
  /// False once the call is cancelled.
  bool wait(std::chrono::milliseconds time) {
    std::unique_lock lock(m_);
    wake_.wait_for(lock, time, [this] { return cancelled_; });
    return !cancelled_ && !call_.cancelled();
  }

 private:
  aoh::Call& call_;
  std::mutex m_;
  std::condition_variable wake_;
  bool cancelled_ = false;
};

}  // namespace

Weather::Weather(const aoh_host* host, const aoh::Json& config)
    : Plugin(host, config), offset_(config["offset_celsius"].number(0)), clock_(host) {
  // The host has checked the schema; a module checks again what it relies on.
  if (config.has("offset_celsius") && !config["offset_celsius"].is_number())
    throw aoh::StatusError(AOH_E_INVALID,
                           "offset_celsius: expected a number; correct the module's configuration");
}

Weather::~Weather() {
  for (const auto& [handle, ticker] : tickers_) ticker->stop();
}

double Weather::read_station(const std::string& city) const {
  unsigned sum = 0;
  for (const char c : city) sum = sum * 31 + static_cast<unsigned char>(c);
  return static_cast<double>(sum % 350) / 10.0 + offset_;
}

aoh::Result Weather::now(const aoh::Json& args, aoh::Call& call) {
  call.progress(1, 2, "asking the station");
  if (call.cancelled()) return aoh::Result::cancelled();
  const std::string& city = args["city"].str();
  if (city.empty()) return aoh::Result::error("city: name a city");
  return aoh::Result::ok({{"city", city}, {"celsius", read_station(city)}});
}

aoh::Result Weather::survey(const aoh::Json& args, aoh::Call& call) {
  const std::string& city = args["city"].str();
  if (city.empty()) return aoh::Result::error("city: name a city");
  const auto readings = std::clamp<std::int64_t>(args["readings"].integer(10), 1, 1000);
  Pause pause(call);
  double sum = 0;
  for (std::int64_t i = 0; i < readings; ++i) {
    if (!pause.wait(std::chrono::milliseconds(2))) return aoh::Result::cancelled();
    sum += read_station(city);
    call.progress(static_cast<double>(i + 1), static_cast<double>(readings),
                  "reading " + std::to_string(i + 1));
  }
  return aoh::Result::ok(
      {{"city", city}, {"mean_celsius", sum / static_cast<double>(readings)}, {"readings", readings}});
}

void Weather::trigger_start(const aoh::Json& source, std::string_view cursor,
                            std::shared_ptr<aoh::Trigger> trigger) {
  if (!clock_)
    throw aoh::StatusError(AOH_E_UNSUPPORTED, "the source needs aoh.clock/1, which this host does not give");
  aoh_trigger* const handle = trigger->handle();
  auto ticker = std::make_shared<Ticker>(clock_, source, cursor, std::move(trigger));
  {
    const std::lock_guard lock(m_);
    tickers_[handle] = ticker;
  }
  ticker->start();
}

void Weather::trigger_reconfigure(aoh_trigger* handle, const aoh::Json& source) {
  const std::lock_guard lock(m_);
  const auto it = tickers_.find(handle);
  if (it == tickers_.end()) throw aoh::StatusError(AOH_E_NOT_FOUND, "no such trigger runs");
  it->second->configure(source);
}

void Weather::trigger_stop(aoh_trigger* handle) {
  std::shared_ptr<Ticker> ticker;
  {
    const std::lock_guard lock(m_);
    const auto it = tickers_.find(handle);
    if (it == tickers_.end()) return;
    ticker = std::move(it->second);
    tickers_.erase(it);
  }
  ticker->stop();
}

}  // namespace weather

AOH_MODULE(weather::Weather, aoh_generated::kManifest, aoh::tool("weather_now", &weather::Weather::now),
           aoh::tool("weather_survey", &weather::Weather::survey))
