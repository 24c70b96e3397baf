// An SMTP server in memory that knows nothing of the client's code: reads the raw bytes strictly, judges
// them, and answers as told.
#pragma once
#include <deque>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace mailroom::smtp::testing {

class Peer {
 public:
  struct Mail {
    std::string from;             ///< the whole MAIL command
    std::vector<std::string> to;  ///< the RCPT commands that were accepted
    std::string bytes;            ///< the message as delivered, dots undone
    std::string raw;              ///< as it came over the wire, without the end mark
    bool chunked = false;
  };

  std::string extensions =
      "250-PIPELINING\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n250-ENHANCEDSTATUSCODES\r\n250-DSN\r\n250-"
      "CHUNKING\r\n";
  /// Answers to commands that begin with the key, one after the other; "" as an answer: hang up. The key "."
  /// is the message's end.
  std::map<std::string, std::deque<std::string>> say;

  std::vector<Mail> mails;            ///< what it took responsibility for
  std::vector<std::string> commands;  ///< all of them
  std::size_t bare = 0;               ///< bare CR, bare LF and NUL anywhere on the wire
  std::size_t resets = 0;
  bool hung_up = false;

  static std::string greeting() { return "220 peer ESMTP\r\n"; }
  bool in_message() const { return state_ != State::command; }
  bool mid_transaction() const { return !now_.from.empty(); }

  /// What it answers to `bytes`.
  std::string take(std::string_view bytes) {
    judge(bytes);
    in_ += bytes;
    std::string out;
    while (!hung_up && step(out)) {
    }
    return out;
  }

 private:
  enum class State { command, data, chunk };

  void judge(std::string_view bytes) {
    for (const char c : bytes) {
      if (c == '\0' || (c == '\n') != (last_ == '\r')) ++bare;
      last_ = c;
    }
  }

  bool scripted(const std::string& command, std::string& out) {
    for (auto& [key, answers] : say)
      if (command.starts_with(key) && !answers.empty()) {
        const std::string answer = answers.front();
        answers.pop_front();
        if (answer.empty() || answer.starts_with("421")) hung_up = true;
        out += answer;
        return true;
      }
    return false;
  }

  bool step(std::string& out) {
    if (state_ == State::data) return end_of_data(out);
    if (state_ == State::chunk) return end_of_chunk(out);
    const std::size_t end = in_.find("\r\n");
    if (end == std::string::npos) return false;
    const std::string line = in_.substr(0, end);
    in_.erase(0, end + 2);
    commands.push_back(line);
    obey(line, out);
    return true;
  }

  void obey(const std::string& line, std::string& out) {
    const auto is = [&](std::string_view verb) { return line.starts_with(verb); };
    if (is("BDAT ")) {
      left_ = std::stoul(line.substr(5));
      last_chunk_ = line.ends_with(" LAST");
      state_ = State::chunk;
      return;
    }
    const bool told = scripted(line, out);
    const bool no = told && !(out.ends_with("250 ok\r\n") || out.ends_with("354 go\r\n"));
    if (is("RSET")) ++resets;
    if (is("RSET") || is("EHLO")) now_ = {};
    if (no) return;
    if (is("MAIL FROM:")) now_.from = line;
    if (is("RCPT TO:") && !now_.from.empty()) now_.to.push_back(line);
    const bool data_ok = !now_.to.empty();
    if (is("DATA") && (told || data_ok)) state_ = State::data;
    if (told) return;
    if (is("EHLO"))
      out += "250-peer\r\n" + extensions + "250 HELP\r\n";
    else if (is("DATA"))
      out += data_ok ? "354 go\r\n" : "554 5.5.1 no valid recipients\r\n";
    else if (is("RCPT") && now_.from.empty())
      out += "503 5.5.1 no sender\r\n";
    else if (is("AUTH"))
      out += "235 2.7.0 welcome\r\n";
    else if (is("QUIT"))
      out += "221 bye\r\n";
    else
      out += "250 2.0.0 ok\r\n";
  }

  bool end_of_data(std::string& out) {
    const bool at_once = in_.starts_with(".\r\n");
    const std::size_t end = at_once ? 0 : in_.find("\r\n.\r\n");
    if (end == std::string::npos) return false;
    const std::size_t body = at_once ? 0 : end + 2;
    now_.raw = in_.substr(0, body);
    in_.erase(0, body + 3);
    bool start = true;
    for (std::size_t i = 0; i < now_.raw.size(); ++i) {
      const char c = now_.raw[i];
      if (!(start && c == '.')) now_.bytes += c;
      start = c == '\n';
    }
    state_ = State::command;
    finish(out);
    return true;
  }

  bool end_of_chunk(std::string& out) {
    if (in_.size() < left_) return false;
    now_.raw += in_.substr(0, left_);
    in_.erase(0, left_);
    state_ = State::command;
    if (last_chunk_) {
      now_.bytes = now_.raw;
      now_.chunked = true;
      finish(out);
    } else if (!scripted("BDAT", out)) {
      out += "250 2.0.0 chunk\r\n";
    }
    return true;
  }

  void finish(std::string& out) {
    const bool nobody = now_.to.empty();
    const std::size_t before = out.size();
    if (!scripted(".", out)) out += nobody ? "554 5.5.1 no valid recipients\r\n" : "250 2.0.0 queued\r\n";
    if (!nobody && out.compare(before, 1, "2") == 0) mails.push_back(now_);
    now_ = {};
  }

  State state_ = State::command;
  std::string in_;
  char last_ = 0;
  std::size_t left_ = 0;
  bool last_chunk_ = false;
  Mail now_;
};

}  // namespace mailroom::smtp::testing
