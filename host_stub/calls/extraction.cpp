#include "calls/extraction.hpp"

#include <algorithm>
#include <map>
#include <set>

#include "aoh/extensions/extractor.h"
#include "calls/check.hpp"

namespace aoh::host {
namespace {

std::string lower(std::string_view s) {
  std::string out(s);
  for (char& c : out)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return out;
}

bool has(const std::vector<std::string>& list, const std::string& what) {
  return std::find(list.begin(), list.end(), what) != list.end();
}

/// Where the module writes: a blob of who asked. It lives as long as the module may touch it.
struct Text {
  aoh_sink head{sizeof(aoh_sink), 0, &Text::write};
  Blobs& blobs;
  const std::string module, blob;
  const std::uint64_t limit;
  std::mutex m;
  std::uint64_t size = 0;
  bool ended = false, cut = false;
  Blobs::Fault fault = Blobs::Fault::none;

  Text(Blobs& b, std::string who, std::string id, std::uint64_t most)
      : blobs(b), module(std::move(who)), blob(std::move(id)), limit(most) {}

  static aoh_status write(aoh_sink* sink, const void* bytes, std::size_t n) noexcept {
    try {
      return reinterpret_cast<Text*>(sink)->take({static_cast<const char*>(bytes), n});
    } catch (...) {
      return AOH_E_INTERNAL;
    }
  }
  aoh_status take(std::string_view bytes) {
    const std::lock_guard lock(m);
    if (ended) return AOH_E_STATE;
    if (fault != Blobs::Fault::none) return AOH_E_INTERNAL;
    const std::string_view fits = bytes.size() > limit - size ? utf8_prefix(bytes, limit - size) : bytes;
    if (!cut && !fits.empty()) fault = blobs.write(module, blob, fits);
    if (fault != Blobs::Fault::none) return AOH_E_INTERNAL;
    if (!cut) size += fits.size();
    cut = cut || fits.size() < bytes.size();
    return cut ? AOH_E_BUSY : AOH_OK;
  }
  /// What comes later is refused.
  void end() {
    const std::lock_guard lock(m);
    ended = true;
  }
};

/// What a module may say of a file, and no more of it.
Json told(const Json& said) {
  constexpr std::size_t kWarnings = 100, kCode = 64, kDetail = 500;
  Json out = Json::object();
  if (said["mime_type"].is_string()) out.set("mime_type", one_line(said["mime_type"].str()));
  if (said["pages"].is_int()) out.set("pages", said["pages"]);
  Json warnings = Json::array();
  for (const Json& w : said["warnings"].items()) {
    if (warnings.size() >= kWarnings) break;
    warnings.push(Json{{"code", std::string(utf8_prefix(one_line(w["code"].str()), kCode))},
                       {"detail", std::string(utf8_prefix(one_line(w["detail"].str()), kDetail))}});
  }
  out.set("warnings", std::move(warnings));
  return out;
}

std::string words_of(const Json& result) {
  std::string text;
  for (const Json& part : result["content"].items()) text += part["text"].str();
  return text.empty() ? "it cannot be read" : one_line(text);
}

}  // namespace

int choose_extractor(const std::vector<const ExtractorSpec*>& offers, std::string_view mime_type,
                     std::string_view filename) {
  std::string type = lower(mime_type.substr(0, mime_type.find(';')));
  while (type.ends_with(' ') || type.ends_with('\t')) type.pop_back();
  const std::size_t dot = filename.rfind('.');
  const std::string extension =
      dot == std::string_view::npos ? std::string() : lower(filename.substr(dot + 1));
  const auto find = [&](auto&& reads) {
    const auto it = std::find_if(offers.begin(), offers.end(), [&](const auto* o) { return reads(*o); });
    return it == offers.end() ? -1 : static_cast<int>(it - offers.begin());
  };
  const auto by_type = [&](const ExtractorSpec& o) { return has(o.mime_types, type); };
  const auto by_family = [&](const ExtractorSpec& o) {
    return has(o.mime_types, type.substr(0, type.find('/')) + "/*");
  };
  const auto by_extension = [&](const ExtractorSpec& o) {
    return !extension.empty() && has(o.extensions, extension);
  };
  int which = -1;
  if (type.empty() || type == "application/octet-stream") which = find(by_extension);
  if (which < 0 && !type.empty()) which = find(by_type);
  if (which < 0 && !type.empty()) which = find(by_family);
  return which < 0 ? find(by_extension) : which;
}

Extraction::Extraction(std::function<std::vector<Module*>()> modules, CallEngine& engine, Blobs& blobs,
                       Bearers& bearers, Clock& clock)
    : modules_(std::move(modules)), engine_(engine), blobs_(blobs), bearers_(bearers), clock_(clock) {}

std::vector<Module*> Extraction::offering() const {
  std::vector<Module*> out = modules_();
  std::erase_if(
      out, [](const Module* m) { return m->quarantined() || m->manifest().extractor.mime_types.empty(); });
  return out;
}

Json Extraction::types() const {
  std::set<std::string> types, extensions;
  for (const Module* m : offering()) {
    const ExtractorSpec& e = m->manifest().extractor;
    types.insert(e.mime_types.begin(), e.mime_types.end());
    extensions.insert(e.extensions.begin(), e.extensions.end());
  }
  Json out{{"mime_types", Json::array()}, {"extensions", Json::array()}};
  for (const auto& t : types) out.slot("mime_types").push(t);
  for (const auto& e : extensions) out.slot("extensions").push(e);
  return out;
}

/// One of the kAtOnce that may run; false when there is none in time.
struct Extraction::Turn {
  Turn(Extraction& e, std::int64_t until_ns) : e_(e) {
    std::unique_lock lock(e_.m_);
    while (e_.running_ >= kAtOnce && e_.clock_.monotonic_ns() < until_ns)
      e_.ended_.wait_for(lock, std::chrono::milliseconds(50));  // the host's clock may be one that is turned
    mine_ = e_.running_ < kAtOnce;
    if (mine_) ++e_.running_;
  }
  ~Turn() {
    if (!mine_) return;
    const std::lock_guard lock(e_.m_);
    --e_.running_;
    e_.ended_.notify_one();
  }
  Turn(const Turn&) = delete;
  Turn& operator=(const Turn&) = delete;
  explicit operator bool() const { return mine_; }

 private:
  Extraction& e_;
  bool mine_ = false;
};

ExtractOutcome Extraction::extract(const ExtractRequest& r) {
  const std::string type = r.wanted["mime_type"].str_or(r.blob.mime_type);
  const std::string filename = r.wanted["filename"].str_or(r.blob.filename);
  const std::vector<Module*> modules = offering();
  std::vector<const ExtractorSpec*> offers;
  for (const Module* m : modules) offers.push_back(&m->manifest().extractor);
  const int which = choose_extractor(offers, type, filename);
  if (which < 0)
    return {AOH_E_UNSUPPORTED,
            "no module here reads files of the type " + (type.empty() ? "of this one" : one_line(type)),
            {}};
  Module& reader = *modules[static_cast<std::size_t>(which)];
  const auto* table =
      static_cast<const aoh_extractor_v1*>(reader.functions().get_extension(borrow(AOH_EXTRACTOR_ID)));
  if (!table || !AOH_HAS(aoh_extractor_v1, table, extract))
    return {AOH_E_UNSUPPORTED,
            "the module " + reader.manifest().id + " says that it reads such files and has no " +
                AOH_EXTRACTOR_ID,
            {}};

  const std::int64_t asked_ms = r.wanted["timeout_ms"].integer(kMaxTime / 1'000'000);
  const std::int64_t limit_ns = std::clamp<std::int64_t>(asked_ms, 0, kMaxTime / 1'000'000) * 1'000'000;
  const Turn turn(*this, clock_.monotonic_ns() + limit_ns);
  if (!turn)
    return {AOH_E_DEADLINE, std::to_string(kAtOnce) + " other files are being read; try again later", {}};

  const std::int64_t most = r.wanted["max_text_bytes"].integer(static_cast<std::int64_t>(kMaxText));
  const std::string id = blobs_.create(r.module, r.session_id, "text/plain", {}, clock_.wall_ns());
  const auto text = std::make_shared<Text>(
      blobs_, r.module, id,
      static_cast<std::uint64_t>(std::clamp<std::int64_t>(most, 0, static_cast<std::int64_t>(kMaxText))));
  Json request{{"size", r.blob.size}, {"sha256", r.blob.sha256}, {"max_text_bytes", text->limit}};
  request.set_if(!type.empty(), "mime_type", type).set_if(!filename.empty(), "filename", filename);
  request.set_if(r.wanted["max_pages"].is_int(), "max_pages", r.wanted["max_pages"]);

  CallEngine::Work work;
  work.module = &reader;
  work.what = "reading " + (filename.empty() ? "a file" : "\"" + one_line(filename) + "\"") + " by " +
              reader.manifest().id;
  work.parent = r.bearer;
  work.limit_ns = limit_ns;
  work.run = [text, extract = table->extract, blob = r.blob.id, words = request.dump()](aoh_instance* self,
                                                                                        aoh_call* call) {
    return extract(self, borrow(blob), borrow(words), &text->head, call);
  };
  const auto lease = std::make_shared<Bearers::Lease>();
  work.opened = [this, lease, module = reader.manifest().id, blob = r.blob.id](const std::string& call_id) {
    Bearer b;
    b.module = module;
    b.only_blob = blob;
    *lease = bearers_.admit(call_id, std::move(b));
  };
  work.closed = [lease](const std::string&) { lease->end(); };
  const CallResult answer = engine_.work(std::move(work));
  text->end();

  ExtractOutcome out;
  if (text->fault != Blobs::Fault::none) {
    out.status = AOH_E_BUSY;  // the file is not at fault: later, perhaps
    out.words = text->fault == Blobs::Fault::quota ? "the quota of blobs is used up"
                                                   : "the text could not be stored: is the disk full?";
  } else if (answer.status != AOH_OK) {
    out.status = answer.status;
    out.words = answer.message;
  } else if (answer.is_error()) {
    out.status = AOH_E_INVALID;
    out.words = words_of(answer.result);
  } else if (blobs_.seal(r.module, id) != Blobs::Fault::none) {
    out.status = AOH_E_BUSY;
    out.words = "the text could not be stored: is the disk full?";
  }
  if (out.status != AOH_OK) {
    blobs_.remove(r.module, id);
    return out;
  }
  const Json& said = answer.result["structuredContent"];
  out.result = told(said);
  out.result.set("blob", id).set("size", text->size).set("extractor", reader.manifest().id);
  out.result.set("truncated", text->cut || said["truncated"].boolean());
  return out;
}

}  // namespace aoh::host
