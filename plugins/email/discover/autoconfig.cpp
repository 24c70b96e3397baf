#include "discover/autoconfig.hpp"

#include <pugixml.hpp>

#include "base/error.hpp"

namespace mailroom::discover {
namespace {

constexpr int kServers = 20;  // of one kind that are looked at

std::string escaped(std::string_view text) {
  std::string out;
  for (const unsigned char c : text) {
    const bool plain = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                       c == '-' || c == '.' || c == '_' || c == '~';
    if (plain) {
      out += static_cast<char>(c);
      continue;
    }
    out += '%';
    out += "0123456789ABCDEF"[c >> 4];
    out += "0123456789ABCDEF"[c & 15];
  }
  return out;
}

std::string filled(std::string text, const std::string& address) {
  const std::size_t at = address.rfind('@');
  const std::pair<std::string_view, std::string> words[] = {
      {"%EMAILADDRESS%", address},
      {"%EMAILLOCALPART%", address.substr(0, at)},
      {"%EMAILDOMAIN%", at == std::string::npos ? "" : address.substr(at + 1)}};
  for (const auto& [word, value] : words)
    for (std::size_t i = 0; (i = text.find(word, i)) != std::string::npos; i += value.size())
      text.replace(i, word.size(), value);
  return text;
}

std::string text_of(const pugi::xml_node& node, const char* name) {
  std::string s = node.child_value(name);
  const auto blank = [](char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; };
  while (!s.empty() && blank(s.back())) s.pop_back();
  std::size_t begin = 0;
  while (begin < s.size() && blank(s[begin])) ++begin;
  return s.substr(begin);
}

std::optional<net::Endpoint> server(const pugi::xml_node& node, const std::string& address) {
  net::Endpoint e;
  e.host = filled(text_of(node, "hostname"), address);
  const int port = node.child("port").text().as_int();
  const std::string socket = text_of(node, "socketType");
  if (socket == "SSL")
    e.tls = net::TlsMode::implicit;
  else if (socket == "STARTTLS")
    e.tls = net::TlsMode::starttls;
  else
    return std::nullopt;
  if (!is_host(e.host) || port < 1 || port > 65535) return std::nullopt;
  e.port = static_cast<std::uint16_t>(port);
  return e;
}

/// The best of the servers of one kind, and its element.
pugi::xml_node best(const pugi::xml_node& provider, const char* element, const char* type,
                    const std::string& address, std::optional<net::Endpoint>& out) {
  pugi::xml_node chosen;
  int seen = 0;
  for (const pugi::xml_node& node : provider.children(element)) {
    if (++seen > kServers) break;
    if (std::string_view(node.attribute("type").value()) != type) continue;
    const auto e = server(node, address);
    if (!e || (out && (out->tls == net::TlsMode::implicit || e->tls == net::TlsMode::starttls))) continue;
    out = e;
    chosen = node;
  }
  return chosen;
}

}  // namespace

std::vector<std::string> autoconfig_urls(const std::string& address, const std::string& domain) {
  const std::string query = "?emailaddress=" + escaped(address);
  return {"https://autoconfig." + domain + "/mail/config-v1.1.xml" + query,
          "https://" + domain + "/.well-known/autoconfig/mail/config-v1.1.xml" + query,
          "https://autoconfig.thunderbird.net/v1.1/" + escaped(domain)};
}

Found from_autoconfig(std::string_view xml, const std::string& address) {
  if (xml.size() > kAutoconfigBytes)
    throw Failure(Errc::limit,
                  "the autoconfig document has more than " + std::to_string(kAutoconfigBytes) + " bytes");
  // No document type is read, so no entity of its own: what pugixml leaves out by default.
  pugi::xml_document document;
  const auto result = document.load_buffer(xml.data(), xml.size(), pugi::parse_default);
  const pugi::xml_node provider = document.child("clientConfig").child("emailProvider");
  if (!result || !provider) throw Failure(Errc::protocol, "this is no autoconfig document");
  Found f;
  const pugi::xml_node in = best(provider, "incomingServer", "imap", address, f.imap);
  const pugi::xml_node out = best(provider, "outgoingServer", "smtp", address, f.smtp);
  const pugi::xml_node one = in ? in : out;
  f.username = filled(text_of(one, "username"), address);
  if (f.username == address || f.username.size() > 320) f.username.clear();
  f.password = false;
  for (const pugi::xml_node& way : one.children("authentication")) {
    const std::string_view word = way.child_value();
    f.oauth2 = f.oauth2 || word == "OAuth2";
    f.password = f.password || word.starts_with("password");
  }
  f.password = f.password || !f.oauth2;
  return f;
}

}  // namespace mailroom::discover
