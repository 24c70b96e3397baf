// For tests: a module that reads files for others. What it does stands in the file's first word.
#include <unistd.h>

#include <span>
#include <thread>

#include "aoh/sdk.hpp"
#include "aoh_manifest.hpp"

namespace {

using aoh::Json;

struct Reader : aoh::Plugin {
  Reader(const aoh_host* h, const Json& config) : Plugin(h, config), blobs(h) {}

  aoh::Result extract(std::string_view blob, const Json& request, aoh::TextSink& text,
                      aoh::Call& call) override {
    const std::string bytes = blobs.read(blob, call.id(), 0, 1 << 20);
    const auto is = [&](std::string_view word) { return bytes.starts_with(word); };
    if (is("broken")) return aoh::Result::error("the file ends in the middle \x1b[2J");
    if (is("slow"))
      while (!call.cancelled()) std::this_thread::sleep_for(std::chrono::milliseconds(5));
    if (call.cancelled()) return aoh::Result::cancelled();
    if (is("nosy")) {  // another blob by the same bearer
      try {
        blobs.stat(bytes.substr(5), call.id());
        return aoh::Result::error("it was given a blob that is not its own");
      } catch (const aoh::StatusError& e) {
        text.write("status " + std::to_string(e.status));
      }
      return aoh::Result::ok(Json::object());
    }
    bool cut = false;
    if (is("endless")) {
      while (text.write("for ever and ever. ")) {
      }
      cut = text.full();
    }
    const int fd = blobs.descriptor(blob, call.id());
    std::string again(bytes.size() + 1, '\0');
    const auto n = ::read(fd, again.data(), again.size());
    ::close(fd);
    if (n != static_cast<ssize_t>(bytes.size()) || again.substr(0, bytes.size()) != bytes)
      return aoh::Result::error("the descriptor has other bytes than read()");
    if (!cut) text.write("\fpage 1\n" + bytes + "\n\fpage 2\nlast words\n");
    return aoh::Result::ok(Json{{"mime_type", "application/x-made-up"},
                                {"pages", 2},
                                {"truncated", cut},
                                {"asked", request},
                                {"warnings", Json::array({Json{{"code", "odd"}, {"detail", "a detail"}}})}});
  }

 private:
  aoh::Blobs blobs;
};

}  // namespace

namespace {
struct AohModuleDefinition {
  using P = Reader;
  static std::string_view manifest() { return aoh_generated::kManifest; }
  static std::span<const aoh::Tool<Reader>> tools() { return {}; }
};
}  // namespace
extern "C" AOH_EXPORT constinit const aoh_module aoh_module_v1 =
    aoh::detail::Thunks<AohModuleDefinition>::table();
