// Finding and reading what the knowledge base holds.
#include "services/knowledge.hpp"

namespace aoh::host {
namespace {

constexpr std::string_view kColumns =
    "d.number, d.module, d.id, d.title, d.mime_type, d.filename, d.provenance, d.bytes, d.passages, d.put_s, "
    "d.expires_s";
constexpr int kColumnCount = 11;

Knowledge::Document row(const Statement& s) {
  Knowledge::Document d;
  d.number = s.integer(0);
  d.module = s.text(1);
  d.id = s.text(2);
  d.title = s.text(3);
  d.mime_type = s.text(4);
  d.filename = s.text(5);
  d.provenance = Json::parse(s.text(6));
  d.bytes = s.integer(7);
  d.passages = s.integer(8);
  d.put_s = s.integer(9);
  d.expires_s = s.integer(10);
  return d;
}

std::string select(std::string_view rest) {
  return "SELECT " + std::string(kColumns) + " FROM documents d WHERE d.state=1 AND d.expires_s>? " +
         std::string(rest);
}

/// Each word as a string of FTS5's query language, where a quotation mark is doubled and nothing else means
/// anything; strings beside each other must all be found.
std::string query_of(std::string_view words) {
  const std::string text = valid_utf8(words);
  std::string out;
  std::size_t count = 0;
  for (std::size_t at = 0; at < text.size();) {
    const auto blank = [](char c) { return static_cast<unsigned char>(c) <= 0x20; };
    if (blank(text[at])) {
      ++at;
      continue;
    }
    std::size_t end = at;
    while (end < text.size() && !blank(text[end])) ++end;
    if (++count > Knowledge::kMaxWords || end - at > Knowledge::kMaxWord)
      throw KnowledgeError(AOH_E_INVALID, "a search has at most " + std::to_string(Knowledge::kMaxWords) +
                                              " words of at most " + std::to_string(Knowledge::kMaxWord) +
                                              " bytes");
    out += '"';
    for (; at < end; ++at) out += text[at] == '"' ? std::string("\"\"") : std::string(1, text[at]);
    out += "\" ";
  }
  return out;
}

}  // namespace

std::optional<Knowledge::Document> Knowledge::find(std::string_view module, std::string_view id) const {
  Statement s(db_, select("AND d.module=? AND d.id=?"));
  if (!s.with(now_s(), module, id).step()) return std::nullopt;
  return row(s);
}

std::optional<Knowledge::Document> Knowledge::find(std::int64_t number) const {
  Statement s(db_, select("AND d.number=?"));
  if (!s.with(now_s(), number).step()) return std::nullopt;
  return row(s);
}

std::vector<Knowledge::Document> Knowledge::list(std::size_t limit) const {
  std::vector<Document> out;
  Statement s(db_, select("ORDER BY d.number DESC LIMIT ?"));
  s.with(now_s(), static_cast<std::int64_t>(limit));
  while (s.step()) out.push_back(row(s));
  return out;
}

std::vector<Knowledge::Found> Knowledge::search(std::string_view words, std::size_t limit) const {
  std::vector<Found> out;
  const std::string query = query_of(words);
  if (query.empty()) return out;
  // The index sorts by rank itself and makes a snippet only for rows that are asked for.
  Statement s(db_, "SELECT " + std::string(kColumns) +
                       ", p.place, snippet(texts, 1, char(1), char(2), '…', 40), texts.rank "
                       "FROM texts CROSS JOIN places p ON p.passage=texts.rowid "
                       "CROSS JOIN documents d ON d.number=p.document "
                       "WHERE texts MATCH ? AND texts.rank MATCH 'bm25(4.0, 1.0)' AND d.state=1 AND "
                       "d.expires_s>? ORDER BY texts.rank LIMIT ?");
  s.with(query, now_s(), static_cast<std::int64_t>(limit));
  while (s.step()) {
    Found f;
    f.document = row(s);
    f.place = s.text(kColumnCount);
    f.snippet = s.text(kColumnCount + 1);
    f.rank = s.real(kColumnCount + 2);
    out.push_back(std::move(f));
  }
  return out;
}

void Knowledge::read(std::int64_t number, const std::function<bool(const Passage&)>& fn) const {
  constexpr std::int64_t kAtOnce = 50;  // so that nobody waits for a slow reader
  for (std::int64_t after = 0;;) {
    std::vector<Passage> some;
    {
      Statement s(db_,
                  "SELECT p.passage, p.place, t.text FROM places p JOIN texts t ON t.rowid=p.passage WHERE "
                  "p.document=? AND p.passage>? ORDER BY p.passage LIMIT ?");
      s.with(number, after, kAtOnce);
      while (s.step()) {
        after = s.integer(0);
        some.push_back({s.text(1), s.text(2)});
      }
    }
    if (some.empty()) return;
    for (const Passage& p : some)
      if (!fn(p)) return;
  }
}

}  // namespace aoh::host
