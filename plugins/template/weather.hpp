// The template module: two tools and a trigger source. Copy this folder to begin a module of your own.
#pragma once
#include <map>
#include <mutex>

#include "aoh/sdk.hpp"
#include "ticker.hpp"

namespace weather {

class Weather : public aoh::Plugin {
 public:
  /// config: {"offset_celsius": number}.
  Weather(const aoh_host* host, const aoh::Json& config);
  ~Weather() override;

  aoh::Result now(const aoh::Json& args, aoh::Call& call);
  aoh::Result survey(const aoh::Json& args, aoh::Call& call);

  void trigger_start(const aoh::Json& source, std::string_view cursor,
                     std::shared_ptr<aoh::Trigger> trigger) override;
  void trigger_reconfigure(aoh_trigger* trigger, const aoh::Json& source) override;
  void trigger_stop(aoh_trigger* trigger) override;

 private:
  double read_station(const std::string& city) const;

  const double offset_;
  const aoh::Clock clock_;
  std::mutex m_;  // guards tickers_
  std::map<aoh_trigger*, std::shared_ptr<Ticker>> tickers_;
};

}  // namespace weather
