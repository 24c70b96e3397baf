#include "watch/scripted_imap.hpp"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstdio>

namespace mailroom::testing {
namespace {

/// The UIDs of a set, "*" being the last message.
bool in_set(const std::string& set, std::uint32_t uid, std::uint32_t last) {
  for (std::size_t at = 0; at < set.size();) {
    const std::size_t end = std::min(set.find(',', at), set.size());
    const std::string part = set.substr(at, end - at);
    const std::size_t colon = part.find(':');
    const auto number = [&](const std::string& s) {
      return s == "*" ? last : static_cast<std::uint32_t>(std::stoul(s));
    };
    std::uint32_t low = number(part.substr(0, colon)), high = low;
    if (colon != std::string::npos) high = number(part.substr(colon + 1));
    if (low > high) std::swap(low, high);
    if (uid >= low && uid <= high) return true;
    at = end + 1;
  }
  return false;
}

std::string first_word(const std::string& text) { return text.substr(0, text.find(' ')); }
std::string behind(const std::string& text, const std::string& word) {
  return text.size() > word.size() ? text.substr(word.size() + 1) : "";
}

}  // namespace

bool ScriptedImap::Command::names(std::uint32_t uid) const {
  return verb == "UID FETCH" && in_set(first_word(rest), uid, UINT32_MAX);
}

ScriptedImap::ScriptedImap()
    : server_(
          {}, [this](ssl_st*, int fd) { serve(fd); }, true) {}

ScriptedImap::Mail& ScriptedImap::add(const std::string& subject, const std::string& at) {
  const std::lock_guard lock(mutex_);
  Mail m;
  m.uid = next_uid_++;
  m.modseq = ++modseq_;
  m.email_id = "M" + std::to_string(made_ + 1);
  m.subject = subject;
  char date[40];
  std::snprintf(date, sizeof date, " 1-Jan-2026 10:00:%02u +0000", ++made_ % 60);
  m.date = at.empty() ? date : at;
  m.header = "Subject: " + subject + "\r\nFrom: ada@example.org\r\nMessage-ID: <" + subject + "@x>\r\n\r\n";
  m.text = "the text of " + subject + "\r\n";
  m.structure =
      "(\"TEXT\" \"PLAIN\" (\"CHARSET\" \"utf-8\") NIL NIL \"7BIT\" " + std::to_string(m.text.size()) + " 1)";
  mails_.push_back(m);
  return mails_.back();
}

void ScriptedImap::deliver(const std::string& subject) {
  const std::lock_guard lock(mutex_);
  add(subject);
  if (!idle_tag_.empty()) tell_news();
}

void ScriptedImap::expunge(const std::string& subject) {
  const std::lock_guard lock(mutex_);
  const auto it =
      std::find_if(mails_.begin(), mails_.end(), [&](const Mail& m) { return m.subject == subject; });
  if (it == mails_.end()) return;
  if (told_ > static_cast<std::size_t>(it - mails_.begin())) {
    say(resyncs_ ? "* VANISHED " + std::to_string(it->uid) + "\r\n" : "* " + sequence(*it) + " EXPUNGE\r\n");
    --told_;
  }
  ++modseq_;
  mails_.erase(it);
}

void ScriptedImap::renumber() {
  const std::lock_guard lock(mutex_);
  validity_ += 10;
  next_uid_ = 101;
  for (Mail& m : mails_) m.uid = next_uid_++;
  cut();
}

void ScriptedImap::cut() {
  const std::lock_guard lock(mutex_);
  idle_tag_.clear();
  if (fd_ >= 0) shutdown(fd_, SHUT_RDWR);
}

void ScriptedImap::reset() {
  const std::lock_guard lock(mutex_);
  idle_tag_.clear();
  if (fd_ < 0) return;
  const linger at_once{1, 0};  // what is closed so says RST
  setsockopt(fd_, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  shutdown(fd_, SHUT_RD);  // serve() ends, and the descriptor is closed
}

void ScriptedImap::go_deaf() {
  const std::lock_guard lock(mutex_);
  deaf_ = true;
  idle_tag_.clear();
}

void ScriptedImap::silence(bool on) {
  const std::lock_guard lock(mutex_);
  silent_ = on;
}

void ScriptedImap::offer(const std::string& capabilities) {
  const std::lock_guard lock(mutex_);
  offers_ = capabilities;
}

void ScriptedImap::fault(Fault fault) {
  const std::lock_guard lock(mutex_);
  fault_ = std::move(fault);
}

std::uint32_t ScriptedImap::uid(const std::string& subject) {
  const std::lock_guard lock(mutex_);
  for (const Mail& m : mails_)
    if (m.subject == subject) return m.uid;
  return 0;
}

bool ScriptedImap::idling() {
  const std::lock_guard lock(mutex_);
  return !idle_tag_.empty();
}

unsigned ScriptedImap::connections() {
  const std::lock_guard lock(mutex_);
  return connections_;
}

std::vector<std::string> ScriptedImap::commands() {
  const std::lock_guard lock(mutex_);
  return commands_;
}

std::size_t ScriptedImap::count(const std::string& command) {
  const std::lock_guard lock(mutex_);
  return static_cast<std::size_t>(std::count_if(
      commands_.begin(), commands_.end(), [&](const std::string& c) { return c.starts_with(command); }));
}

void ScriptedImap::say(const std::string& bytes) {
  const std::lock_guard lock(mutex_);
  if (fd_ >= 0 && !deaf_ && !silent_) (void)!send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
}

bool ScriptedImap::client_gone() {
  const std::lock_guard lock(mutex_);
  char byte = 0;
  return fd_ < 0 || recv(fd_, &byte, 1, MSG_PEEK | MSG_DONTWAIT) == 0;
}

void ScriptedImap::tell_news() {
  if (told_ == mails_.size()) return;
  told_ = mails_.size();
  say("* " + std::to_string(told_) + " EXISTS\r\n");
}

std::string ScriptedImap::sequence(const Mail& mail) const {
  std::size_t n = 1;
  for (const Mail& m : mails_) n += m.uid < mail.uid;
  return std::to_string(n);
}

std::vector<ScriptedImap::Mail> ScriptedImap::asked_for(const Command& command) {
  const std::lock_guard lock(mutex_);
  std::vector<Mail> out;
  const std::uint32_t last = mails_.empty() ? 0 : mails_.back().uid;
  for (const Mail& m : mails_)
    if (in_set(first_word(command.rest), m.uid, last)) out.push_back(m);
  return out;
}

std::string ScriptedImap::row(const Mail& m, const Command& command) {
  const std::lock_guard lock(mutex_);
  std::string out = "* " + sequence(m) + " FETCH (UID " + std::to_string(m.uid);
  if (command.wants(" FLAGS")) out += " FLAGS ()";
  if (command.wants("RFC822.SIZE")) out += " RFC822.SIZE " + std::to_string(m.header.size() + m.text.size());
  if (command.wants("INTERNALDATE")) out += " INTERNALDATE \"" + m.date + "\"";
  if (command.wants("EMAILID")) out += " EMAILID (" + m.email_id + ")";
  if (command.wants("BODYSTRUCTURE")) out += " BODYSTRUCTURE " + m.structure;
  auto sections = m.sections;
  sections.insert(sections.end(), {{"HEADER", m.header}, {"TEXT", m.text}, {"1", m.text}});
  for (const auto& [name, bytes] : sections) {
    const std::size_t at = command.rest.find("BODY.PEEK[" + name + "]");
    if (at == std::string::npos) continue;
    const bool part = command.rest.compare(at + 11 + name.size(), 1, "<") == 0;
    out += " BODY[" + name + (part ? "]<0> {" : "] {") + std::to_string(bytes.size()) + "}\r\n" + bytes;
  }
  return out + ")\r\n";
}

// "INBOX (QRESYNC (7 12 5:4294967295))": what of 5 and above has changed since 12.
std::string ScriptedImap::changed_since(const Command& examine) {
  const std::size_t at = examine.rest.find("(QRESYNC (");
  if (at == std::string::npos) return "";
  unsigned long validity = 0;
  unsigned long long modseq = 0;
  char set[64] = "1:*";
  std::sscanf(examine.rest.c_str() + at, "(QRESYNC (%lu %llu %60[0-9:,]", &validity, &modseq, set);
  if (validity != validity_) return "";
  std::string out;
  for (const Mail& m : mails_)
    if (m.modseq > modseq && in_set(set, m.uid, UINT32_MAX))
      out += "* " + sequence(m) + " FETCH (UID " + std::to_string(m.uid) + " FLAGS () MODSEQ (" +
             std::to_string(m.modseq) + "))\r\n";
  return out;
}

void ScriptedImap::answer(const Command& c) {
  const std::lock_guard lock(mutex_);
  if (c.verb == "greeting") {
    say("* OK [CAPABILITY IMAP4rev1 SASL-IR AUTH=PLAIN IDLE] hello\r\n");
    return;
  }
  if (c.verb == "EXAMINE") {
    told_ = mails_.size();
    say("* FLAGS (\\Seen)\r\n* " + std::to_string(told_) + " EXISTS\r\n* OK [UIDVALIDITY " +
        std::to_string(validity_) + "] x\r\n* OK [UIDNEXT " + std::to_string(next_uid_) + "] x\r\n" +
        (resyncs_ ? "* OK [HIGHESTMODSEQ " + std::to_string(modseq_) + "] x\r\n" : "") + changed_since(c) +
        c.tag + " OK [READ-ONLY] open\r\n");
    return;
  }
  if (c.verb == "IDLE") {
    idle_tag_ = c.tag;
    say("+ idling\r\n");
    tell_news();
    return;
  }
  std::string ok = c.tag + " OK done\r\n";
  if (c.verb == "AUTHENTICATE") ok = c.tag + " OK [CAPABILITY IMAP4rev1 " + offers_ + "] in\r\n";
  if (c.verb == "ENABLE") {
    resyncs_ = c.wants("QRESYNC");
    say("* ENABLED " + c.rest + "\r\n");
  }
  if (c.verb == "LOGOUT") say("* BYE bye\r\n");
  if (c.verb == "UID SEARCH") {
    std::string found;
    for (const Mail& m : asked_for({c.tag, c.verb, behind(c.rest, "UID")}))
      found += " " + std::to_string(m.uid);
    say("* SEARCH" + found + "\r\n");
  }
  if (c.verb == "UID FETCH")
    for (const Mail& m : asked_for(c)) say(row(m, c));
  tell_news();
  say(ok);
}

bool ScriptedImap::take(const std::string& line) {
  const std::lock_guard lock(mutex_);
  if (line == "DONE") commands_.push_back(line);
  if (deaf_) return true;
  if (!idle_tag_.empty() && line == "DONE") {
    say(std::exchange(idle_tag_, "") + " OK idled\r\n");
    return true;
  }
  Command c;
  if (line == "greeting") {
    c.verb = line;
  } else {
    c.tag = first_word(line);
    c.rest = behind(line, c.tag);
    c.verb = first_word(c.rest);
    c.rest = behind(c.rest, c.verb);
    if (c.verb == "UID") {
      const std::string second = first_word(c.rest);
      c.rest = behind(c.rest, second);
      c.verb += " " + second;
    }
  }
  commands_.push_back(c.verb == "AUTHENTICATE" ? c.verb : c.verb + " " + c.rest);
  if (const Fault f = fault_; !f || !f(c)) answer(c);
  return c.verb != "LOGOUT";
}

void ScriptedImap::serve(int fd) {
  {
    const std::lock_guard lock(mutex_);
    fd_ = fd;
    const int at_once = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &at_once, sizeof at_once);
    ++connections_;
    told_ = 0;
    deaf_ = resyncs_ = false;
    idle_tag_.clear();
  }
  take("greeting");
  std::string buffer;
  char bytes[4096];
  for (bool open = true; open;) {
    const auto n = recv(fd, bytes, sizeof bytes, 0);
    if (n <= 0) break;
    buffer.append(bytes, static_cast<std::size_t>(n));
    for (std::size_t end; open && (end = buffer.find("\r\n")) != std::string::npos;) {
      const std::string line = buffer.substr(0, end);
      buffer.erase(0, end + 2);
      open = take(line);
    }
  }
  const std::lock_guard lock(mutex_);
  fd_ = -1;
  idle_tag_.clear();
}

}  // namespace mailroom::testing
