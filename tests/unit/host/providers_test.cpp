// Provider presets: found by host, replaced by the credential's own, wrong ones refused.
#include "host/providers.hpp"

#include <gtest/gtest.h>

#include "base/error.hpp"

namespace mailroom::host {
namespace {

Account account(const std::string& imap, const std::string& smtp, aoh::Json more = aoh::Json::object()) {
  aoh::Json record{{"id", "a"}, {"email", "a@x.example"}};
  if (!imap.empty()) record.set("imap", aoh::Json{{"host", imap}});
  if (!smtp.empty()) record.set("smtp", aoh::Json{{"host", smtp}});
  for (const auto& m : more.members()) record.set(m.key, m.value);
  return account_from(record);
}

TEST(Providers, AreFoundByTheServersName) {
  const std::pair<const char*, const char*> table[] = {{"smtp.gmail.com", "gmail"},
                                                       {"SMTP.GMAIL.COM", "gmail"},
                                                       {"smtp.office365.com", "microsoft365"},
                                                       {"smtp.qq.com", "qq"},
                                                       {"smtp.exmail.qq.com", "exmail"},
                                                       {"smtp.163.com", "netease"},
                                                       {"smtp.qiye.163.com", "netease-enterprise"},
                                                       {"smtp.mail.me.com", "icloud"},
                                                       {"gmail.com.evil.example", ""},
                                                       {"notgmail.com", ""},
                                                       {"mail.example.org", ""}};
  for (const auto& [host, name] : table) EXPECT_EQ(provider_for(account("", host)).name, name) << host;
  EXPECT_EQ(provider_for(account("imap.gmail.com", "relay.example.org")).name, "gmail");
  EXPECT_EQ(provider_for(account("imap.gmail.com", "smtp.office365.com")).name, "microsoft365");
}

TEST(Providers, WhatIsPublished) {
  const Provider gmail = provider_for(account("", "smtp.gmail.com"));
  EXPECT_EQ(gmail.sent_copy, SentCopy::server);
  EXPECT_EQ(gmail.limits.messages_per_day, 500u);
  const Provider microsoft = provider_for(account("", "smtp.office365.com"));
  EXPECT_EQ(microsoft.sent_copy, SentCopy::server);
  EXPECT_EQ(microsoft.limits.smtp_connections, 3u);
  EXPECT_EQ(microsoft.limits.messages_per_minute, 30u);
  const Provider icloud = provider_for(account("", "smtp.mail.me.com"));
  EXPECT_EQ(icloud.limits.messages_per_day, 1000u);
  EXPECT_EQ(icloud.limits.recipients_per_day, 1000u);
  EXPECT_EQ(icloud.limits.recipients_per_message, 500u);
  EXPECT_EQ(icloud.limits.max_message_bytes, 20u << 20);
  // Of these it is not known: a copy of the server's own is looked for first.
  for (const char* host : {"mail.example.org", "smtp.mail.yahoo.com", "smtp.163.com", "smtp.qq.com"})
    EXPECT_EQ(provider_for(account("", host)).sent_copy, SentCopy::append) << host;
}

TEST(Providers, ServersBelongToTheEntryThatNamesThem) {
  std::size_t with_servers = 0;
  for (const Preset& p : presets())
    for (const auto& server : {p.imap, p.smtp}) {
      if (!server) continue;
      ++with_servers;
      EXPECT_EQ(provider_for(account("", server->host)).name, p.name) << server->host;
      EXPECT_FALSE(p.sign_in.empty()) << p.name;
    }
  EXPECT_EQ(with_servers, 2u * 6);
}

TEST(Providers, QuirksAreTheImapServers) {
  using Names = std::vector<std::string>;
  EXPECT_EQ(imap_quirks(account("imap.163.com", "smtp.gmail.com")), Names{"id_after_sign_in"});
  EXPECT_EQ(imap_quirks(account("mail.example.org", "smtp.163.com")), Names());
  EXPECT_EQ(imap_quirks(account("", "smtp.163.com")), Names());
  EXPECT_EQ(imap_quirks(account("imap.163.com", "", {{"quirks", aoh::Json::array()}})), Names());
  aoh::Json own = aoh::Json::array();
  own.push("plain_list");
  EXPECT_EQ(imap_quirks(account("mail.example.org", "", {{"quirks", own}})), Names{"plain_list"});
}

TEST(Providers, TheCredentialsOwnCountsForMore) {
  const Provider p = provider_for(
      account("", "smtp.gmail.com", {{"sent_copy", "none"}, {"limits", {{"messages_per_day", 2000}}}}));
  EXPECT_EQ(p.sent_copy, SentCopy::none);
  EXPECT_EQ(p.limits.messages_per_day, 2000u);
  EXPECT_EQ(p.limits.max_message_bytes, 25u << 20);
}

TEST(Providers, AWrongRecordIsRefusedByName) {
  for (const aoh::Json& bad :
       {aoh::Json{{"sent_copy", "both"}}, aoh::Json{{"limits", {{"messages_per_day", 0}}}},
        aoh::Json{{"limits", {{"messages_per_day", -5}}}}, aoh::Json{{"limits", {{"messages_per_day", 1.5}}}},
        aoh::Json{{"limits", {{"messages_per_day", "many"}}}}, aoh::Json{{"limits", {{"per_day", 5}}}},
        aoh::Json{{"limits", {{"max_message_bytes", 99999999999}}}}})
    EXPECT_THROW(account("", "smtp.x.example", bad), Failure) << bad.dump();
}

TEST(Providers, NoFigureWithoutItsSource) {
  const auto document = [](const char* entry) {
    return aoh::Json::parse(std::string(R"({"providers": [)") + entry + "]}");
  };
  EXPECT_EQ(
      presets_from(
          document(
              R"({"name":"x","hosts":["X.example"],"messages_per_day":{"value":5,"source":"s","as_of":"2025"}})"))
          .front()
          .hosts.front(),
      "x.example");
  for (
      const char* bad :
      {R"({"hosts":["x"]})", R"({"name":"x","hosts":[]})", R"({"name":"x","hosts":[""]})",
       R"({"name":"x","hosts":["x"],"messages_per_day":5})",
       R"({"name":"x","hosts":["x"],"messages_per_day":{"value":5,"as_of":"2025"}})",
       R"({"name":"x","hosts":["x"],"messages_per_day":{"value":5,"source":"s"}})",
       R"({"name":"x","hosts":["x"],"sent_copy":{"value":"none","source":"s","as_of":"2025"}})",
       R"({"name":"x","hosts":["x"],"sign_in":{"value":"","source":"s","as_of":"2026"}})",
       R"({"name":"x","hosts":["x"],"imap":{"value":{"host":"y","port":993,"tls":"implicit"},"source":"s","as_of":"2026"}})",
       R"({"name":"x","hosts":["x"],"imap":{"value":{"host":"a.x","port":0,"tls":"implicit"},"source":"s","as_of":"2026"}})",
       R"({"name":"x","hosts":["x"],"smtp":{"value":{"host":"a.x","port":25,"tls":"none"},"source":"s","as_of":"2026"}})",
       R"({"name":"x","hosts":["x"],"quirks":{"plain_list":true}})",
       R"({"name":"x","hosts":["x"],"quirks":{"plain_list":{"value":true,"as_of":"2025"}}})",
       R"({"name":"x","hosts":["x"],"quirks":{"plain_list":{"value":false,"source":"s","as_of":"2025"}}})",
       R"({"name":"x","hosts":["x"],"unknown":{"value":5,"source":"s","as_of":"2025"}})"})
    EXPECT_THROW(presets_from(document(bad)), Failure) << bad;
}

}  // namespace
}  // namespace mailroom::host
