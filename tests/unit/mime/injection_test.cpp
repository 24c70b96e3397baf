// Every header slot times every trick: either a refusal that names the field, or bytes in which a strict
// reader of lines, which shares no code with the composer, finds exactly the fields that were meant.
#include <gmock/gmock.h>

#include <functional>
#include <set>

#include "base/error.hpp"
#include "mime/compose.hpp"

namespace mailroom::mime {
namespace {

Draft honest() {
  Draft d;
  d.from = {{"Joe", "joe@example.org", ""}};
  d.to = {{"Ann", "ann@example.net", ""}};
  d.subject = "Hello";
  d.text = "Hi";
  return d;
}

struct Slot {
  const char* where;    // what a refusal must name
  const char* field;    // the header field that it adds to honest(); "" when none
  const char* address;  // the one more recipient that is meant, as written before the trick
  std::function<void(Draft&, const std::string&)> put;
};

std::vector<Slot> slots() {
  using S = const std::string&;
  return {
      {"from[0].address", "", "", [](Draft& d, S s) { d.from[0].address = "joe" + s + "@example.org"; }},
      {"from[0].address", "", "", [](Draft& d, S s) { d.from[0].address = "joe@example.org" + s; }},
      {"to[0].address", "", "", [](Draft& d, S s) { d.to[0].address = "\"a" + s + "b\"@example.net"; }},
      {"to[0].address", "", "", [](Draft& d, S s) { d.to[0].address = s + "ann@example.net"; }},
      {"from[0].name", "", "", [](Draft& d, S s) { d.from[0].name = "a" + s + "b"; }},
      {"to[0].name", "", "", [](Draft& d, S s) { d.to[0].name = "ö" + s; }},
      {"sender.name", "sender", "",
       [](Draft& d, S s) {
         d.sender = Address{s + "x", "s@example.org", ""};
       }},
      {"sender.address", "sender", "",
       [](Draft& d, S s) {
         d.sender = Address{"", "s@example.org" + s, ""};
       }},
      {"cc[0].name", "cc", "c@example.org",
       [](Draft& d, S s) {
         d.cc = {{"x" + s, "c@example.org", ""}};
       }},
      {"cc[0].address", "cc", "",
       [](Draft& d, S s) {
         d.cc = {{"", "c" + s + "@example.org", ""}};
       }},
      {"bcc[0].name", "", "b@example.org",
       [](Draft& d, S s) {
         d.bcc = {{s, "b@example.org", ""}};
       }},
      {"bcc[0].address", "", "",
       [](Draft& d, S s) {
         d.bcc = {{"", "b@example.org" + s, ""}};
       }},
      {"reply_to[0].name", "reply-to", "",
       [](Draft& d, S s) {
         d.reply_to = {{s, "r@example.org", ""}};
       }},
      {"reply_to[0].address", "reply-to", "",
       [](Draft& d, S s) {
         d.reply_to = {{"", "r" + s + "@example.org", ""}};
       }},
      {"subject", "", "", [](Draft& d, S s) { d.subject = "a" + s + "Bcc: evil@example.com"; }},
      {"in_reply_to", "in-reply-to", "", [](Draft& d, S s) { d.in_reply_to = "a" + s + "@b"; }},
      {"references[0]", "references", "", [](Draft& d, S s) { d.references = {"a@b" + s}; }},
      {"headers[0].name", "", "",
       [](Draft& d, S s) {
         d.extra_headers = {{"X-A" + s, "v"}};
       }},
      {"headers[0].value", "x-a", "",
       [](Draft& d, S s) {
         d.extra_headers = {{"X-A", "v" + s + "Bcc: e@example.com"}};
       }},
      {"headers[0].value", "list-unsubscribe", "",
       [](Draft& d, S s) {
         d.extra_headers = {{"List-Unsubscribe", "<https://a.example/" + s + ">"}};
       }},
      {"auto_submitted", "", "", [](Draft& d, S s) { d.auto_submitted = "auto-replied" + s; }},
      {"attachments[0].filename", "", "",
       [](Draft& d, S s) {
         d.attachments = {{"a" + s + ".txt", "text/plain", "x", "", false}};
       }},
      {"attachments[0].mime_type", "", "",
       [](Draft& d, S s) {
         d.attachments = {{"a", "text/x" + s, "x", "", false}};
       }},
      {"attachments[0].content_id", "", "",
       [](Draft& d, S s) {
         d.attachments = {{"a", "text/plain", "x", "c" + s, false}};
       }},
  };
}

// What may never pass, and what may pass as text. The second list holds encoded words that decode to line
// ends and addresses, percent and RFC 2231 encodings, and what closes quotes, angles and parameters.
const std::vector<std::string> kLineEnds{"\r",           "\n",
                                         "\r\n",         std::string(1, '\0'),
                                         "\r\n ",        "\n\t",
                                         "\xC2\x85",     "\xE2\x80\xA8",
                                         "\xE2\x80\xA9", "\x0b",
                                         "\x0c",         "\x1b",
                                         "\x7f",         "\x01",
                                         "\xff",         "\xC0\x8A",
                                         "\xE0\x80\x8D", "\r\nBcc: evil@example.com\r\n"};
const std::vector<std::string> kTricks{"=?utf-8?Q?=0D=0ABcc:_evil@example.com?=",
                                       "=?utf-8?B?DQpCY2M6IGV2aWxAZXhhbXBsZS5jb20=?=",
                                       "=?utf-8?Q?<evil@example.com>?=",
                                       "?= <evil@example.com>",
                                       "%0d%0aBcc:%20evil@example.com",
                                       "%0D%0A",
                                       "\\r\\n",
                                       "\", evil@example.com, \"",
                                       "\" <evil@example.com>, \"",
                                       ", evil@example.com",
                                       "> , <evil@example.com",
                                       "; evil:evil@example.com;",
                                       "(evil@example.com)",
                                       "\"; filename*=UTF-8''evil.exe; x=\"",
                                       "UTF-8''%0d%0aBcc%3A",
                                       "*0*=UTF-8''x",
                                       "; charset=x",
                                       "\\",
                                       "\"",
                                       "嘊嘍Bcc: evil"};  // U+560A, U+560D: cut to a byte they are LF and CR

struct Wire {
  std::vector<std::string> names;  // of the root's header fields, lower case, in order
  std::string problem;
  std::set<std::string> found;  // addresses outside quotes, encoded words and comments, in From ... Reply-To
};

// A reader of lines of its own: nothing of mime/ is used here.
Wire read_wire(const std::string& bytes) {
  Wire w;
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    const char c = bytes[i];
    if (c == '\0') w.problem = "NUL";
    if (c == '\r' && (i + 1 == bytes.size() || bytes[i + 1] != '\n')) w.problem = "bare CR";
    if (c == '\n' && (i == 0 || bytes[i - 1] != '\r')) w.problem = "bare LF";
  }
  std::string value;
  const auto addresses = [&] {
    const std::set<std::string> lists{"from", "sender", "to", "cc", "bcc", "reply-to"};
    if (w.names.empty() || !lists.contains(w.names.back())) return;
    std::string plain;
    bool quoted = false;
    for (std::size_t i = 0; i < value.size(); ++i) {
      if (quoted && value[i] == '\\') {
        ++i;
      } else if (value[i] == '"') {
        quoted = !quoted;
        plain += 'Q';
      } else if (!quoted) {
        plain += value[i];
      }
    }
    if (quoted) w.problem = "an open quote";
    std::string word;
    for (char c : plain + ",") {
      if (c != ',' && c != ' ' && c != '<' && c != '>') {
        word += c;
        continue;
      }
      if (word.find('@') != word.npos) w.found.insert(word);
      word.clear();
    }
  };
  for (std::size_t at = 0;;) {
    const std::size_t end = bytes.find("\r\n", at);
    if (end == bytes.npos) {
      w.problem = "no end of header";
      break;
    }
    const std::string line = bytes.substr(at, end - at);
    at = end + 2;
    if (line.size() > 998) w.problem = "long line";
    if (!line.empty() && (line[0] == ' ' || line[0] == '\t')) {
      if (line.find_first_not_of(" \t") == line.npos) w.problem = "a line of blanks";
      value += line;
      continue;
    }
    addresses();
    if (line.empty()) break;
    const std::size_t colon = line.find(':');
    std::string name = line.substr(0, colon);
    for (char& c : name) {
      if (c <= ' ' || c > '~') w.problem = "no field name: " + line;
      if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
    }
    if (colon == line.npos) w.problem = "no field: " + line;
    w.names.push_back(name);
    value = line.substr(colon + 1);
  }
  return w;
}

TEST(Injection, EverySlotTimesEveryTrick) {
  const std::multiset<std::string> usual{"date",       "from",         "to",          "subject",
                                         "message-id", "mime-version", "content-type"};
  int refused = 0;
  int passed = 0;
  for (const auto& slot : slots())
    for (const auto* list : {&kLineEnds, &kTricks})
      for (const auto& trick : *list) {
        Draft d = honest();
        slot.put(d, trick);
        SCOPED_TRACE(std::string(slot.where) + " " + testing::PrintToString(trick));
        Composed c;
        try {
          c = compose(d, {1'795'462'600, "token-0123456789", "seed-0123456789"});
        } catch (const Failure& f) {
          EXPECT_EQ(f.error.where, slot.where);
          EXPECT_EQ(f.error.line().find_first_of("\r\n"), std::string::npos);
          ++refused;
          continue;
        }
        ASSERT_NE(list, &kLineEnds) << "a line end was taken";
        ++passed;
        const Wire w = read_wire(c.bytes);
        EXPECT_EQ(w.problem, "");
        auto want = usual;
        if (*slot.field) want.insert(slot.field);
        if (d.attachments.empty()) want.insert("content-transfer-encoding");
        if (!d.auto_submitted.empty()) want.insert("auto-submitted");
        if (d.extra_headers.size() == 1 && !*slot.field) want.insert("x-a");
        EXPECT_EQ(std::multiset<std::string>(w.names.begin(), w.names.end()), want);
        EXPECT_EQ(c.envelope_to.size(), 1u + d.cc.size() + d.bcc.size());
        std::size_t written = 1 + d.to.size() + d.cc.size() + d.reply_to.size() + (d.sender ? 1 : 0);
        EXPECT_EQ(w.found.size(), written) << testing::PrintToString(w.found);
        EXPECT_FALSE(w.found.contains("evil@example.com"));
        // In the parts' own headers: no line begins as a field that was not meant.
        for (const char* field : {"\r\nBcc", "\r\nbcc", "\r\nX-Evil"})
          EXPECT_EQ(c.bytes.find(field), std::string::npos);
      }
  EXPECT_EQ(refused + passed, static_cast<int>(slots().size() * (kLineEnds.size() + kTricks.size())));
  EXPECT_GT(passed, 100);  // the second half is not all refused: then the reader of lines would judge nothing
  RecordProperty("refused", refused);
  RecordProperty("passed", passed);
}

TEST(Injection, TheReaderOfLinesSees) {
  EXPECT_EQ(read_wire("A: b\r\n\r\n").problem, "");
  EXPECT_EQ(read_wire("A: b\n\r\n\r\n").problem, "bare LF");
  EXPECT_EQ(read_wire("A: b\rc\r\n\r\n").problem, "bare CR");
  EXPECT_EQ(read_wire("A: b\r\n \r\n\r\n").problem, "a line of blanks");
  EXPECT_THAT(read_wire("A: b\r\nBcc: x@y.z\r\n\r\n").names, testing::ElementsAre("a", "bcc"));
  EXPECT_THAT(read_wire("To: \"a@b\" <x@y.z>, q@r.s\r\n\r\n").found, testing::ElementsAre("q@r.s", "x@y.z"));
}

}  // namespace
}  // namespace mailroom::mime
