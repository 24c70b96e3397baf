#include "imap/proto/command.hpp"

#include "imap/proto/ascii.hpp"
#include "imap/proto/utf7.hpp"
#include "support/json.hpp"

namespace mailroom::imap {
namespace {

std::string escaped(std::string_view s) {
  std::string out = "\"";
  for (const char c : s) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + '"';
}

/// Is the name the same in UTF-8 and in modified UTF-7?
bool is_plain(std::string_view name) {
  for (const char c : name)
    if (c < 0x20 || c > 0x7E || c == '&') return false;
  return true;
}

/// ATOM-CHAR of RFC 3501 §9, and not so long that a line grows without bound.
bool is_atom(std::string_view s) {
  if (s.empty() || s.size() > 200 || same(s, "NIL")) return false;
  for (const char c : s)
    if (static_cast<unsigned char>(c) <= 0x20 || static_cast<unsigned char>(c) >= 0x7F ||
        std::string_view("(){%*\"\\]").find(c) != std::string_view::npos)
      return false;
  return true;
}

bool is_quotable(std::string_view s) {
  if (s.size() > 1000) return false;
  for (const char c : s)
    if (c == '\r' || c == '\n' || static_cast<unsigned char>(c) >= 0x80) return false;
  return true;
}

void refuse_nul(std::string_view s) {
  if (s.find('\0') != std::string_view::npos)
    throw Failure(Errc::invalid, "a text for the IMAP server contains a NUL byte");
}

std::string& text_piece(std::vector<Command::Piece>& pieces) {
  if (pieces.empty() || pieces.back().is_literal || pieces.back().is_name) pieces.emplace_back();
  return pieces.back().text;
}

}  // namespace

Command& Command::raw(std::string_view words) {
  if (words.find_first_of(std::string_view("\r\n\0", 3)) != std::string_view::npos)
    throw Failure(Errc::invalid, "a command for the IMAP server contains a line break");
  text_piece(pieces_) += words;
  return *this;
}

Command& Command::string(std::string_view s) {
  refuse_nul(s);
  for (const char c : s) utf8_ = utf8_ || static_cast<unsigned char>(c) >= 0x80;
  if (!is_quotable(s)) {
    text_piece(pieces_);  // the announcement goes into a piece of text before it
    pieces_.push_back({std::string(s), {}, true});
    return *this;
  }
  text_piece(pieces_) += escaped(s);
  return *this;
}

Command& Command::astring(std::string_view s) { return is_atom(s) ? raw(s) : string(s); }

Command& Command::mailbox(std::string_view utf8) {
  if (utf8.empty() || utf8.size() > 1000) throw Failure(Errc::invalid, "a mailbox name has 1 to 1,000 bytes");
  refuse_nul(utf8);
  if (is_plain(utf8)) return astring(same(utf8, "INBOX") ? std::string_view("INBOX") : utf8);
  text_piece(pieces_);
  pieces_.push_back({std::string(utf8), {}, false, true});
  return *this;
}

Command& Command::mailbox_pattern(std::string_view utf8) {
  // Always quoted: the wildcards are no characters of an atom.
  if (is_plain(utf8) || utf8.size() > 1000) return string(utf8);
  return mailbox(utf8);
}

void Command::settle_names(bool as_utf8) {
  const bool was_utf8 = utf8_;  // the name is no search text
  std::vector<Piece> given;
  given.swap(pieces_);
  for (Piece& p : given) {
    if (p.is_literal) {
      pieces_.push_back(std::move(p));
    } else if (!p.is_name) {
      text_piece(pieces_) += p.text;
    } else if (const std::string name = as_utf8 ? aoh::valid_utf8(p.text) : to_utf7(p.text);
               as_utf8 && name.find_first_of("\r\n") == std::string::npos) {
      text_piece(pieces_) += escaped(name);
    } else {
      astring(name);
    }
  }
  utf8_ = was_utf8;
}

Command& Command::literal(std::string_view borrowed) {
  refuse_nul(borrowed);
  text_piece(pieces_);
  pieces_.push_back({{}, borrowed, true});
  return *this;
}

Command& Command::append(const Command& other) {
  for (const Piece& p : other.pieces_) {
    if (p.is_literal || p.is_name) {
      text_piece(pieces_);
      pieces_.push_back(p);
    } else {
      text_piece(pieces_) += p.text;
    }
  }
  utf8_ |= other.utf8_;
  secret_ |= other.secret_;
  return *this;
}

Command& Command::secret() {
  secret_ = true;
  return *this;
}

}  // namespace mailroom::imap
