#include "smtp/proto/command.hpp"

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

}  // namespace

std::string ehlo(std::string_view name) {
  bool good = !name.empty() && name.size() <= 255;
  for (const char c : name)
    good = good && ((c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '.' ||
                    c == '-' || c == ':' || c == '[' || c == ']');
  return "EHLO " + std::string(good ? name : "localhost") + "\r\n";
}

std::string mail_from(const Envelope& e, const Capabilities& caps) {
  std::string line = "MAIL FROM:<" + e.from + ">";
  if (caps.size && e.size > 0) line += " SIZE=" + std::to_string(e.size);
  if (caps.eight_bit && e.eight_bit) line += " BODY=8BITMIME";
  if (caps.smtputf8 && e.smtputf8) line += " SMTPUTF8";
  return line + "\r\n";
}

std::string rcpt_to(std::string_view address) { return "RCPT TO:<" + std::string(address) + ">\r\n"; }

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
