#include "module/documents.hpp"

#include <openssl/rand.h>

#include <filesystem>

#include "aoh_manifest.hpp"
#include "base/error.hpp"
#include "base/error_json.hpp"
#include "mime/fence.hpp"
#include "module/helper.hpp"

namespace mailroom::documents {
namespace {

constexpr std::size_t kWindow = 64u << 10;  // bytes of text in one answer, unless asked otherwise
constexpr std::size_t kMaxWindow = 1u << 20;
constexpr std::size_t kMaxRendered = 128u << 10;  // of it that a model reads

Errc code_of(const std::string& code) {
  if (code == "timeout") return Errc::timeout;
  if (code == "limit") return Errc::limit;
  if (code == "unsupported") return Errc::unsupported;
  if (code == "encrypted") return Errc::refused;
  if (code == "sandbox") return Errc::config;
  return Errc::invalid;
}

Error error_of(const Failed& f) { return {code_of(f.code), f.what, "the document", {}, f.cure}; }

aoh::Result error_result(const Error& e, std::string_view reason = {}) {
  aoh::Json structured{{"error", error_json(e)}};
  structured.set_if(!reason.empty(), "reason", reason);
  return aoh::Result::error(e.line(), std::move(structured));
}

aoh::Result answer(const std::function<aoh::Result()>& tool) {
  try {
    return tool();
  } catch (const Failure& f) {
    return error_result(f.error);
  } catch (const aoh::StatusError& e) {
    const Errc code = e.status == AOH_E_NOT_FOUND ? Errc::not_found
                      : e.status == AOH_E_DENIED  ? Errc::refused
                      : e.status == AOH_E_BUSY    ? Errc::temporary
                                                  : Errc::internal;
    const char* const cure = code == Errc::not_found ? "Check the blob's id"
                             : code == Errc::refused
                                 ? "A blob can be read in the session that it was made in: make it anew there"
                                 : "";
    return error_result({code, e.what(), "the host", {}, cure});
  }
}

std::string nonce() {
  unsigned char random[12];
  if (RAND_bytes(random, sizeof random) != 1) throw Failure(Errc::internal, "no random bytes");
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string out;
  for (const unsigned char c : random) {
    out += kDigits[c >> 4];
    out += kDigits[c & 15];
  }
  return out;
}

// What is known of a document, without its text.
aoh::Json description(const Source& source, const Extracted& e) {
  aoh::Json out{{"kind", e.kind},
                {"mime_type", kind(e.kind).mime_type},
                {"size", source.document.size},
                {"sha256", source.sha256}};
  out.set_if(!source.document.filename.empty(), "filename", printable(source.document.filename, 255));
  out.set("facts", e.facts).set("warnings", e.warnings).set("sandbox", e.sandbox);
  return out;
}

void not_whole(Extracted& e) {
  if (e.failed)
    e.warnings.push({{"code", "incomplete"}, {"detail", "it was read in part: " + e.failed->what}});
}

aoh::Result tainted(aoh::Json structured, std::string text, std::string_view tool) {
  aoh::Result r = aoh::Result::ok(std::move(structured), std::move(text));
  r.taint(aoh::Json(tool));
  return r;
}

// One line each: what a model should know of a document besides its text.
std::string headline(const Extracted& e, std::string_view key) {
  std::string out = "A document of kind " + e.kind + ".\n";
  std::string quoted;
  for (const aoh::Json& w : e.warnings.items()) quoted += w["code"].str() + ": " + w["detail"].str() + "\n";
  return quoted.empty() ? out : out + mime::fence(quoted, "warnings", key);
}

}  // namespace

Documents::Documents(const aoh_host* host, const aoh::Json& config) : Plugin(host, config), clock_(host) {
  const aoh::Json& memory = config["memory_mb"];
  const auto megabytes = [&](const char* what, std::uint64_t& into) {
    if (!memory.has(what)) return;
    const std::int64_t n = memory[what].integer(-1);
    if (n < 16 || n > 16'384)
      throw aoh::StatusError(AOH_E_INVALID, std::string("memory_mb.") + what + ": expected 16 to 16384");
    into = static_cast<std::uint64_t>(n);
  };
  megabytes("text", means_.memory_text);
  megabytes("mail", means_.memory_mail);
  megabytes("html", means_.memory_html);
  megabytes("office", means_.memory_office);
  megabytes("archive", means_.memory_archive);
  megabytes("pdf", means_.memory_pdf);
  means_.wall = std::chrono::seconds(std::clamp<std::int64_t>(config["seconds"].integer(120), 1, 3600));
  means_.cpu_seconds =
      static_cast<unsigned>(std::clamp<std::int64_t>(config["cpu_seconds"].integer(60), 1, 3600));
  means_.pdftotext = config["pdftotext"].str_or("/usr/bin/pdftotext");
  means_.work_folder = config["work_folder"].str();
  std::error_code ec;
  if (means_.work_folder.empty()) means_.work_folder = std::filesystem::temp_directory_path(ec).string();
  for (const std::string* path : {&means_.pdftotext, &means_.work_folder})
    if (!path->starts_with('/') || path->find('\0') != path->npos)
      throw aoh::StatusError(AOH_E_INVALID, "pdftotext and work_folder: expected absolute paths");
}

Means Documents::means() {
  const std::lock_guard lock(mutex_);
  if (parser_.empty()) parser_ = trusted_parser();
  Means out = means_;
  out.parser = parser_;
  return out;
}

std::function<bool()> Documents::stop_for(const aoh::Call& call) const {
  return [this, &call] {
    return call.cancelled() ||
           (clock_ && call.deadline_ns() != INT64_MAX && clock_.monotonic_ns() >= call.deadline_ns());
  };
}

Source Documents::source(const aoh::Json& args, const aoh::Call& call) const {
  const bool blob = args.has("blob"), path = args.has("path");
  if (blob == path)
    throw Failure(Errc::invalid, "name one document", "blob or path",
                  "Give a blob; the person at the command line may give a path");
  if (path && !call.from_operator())
    throw Failure(Errc::refused, "files by path are not open to agents", "path", "Use a blob");
  Source s = blob ? Source::blob(host(), args["blob"].str(), call.id(), means_.work_folder)
                  : Source::path(args["path"].str());
  if (args.has("filename")) s.document.filename = args["filename"].str();
  if (args.has("mime_type")) s.document.mime_type = args["mime_type"].str();
  s.document.max_pages =
      static_cast<std::size_t>(std::clamp<std::int64_t>(args["max_pages"].integer(0), 0, 100'000));
  return s;
}

aoh::Result Documents::extract_tool(const aoh::Json& args, aoh::Call& call) {
  return answer([&]() -> aoh::Result {
    const auto stop = stop_for(call);
    if (stop()) return aoh::Result::cancelled();
    const Source s = source(args, call);
    const auto offset = static_cast<std::size_t>(std::max<std::int64_t>(0, args["text_offset"].integer()));
    const auto most = static_cast<std::size_t>(
        std::clamp<std::int64_t>(args["max_text_bytes"].integer(kWindow), 1024, kMaxWindow));
    Window window(offset, most);
    call.progress(0, 0, "reading the document");
    Extracted e = documents::extract(means(), s.document, window, stop);
    window.finish();
    if (e.cancelled) return aoh::Result::cancelled();
    if (e.failed && e.text_bytes == 0) return error_result(error_of(*e.failed), e.failed->code);
    not_whole(e);
    aoh::Json out = description(s, e);
    out.set("text", window.shown()).set("text_offset", offset).set("truncated", window.more());
    if (window.more()) out.set("next_offset", offset + window.shown().size());
    const std::string key = nonce();
    std::string rendered =
        headline(e, key) + mime::fence(aoh::utf8_prefix(window.shown(), kMaxRendered), "document", key);
    if (window.more())
      rendered += "The text goes on: ask again with text_offset " +
                  std::to_string(offset + std::min(window.shown().size(), kMaxRendered)) + ".\n";
    return tainted(std::move(out), std::move(rendered), "documents_extract");
  });
}

aoh::Result Documents::ingest(const aoh::Json& args, aoh::Call& call) {
  return answer([&]() -> aoh::Result {
    const auto stop = stop_for(call);
    if (stop()) return aoh::Result::cancelled();
    const Source s = source(args, call);
    const aoh::Json& given = args["provenance"];
    // The hash is ours; the rest is what the caller says of where it got the document.
    aoh::Json provenance = given.is_object() ? given : aoh::Json::object();
    provenance.set("sha256", s.sha256);
    provenance.set_if(args.has("blob"), "blob", args["blob"]);
    const std::string id = "document:" + s.sha256 + ":" + printable(provenance["part"].str(), 40) + ":" +
                           printable(aoh::utf8_prefix(provenance["message_id"].str(), 100), 100);
    const std::string name = printable(s.document.filename, 255);
    aoh::Json info{{"title", args.has("title") ? printable(args["title"].str(), 300)
                             : name.empty()    ? "a document"
                                               : name},
                   {"provenance", std::move(provenance)}};
    info.set_if(!name.empty(), "filename", name);
    info.set_if(!s.document.mime_type.empty(), "mime_type", printable(s.document.mime_type, 120));
    aoh::Knowledge::Document into = aoh::Knowledge(host()).begin(id, info);
    MarkedText marked(
        [&](std::string_view bytes) {
          into.append(bytes);
          return true;
        },
        kMaxText);
    call.progress(0, 0, "reading the document");
    Extracted e = documents::extract(means(), s.document, marked, stop);
    if (e.cancelled) return aoh::Result::cancelled();
    if (e.failed && e.text_bytes == 0) return error_result(error_of(*e.failed), e.failed->code);
    if (e.text_bytes == 0)
      return error_result({Errc::invalid,
                           "there is no text in the document: nothing was put into the knowledge base",
                           name,
                           {},
                           ""},
                          "no_text");
    not_whole(e);
    aoh::Json out = description(s, e);
    const aoh::Json stored = into.commit();
    for (const auto& [key, value] : stored.members()) out.set(key, value);
    std::string rendered = "Stored as " + id + ".\n" + headline(e, nonce());
    return tainted(std::move(out), std::move(rendered), "documents_ingest");
  });
}

aoh::Result Documents::remove(const aoh::Json& args, aoh::Call&) {
  return answer([&]() -> aoh::Result {
    const aoh::Knowledge base(host());
    if (args.size() != 1)
      throw Failure(Errc::invalid, "name what to remove by", "id, message_id, sender or sha256",
                    "Give exactly one");
    const aoh::Json::Member& by = args.members().front();
    const std::uint64_t n =
        by.key == "id" ? base.remove(by.value.str()) : base.remove_by(by.key, by.value.str());
    return aoh::Result::ok({{"removed", n}});
  });
}

aoh::Result Documents::status(const aoh::Json&, aoh::Call&) {
  return answer([&]() -> aoh::Result {
    const Means m = means();
    aoh::Json out = aoh::Json::object();
    for (const bool pdf : {false, true}) {
      const Extracted e = probe(m, pdf);
      aoh::Json one{{"ready", !e.failed}, {"sandbox", e.sandbox}};
      if (e.failed) one.set("why", e.failed->what).set_if(!e.failed->cure.empty(), "cure", e.failed->cure);
      out.set(pdf ? "pdf" : "others", std::move(one));
    }
    return aoh::Result::ok(std::move(out));
  });
}

aoh::Result Documents::extract(std::string_view blob, const aoh::Json& request, aoh::TextSink& text,
                               aoh::Call& call) {
  return answer([&]() -> aoh::Result {
    const auto stop = stop_for(call);
    if (stop()) return aoh::Result::cancelled();
    Source s = Source::blob(host(), std::string(blob), call.id(), means_.work_folder);
    if (request.has("filename")) s.document.filename = request["filename"].str();
    if (request.has("mime_type")) s.document.mime_type = request["mime_type"].str();
    s.document.max_pages =
        static_cast<std::size_t>(std::clamp<std::int64_t>(request["max_pages"].integer(0), 0, 100'000));
    MarkedText marked([&](std::string_view bytes) { return text.write(bytes); },
                      static_cast<std::size_t>(std::clamp<std::int64_t>(
                          request["max_text_bytes"].integer(kMaxText), 1, kMaxText)));
    Extracted e = documents::extract(means(), s.document, marked, stop);
    if (e.cancelled) return aoh::Result::cancelled();
    if (e.failed && e.text_bytes == 0) return error_result(error_of(*e.failed), e.failed->code);
    not_whole(e);
    aoh::Json out{{"mime_type", kind(e.kind).mime_type}, {"truncated", e.stopped}, {"warnings", e.warnings}};
    const std::int64_t pages = e.facts["pages"].integer(e.facts["slides"].integer());
    out.set_if(pages > 0, "pages", pages);
    return tainted(std::move(out), "read", "documents_extract");
  });
}

}  // namespace mailroom::documents

AOH_MODULE(mailroom::documents::Documents, aoh_generated::kManifest,
           aoh::tool("documents_extract", &mailroom::documents::Documents::extract_tool),
           aoh::tool("documents_ingest", &mailroom::documents::Documents::ingest),
           aoh::tool("documents_remove", &mailroom::documents::Documents::remove),
           aoh::tool("documents_status", &mailroom::documents::Documents::status))
