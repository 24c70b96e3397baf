#include "services/knowledge_tables.hpp"

#include "services/instance_access.hpp"

namespace aoh::host {
namespace {

constexpr std::size_t kMostAtOnce = 1u << 20;  // of append

struct Tables : InstanceAccess {
  static aoh_status refuse(aoh_error* error, aoh_status status, std::string_view words) {
    if (!words.empty()) set_error(error, status, words);
    return status;
  }

  /// As run(), and what the knowledge base refuses becomes its status and words.
  template <class Fn>
  static aoh_status attempt(const aoh_host* h, const char* what, aoh_error* error, Fn&& fn) noexcept {
    return run(h, what, [&](InstanceHost& i) -> aoh_status {
      try {
        return fn(i);
      } catch (const KnowledgeError& e) {
        if (e.status == AOH_E_BUSY && services(i).log)
          services(i).log->warn(e.what(), Json{{"module", module(i)}});
        return refuse(error, e.status, e.what());
      } catch (const JsonError& e) {
        return refuse(error, AOH_E_INVALID, std::string("what is told of a document is not ") + e.what());
      } catch (const StoreError& e) {
        set_error(error, AOH_E_INTERNAL, e.what());
        throw;
      }
    });
  }
  static Json object(aoh_str text) {
    if (text.len > AOH_KNOWLEDGE_MAX_INFO)
      throw KnowledgeError(AOH_E_INVALID, "what is told of a document is at most 64 KiB");
    return text.len ? Json::parse(sv(text)) : Json::object();
  }
  static std::string words_of(std::string_view id, const Knowledge::Put& put) {
    return Json{{"id", id}, {"bytes", put.bytes}, {"passages", put.passages}, {"replaced", put.replaced}}
        .dump();
  }

  static aoh_status begin(const aoh_host* h, aoh_str id, aoh_str info, std::uint64_t* document,
                          aoh_error* error) noexcept {
    return attempt(h, "beginning a document", error, [&](InstanceHost& i) -> aoh_status {
      if (!document) return AOH_E_INVALID;
      *document = knowledge(i).begin(module(i), sv(id), object(info));
      return AOH_OK;
    });
  }
  static aoh_status append(const aoh_host* h, std::uint64_t document, const void* text, std::size_t n,
                           aoh_error* error) noexcept {
    return attempt(h, "writing a document", error, [&](InstanceHost& i) -> aoh_status {
      if (n > kMostAtOnce || (n && !text)) return AOH_E_INVALID;
      knowledge(i).append(module(i), document, {static_cast<const char*>(text), n});
      return AOH_OK;
    });
  }
  static aoh_status commit(const aoh_host* h, std::uint64_t document, aoh_sink* result,
                           aoh_error* error) noexcept {
    return attempt(h, "storing a document", error, [&](InstanceHost& i) -> aoh_status {
      Knowledge& k = knowledge(i);
      const auto put_away = k.commit(module(i), document);
      return put(result, words_of(put_away.id, put_away));
    });
  }
  static aoh_status abandon(const aoh_host* h, std::uint64_t document) noexcept {
    return run(h, "forgetting a document", [&](InstanceHost& i) -> aoh_status {
      return knowledge(i).abandon(module(i), document) ? AOH_OK : AOH_E_NOT_FOUND;
    });
  }
  static aoh_status put_blob(const aoh_host* h, aoh_str id, aoh_str info, aoh_str blob, aoh_str bearer,
                             aoh_sink* result, aoh_error* error) noexcept {
    return attempt(h, "storing a document", error, [&](InstanceHost& i) -> aoh_status {
      if (const aoh_status s = readable(i, sv(blob), sv(bearer)); s != AOH_OK) return s;
      Knowledge& k = knowledge(i);
      const std::uint64_t document = k.begin(module(i), sv(id), object(info));
      try {
        std::string piece;
        for (std::uint64_t at = 0;; at += piece.size()) {
          constexpr std::size_t kPiece = 256u << 10;
          const Blobs::Fault f = services(i).blobs->read(sv(blob), at, kPiece, piece);
          if (f != Blobs::Fault::none) {
            k.abandon(module(i), document);
            return status(f);
          }
          if (piece.empty()) break;
          k.append(module(i), document, piece);
        }
      } catch (...) {
        k.abandon(module(i), document);
        throw;
      }
      return put(result, words_of(sv(id), k.commit(module(i), document)));
    });
  }
  static aoh_status stat(const aoh_host* h, aoh_str id, aoh_sink* info) noexcept {
    return run(h, "looking at a document", [&](InstanceHost& i) -> aoh_status {
      const auto found = knowledge(i).find(module(i), sv(id));
      return found ? put(info, found->json().dump()) : static_cast<aoh_status>(AOH_E_NOT_FOUND);
    });
  }
  static aoh_status remove(const aoh_host* h, aoh_str id) noexcept {
    return run(h, "removing a document", [&](InstanceHost& i) -> aoh_status {
      return knowledge(i).remove(module(i), sv(id)) ? AOH_OK : AOH_E_NOT_FOUND;
    });
  }
  static aoh_status remove_by(const aoh_host* h, aoh_str key, aoh_str value,
                              std::uint64_t* removed) noexcept {
    return run(h, "removing documents", [&](InstanceHost& i) -> aoh_status {
      if (key.len == 0) return AOH_E_INVALID;
      const std::uint64_t n = knowledge(i).remove_by(module(i), sv(key), sv(value));
      if (removed) *removed = n;
      return AOH_OK;
    });
  }

  // aoh.extract/1
  static aoh_status types(const aoh_host* h, aoh_sink* out) noexcept {
    return run(h, "asking which files can be read", [&](InstanceHost& i) {
      return put(out, services(i).extract_types ? services(i).extract_types().dump() : "{}");
    });
  }
  static aoh_status extract(const aoh_host* h, aoh_str blob, aoh_str bearer, aoh_str request,
                            aoh_sink* result, aoh_error* error) noexcept {
    return run(h, "reading a file's text", [&](InstanceHost& i) -> aoh_status {
      ExtractRequest r;
      try {
        r.wanted = request.len ? Json::parse(sv(request)) : Json::object();
      } catch (const JsonError& e) {
        return refuse(error, AOH_E_INVALID, std::string("the request is not ") + e.what());
      }
      if (!r.wanted.is_object()) return refuse(error, AOH_E_INVALID, "the request must be an object");
      if (const aoh_status s = readable(i, sv(blob), sv(bearer)); s != AOH_OK)
        return refuse(error, s, s == AOH_E_DENIED ? "this blob is not the caller's to read" : "no such blob");
      if (bearer.len) {
        const auto b = services(i).bearers->find(sv(bearer));
        if (b && !b->only_blob.empty())
          return refuse(error, AOH_E_DENIED, "an extraction cannot ask for another one");
        if (b) r.session_id = b->session_id;
      }
      r.module = module(i);
      r.bearer = sv(bearer);
      r.blob = *services(i).blobs->find(sv(blob));
      if (!r.blob.sealed) return refuse(error, AOH_E_STATE, "the blob is still being written: seal it first");
      const ExtractOutcome o = services(i).extract(r);
      return o.status == AOH_OK ? put(result, o.result.dump()) : refuse(error, o.status, o.words);
    });
  }
};

}  // namespace

const aoh_knowledge_v1& knowledge_table() {
  static constexpr aoh_knowledge_v1 kTable{sizeof(aoh_knowledge_v1),
                                           1,
                                           Tables::begin,
                                           Tables::append,
                                           Tables::commit,
                                           Tables::abandon,
                                           Tables::put_blob,
                                           Tables::stat,
                                           Tables::remove,
                                           Tables::remove_by};
  return kTable;
}

const aoh_extract_v1& extract_table() {
  static constexpr aoh_extract_v1 kTable{sizeof(aoh_extract_v1), 1, Tables::types, Tables::extract};
  return kTable;
}

}  // namespace aoh::host
