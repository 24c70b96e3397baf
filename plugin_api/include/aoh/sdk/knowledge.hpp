// The host's knowledge base, and the text of files, as C++ values.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "aoh/sdk/services.hpp"
#include "aoh/services/extract.h"
#include "aoh/services/knowledge.h"

namespace aoh {
inline namespace sdk_0_1 {

/// Throws StatusError with the host's words, or with "<what> failed" where it has none.
inline void check(aoh_status status, const char* what, const ErrorWords& words) {
  if (status != AOH_OK && !words.message.empty()) throw StatusError(status, words.message);
  check(status, what);
}

/// aoh.knowledge/1. Copyable; its documents are not.
struct Knowledge : Service<aoh_knowledge_v1> {
  explicit Knowledge(const aoh_host* h) : Service(h, AOH_KNOWLEDGE_ID) {}

  /// A document that is being written: forgotten when it goes before commit(). One thread at a time.
  class Document {
   public:
    Document(const aoh_host* host, const aoh_knowledge_v1& s, std::uint64_t number)
        : host_(host), s_(&s), number_(number) {}
    Document(Document&& o) noexcept : host_(o.host_), s_(o.s_), number_(std::exchange(o.number_, 0)) {}
    Document& operator=(Document&&) = delete;
    ~Document() {
      if (number_) s_->abandon(host_, number_);
    }
    /// Text of any length, cut anywhere.
    void append(std::string_view text) {
      constexpr std::size_t kMost = 1u << 20;
      for (; !text.empty(); text.remove_prefix(std::min(kMost, text.size()))) {
        ErrorWords words;
        const std::string_view piece = text.substr(0, kMost);
        check(s_->append(host_, number_, piece.data(), piece.size(), words.c()), "writing a document", words);
      }
    }
    /// {"id", "bytes", "passages", "replaced"}: it is found from now on.
    Json commit() {
      StringSink out;
      ErrorWords words;
      check(s_->commit(host_, std::exchange(number_, 0), out.c(), words.c()), "storing a document", words);
      return Json::parse(out.text);
    }

   private:
    const aoh_host* host_;
    const aoh_knowledge_v1* s_;
    std::uint64_t number_;
  };

  /// info: see services/knowledge.h.
  Document begin(std::string_view id, const Json& info) const {
    const aoh_knowledge_v1& s = need(AOH_KNOWLEDGE_ID);
    const std::string text = info.dump();
    std::uint64_t number = 0;
    ErrorWords words;
    check(s.begin(host_, st(id), st(text), &number, words.c()), "beginning a document", words);
    return {host_, s, number};
  }
  /// The text of a sealed blob as a document.
  Json put_blob(std::string_view id, const Json& info, std::string_view blob, std::string_view bearer) const {
    const std::string text = info.dump();
    StringSink out;
    ErrorWords words;
    check(need(AOH_KNOWLEDGE_ID).put_blob(host_, st(id), st(text), st(blob), st(bearer), out.c(), words.c()),
          "storing a document", words);
    return Json::parse(out.text);
  }
  std::optional<Json> stat(std::string_view id) const {
    StringSink out;
    const aoh_status s = need(AOH_KNOWLEDGE_ID).stat(host_, st(id), out.c());
    if (s == AOH_E_NOT_FOUND) return std::nullopt;
    check(s, "looking at a document");
    return Json::parse(out.text);
  }
  /// False when there was none.
  bool remove(std::string_view id) const {
    const aoh_status s = need(AOH_KNOWLEDGE_ID).remove(host_, st(id));
    if (s == AOH_E_NOT_FOUND) return false;
    check(s, "removing a document");
    return true;
  }
  /// How many were removed.
  std::uint64_t remove_by(std::string_view key, std::string_view value) const {
    std::uint64_t removed = 0;
    check(need(AOH_KNOWLEDGE_ID).remove_by(host_, st(key), st(value), &removed), "removing documents");
    return removed;
  }
};

/// aoh.extract/1: the text of a file, read by another module.
struct Extraction : Service<aoh_extract_v1> {
  explicit Extraction(const aoh_host* h) : Service(h, AOH_EXTRACT_ID) {}
  /// {"mime_types": [...], "extensions": [...]}
  Json types() const {
    StringSink out;
    check(need(AOH_EXTRACT_ID).types(host_, out.c()), "asking which files can be read");
    return Json::parse(out.text);
  }
  /// Blocks. request and result: see services/extract.h. StatusError: AOH_E_UNSUPPORTED where no module reads
  /// such files, AOH_E_INVALID where the file cannot be read.
  Json extract(std::string_view blob, std::string_view bearer, const Json& request = Json::object()) const {
    const std::string text = request.dump();
    StringSink out;
    ErrorWords words;
    check(need(AOH_EXTRACT_ID).extract(host_, st(blob), st(bearer), st(text), out.c(), words.c()),
          "reading a file's text", words);
    return Json::parse(out.text);
  }
};

/// Where an extractor writes: Plugin::extract(). One thread at a time.
class TextSink {
 public:
  explicit TextSink(aoh_sink* sink) : sink_(sink) {}
  /// False: stop. full() says whether it is for the limit of text: answer then with "truncated" true.
  bool write(std::string_view text) {
    constexpr std::size_t kMost = 1u << 20;
    for (; status_ == AOH_OK && !text.empty(); text.remove_prefix(std::min(kMost, text.size())))
      status_ = sink_->write(sink_, text.data(), std::min(kMost, text.size()));
    return status_ == AOH_OK;
  }
  bool full() const { return status_ == AOH_E_BUSY; }

 private:
  aoh_sink* sink_;
  aoh_status status_ = AOH_OK;
};

}  // namespace sdk_0_1
}  // namespace aoh
