// Provider presets: found by host, replaced by the credential's own, wrong ones refused.
#include "host/providers.hpp"

#include <gtest/gtest.h>

#include "base/error.hpp"
#include "imap/proto/quirks.hpp"

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

TEST(Providers, EveryEntryIsWholeAndFoundByWhatItNames) {
  for (const Preset& p : presets()) {
    ASSERT_TRUE(p.imap && p.smtp) << p.name;
    for (const auto& server : {p.imap, p.smtp})
      EXPECT_EQ(provider_for(account("", server->host)).name, p.name) << server->host;
    EXPECT_FALSE(p.authentication.empty()) << p.name;
    EXPECT_FALSE(p.domains.empty() && p.mx.empty() && p.name != "microsoft365") << p.name;
    for (const std::string& domain : p.domains)
      EXPECT_EQ(preset_for_address("ann@" + domain)->name, p.name) << domain;
    for (const std::string& mx : p.mx) EXPECT_EQ(preset_for_mx("a." + mx)->name, p.name) << mx;
    EXPECT_EQ(preset_named(p.name), &p);
    EXPECT_NO_THROW(imap::Quirks::from(p.quirks)) << p.name;
  }
  EXPECT_GE(presets().size(), 18u);
}

TEST(Providers, AreFoundByAddressAndByMailExchanger) {
  const auto name = [](const Preset* p) { return p ? p->name : std::string(); };
  const std::pair<const char*, const char*> addresses[] = {{"ann@gmail.com", "gmail"},
                                                           {"Ann@GoogleMail.COM", "gmail"},
                                                           {"a@hotmail.co.uk", "microsoft365"},
                                                           {"a@live.com", "microsoft365"},
                                                           {"a@foxmail.com", "qq"},
                                                           {"a@126.com", "netease"},
                                                           {"a@yeah.net", "netease"},
                                                           {"a@mac.com", "icloud"},
                                                           {"a@yahoo.co.uk", "yahoo"},
                                                           {"a@gmx.net", "gmx"},
                                                           {"a@gmx.co.uk", "gmx-international"},
                                                           {"a@ya.ru", "yandex"},
                                                           {"a@bk.ru", "mailru"},
                                                           {"a@aliyun.com", "aliyun-personal"},
                                                           {"fastmail.com", "fastmail"},
                                                           {"a@gmail.com.", "gmail"},
                                                           {"a@gmail.com@evil.example", ""},
                                                           {"a@evil.gmail.com", ""},
                                                           {"a@gmail.com.evil.example", ""},
                                                           {"a@example.org", ""},
                                                           {"", ""}};
  for (const auto& [address, wanted] : addresses)
    EXPECT_EQ(name(preset_for_address(address)), wanted) << address;
  const std::pair<const char*, const char*> exchangers[] = {
      {"ASPMX.L.GOOGLE.com.", "gmail"},
      {"acme-com.mail.protection.outlook.com", "microsoft365"},
      {"acme.mail.protection.partner.outlook.cn", "microsoft365-china"},
      {"in1-smtp.messagingengine.com", "fastmail"},
      {"mxbiz1.qq.com", "exmail"},
      {"qiye163mx01.mxmail.netease.com", "netease-enterprise"},
      {"mxn.mxhichina.com", "aliyun"},
      {"mx.yandex.net", "yandex"},
      {"mx01.mail.icloud.com", "icloud"},
      {"mx.zoho.com", "zoho"},
      {"notgoogle.com", ""},
      {"google.com.evil.example", ""},
      {"mail.example.org", ""}};
  for (const auto& [mx, wanted] : exchangers) EXPECT_EQ(name(preset_for_mx(mx)), wanted) << mx;
}

TEST(Providers, TellHowToSignIn) {
  const Preset& gmail = *preset_named("gmail");
  EXPECT_EQ(gmail.imap->where(), "imap.gmail.com:993");
  EXPECT_EQ(gmail.smtp->where(), "smtp.gmail.com:465");
  EXPECT_EQ(gmail.authentication[0].name, "oauth2");
  EXPECT_EQ(gmail.authentication[1].name, "app_password");
  EXPECT_EQ(gmail.oauth["scopes"].at(0).str(), "https://mail.google.com/");
  const Preset& microsoft = *preset_named("microsoft365");
  EXPECT_EQ(microsoft.smtp->tls, net::TlsMode::starttls);
  EXPECT_EQ(microsoft.oauth["token_endpoint"].str(),
            "https://login.microsoftonline.com/{tenant}/oauth2/v2.0/token");
  EXPECT_EQ(microsoft.oauth["scopes"].size(), 3u);
  EXPECT_EQ(microsoft.oauth["grants"].size(), 3u);
  EXPECT_NE(preset_named("microsoft365-china")->oauth["token_endpoint"].str().find(".cn/"),
            std::string::npos);
  EXPECT_TRUE(preset_named("yahoo")->oauth.is_object());
  EXPECT_FALSE(preset_named("qq")->oauth.is_object());
  EXPECT_EQ(preset_named("nobody"), nullptr);
}

TEST(Providers, TheRecordMayNameOne) {
  const auto of = [](const char* name) {
    return account("imap.x.example", "smtp.qq.com", {{"provider", name}});
  };
  EXPECT_EQ(provider_for(of("gmail")).name, "gmail");
  EXPECT_EQ(imap_quirks(of("netease")), preset_named("netease")->quirks);
  EXPECT_EQ(provider_for(account("", "smtp.qq.com")).name, "qq");
  try {
    provider_for(of("gmial"));
    FAIL();
  } catch (const Failure& f) {
    EXPECT_EQ(f.error.code, Errc::config);
    EXPECT_NE(f.error.cure.find("gmail"), std::string::npos);
  }
}

TEST(Providers, HowAMailboxIsWatched) {
  using std::chrono::seconds;
  const WatchTimes usual{seconds(1500), seconds(55)};
  const auto times = [&](const Account& a, WatchTimes w) {
    const WatchTimes t = watch_times(a, w);
    return std::pair(t.idle_renew.count(), t.poll_interval.count());
  };
  EXPECT_EQ(times(account("mail.example.org", ""), usual), std::pair(1500l, 55l));
  EXPECT_EQ(times(account("imap.mail.yahoo.com", ""), usual), std::pair(180l, 55l));
  EXPECT_EQ(times(account("imap.mail.yahoo.com", ""), {seconds(60), seconds(600)}), std::pair(60l, 600l));
  EXPECT_EQ(times(account("imap.163.com", ""), {seconds(60), seconds(600)}), std::pair(60l, 55l));
  EXPECT_EQ(times(account("imap.163.com", "", {{"idle_renew_s", 1200}, {"poll_interval_s", 5}}), usual),
            std::pair(1200l, 5l));
  EXPECT_EQ(times(account("mail.example.org", "", {{"provider", "yahoo"}}), usual), std::pair(180l, 55l));
  for (const aoh::Json& bad : {aoh::Json{{"idle_renew_s", 9}}, aoh::Json{{"idle_renew_s", 1741}},
                               aoh::Json{{"poll_interval_s", 0}}, aoh::Json{{"poll_interval_s", "5"}}})
    EXPECT_THROW(account("", "smtp.x.example", bad), Failure) << bad.dump();
}

TEST(Providers, QuirksAreTheImapServers) {
  using Names = std::vector<std::string>;
  EXPECT_EQ(imap_quirks(account("imap.163.com", "smtp.gmail.com")),
            (Names{"id_after_sign_in", "noop_does_not_keep"}));
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
      {R"({"hosts":["x"]})",
       R"({"name":"x","hosts":[]})",
       R"({"name":"x","hosts":[""]})",
       R"({"name":"x","hosts":["x"],"messages_per_day":5})",
       R"({"name":"x","hosts":["x"],"messages_per_day":{"value":5,"as_of":"2025"}})",
       R"({"name":"x","hosts":["x"],"messages_per_day":{"value":5,"source":"s"}})",
       R"({"name":"x","hosts":["x"],"sent_copy":{"value":"none","source":"s","as_of":"2025"}})",
       R"({"name":"x","hosts":["x"],"domains":{"value":[],"source":"s","as_of":"2026"}})",
       R"({"name":"x","hosts":["x"],"mx":["x"]})",
       R"({"name":"x","hosts":["x"],"idle_renew_s":{"value":5,"source":"s","as_of":"2026"}})",
       R"({"name":"x","hosts":["x"],"poll_interval_s":{"value":0,"source":"s","as_of":"2026"}})",
       R"({"name":"x","hosts":["x"],"authentication":{"value":[],"source":"s","as_of":"2026"}})",
       R"({"name":"x","hosts":["x"],"authentication":{"value":[{"method":"telepathy","instruction":"i"}],"source":"s","as_of":"2026"}})",
       R"({"name":"x","hosts":["x"],"authentication":{"value":[{"method":"password"}],"source":"s","as_of":"2026"}})",
       R"({"name":"x","hosts":["x"],"authentication":{"value":[{"method":"oauth2","instruction":"i"}],"source":"s","as_of":"2026"}})",
       R"({"name":"x","hosts":["x"],"oauth":{"value":{"authorization_endpoint":"http://x","token_endpoint":"https://x","scopes":["s"],"grants":["authorization_code"]},"source":"s","as_of":"2026"}})",
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
