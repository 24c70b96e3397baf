#include "imap/proto/response.hpp"

#include "imap/proto/ascii.hpp"

namespace mailroom::imap {
namespace {

using Kind = Response::Kind;

struct Word {
  std::string_view word;
  Kind kind;
};
constexpr Word kStatus[] = {
    {"OK", Kind::ok}, {"NO", Kind::no}, {"BAD", Kind::bad}, {"BYE", Kind::bye}, {"PREAUTH", Kind::preauth}};
constexpr Word kData[] = {{"CAPABILITY", Kind::capability}, {"FLAGS", Kind::flags},      {"LIST", Kind::list},
                          {"SEARCH", Kind::search},         {"ESEARCH", Kind::esearch},  {"SORT", Kind::sort},
                          {"THREAD", Kind::thread},         {"STATUS", Kind::status},    {"ID", Kind::id},
                          {"ENABLED", Kind::enabled},       {"VANISHED", Kind::vanished}};
constexpr Word kNumbered[] = {
    {"EXISTS", Kind::exists}, {"RECENT", Kind::recent}, {"EXPUNGE", Kind::expunge}, {"FETCH", Kind::fetch}};

template <std::size_t N>
bool find(const Word (&table)[N], std::string_view word, Kind& kind) {
  for (const Word& w : table)
    if (same(w.word, word)) {
      kind = w.kind;
      return true;
    }
  return false;
}

std::string_view first_word(std::string_view s) { return s.substr(0, s.find(' ')); }

/// resp-text: an optional code in brackets, then words.
void read_text(Response& r, std::string_view text) {
  while (text.starts_with(' ')) text.remove_prefix(1);
  if (text.starts_with('[')) {
    const std::size_t close = text.find(']');
    if (close != std::string_view::npos) {
      const std::string_view inside = text.substr(1, close - 1);
      const std::string_view name = first_word(inside);
      r.code = upper(name);
      r.code_text = inside.size() > name.size() ? inside.substr(name.size() + 1) : std::string_view{};
      text.remove_prefix(close + 1);
      while (text.starts_with(' ')) text.remove_prefix(1);
    }
  }
  r.text = printable(text);
}

[[noreturn]] void not_imap(std::string_view line) {
  Error e{Errc::protocol,
          "the server sent something that is no IMAP response",
          {},
          printable(line, 200),
          "Check that the port is an IMAP port and that TLS is set as the server expects."};
  throw Failure(std::move(e));
}

}  // namespace

Response classify(Frame&& frame) {
  Response r;
  r.frame = std::move(frame);
  const std::string_view line = r.frame.line;
  if (line == "+" || line.starts_with("+ ")) {
    r.kind = Kind::go_ahead;
    r.text = line.substr(std::min<std::size_t>(2, line.size()));
    return r;
  }
  const std::string_view first = first_word(line);
  if (first.empty() || first.size() == line.size()) not_imap(line);
  if (first != "*") {
    if (first.size() > 40) not_imap(line);
    r.tag = first;
  }
  std::string_view rest = line.substr(first.size() + 1);
  while (rest.starts_with(' ')) rest.remove_prefix(1);
  std::string_view word = first_word(rest);
  if (find(kStatus, word, r.kind)) {
    read_text(r, rest.substr(word.size()));
    return r;
  }
  if (!r.tag.empty()) not_imap(line);
  r.at = static_cast<std::size_t>(rest.data() - line.data()) + word.size();
  if (find(kData, word, r.kind)) return r;
  if (word.empty() || word[0] < '0' || word[0] > '9') return r;

  Tokens t(r.frame, static_cast<std::size_t>(rest.data() - line.data()));
  const Tokens::Mark before = t.mark();
  const std::string_view digits = t.atom();
  const std::string_view kind = t.end() ? std::string_view{} : t.atom();
  if (!find(kNumbered, kind, r.kind)) return r;
  r.at = static_cast<std::size_t>(kind.data() - line.data()) + kind.size();
  (void)digits;
  t.back(before);
  r.number = t.number32();
  return r;
}

}  // namespace mailroom::imap
