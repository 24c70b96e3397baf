// For tests: a module that uses the knowledge base, and has files read by whoever offers it.
#include "aoh/sdk.hpp"
#include "aoh_manifest.hpp"

namespace {

using aoh::Json;

struct Shelf : aoh::Plugin {
  Shelf(const aoh_host* h, const Json& config) : Plugin(h, config), blobs(h), knowledge(h), extraction(h) {}

  aoh::Result put(const Json& args, aoh::Call&) {
    return said([&] {
      auto document =
          knowledge.begin(args["id"].str(), args["info"].is_null() ? Json::object() : args["info"]);
      for (std::int64_t i = 0, n = args["repeat"].integer(1); i < n; ++i) document.append(args["text"].str());
      return document.commit();
    });
  }
  aoh::Result forget(const Json& args, aoh::Call&) {
    return said([&] {
      return Json{{"removed", knowledge.remove_by(args["key"].str(), args["value"].str())}};
    });
  }
  aoh::Result read(const Json& args, aoh::Call& call) {
    return said([&] {
      const std::string blob = blobs.create(call.id(), Json{{"mime_type", "application/x-made-up"}});
      blobs.write(blob, args["bytes"].str());
      if (args["bytes"].str() == "nosy ") {  // and which one to be nosy about
        const std::string other = blobs.create(call.id());
        blobs.seal(other);
        blobs.write(blob, other);
      }
      blobs.seal(blob);
      Json out =
          extraction.extract(blob, call.id(), args["request"].is_null() ? Json::object() : args["request"]);
      const std::string text = out["blob"].str();
      out.set("text", blobs.read(text, call.id(), 0, 1000)).set("types", extraction.types());
      if (args.has("put_as"))
        out.set("put", knowledge.put_blob(args["put_as"].str(), Json{{"title", "Read"}}, text, call.id()));
      blobs.remove(text);
      blobs.remove(blob);
      return out;
    });
  }

 private:
  template <class Fn>
  static aoh::Result said(Fn&& fn) {
    try {
      return aoh::Result::ok(fn());
    } catch (const aoh::StatusError& e) {
      return aoh::Result::error(e.what(), Json{{"status", e.status}});
    }
  }
  aoh::Blobs blobs;
  aoh::Knowledge knowledge;
  aoh::Extraction extraction;
};

}  // namespace

AOH_MODULE(Shelf, aoh_generated::kManifest, aoh::tool("shelf_put", &Shelf::put),
           aoh::tool("shelf_forget", &Shelf::forget), aoh::tool("shelf_read", &Shelf::read))
