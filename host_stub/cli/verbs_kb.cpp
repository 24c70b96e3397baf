// `kb`: what lies in the knowledge base. Its words are strangers': nothing of them reaches a terminal that
// could act on it.
#include <charconv>

#include "calls/check.hpp"
#include "cli/verbs.hpp"

namespace aoh::host {
namespace {

/// Of several lines: line ends and tabs stay.
std::string printable(std::string_view text) {
  std::string out;
  for (std::size_t at = 0; at <= text.size();) {
    const std::size_t end = std::min(text.find_first_of("\n\t", at), text.size());
    out += without_controls(text.substr(at, end - at));
    if (end < text.size()) out += text[end];
    at = end + 1;
  }
  return out;
}

Json json_of(const Knowledge::Document& d) {
  Json out = d.json();
  return out.set("number", d.number).set("module", d.module).set("untrusted", true);
}

/// "from a@b.example, <1@x>, part 2": where it came from, for people.
std::string origin(const Knowledge::Document& d) {
  std::string out;
  for (const char* key : {"sender", "message_id", "part", "authentication"}) {
    const Json& v = d.provenance[key];
    if (v.is_null()) continue;
    const std::string text = v.is_string() ? v.str() : v.dump();
    out += (out.empty() ? "" : ", ") + (key == std::string_view("part") ? "part " : std::string()) +
           one_line(text);
  }
  return out;
}

std::string title_of(const Knowledge::Document& d) {
  return one_line(!d.title.empty() ? d.title : !d.filename.empty() ? d.filename : d.id);
}

std::int64_t number_of(const Command& c) {
  std::int64_t n = 0;
  const auto [end, ec] = std::from_chars(c.target.data(), c.target.data() + c.target.size(), n);
  if (ec != std::errc{} || end != c.target.data() + c.target.size())
    throw CliError("\"" + one_line(c.target) + "\" is not the number of a document; `kb list` shows them");
  return n;
}

CliError no_such(const Command& c) {
  return CliError("no document " + one_line(c.target) + " in the knowledge base; `kb list` shows them");
}

/// The marks around what was found become brackets, or nothing.
std::string snippet_of(const std::string& raw, bool brackets) {
  std::string out;
  for (const char c : raw)
    if (c != '\x01' && c != '\x02')
      out += c;
    else if (brackets)
      out += c == '\x01' ? '[' : ']';
  return out;
}

int search(const Knowledge& kb, const Command& c, const Io& io) {
  std::string words;
  for (const auto& w : c.words) words += w + " ";
  const auto found = kb.search(words, static_cast<std::size_t>(c.limit));
  Json results = Json::array();
  for (const auto& f : found) {
    if (c.json) {
      Json row = json_of(f.document);
      row.set("snippet", snippet_of(f.snippet, false)).set("rank", f.rank);
      results.push(row.set_if(!f.place.empty(), "place", f.place));
      continue;
    }
    const std::string from = origin(f.document);
    io.line(std::to_string(f.document.number) + "  " + title_of(f.document) +
            (f.place.empty() ? "" : "  (" + one_line(f.place) + ")") + (from.empty() ? "" : "  " + from));
    io.line("    " + one_line(snippet_of(f.snippet, true)));
  }
  if (c.json)
    io.json(Json{{"results", std::move(results)}});
  else if (found.empty())
    io.line("nothing found");
  return 0;
}

int list(const Knowledge& kb, const Command& c, const Io& io) {
  Json all = Json::array();
  for (const auto& d : kb.list(static_cast<std::size_t>(c.limit))) {
    if (c.json) {
      all.push(json_of(d));
      continue;
    }
    const std::string from = origin(d);
    io.line(std::to_string(d.number) + "  " + utc(d.put_s) + "  " + std::to_string(d.bytes) + "  " +
            title_of(d) + (from.empty() ? "" : "  " + from));
  }
  if (c.json) io.json(Json{{"documents", std::move(all)}});
  return 0;
}

int show(const Knowledge& kb, const Command& c, const Io& io) {
  const auto d = kb.find(number_of(c));
  if (!d) throw no_such(c);
  if (!c.json) {
    io.line(title_of(*d));
    for (const auto& [key, value] : d->provenance.members())
      io.line("  " + one_line(key) + ": " + one_line(value.is_string() ? value.str() : value.dump()));
    io.line("  put " + utc(d->put_s) + " by " + d->module + ", kept until " + utc(d->expires_s));
  }
  Json passages = Json::array();
  std::string place;
  int shown = 0;
  kb.read(d->number, [&](const Passage& p) {
    if (shown == c.limit) return false;
    ++shown;
    if (c.json) {
      Json row{{"text", p.text}};
      passages.push(row.set_if(!p.place.empty(), "place", p.place));
      return true;
    }
    if (p.place != place) io.line("[" + one_line(p.place) + "]");
    place = p.place;
    io.line(printable(p.text));
    return true;
  });
  const bool more = d->passages > shown;
  if (c.json)
    io.json(json_of(*d).set("text", std::move(passages)).set("truncated", more));
  else if (more)
    io.line("... " + std::to_string(d->passages - shown) + " more passages: --limit " +
            std::to_string(d->passages));
  return 0;
}

/// Of one message, sender or file, whichever module put it there; for good.
int remove(Knowledge& kb, const Command& c, const Io& io) {
  const std::pair<const char*, const std::string&> facts[] = {
      {"message_id", c.message_id}, {"sender", c.sender}, {"sha256", c.sha256}};
  std::size_t ways = c.target.empty() ? 0 : 1;
  for (const auto& [key, value] : facts) ways += value.empty() ? 0 : 1;
  if (ways != 1) throw CliError("say which: a document's number, or one of --message-id, --sender, --sha256");
  std::uint64_t removed = 0;
  for (const auto& [key, value] : facts)
    if (!value.empty()) removed = kb.remove_by({}, key, value);
  if (!c.target.empty()) {
    const auto d = kb.find(number_of(c));
    if (!d || !kb.remove(d->number)) throw no_such(c);
    removed = 1;
  }
  kb.compact();
  if (c.json)
    io.json(Json{{"removed", removed}});
  else
    io.line(std::to_string(removed) + (removed == 1 ? " document" : " documents") + " removed");
  return 0;
}

}  // namespace

int kb_verb(App& app, const Command& c, const Io& io) {
  Knowledge& kb = app.knowledge();
  try {
    if (c.verb == "kb search") return search(kb, c, io);
    if (c.verb == "kb list") return list(kb, c, io);
    if (c.verb == "kb show") return show(kb, c, io);
    return remove(kb, c, io);
  } catch (const KnowledgeError& e) {
    throw CliError(e.what());
  }
}

}  // namespace aoh::host
