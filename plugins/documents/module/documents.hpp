// The module: its tools, and what it reads for others (aoh.extractor/1).
#pragma once
#include <string>

#include "aoh/sdk.hpp"
#include "module/extract.hpp"
#include "module/source.hpp"

namespace mailroom::documents {

/// Safe to use from many threads at once: nothing changes after the constructor but the parser's path, under
/// a lock.
class Documents : public aoh::Plugin {
 public:
  Documents(const aoh_host* host, const aoh::Json& config);

  aoh::Result extract_tool(const aoh::Json& args, aoh::Call& call);
  aoh::Result ingest(const aoh::Json& args, aoh::Call& call);
  aoh::Result remove(const aoh::Json& args, aoh::Call& call);
  aoh::Result status(const aoh::Json& args, aoh::Call& call);
  aoh::Result extract(std::string_view blob, const aoh::Json& request, aoh::TextSink& text,
                      aoh::Call& call) override;

 private:
  Means means();
  Source source(const aoh::Json& args, const aoh::Call& call) const;
  std::function<bool()> stop_for(const aoh::Call& call) const;

  aoh::Clock clock_;
  Means means_;  // without the parser's path
  std::mutex mutex_;
  std::string parser_;  // checked; empty until first asked for
};

}  // namespace mailroom::documents
