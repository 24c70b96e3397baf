#include "read/quotes.hpp"

#include <algorithm>
#include <array>
#include <vector>

#include "mime/ascii.hpp"
#include "mime/thread.hpp"

namespace mailroom::read {
namespace {

using namespace std::string_view_literals;

constexpr std::size_t kRun = 3;  // quoted lines worth folding

// What Outlook, Apple Mail and web mailers write before the message that is answered.
constexpr std::array kSeparators{"original message"sv,
                                 "ursprüngliche nachricht"sv,
                                 "message d'origine"sv,
                                 "mensaje original"sv,
                                 "messaggio originale"sv,
                                 "mensagem original"sv,
                                 "oorspronkelijk bericht"sv,
                                 "originalmeddelande"sv,
                                 "oprindelig meddelelse"sv,
                                 "исходное сообщение"sv,
                                 "原始邮件"sv,
                                 "原始郵件"sv};
constexpr std::array kFrom{"from:"sv, "von:"sv, "de:"sv, "da:"sv,     "van:"sv,
                           "från:"sv, "fra:"sv, "от:"sv, "发件人:"sv, "发件人："sv};
constexpr std::array kRest{
    "sent:"sv,      "date:"sv,      "to:"sv,      "cc:"sv,        "subject:"sv, "gesendet:"sv, "datum:"sv,
    "an:"sv,        "betreff:"sv,   "envoyé :"sv, "envoyé:"sv,    "date :"sv,   "à :"sv,       "à:"sv,
    "objet :"sv,    "objet:"sv,     "enviado:"sv, "para:"sv,      "asunto:"sv,  "inviato:"sv,  "a:"sv,
    "oggetto:"sv,   "verzonden:"sv, "aan:"sv,     "onderwerp:"sv, "skickat:"sv, "till:"sv,     "ämne:"sv,
    "sendt:"sv,     "til:"sv,       "emne:"sv,    "дата:"sv,      "кому:"sv,    "тема:"sv,     "发送时间:"sv,
    "发送时间："sv, "收件人:"sv,    "收件人："sv, "主题:"sv,      "主题："sv};

template <std::size_t N>
bool begins(std::string_view line, const std::array<std::string_view, N>& words) {
  while (!line.empty() && (mime::is_space(line.front()) || line.front() == '*')) line.remove_prefix(1);
  return std::any_of(words.begin(), words.end(),
                     [&](std::string_view w) { return mime::istarts_with(line, w); });
}

bool is_quoted(std::string_view line) { return line.starts_with('>'); }
bool is_blank(std::string_view line) { return mime::trim(line).empty(); }

/// "On Monday, Ann wrote:", "Am ... schrieb Ann:": ends with a colon, and is not long.
bool is_attribution(std::string_view line) {
  line = mime::trim(line);
  return line.size() >= 8 && line.size() <= 300 && (line.ends_with(':') || line.ends_with("：")) &&
         line.find_first_of("0123456789@") != std::string_view::npos;
}

bool is_separator(std::string_view line) {
  line = mime::trim(line);
  if (!line.starts_with("--") || line.size() > 120) return false;
  while (line.starts_with('-') || line.starts_with(' ')) line.remove_prefix(1);
  return std::any_of(kSeparators.begin(), kSeparators.end(),
                     [&](std::string_view w) { return mime::istarts_with(line, w); });
}

/// From and at least two of the other fields in the lines that follow.
bool is_block(const std::vector<std::string_view>& lines, std::size_t at) {
  if (!begins(lines[at], kFrom)) return false;
  std::size_t found = 0;
  for (std::size_t i = at + 1; i < lines.size() && i < at + 7; ++i) found += begins(lines[i], kRest);
  return found >= 2;
}

std::string mark(std::size_t lines) {
  return lines == 1 ? "[1 quoted line]\n" : "[" + std::to_string(lines) + " quoted lines]\n";
}

bool is_forwarded(std::string_view subject) {
  return !subject.empty() && mime::forward_subject(subject) == "Fwd: " + mime::base_subject(subject) &&
         mime::reply_subject(subject) != subject && mime::base_subject(subject) != mime::trim(subject);
}

}  // namespace

Folded fold_quotes(std::string_view text, std::string_view subject) {
  std::vector<std::string_view> lines;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    lines.push_back(text.substr(at, end - at));
    at = end + 1;
  }
  Folded out;
  bool said = false;  // is there a word of the sender's own?
  const bool forwarded = is_forwarded(subject);
  for (std::size_t i = 0; i < lines.size();) {
    if (said && !forwarded && (is_separator(lines[i]) || is_block(lines, i))) {
      out.lines += lines.size() - i;
      out.text += mark(lines.size() - i);
      break;
    }
    std::size_t from = i;
    if (is_attribution(lines[i]) && i + 1 < lines.size()) {
      from = i + 1;
      if (is_blank(lines[from]) && from + 1 < lines.size()) ++from;
    }
    std::size_t end = from;
    while (end < lines.size() && is_quoted(lines[end])) ++end;
    if (end - from >= kRun) {
      out.lines += end - i;
      out.text += mark(end - i);
      i = end;
      continue;
    }
    said = said || (!is_blank(lines[i]) && !is_quoted(lines[i]));
    out.text += lines[i];
    out.text += '\n';
    ++i;
  }
  if (!said || out.lines == 0) return {std::string(text), 0};
  return out;
}

}  // namespace mailroom::read
