// aoh.extract/1: which module reads a file, and what becomes of its answer.
#pragma once
#include <condition_variable>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "calls/engine.hpp"
#include "services/bearers.hpp"
#include "services/host_services.hpp"

namespace aoh::host {

/// The index of the one that reads such files, by the rules of aoh/extensions/extractor.h; -1: none. Pure.
int choose_extractor(const std::vector<const ExtractorSpec*>& offers, std::string_view mime_type,
                     std::string_view filename);

/// Thread-safe. Everything that it is given outlives it.
class Extraction {
 public:
  static constexpr std::uint64_t kMaxText = 256ull << 20;    ///< bytes of one file's text
  static constexpr std::int64_t kMaxTime = 600'000'000'000;  ///< ns
  static constexpr int kAtOnce = 4;                          ///< what comes beyond waits for its turn
  /// `modules`: those that are loaded.
  Extraction(std::function<std::vector<Module*>()> modules, CallEngine& engine, Blobs& blobs,
             Bearers& bearers, Clock& clock);

  ExtractOutcome extract(const ExtractRequest& request);
  /// {"mime_types", "extensions"} of all.
  Json types() const;

 private:
  struct Turn;
  std::vector<Module*> offering() const;

  std::function<std::vector<Module*>()> modules_;
  CallEngine& engine_;
  Blobs& blobs_;
  Bearers& bearers_;
  Clock& clock_;
  std::mutex m_;
  std::condition_variable ended_;
  int running_ = 0;
};

}  // namespace aoh::host
