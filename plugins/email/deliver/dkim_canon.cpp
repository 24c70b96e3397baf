#include "deliver/dkim_canon.hpp"

#include "base/error.hpp"

namespace mailroom::deliver {
namespace {

constexpr std::string_view kCrlf = "\r\n";

bool blank(char c) { return c == ' ' || c == '\t'; }

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c; }

/// The first line of `text` with its CRLF, taken off `text`; the last may be without.
std::string_view take_line(std::string_view& text) {
  const std::size_t end = text.find(kCrlf);
  const std::string_view line = text.substr(0, end == std::string_view::npos ? text.size() : end + 2);
  text.remove_prefix(line.size());
  return line;
}

bool bare_line_end(std::string_view line) {
  if (line.ends_with(kCrlf)) line.remove_suffix(2);
  return line.find_first_of("\r\n") != std::string_view::npos;
}

bool field_name(std::string_view name) {
  for (const char c : name)
    if (c < 33 || c > 126) return false;
  return !name.empty();
}

}  // namespace

std::vector<RawField> header_fields(std::string_view message, std::string_view& body) {
  std::vector<RawField> fields;
  std::string_view rest = message;
  std::size_t number = 0;
  while (!rest.empty()) {
    const std::size_t at = message.size() - rest.size();
    const std::string_view line = take_line(rest);
    const std::string where = "header line " + std::to_string(++number);
    if (bare_line_end(line)) throw Failure(Errc::invalid, "a bare CR or LF cannot be signed", where);
    if (line == kCrlf) break;
    if (blank(line.front()) && !fields.empty()) {
      auto& whole = fields.back().whole;
      whole =
          message.substr(static_cast<std::size_t>(whole.data() - message.data()), whole.size() + line.size());
      continue;
    }
    std::string_view name = line.substr(0, line.find(':'));
    if (name.size() == line.size()) throw Failure(Errc::invalid, "the line is no header field", where);
    while (!name.empty() && blank(name.back())) name.remove_suffix(1);  // RFC 5322 §4.5.8 lets it stand there
    if (!field_name(name)) throw Failure(Errc::invalid, "the header field has no proper name", where);
    fields.push_back({name, message.substr(at, line.size())});
  }
  body = rest;
  return fields;
}

std::string canonical_field(std::string_view whole, Canon canon) {
  if (canon == Canon::simple) return std::string(whole);
  const std::size_t colon = whole.find(':');
  std::string out;
  out.reserve(whole.size());
  for (const char c : whole.substr(0, colon))
    if (!blank(c)) out += lower(c);
  out += ':';
  const std::size_t value = out.size();
  bool space = false;
  for (const char c : whole.substr(colon == std::string_view::npos ? whole.size() : colon + 1)) {
    if (c == '\r' || c == '\n') continue;  // a fold is CRLF before white space: the white space stays as one
    if (blank(c)) {
      space = true;
      continue;
    }
    if (space && out.size() > value) out += ' ';
    space = false;
    out += c;
  }
  out += kCrlf;
  return out;
}

std::string canonical_body(std::string_view body, Canon canon) {
  std::string out;
  out.reserve(body.size() + 2);
  std::size_t solid = 0;  // where the last line that is not empty ends in `out`
  while (!body.empty()) {
    std::string_view line = take_line(body);
    if (line.ends_with(kCrlf)) line.remove_suffix(2);
    if (canon == Canon::simple) {
      out += line;
    } else {
      while (!line.empty() && blank(line.back())) line.remove_suffix(1);
      bool space = false;
      for (const char c : line) {
        if (!blank(c)) {
          out += c;
          space = false;
        } else if (!space) {
          out += ' ';
          space = true;
        }
      }
    }
    const bool empty = line.empty();
    out += kCrlf;
    if (!empty) solid = out.size();
  }
  out.resize(solid);
  // An empty body is one CRLF under simple, nothing under relaxed (§3.4.3, §3.4.4).
  if (out.empty() && canon == Canon::simple) out = kCrlf;
  return out;
}

}  // namespace mailroom::deliver
