#include "wire/kind.hpp"

#include <algorithm>
#include <array>

namespace mailroom::documents {
namespace {

using namespace std::string_view_literals;

constexpr std::array kKinds{
    Kind{"unknown", Family::none, "application/octet-stream", ""},
    Kind{"empty", Family::none, "application/octet-stream", ""},
    Kind{"pdf", Family::pdf, "application/pdf", ".pdf"},
    Kind{"docx", Family::zip, "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
         ".docx.docm.dotx.dotm"},
    Kind{"xlsx", Family::zip, "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
         ".xlsx.xlsm.xltx.xltm"},
    Kind{"pptx", Family::zip, "application/vnd.openxmlformats-officedocument.presentationml.presentation",
         ".pptx.pptm.ppsx.potx"},
    Kind{"zip", Family::zip, "application/zip", ".zip"},
    Kind{"opendocument", Family::zip, "application/vnd.oasis.opendocument", ".odt.ods.odp"},
    Kind{"tar", Family::archive, "application/x-tar", ".tar"},
    Kind{"gzip", Family::archive, "application/gzip", ".gz.tgz"},
    Kind{"bzip2", Family::archive, "application/x-bzip2", ".bz2.tbz"},
    Kind{"xz", Family::archive, "application/x-xz", ".xz.txz"},
    Kind{"zstd", Family::archive, "application/zstd", ".zst"},
    Kind{"7z", Family::archive, "application/x-7z-compressed", ".7z"},
    Kind{"rar", Family::archive, "application/vnd.rar", ".rar"},
    Kind{"png", Family::picture, "image/png", ".png"},
    Kind{"jpeg", Family::picture, "image/jpeg", ".jpg.jpeg.jpe"},
    Kind{"gif", Family::picture, "image/gif", ".gif"},
    Kind{"bmp", Family::picture, "image/bmp", ".bmp"},
    Kind{"webp", Family::picture, "image/webp", ".webp"},
    Kind{"tiff", Family::picture, "image/tiff", ".tif.tiff"},
    Kind{"office97", Family::office97, "application/x-ole-storage", ".doc.xls.ppt.msg"},
    Kind{"rtf", Family::none, "application/rtf", ".rtf"},
    Kind{"program", Family::none, "application/x-executable", ".exe.dll.scr.com.so.elf"},
    Kind{"html", Family::html, "text/html", ".html.htm.xhtml"},
    Kind{"eml", Family::eml, "message/rfc822", ".eml"},
    Kind{"csv", Family::text, "text/csv", ".csv.tsv"},
    Kind{"text", Family::text, "text/plain", ".txt.text.md.log"}};

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }
std::string lower(std::string_view s) {
  std::string out(s);
  std::transform(out.begin(), out.end(), out.begin(), [](char c) { return lower(c); });
  return out;
}

struct Magic {
  std::size_t at;
  std::string_view bytes, kind;
};
constexpr std::array kMagic{Magic{0, "%PDF-", "pdf"},
                            Magic{0, "PK\3\4", "zip"},
                            Magic{0, "PK\5\6", "zip"},
                            Magic{257, "ustar", "tar"},
                            Magic{0, "\x1f\x8b", "gzip"},
                            Magic{0, "BZh", "bzip2"},
                            Magic{0,
                                  "\xfd"
                                  "7zXZ\0"sv,
                                  "xz"},
                            Magic{0, "\x28\xb5\x2f\xfd", "zstd"},
                            Magic{0, "7z\xbc\xaf\x27\x1c", "7z"},
                            Magic{0, "Rar!\x1a\x07", "rar"},
                            Magic{0, "\x89PNG\r\n\x1a\n", "png"},
                            Magic{0, "\xff\xd8\xff", "jpeg"},
                            Magic{0, "GIF8", "gif"},
                            Magic{0, "II*\0"sv, "tiff"},
                            Magic{0, "MM\0*"sv, "tiff"},
                            Magic{8, "WEBP", "webp"},
                            Magic{0, "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "office97"},
                            Magic{0, "{\\rtf", "rtf"},
                            Magic{0,
                                  "\x7f"
                                  "ELF",
                                  "program"}};

bool starts(std::string_view s, std::string_view with) {
  return s.size() >= with.size() &&
         std::equal(with.begin(), with.end(), s.begin(), [](char a, char b) { return a == lower(b); });
}

std::string_view skip_blank(std::string_view s) {
  if (s.starts_with("\xef\xbb\xbf")) s.remove_prefix(3);
  while (!s.empty() && (s[0] == ' ' || s[0] == '\t' || s[0] == '\r' || s[0] == '\n')) s.remove_prefix(1);
  return s;
}

bool html(std::string_view head) {
  head = skip_blank(head);
  for (const std::string_view tag :
       {"<!doctype html"sv, "<html"sv, "<head"sv, "<body"sv, "<script"sv, "<table"sv})
    if (starts(head, tag)) return true;
  return false;
}

// A header field that only mail begins with (RFC 5322 §3.6).
bool mail(std::string_view head) {
  for (const std::string_view field :
       {"return-path:"sv, "received:"sv, "delivered-to:"sv, "message-id:"sv, "mime-version:"sv,
        "dkim-signature:"sv, "x-mozilla-status:"sv, "arc-seal:"sv, "from:"sv, "date:"sv, "subject:"sv,
        "to:"sv, "reply-to:"sv})
    if (starts(head, field))
      return head.find("\n\n") != head.npos || head.find("\r\n\r\n") != head.npos ||
             head.size() >= kSniffBytes;
  return false;
}

// Text has no NUL, but for UTF-16, and hardly any other control characters.
bool text(std::string_view head) {
  if (head.starts_with("\xff\xfe") || head.starts_with("\xfe\xff")) return true;
  std::size_t strange = 0;
  for (const char c : head) {
    const auto u = static_cast<unsigned char>(c);
    if (u == 0) return false;
    strange += u < 32 && u != '\n' && u != '\r' && u != '\t' && u != '\f' && u != 27;
  }
  return strange * 50 <= head.size();
}

}  // namespace

const Kind& kind(std::string_view name) {
  const auto it = std::find_if(kKinds.begin(), kKinds.end(), [&](const Kind& k) { return k.name == name; });
  return it == kKinds.end() ? kKinds.front() : *it;
}

const Kind* labelled(std::string_view filename, std::string_view mime_type) {
  const std::size_t dot = filename.rfind('.');
  if (dot != std::string_view::npos && filename.size() - dot <= 8) {
    const std::string wanted = lower(filename.substr(dot)) + ".";
    for (const Kind& k : kKinds)
      if (wanted.size() > 2 && (std::string(k.extensions) + ".").find(wanted) != std::string::npos) return &k;
  }
  const std::string type = lower(mime_type.substr(0, mime_type.find(';')));
  if (type == "application/octet-stream" || type.empty()) return nullptr;
  for (const Kind& k : kKinds)
    if (type == k.mime_type) return &k;
  return type.starts_with("text/") ? &kind("text") : nullptr;
}

const Kind& sniff(std::string_view head, std::string_view filename, std::string_view mime_type) {
  head = head.substr(0, kSniffBytes);
  if (head.empty()) return kind("empty");
  for (const Magic& m : kMagic)
    if (head.size() >= m.at + m.bytes.size() && head.substr(m.at, m.bytes.size()) == m.bytes)
      return kind(m.kind);
  if (head.size() > 30 && head.starts_with("BM") && head.substr(6, 4) == "\0\0\0\0"sv) return kind("bmp");
  if (head.size() > 64 && head.starts_with("MZ") && head.find('\0') != head.npos) return kind("program");
  // Readers of PDF look for the header in the first kilobyte.
  if (head.substr(0, 1024).find("%PDF-") != head.npos && !text(head)) return kind("pdf");
  if (!text(head)) return kind("unknown");
  const Kind* label = labelled(filename, mime_type);
  const std::string_view says = label ? label->name : "text";
  if (html(head) || (says == "html" && head.find('<') != head.npos)) return kind("html");
  if (mail(head)) return kind("eml");
  return kind(says == "csv" || says == "eml" ? says : "text");
}

std::optional<std::string> contradiction(const Kind& content, std::string_view filename,
                                         std::string_view mime_type) {
  for (const Kind* label : {labelled(filename, {}), labelled({}, mime_type)}) {
    if (!label || label->name == content.name) continue;
    const bool both_text =
        label->family == Family::text && (content.family == Family::text || content.family == Family::eml);
    const bool packed_tar = label->name == "tar" && content.family == Family::archive;
    if (both_text || packed_tar || content.name == "empty") continue;
    return "it is labelled as " + std::string(label->name) + ", and its bytes are " +
           std::string(content.name);
  }
  return {};
}

std::string_view polyglot(const Kind& content, std::string_view head, std::string_view tail) {
  if (content.family != Family::pdf && content.family != Family::text && content.family != Family::eml &&
      head.substr(0, 1024).find("%PDF-") != head.npos)
    return "pdf";
  if (content.family != Family::zip) {
    // An end of central directory whose comment reaches exactly to the end (APPNOTE 4.3.16).
    for (std::size_t at = tail.rfind("PK\5\6"); at != tail.npos && at + 22 <= tail.size();
         at = at ? tail.rfind("PK\5\6", at - 1) : tail.npos) {
      const std::size_t comment =
          static_cast<unsigned char>(tail[at + 20]) + 256u * static_cast<unsigned char>(tail[at + 21]);
      if (at + 22 + comment == tail.size()) return "zip";
    }
  }
  if (content.family == Family::picture || content.family == Family::pdf || content.family == Family::none) {
    const std::string beginning = lower(head.substr(0, 1024));
    for (const std::string_view tag : {"<script"sv, "<html"sv, "<!doctype html"sv})
      if (beginning.find(tag) != beginning.npos) return "html";
  }
  return "";
}

}  // namespace mailroom::documents
