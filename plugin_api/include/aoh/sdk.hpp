// The C++20 SDK: write a class, list its tools, get a module.
//
//   struct Weather : aoh::Plugin {
//     using Plugin::Plugin;
//     aoh::Result now(const aoh::Json& args, aoh::Call& call);
//   };
//   AOH_MODULE(Weather, aoh_generated::kManifest, aoh::tool("weather_now", &Weather::now))
//
// aoh_add_module() makes the header "aoh_manifest.hpp" with kManifest, the bytes of the manifest file.
// Nothing thrown by a plugin leaves the module: a StatusError becomes its status, any other exception
// AOH_E_INTERNAL and a line in the host's log.
#pragma once
#include <memory>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>

#include "aoh/extensions/background.h"
#include "aoh/extensions/extractor.h"
#include "aoh/extensions/setup.h"
#include "aoh/sdk/call.hpp"
#include "aoh/sdk/knowledge.hpp"
#include "aoh/sdk/metrics.hpp"
#include "aoh/sdk/result.hpp"
#include "aoh/sdk/services.hpp"
#include "aoh/sdk/text.hpp"
#include "aoh/sdk/trigger.hpp"

namespace aoh {
inline namespace sdk_0_1 {

/// What a plugin derives from: one object per instance. The constructor may throw StatusError to refuse its
/// configuration; it does no network I/O. The destructor runs with no call and no trigger open, and joins
/// every thread.
class Plugin {
 public:
  Plugin(const aoh_host* h, const Json& config) : host_(h), config_(config), log(h) {}
  Plugin(const Plugin&) = delete;
  Plugin& operator=(const Plugin&) = delete;
  virtual ~Plugin() = default;

  virtual Result credential_test(std::string_view /*credential*/, Call&) {
    return unsupported("credential_test");
  }
  virtual Result credential_authorize(std::string_view /*credential*/, Call&) {
    return unsupported("credential_authorize");
  }
  /// Starts a source; must not block. Throw StatusError to refuse. After it returned, trigger->stopped() is
  /// owed once.
  virtual void trigger_start(const Json& /*source*/, std::string_view /*cursor*/, std::shared_ptr<Trigger>) {
    throw StatusError(AOH_E_UNSUPPORTED, "this module has no triggers");
  }
  virtual void trigger_reconfigure(aoh_trigger*, const Json& /*source*/) {
    throw StatusError(AOH_E_UNSUPPORTED, "this module has no triggers");
  }
  virtual void trigger_stop(aoh_trigger*) {}
  /// The host stays up: work that goes on without a call may begin (aoh.background/1). Returns at once.
  virtual void background_start() {}
  virtual void quiesce(std::int64_t /*deadline_ns*/) {}
  /// Reads a blob's text for others (aoh.extractor/1; the manifest's "extractor" says of which types). A
  /// plugin that overrides it has the extension. structuredContent: see extensions/extractor.h.
  virtual Result extract(std::string_view /*blob*/, const Json& /*request*/, TextSink& /*text*/, Call&) {
    return unsupported("extract");
  }
  /// Completes a credential record that a person sets up (aoh.setup/1; the manifest's "finds" says of which
  /// fields). A plugin that overrides it has the extension. request and structuredContent: see
  /// extensions/setup.h.
  virtual Result credential_setup(std::string_view /*type*/, const Json& /*request*/, Call&) {
    return unsupported("credential_setup");
  }

 protected:
  const aoh_host* host() const { return host_; }
  const Json& config() const { return config_; }

 private:
  static Result unsupported(const char* what) {
    return Result::failed(AOH_E_UNSUPPORTED, std::string(what) + " is not supported");
  }
  const aoh_host* host_;
  Json config_;

 public:
  Log log;
};

/// A tool's name and the member function that does it.
template <class P>
struct Tool {
  std::string_view name;
  Result (P::*fn)(const Json&, Call&);
};
template <class P>
constexpr Tool<P> tool(std::string_view name, Result (P::*fn)(const Json&, Call&)) {
  return {name, fn};
}

namespace detail {

inline Plugin& plugin(aoh_instance* self) { return *reinterpret_cast<Plugin*>(self); }

/// Runs fn, which answers a Result, and finishes the call with it.
template <class Fn>
aoh_status finish_with(Plugin& p, aoh_call* c, Fn&& fn) noexcept {
  Result r;
  std::string body;
  try {
    Call call(c);
    try {
      r = fn(call);
    } catch (const StatusError& e) {
      r = Result::failed(e.status, e.what());
    } catch (const std::exception& e) {
      p.log.error("a tool threw an exception that it did not handle", Json{{"what", e.what()}});
      r = Result::failed(AOH_E_INTERNAL, "an internal error; the host's log has it");
    } catch (...) {
      r = Result::failed(AOH_E_INTERNAL, "an internal error");
    }
    if (!r.body.is_null()) body = r.body.dump();
    // The call's wrapper goes after finish(), so that a cancellation in flight finds it alive.
    c->finish(c, r.status, st(body));
    return AOH_OK;
  } catch (...) {
    c->finish(c, AOH_E_INTERNAL, aoh_str{nullptr, 0});
    return AOH_OK;
  }
}

/// Runs fn and turns what it throws into a status and words.
template <class Fn>
aoh_status guarded(aoh_error* error, Fn&& fn) noexcept {
  try {
    fn();
    return AOH_OK;
  } catch (const StatusError& e) {
    set_error(error, e.status, e.what());
    return e.status;
  } catch (const JsonError& e) {
    set_error(error, AOH_E_INVALID, e.what());
    return AOH_E_INVALID;
  } catch (const std::exception& e) {
    set_error(error, AOH_E_INTERNAL, e.what());
    return AOH_E_INTERNAL;
  } catch (...) {
    set_error(error, AOH_E_INTERNAL, "an unknown exception");
    return AOH_E_INTERNAL;
  }
}

/// The C functions of a module. D: {using P; static string_view manifest(); static const auto& tools()}.
template <class D>
struct Thunks {
  using P = typename D::P;

  static aoh_status describe(aoh_sink* sink, aoh_error* error) noexcept {
    return guarded(error, [&] {
      const std::string_view m = D::manifest();
      check(sink->write(sink, m.data(), m.size()), "writing the manifest");
    });
  }
  static aoh_status create(const aoh_host* h, aoh_str config, aoh_instance** out, aoh_error* error) noexcept {
    return guarded(error, [&] {
      *out = nullptr;
      const Json json = config.len ? Json::parse(sv(config)) : Json::object();
      if (!json.is_object()) throw StatusError(AOH_E_INVALID, "the configuration must be an object");
      std::unique_ptr<Plugin> p = std::make_unique<P>(h, json);
      *out = reinterpret_cast<aoh_instance*>(p.release());
    });
  }
  static aoh_status invoke(aoh_instance* self, aoh_str name, aoh_str args, aoh_call* call) noexcept {
    Plugin& p = plugin(self);
    for (const auto& t : D::tools()) {
      if (t.name != sv(name)) continue;
      Json parsed;
      const aoh_status s =
          guarded(nullptr, [&] { parsed = args.len ? Json::parse(sv(args)) : Json::object(); });
      if (s != AOH_OK) return s;
      if (!parsed.is_object()) return AOH_E_INVALID;
      return finish_with(p, call, [&](Call& c) { return (static_cast<P&>(p).*t.fn)(parsed, c); });
    }
    return AOH_E_NOT_FOUND;
  }
  static aoh_status credential_test(aoh_instance* self, aoh_str credential, aoh_call* call) noexcept {
    Plugin& p = plugin(self);
    return finish_with(p, call, [&](Call& c) { return p.credential_test(sv(credential), c); });
  }
  static aoh_status credential_authorize(aoh_instance* self, aoh_str credential, aoh_call* call) noexcept {
    Plugin& p = plugin(self);
    return finish_with(p, call, [&](Call& c) { return p.credential_authorize(sv(credential), c); });
  }
  static aoh_status trigger_start(aoh_instance* self, aoh_str source, aoh_str cursor, aoh_trigger* t,
                                  aoh_error* error) noexcept {
    return guarded(error, [&] {
      plugin(self).trigger_start(Json::parse(sv(source)), sv(cursor), std::make_shared<Trigger>(t));
    });
  }
  static aoh_status trigger_reconfigure(aoh_instance* self, aoh_trigger* t, aoh_str source,
                                        aoh_error* error) noexcept {
    return guarded(error, [&] { plugin(self).trigger_reconfigure(t, Json::parse(sv(source))); });
  }
  static void trigger_stop(aoh_instance* self, aoh_trigger* t) noexcept {
    guarded(nullptr, [&] { plugin(self).trigger_stop(t); });
  }
  static void quiesce(aoh_instance* self, std::int64_t deadline_ns) noexcept {
    guarded(nullptr, [&] { plugin(self).quiesce(deadline_ns); });
  }
  static void destroy(aoh_instance* self) noexcept { delete &plugin(self); }
  static void background_start(aoh_instance* self) noexcept {
    guarded(nullptr, [&] { plugin(self).background_start(); });
  }
  static aoh_status extract(aoh_instance* self, aoh_str blob, aoh_str request, aoh_sink* text,
                            aoh_call* call) noexcept {
    Json parsed;
    const aoh_status s =
        guarded(nullptr, [&] { parsed = request.len ? Json::parse(sv(request)) : Json::object(); });
    if (s != AOH_OK) return s;
    Plugin& p = plugin(self);
    TextSink sink(text);
    return finish_with(p, call, [&](Call& c) { return p.extract(sv(blob), parsed, sink, c); });
  }
  static aoh_status complete(aoh_instance* self, aoh_str type, aoh_str request, aoh_call* call) noexcept {
    Json parsed;
    const aoh_status s =
        guarded(nullptr, [&] { parsed = request.len ? Json::parse(sv(request)) : Json::object(); });
    if (s != AOH_OK) return s;
    Plugin& p = plugin(self);
    return finish_with(p, call, [&](Call& c) { return p.credential_setup(sv(type), parsed, c); });
  }
  static const void* get_extension(aoh_str id) noexcept {
    static constexpr aoh_background_v1 kBackground{sizeof(aoh_background_v1), 1, &background_start};
    static constexpr aoh_extractor_v1 kExtractor{sizeof(aoh_extractor_v1), 1, &extract};
    if (sv(id) == AOH_BACKGROUND_ID) return &kBackground;
    static constexpr aoh_setup_v1 kSetup{sizeof(aoh_setup_v1), 1, &complete};
    constexpr bool kSetsUp =
        !std::is_same_v<decltype(&P::credential_setup), decltype(&Plugin::credential_setup)>;
    if (kSetsUp && sv(id) == AOH_SETUP_ID) return &kSetup;
    constexpr bool kReads = !std::is_same_v<decltype(&P::extract), decltype(&Plugin::extract)>;
    return kReads && sv(id) == AOH_EXTRACTOR_ID ? &kExtractor : nullptr;
  }

  static constexpr aoh_module table() {
    return {sizeof(aoh_module),
            AOH_ABI_MAJOR,
            AOH_ABI_MINOR,
            0,
            &describe,
            &create,
            &invoke,
            &credential_test,
            &credential_authorize,
            &trigger_start,
            &trigger_reconfigure,
            &trigger_stop,
            &quiesce,
            &destroy,
            &get_extension};
  }
};

}  // namespace detail
}  // namespace sdk_0_1
}  // namespace aoh

/// Defines the module's one exported symbol. PLUGIN: the class; MANIFEST: a string_view constant; then its
/// tools.
#define AOH_MODULE(PLUGIN, MANIFEST, ...)                            \
  namespace {                                                        \
  struct AohModuleDefinition {                                       \
    using P = PLUGIN;                                                \
    static std::string_view manifest() { return MANIFEST; }          \
    static const auto& tools() {                                     \
      static constexpr ::aoh::Tool<PLUGIN> kTools[] = {__VA_ARGS__}; \
      return kTools;                                                 \
    }                                                                \
  };                                                                 \
  }                                                                  \
  extern "C" AOH_EXPORT constinit const aoh_module aoh_module_v1 =   \
      ::aoh::detail::Thunks<AohModuleDefinition>::table();
