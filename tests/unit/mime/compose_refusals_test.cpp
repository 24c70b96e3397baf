// Composing: what is refused, by the name of the field; nothing can be injected.
#include <gmock/gmock.h>

#include <functional>

#include "base/error.hpp"
#include "compose_fixture.hpp"
#include "mime/parse.hpp"

namespace mailroom::mime {
namespace {

struct Slot {
  const char* where;
  std::function<void(Draft&, const std::string&)> put;
};

const std::vector<Slot>& slots() {
  static const std::vector<Slot> all = {
      {"from[0].address", [](Draft& d, const std::string& s) { d.from[0].address = "a" + s + "@b.c"; }},
      {"from[0].address", [](Draft& d, const std::string& s) { d.from[0].address = "a@b.c" + s; }},
      {"from[0].address", [](Draft& d, const std::string& s) { d.from[0].address = "\"a" + s + "b\"@b.c"; }},
      {"from[0].name", [](Draft& d, const std::string& s) { d.from[0].name = "a" + s + "b"; }},
      {"sender.address",
       [](Draft& d, const std::string& s) {
         d.sender = Address{"", "a@b.c" + s, ""};
       }},
      {"sender.name",
       [](Draft& d, const std::string& s) {
         d.sender = Address{s, "a@b.c", ""};
       }},
      {"to[0].address", [](Draft& d, const std::string& s) { d.to[0].address = s + "a@b.c"; }},
      {"to[0].name", [](Draft& d, const std::string& s) { d.to[0].name = "ö" + s; }},
      {"cc[0].address",
       [](Draft& d, const std::string& s) {
         d.cc = {{"", "a@b" + s + ".c", ""}};
       }},
      {"cc[0].name",
       [](Draft& d, const std::string& s) {
         d.cc = {{s, "a@b.c", ""}};
       }},
      {"bcc[0].address",
       [](Draft& d, const std::string& s) {
         d.bcc = {{"", "a@b.c" + s, ""}};
       }},
      {"bcc[0].name",
       [](Draft& d, const std::string& s) {
         d.bcc = {{s, "a@b.c", ""}};
       }},
      {"reply_to[0].address",
       [](Draft& d, const std::string& s) {
         d.reply_to = {{"", "a@b.c" + s, ""}};
       }},
      {"reply_to[0].name",
       [](Draft& d, const std::string& s) {
         d.reply_to = {{s, "a@b.c", ""}};
       }},
      {"subject", [](Draft& d, const std::string& s) { d.subject = "a" + s + "Bcc: evil@x.y"; }},
      {"in_reply_to", [](Draft& d, const std::string& s) { d.in_reply_to = "a" + s + "@b"; }},
      {"references[0]", [](Draft& d, const std::string& s) { d.references = {"a@b" + s}; }},
      {"headers[0].name",
       [](Draft& d, const std::string& s) {
         d.extra_headers = {{"X-A" + s, "v"}};
       }},
      {"headers[0].value",
       [](Draft& d, const std::string& s) {
         d.extra_headers = {{"X-A", "v" + s + "Bcc: evil@x.y"}};
       }},
      {"auto_submitted", [](Draft& d, const std::string& s) { d.auto_submitted = "auto-replied" + s; }},
      {"attachments[0].filename",
       [](Draft& d, const std::string& s) {
         d.attachments = {{"a" + s + ".txt", "text/plain", "x", "", false}};
       }},
      {"attachments[0].mime_type",
       [](Draft& d, const std::string& s) {
         d.attachments = {{"a", "text/plain" + s, "x", "", false}};
       }},
      {"attachments[0].content_id",
       [](Draft& d, const std::string& s) {
         d.attachments = {{"a", "text/plain", "x", "c" + s, false}};
       }},
  };
  return all;
}

TEST(Injection, EverySlotTimesEveryLineEnd) {
  const std::string ends[] = {"\r",          "\n",   "\r\n",         std::string(1, '\0'),
                              "\r\n ",       "\n\t", "\xE2\x80\xA8", "\xE2\x80\xA9",
                              "\xC2\x85",    "\x0b", "\x0c",         "\x1b",
                              "\x7f",        "\x01", "\xff",         "\xC0\x8A",
                              "\xE0\x80\x8D"};
  int tried = 0;
  for (const auto& slot : slots())
    for (const auto& end : ends) {
      auto d = simple();
      slot.put(d, end);
      ++tried;
      try {
        compose(d, kContext);
        ADD_FAILURE() << slot.where << " took " << testing::PrintToString(end);
      } catch (const Failure& f) {
        EXPECT_EQ(f.error.code, Errc::invalid);
        EXPECT_EQ(f.error.where, slot.where);
        EXPECT_EQ(f.error.line().find('\r'), std::string::npos);
        EXPECT_EQ(f.error.line().find('\n'), std::string::npos);
      }
    }
  EXPECT_EQ(tried, 23 * 17);
}

TEST(Injection, BodiesAndBytesCannotBreakOut) {
  const std::string nasty[] = {"\r\n.\r\n", "\n.\n", "\r.\r", "\n.\r\n",
                               "\r\n.\n",   "\r",    "\n",    std::string("a\0b", 3),
                               "\r\r\n\n",  ".\r\n", "..",    "--\r\n"};
  for (const auto& s : nasty) {
    auto d = simple();
    d.text = std::string("x").append(s).append("MAIL FROM:<evil@x.y>").append(s);
    d.html = "<p>" + s + "</p>";
    d.attachments = {{"a", "text/plain", s, "", false},
                     {"b", "message/rfc822", s, "", false},
                     {"c", "image/png", s, "i@x", true}};
    check_wire(compose(d, kContext).bytes);
  }
}

TEST(Injection, AddressesThatAreMoreThanOne) {
  for (std::string_view bad : {"a@b.c,evil@x.y",
                               "a@b.c evil@x.y",
                               "a@b.c>",
                               "<a@b.c",
                               "a@b.c> SIZE=1",
                               "g:a@b.c;",
                               "a",
                               "@b.c",
                               "a@",
                               "a@b..c",
                               "a@-b.c",
                               "a@b.c-",
                               ".a@b.c",
                               "a.@b.c",
                               "a..b@c.d",
                               "=?utf-8?Q?x?=@b.c",
                               "a b@c.d",
                               "a(b)@c.d",
                               "\"a@b.c",
                               "a\"@b.c",
                               "a@[::1",
                               "a@[evil]",
                               "a@b c",
                               "a@b_.c d",
                               "a\xE2\x80\x8B@b.c",
                               "a@\xE2\x80\x8B.c"}) {
    EXPECT_NE(address_problem(bad), "") << bad;
    auto d = simple();
    d.to[0].address = bad;
    EXPECT_THROW(compose(d, kContext), Failure) << bad;
  }
  for (std::string_view good : {"a@b.c", "a.b+c@d-e.f", "\"a b\"@c.d", "a@[127.0.0.1]", "a@[IPv6:::1]",
                                "o'neil@x.y", "a@localhost", "jörg@bücher.example", "root@mail_1.example"})
    EXPECT_EQ(address_problem(good), "") << good;
}

TEST(Compose, RefusesByName) {
  const struct {
    const char* where;
    std::function<void(Draft&)> change;
    Errc code;
  } table[] = {
      {"from", [](Draft& d) { d.from.clear(); }, Errc::invalid},
      {"to", [](Draft& d) { d.to.clear(); }, Errc::invalid},
      {"sender",
       [](Draft& d) {
         d.from.push_back({"", "x@y.z", ""});
       },
       Errc::invalid},
      {"headers[0].name",
       [](Draft& d) {
         d.extra_headers = {{"Bcc", "x@y.z"}};
       },
       Errc::invalid},
      {"headers[0].name",
       [](Draft& d) {
         d.extra_headers = {{"DKIM-Signature", "x"}};
       },
       Errc::invalid},
      {"headers[0].name",
       [](Draft& d) {
         d.extra_headers = {{"X-Original-To", "x"}};
       },
       Errc::invalid},
      {"headers[1].name",
       [](Draft& d) {
         d.extra_headers = {{"X-A", "1"}, {"x-a", "2"}};
       },
       Errc::invalid},
      {"headers[0].value",
       [](Draft& d) {
         d.extra_headers = {{"X-A", " "}};
       },
       Errc::invalid},
      {"auto_submitted", [](Draft& d) { d.auto_submitted = "yes"; }, Errc::invalid},
      {"attachments[0].mime_type",
       [](Draft& d) {
         d.attachments = {{"a", "pdf", "", "", false}};
       },
       Errc::invalid},
      {"attachments[0].mime_type",
       [](Draft& d) {
         d.attachments = {{"a", "multipart/mixed", "", "", false}};
       },
       Errc::invalid},
      {"text", [](Draft& d) { d.text = "\xff"; }, Errc::invalid},
      {"to",
       [](Draft& d) {
         d.to.resize(501, {"", "a@b.c", ""});
       },
       Errc::limit},
      {"attachments", [](Draft& d) { d.attachments.resize(101); }, Errc::limit},
      {"size",
       [](Draft& d) {
         d.attachments = {{"a", "", std::string(65u << 20, 'x'), "", false}};
       },
       Errc::limit},
  };
  for (const auto& row : table) {
    auto d = simple();
    row.change(d);
    try {
      compose(d, kContext);
      ADD_FAILURE() << row.where;
    } catch (const Failure& f) {
      EXPECT_EQ(f.error.where, row.where);
      EXPECT_EQ(f.error.code, row.code);
    }
  }
  auto context = kContext;
  context.message_id_unique = "a b>\r\n";
  EXPECT_THROW(compose(simple(), context), Failure);
}

}  // namespace
}  // namespace mailroom::mime
