#include "http/exchange.hpp"

#include <algorithm>

namespace mailroom::http {
namespace {

constexpr std::size_t kSlice = 256u << 10;
constexpr std::size_t kMostInterim = 8;
constexpr std::size_t kMostChunkLine = 256;

bool token_char(char c) {
  return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
         std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
}

char low(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }

std::string lower(std::string_view s) {
  std::string out(s);
  std::transform(out.begin(), out.end(), out.begin(), low);
  return out;
}

std::string_view trimmed(std::string_view s) {
  while (!s.empty() && (s.front() == ' ' || s.front() == '\t')) s.remove_prefix(1);
  while (!s.empty() && (s.back() == ' ' || s.back() == '\t')) s.remove_suffix(1);
  return s;
}

/// Digits of `base` only, at most 15 of them.
bool number(std::string_view s, unsigned base, std::size_t& out) {
  if (s.empty() || s.size() > 15) return false;
  out = 0;
  for (const char raw : s) {
    const char c = low(raw);
    const unsigned digit = c >= '0' && c <= '9'   ? static_cast<unsigned>(c - '0')
                           : c >= 'a' && c <= 'f' ? static_cast<unsigned>(c - 'a' + 10)
                                                  : 99;
    if (digit >= base) return false;
    out = out * base + digit;
  }
  return true;
}

/// "HTTP/1.1 200 OK"; 0: not one.
int status_of(std::string_view line, bool& old) {
  if (!line.starts_with("HTTP/1.") || line.size() < 12 || (line[7] != '0' && line[7] != '1') ||
      line[8] != ' ')
    return 0;
  std::size_t code = 0;
  if (!number(line.substr(9, 3), 10, code) || code < 100 || code > 599) return 0;
  if (line.size() > 12 && line[12] != ' ') return 0;
  old = line[7] == '0';
  return static_cast<int>(code);
}

}  // namespace

const std::string& HttpResponse::field(std::string_view name) const {
  static const std::string none;
  for (const auto& [n, value] : fields)
    if (n == name) return value;
  return none;
}

Exchange::Exchange(std::string head, std::string_view body, bool expects, bool bodiless,
                   HttpTimeouts timeouts, HttpLimits limits)
    : head_(std::move(head)),
      body_(body),
      expects_(expects && !body.empty()),
      bodiless_(bodiless),
      timeouts_(timeouts),
      limits_(limits) {}

Action Exchange::next() {
  switch (state_) {
    case State::head:
      return {Action::Kind::write, head_, true, timeouts_.write};
    case State::body:
      return {Action::Kind::write, body_.substr(0, kSlice), true, timeouts_.write};
    case State::awaiting:
    case State::answer:
      return {Action::Kind::read, {}, false, timeouts_.answer};
    case State::done:
      return {Action::Kind::done, {}, false, {}};
    case State::failed:
      break;
  }
  return {Action::Kind::failed, {}, false, {}};
}

void Exchange::written() {
  if (state_ == State::head) {
    state_ = expects_ ? State::awaiting : body_.empty() ? State::answer : State::body;
  } else if (state_ == State::body) {
    body_.remove_prefix(std::min(kSlice, body_.size()));
    if (!body_.empty()) return;
    state_ = State::answer;
    take();  // what came behind "100 Continue"
  }
}

void Exchange::proceed() {
  if (awaits_proceed()) state_ = State::body;
}

void Exchange::fail(Error cause) {
  if (state_ == State::failed || state_ == State::done) return;
  state_ = State::failed;
  error_ = std::move(cause);
}

void Exchange::broken(Errc code, std::string what) {
  fail({code, std::move(what), {}, {}, "Check that the endpoint is the object store's, not a web page's."});
}

void Exchange::feed(std::string_view bytes) {
  if (state_ != State::awaiting && state_ != State::answer) return;
  input_.append(bytes);
  take();
}

void Exchange::take() {
  while (state_ == State::awaiting || state_ == State::answer) {
    bool more = false;
    if (reading_ == Reading::head) {
      more = take_head();
    } else if (reading_ == Reading::fixed) {
      const std::size_t n = std::min(left_, input_.size());
      response_.body.append(input_, 0, n);
      input_.erase(0, n);
      left_ -= n;
      if (left_ == 0) finish();
    } else {
      more = take_chunked();
    }
    if (!more) return;
  }
}

bool Exchange::take_line(std::string& line, std::size_t most) {
  const auto end = input_.find('\n');
  if (end == std::string::npos || end == 0) {
    if (end == 0 || input_.size() > most) broken(Errc::protocol, "the answer is not HTTP");
    return false;
  }
  if (end > most || input_[end - 1] != '\r') {
    broken(Errc::protocol, "the answer is not HTTP");
    return false;
  }
  line = input_.substr(0, end - 1);
  input_.erase(0, end + 1);
  if (line.find_first_of(std::string_view("\r\0", 2)) == std::string::npos) return true;
  broken(Errc::protocol, "the answer has CR or NUL within a line");
  return false;
}

bool Exchange::take_head() {
  const auto end = input_.find("\r\n\r\n");
  if (end == std::string::npos ? input_.size() > limits_.head : end > limits_.head) {
    broken(Errc::limit, "the answer's head has more than " + std::to_string(limits_.head) + " bytes");
    return false;
  }
  if (end == std::string::npos) {
    // What is no HTTP at all (a mail server's greeting) shall not be waited for.
    const std::string_view begin = "HTTP/1.";
    if (begin.substr(0, input_.size()) != std::string_view(input_).substr(0, begin.size()))
      broken(Errc::protocol, "the answer is not HTTP");
    return false;
  }
  std::string line;
  bool old = false;
  if (!take_line(line, limits_.head)) return false;
  const int status = status_of(line, old);
  if (status == 0) {
    broken(Errc::protocol, "the answer is not HTTP");
    return false;
  }
  HttpResponse r;
  r.status = status;
  for (;;) {
    if (!take_line(line, limits_.head)) return false;
    if (line.empty()) break;
    const auto colon = line.find(':');
    if (colon == 0 || colon == std::string::npos ||
        !std::all_of(line.begin(), line.begin() + static_cast<std::ptrdiff_t>(colon), token_char)) {
      broken(Errc::protocol, "the answer has a header field that is none");
      return false;
    }
    if (r.fields.size() == limits_.fields) {
      broken(Errc::limit, "the answer has more than " + std::to_string(limits_.fields) + " header fields");
      return false;
    }
    r.fields.emplace_back(lower(std::string_view(line).substr(0, colon)),
                          std::string(trimmed(std::string_view(line).substr(colon + 1))));
  }
  if (status < 200) {
    if (status == 101 || ++interim_ > kMostInterim) {
      broken(Errc::protocol, "the answer goes on without an end");
      return false;
    }
    if (status == 100 && state_ == State::awaiting) state_ = State::body;
    return true;
  }
  unsent_ = state_ == State::awaiting;
  state_ = State::answer;
  r.keeps_open = !old && !unsent_ && lower(r.field("connection")).find("close") == std::string::npos;
  response_ = std::move(r);
  begin_body();
  return true;
}

void Exchange::begin_body() {
  std::size_t lengths = 0, codings = 0;
  std::string length;
  for (const auto& [name, value] : response_.fields) {
    if (name == "content-length") {
      if (lengths++ && value != length) broken(Errc::protocol, "the answer has two lengths");
      length = value;
    }
    if (name == "transfer-encoding") {
      ++codings;
      if (lower(value) != "chunked") broken(Errc::protocol, "the answer has an unknown transfer coding");
    }
  }
  if (codings > 1 || (codings && lengths)) broken(Errc::protocol, "the answer says its length in two ways");
  if (state_ == State::failed) return;
  if (bodiless_ || response_.status == 204 || response_.status == 304) {
    finish();
  } else if (codings) {
    reading_ = Reading::chunk_size;
  } else if (!lengths) {
    response_.keeps_open = false;  // a body up to the end of the connection: nothing of use stands in it
    finish();
  } else if (!number(length, 10, left_)) {
    broken(Errc::protocol, "the answer's length is no number");
  } else if (left_ > limits_.body) {
    broken(Errc::limit, "the answer has more than " + std::to_string(limits_.body) + " bytes");
  } else {
    reading_ = Reading::fixed;
    if (left_ == 0) finish();
  }
}

bool Exchange::take_chunked() {
  std::string line;
  switch (reading_) {
    case Reading::chunk_size:
      if (!take_line(line, kMostChunkLine)) return false;
      if (!number(trimmed(std::string_view(line).substr(0, line.find(';'))), 16, left_)) {
        broken(Errc::protocol, "a chunk's length is no number");
        return false;
      }
      if (left_ > limits_.body - response_.body.size()) {
        broken(Errc::limit, "the answer has more than " + std::to_string(limits_.body) + " bytes");
        return false;
      }
      reading_ = left_ ? Reading::chunk : Reading::trailer;
      return true;
    case Reading::chunk: {
      const std::size_t n = std::min(left_, input_.size());
      response_.body.append(input_, 0, n);
      input_.erase(0, n);
      left_ -= n;
      if (left_) return false;
      reading_ = Reading::chunk_end;
      return true;
    }
    case Reading::chunk_end:
      if (!take_line(line, 2)) return false;
      if (!line.empty()) {
        broken(Errc::protocol, "a chunk is longer than it said");
        return false;
      }
      reading_ = Reading::chunk_size;
      return true;
    default:
      if (!take_line(line, limits_.head)) return false;
      trailers_ += line.size();
      if (trailers_ > limits_.head) {
        broken(Errc::limit, "the answer's trailer is too long");
        return false;
      }
      if (!line.empty()) return true;
      finish();
      return false;
  }
}

void Exchange::finish() {
  if (!input_.empty()) response_.keeps_open = false;  // nobody asked for what stands there
  state_ = State::done;
}

}  // namespace mailroom::http
