#include <ares.h>
#include <arpa/inet.h>
#include <netinet/in.h>

#include <algorithm>
#include <optional>

#include "net/dns.hpp"

namespace mailroom::net {
namespace {

constexpr std::size_t kMostRecords = 64, kMostAliases = 8, kHeader = 12;
constexpr int kCname = 5;

int code_of(DnsType type) {
  switch (type) {
    case DnsType::a:
      return 1;
    case DnsType::cname:
      return kCname;
    case DnsType::ptr:
      return 12;
    case DnsType::mx:
      return 15;
    case DnsType::txt:
      return 16;
    case DnsType::aaaa:
      return 28;
    case DnsType::srv:
      return 33;
  }
  return 0;
}

/// A reader that stops at the end instead of running over it (RFC 1035 §4.1).
class Reader {
 public:
  explicit Reader(std::string_view message) : m_(message) {}
  bool good() const { return good_; }
  std::size_t at() const { return at_; }
  void seek(std::size_t at) { at_ = at; }
  void skip(std::size_t n) {
    if (n > m_.size() - at_)
      good_ = false;
    else
      at_ += n;
  }
  std::uint16_t u16() {
    if (m_.size() - at_ < 2) {
      good_ = false;
      return 0;
    }
    const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(m_[at_ + i]); };
    const std::uint16_t v = static_cast<std::uint16_t>(byte(0) << 8 | byte(1));
    at_ += 2;
    return v;
  }
  /// Lower case, without the last dot; compression followed, loops refused by c-ares.
  std::string domain() {
    if (!good_ || at_ >= m_.size()) {
      good_ = false;
      return {};
    }
    const auto* base = reinterpret_cast<const unsigned char*>(m_.data());
    char* text = nullptr;
    long used = 0;
    if (ares_expand_name(base + at_, base, static_cast<int>(m_.size()), &text, &used) != ARES_SUCCESS) {
      good_ = false;
      return {};
    }
    std::string out = text;
    ares_free_string(text);
    at_ += static_cast<std::size_t>(used);
    for (char& c : out)
      if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
    return out;
  }
  std::string_view bytes(std::size_t n) {
    if (n > m_.size() - at_) {
      good_ = false;
      return {};
    }
    at_ += n;
    return m_.substr(at_ - n, n);
  }

 private:
  std::string_view m_;
  std::size_t at_ = 0;
  bool good_ = true;
};

std::string address_text(int family, std::string_view bytes) {
  char text[INET6_ADDRSTRLEN] = "";
  return inet_ntop(family, bytes.data(), text, sizeof text) ? text : "";
}

std::optional<DnsRecord> record_of(DnsType type, Reader& in, std::size_t length) {
  DnsRecord r;
  const std::size_t end = in.at() + length;
  switch (type) {
    case DnsType::a:
      if (length != 4) return std::nullopt;
      r.text = address_text(AF_INET, in.bytes(4));
      break;
    case DnsType::aaaa:
      if (length != 16) return std::nullopt;
      r.text = address_text(AF_INET6, in.bytes(16));
      break;
    case DnsType::srv:
      r.priority = in.u16();
      r.weight = in.u16();
      r.port = in.u16();
      r.text = in.domain();
      break;
    case DnsType::mx:
      r.priority = in.u16();
      r.text = in.domain();
      break;
    case DnsType::ptr:
    case DnsType::cname:
      r.text = in.domain();
      break;
    case DnsType::txt:
      while (in.good() && in.at() < end) {
        const std::size_t n = static_cast<unsigned char>(in.bytes(1).front());
        if (n > end - in.at()) return std::nullopt;
        r.text += in.bytes(n);
        r.strings.push_back(static_cast<std::uint16_t>(n));
      }
      break;
  }
  if (!in.good() || in.at() != end) return std::nullopt;
  return r;
}

}  // namespace

DnsAnswer read_dns_answer(DnsType type, std::string_view message) {
  DnsAnswer answer;
  answer.why = "the server's answer cannot be read";
  if (message.size() < kHeader || message.size() > 65'535) return answer;
  Reader in(message);
  in.skip(2);
  const std::uint16_t flags = in.u16();
  const std::uint16_t questions = in.u16(), answers = in.u16();
  in.skip(4);
  for (std::uint16_t i = 0; i < questions && in.good(); ++i) {
    in.domain();
    in.skip(4);
  }
  for (std::uint16_t i = 0; i < answers && in.good(); ++i) {
    in.domain();
    const std::uint16_t code = in.u16(), klass = in.u16();
    in.skip(4);
    const std::size_t length = in.u16(), begin = in.at();
    in.skip(length);
    if (!in.good()) break;
    if (klass != 1 || answer.records.size() == kMostRecords) continue;
    in.seek(begin);
    if (code == code_of(type)) {
      if (auto r = record_of(type, in, length))
        answer.records.push_back(std::move(*r));
      else
        return answer;
    } else if (code == kCname && answer.aliases.size() < kMostAliases) {
      answer.aliases.push_back(in.domain());
    }
    in.seek(begin + length);
  }
  if (!in.good()) {
    answer.records.clear();
    return answer;
  }
  const int rcode = flags & 15;
  answer.why.clear();
  if (!answer.records.empty())
    answer.kind = DnsAnswer::Kind::found;
  else
    answer.kind = rcode == 3 ? DnsAnswer::Kind::no_such_name : DnsAnswer::Kind::no_data;
  if (rcode != 0 && rcode != 3) {
    answer.kind = DnsAnswer::Kind::temporary;
    answer.records.clear();
    answer.why = "the server answered with code " + std::to_string(rcode);
  }
  std::stable_sort(answer.records.begin(), answer.records.end(),
                   [](const DnsRecord& a, const DnsRecord& b) { return a.priority < b.priority; });
  return answer;
}

}  // namespace mailroom::net
