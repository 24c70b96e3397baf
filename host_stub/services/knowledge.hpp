// The knowledge base (aoh.knowledge/1): documents with their provenance, cut into passages, in an SQLite
// database of its own with a full-text index (FTS5).
//
// Words are found as Unicode's word rules and case folding see them, without accents. What is not written
// with blanks between words (Chinese, Japanese, Thai) is found by whole runs only.
#pragma once
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "aoh/module.h"
#include "services/clock.hpp"
#include "services/passages.hpp"
#include "services/store.hpp"
#include "support/json.hpp"

namespace aoh::host {

/// What the knowledge base refuses; what() is for a person. A failing disk is StoreError, but a full one is
/// this, with AOH_E_BUSY.
struct KnowledgeError : std::runtime_error {
  KnowledgeError(aoh_status s, const std::string& what) : std::runtime_error(what), status(s) {}
  aoh_status status;
};

/// Thread-safe. What was not committed when the process ended is removed at the next start.
class Knowledge {
 public:
  struct Limits {
    std::uint64_t total_bytes = 1ull << 30;       ///< text of all documents; the index adds about half of it
    std::uint64_t document_bytes = 256ull << 20;  ///< text of one
    std::size_t documents = 100'000;
    std::size_t begun = 64;                    ///< at once
    std::int64_t keep_s = 365 * 86'400;        ///< every document ends at the latest then
    std::size_t flush_bytes = 512u << 10;      ///< of passages that wait in memory, a document
    std::uint64_t reserve_bytes = 8ull << 20;  ///< of the disk that stay free: removing needs room, too
  };
  /// `db` holds nothing else. Outlives this.
  Knowledge(Db& db, Clock& clock);
  Knowledge(Db& db, Clock& clock, Limits limits);
  ~Knowledge();

  struct Document {
    std::int64_t number = 0;  ///< how people name it
    std::string module, id, title, mime_type, filename;
    Json provenance;
    std::int64_t bytes = 0, passages = 0, put_s = 0, expires_s = 0;  ///< seconds since 1970
    /// As services/knowledge.h's stat gives it.
    Json json() const;
  };
  struct Put {
    std::string id;
    std::int64_t bytes = 0, passages = 0;
    bool replaced = false;
  };
  /// The functions of services/knowledge.h, for one module.
  std::uint64_t begin(std::string_view module, std::string_view id, const Json& info);
  void append(std::string_view module, std::uint64_t document, std::string_view text);
  Put commit(std::string_view module, std::uint64_t document);
  /// False when there is no such one.
  bool abandon(std::string_view module, std::uint64_t document);
  /// Whatever `module` has begun.
  void abandon_all(std::string_view module);
  std::optional<Document> find(std::string_view module, std::string_view id) const;
  bool remove(std::string_view module, std::string_view id);
  /// `module` empty: of any.
  std::uint64_t remove_by(std::string_view module, std::string_view key, std::string_view value);

  // For people.
  std::optional<Document> find(std::int64_t number) const;
  bool remove(std::int64_t number);
  std::vector<Document> list(std::size_t limit) const;  ///< the newest first
  struct Found {
    Document document;
    std::string place, snippet;  ///< in the snippet, \x01 and \x02 stand around each word that was found
    double rank = 0;             ///< lower is better (BM25; a word of the title counts four times)
  };
  /// Passages with all of the words, the best first. Nothing in `words` is syntax. At most kMaxWords words of
  /// kMaxWord bytes; KnowledgeError beyond.
  std::vector<Found> search(std::string_view words, std::size_t limit) const;
  static constexpr std::size_t kMaxWords = 32, kMaxWord = 256;
  /// The passages in their order, until `fn` answers false.
  void read(std::int64_t number, const std::function<bool(const Passage&)>& fn) const;

  /// Nothing of what was removed stands in the file any more. Takes as long as the whole index is large.
  void compact();
  /// Removes what has ended, and what was given up. By itself at the start, and before each begin().
  void tidy();

 private:
  struct Begun;
  std::shared_ptr<Begun> begun(std::string_view module, std::uint64_t document) const;
  void flush(Begun& document);
  void need_disk() const;
  void give_up(const Begun& document);
  std::uint64_t retire(std::string_view where, const std::function<void(Statement&)>& bind);
  void sweep();
  std::int64_t now_s() const;

  Db& db_;
  Clock& clock_;
  const Limits limits_;
  mutable std::mutex mutex_;  // guards begun_, used_, next_
  std::map<std::uint64_t, std::shared_ptr<Begun>> begun_;
  std::uint64_t used_ = 0;  // bytes of text, committed, begun or not removed yet
  std::uint64_t next_ = 1;
  std::mutex sweeping_;
};

}  // namespace aoh::host
