#include "imap/proto/command.hpp"

#include "imap/proto/ascii.hpp"
#include "imap/proto/utf7.hpp"

namespace mailroom::imap {
namespace {

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
  if (pieces.empty() || pieces.back().is_literal) pieces.emplace_back();
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
  std::string& out = text_piece(pieces_);
  out += '"';
  for (const char c : s) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  out += '"';
  return *this;
}

Command& Command::astring(std::string_view s) { return is_atom(s) ? raw(s) : string(s); }

Command& Command::mailbox(std::string_view utf8) {
  if (utf8.empty() || utf8.size() > 1000) throw Failure(Errc::invalid, "a mailbox name has 1 to 1,000 bytes");
  refuse_nul(utf8);
  return astring(same(utf8, "INBOX") ? std::string("INBOX") : to_utf7(utf8));
}

Command& Command::literal(std::string_view borrowed) {
  refuse_nul(borrowed);
  text_piece(pieces_);
  pieces_.push_back({{}, borrowed, true});
  return *this;
}

Command& Command::append(const Command& other) {
  for (const Piece& p : other.pieces_) {
    if (p.is_literal) {
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
