#include "smtp/proto/command.hpp"

#include <algorithm>
#include <charconv>

namespace mailroom::smtp {
namespace {

std::string upper(std::string_view s) {
  std::string out(s);
  for (char& c : out)
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 32);
  return out;
}

std::vector<std::string> words(std::string_view line) {
  std::vector<std::string> out;
  while (!line.empty() && out.size() < 64) {
    const std::size_t end = std::min(line.find_first_of(" \t"), line.size());
    if (end > 0) out.push_back(upper(line.substr(0, end)));
    line.remove_prefix(std::min(end + 1, line.size()));
  }
  return out;
}

std::string hex(std::uint32_t value) {
  char digits[8];
  const auto end = std::to_chars(digits, digits + sizeof digits, value, 16).ptr;
  std::string out = upper({digits, static_cast<std::size_t>(end - digits)});
  return out.size() < 2 ? "0" + out : out;
}

/// The character at s[i], which is UTF-8 (check() saw to it), and its length.
std::uint32_t code_point(std::string_view s, std::size_t i, std::size_t& length) {
  const auto byte = [&](std::size_t k) { return static_cast<unsigned char>(s[k]); };
  length = byte(i) < 0x80 ? 1 : byte(i) < 0xE0 ? 2 : byte(i) < 0xF0 ? 3 : 4;
  std::uint32_t c = length == 1 ? byte(i) : byte(i) & (0xFFu >> (length + 1));
  for (std::size_t k = 1; k < length && i + k < s.size(); ++k) c = (c << 6) | (byte(i + k) & 0x3Fu);
  return c;
}

std::string notify(const Dsn& dsn) {
  if (dsn.never) return "NEVER";
  std::string out;
  const auto add = [&](bool wanted, const char* word) {
    if (wanted) out += (out.empty() ? "" : ",") + std::string(word);
  };
  add(dsn.success, "SUCCESS");
  add(dsn.failure, "FAILURE");
  add(dsn.delay, "DELAY");
  return out;
}

}  // namespace

std::string ehlo(std::string_view name) {
  try {
    check_ehlo_name(name);
  } catch (const Failure&) {
    name = "localhost";
  }
  return "EHLO " + std::string(name) + "\r\n";
}

std::string xtext(std::string_view text) {
  std::string out;
  for (const char c : text)
    if (c > 0x20 && c < 0x7F && c != '+' && c != '=')
      out += c;
    else
      out += "+" + hex(static_cast<unsigned char>(c));
  return out;
}

std::string original_recipient(std::string_view address) {
  if (std::all_of(address.begin(), address.end(),
                  [](char c) { return static_cast<unsigned char>(c) < 0x80; }))
    return "rfc822;" + xtext(address);
  std::string out = "utf-8;";
  for (std::size_t i = 0, length = 0; i < address.size(); i += length) {
    const std::uint32_t c = code_point(address, i, length);
    if (c > 0x20 && c < 0x7F && c != '+' && c != '=' && c != '\\')
      out += static_cast<char>(c);
    else
      out += "\\x{" + hex(c) + "}";
  }
  return out;
}

std::string mail_from(const Envelope& e, const Capabilities& caps) {
  std::string line = "MAIL FROM:<" + e.from + ">";
  if (caps.size && e.size > 0) line += " SIZE=" + std::to_string(e.size);
  if (caps.eight_bit && e.eight_bit) line += " BODY=8BITMIME";
  if (caps.smtputf8 && e.smtputf8) line += " SMTPUTF8";
  if (caps.require_tls && e.require_tls) line += " REQUIRETLS";
  if (caps.dsn && e.dsn.content != Dsn::Return::as_server_likes)
    line += e.dsn.content == Dsn::Return::full ? " RET=FULL" : " RET=HDRS";
  if (caps.dsn && !e.dsn.envelope_id.empty()) line += " ENVID=" + xtext(e.dsn.envelope_id);
  return line + "\r\n";
}

std::string rcpt_to(const Envelope& e, std::size_t i, const Capabilities& caps) {
  std::string line = "RCPT TO:<" + e.to[i] + ">";
  if (caps.dsn && e.dsn.notifies()) {
    line += " NOTIFY=" + notify(e.dsn);
    // The parameter's longest is 500 (RFC 3461 §4.2); an address of 254 bytes can grow beyond it.
    const std::string original = original_recipient(e.dsn.original.empty() ? e.to[i] : e.dsn.original[i]);
    if (original.size() <= 500) line += " ORCPT=" + original;
  }
  return line + "\r\n";
}

Capabilities parse_capabilities(const Reply& reply) {
  Capabilities caps;
  for (std::size_t i = 1; i < reply.lines.size(); ++i) {  // the first line is the server's name
    std::vector<std::string> w = words(reply.lines[i]);
    if (w.empty()) continue;
    const std::string& key = w.front();
    if (key == "STARTTLS") caps.starttls = true;
    if (key == "PIPELINING") caps.pipelining = true;
    if (key == "8BITMIME") caps.eight_bit = true;
    if (key == "SMTPUTF8") caps.smtputf8 = true;
    if (key == "ENHANCEDSTATUSCODES") caps.enhanced_codes = true;
    if (key == "CHUNKING") caps.chunking = true;
    if (key == "DSN") caps.dsn = true;
    if (key == "REQUIRETLS") caps.require_tls = true;
    if (key == "SIZE") {
      caps.size = true;
      if (w.size() > 1) {
        const std::string& n = w[1];
        const auto [end, ec] = std::from_chars(n.data(), n.data() + n.size(), caps.max_size);
        if (ec != std::errc() || end != n.data() + n.size()) caps.max_size = 0;  // nonsense: no limit told
      }
    }
    if (key == "AUTH") caps.auth.insert(caps.auth.end(), w.begin() + 1, w.end());
    if (key.starts_with("AUTH=") && key.size() > 5) {  // old servers write it so
      caps.auth.push_back(key.substr(5));
      caps.auth.insert(caps.auth.end(), w.begin() + 1, w.end());
    }
  }
  return caps;
}

}  // namespace mailroom::smtp
