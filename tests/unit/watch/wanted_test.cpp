// Which messages are handed over: rules and match, and what is fetched to tell.
#include "watch/faults.hpp"

namespace mailroom::watch {
namespace {

TEST_F(Faults, ATextTravelsOnlyWhereAMatchAsksForIt) {
  imap.add("quote 1");
  imap.add("quote 2").text = "our price is 7\r\n";
  imap.add("letter").text = "a price\r\n";
  start("all", {{"subject_regex", "^quote"}, {"body_regex", "price"}});
  ASSERT_TRUE(handed_over(1)) << health();
  EXPECT_EQ(subjects(), Strings{"quote 2"});
  EXPECT_EQ(decided("ignored"),
            (Strings{"w/INBOX/7.1: body_regex does not match", "w/INBOX/7.3: subject_regex does not match"}));
  for (const std::string& c : imap.commands())
    if (c.find("BODY.PEEK[TEXT]") != std::string::npos) {
      EXPECT_NE(c.find("UID FETCH 1:2 "), std::string::npos) << c;
    }
}

TEST_F(Faults, PartsAreNamedWithoutBeingFetched) {
  for (const char* subject : {"offer", "picture"}) {
    ScriptedImap::Mail& m = imap.add(subject);
    const bool offer = m.subject == "offer";
    m.header.replace(m.header.size() - 2, 2,
                     "MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n");
    const std::string type = offer ? "\"APPLICATION\" \"PDF\"" : "\"IMAGE\" \"PNG\"";
    m.structure = "((\"TEXT\" \"PLAIN\" NIL NIL NIL \"7BIT\" 5 1)(" + type +
                  " NIL NIL NIL \"7BIT\" 5000 NIL (\"ATTACHMENT\" (\"FILENAME\" \"a.bin\")) NIL) \"MIXED\" "
                  "(\"BOUNDARY\" \"b\"))";
    m.sections = {{"1.MIME", "Content-Type: text/plain\r\n\r\n"},
                  {"2.MIME", std::string("Content-Type: ") + (offer ? "application/pdf" : "image/png") +
                                 "\r\nContent-Disposition: attachment; filename=a.bin\r\n\r\n"}};
  }
  start("all",
        {{"mime_type", "application/pdf"}, {"attachment", {{"name_regex", "\\.bin$"}, {"larger", 4999}}}});
  ASSERT_TRUE(handed_over(1)) << health();
  EXPECT_EQ(subjects(), Strings{"offer"});
  EXPECT_EQ(decided("ignored"), Strings{"w/INBOX/7.2: mime_type does not match"});
  for (const std::string& c : imap.commands()) {
    EXPECT_EQ(c.find("BODY.PEEK[2]"), std::string::npos) << c;
    if (c.find("BODY.PEEK[1]") != std::string::npos) {
      EXPECT_NE(c.find("UID FETCH 1 "), std::string::npos) << c;
    }
  }
}

TEST_F(Faults, TheTrustedServersVerdictDecides) {
  fake.credentials["w"].set("trusted_authserv_ids", aoh::Json::array({"mx.us.example"}));
  for (const auto& [subject, word] : {std::pair{"real", "pass"}, {"forged", "fail"}})
    imap.add(subject).header.insert(
        0, std::string("Authentication-Results: mx.us.example; dmarc=") + word + "\r\n");
  start("all", {{"authentication", {{"dmarc", "pass"}}}, {"newer_than", "3650d"}});
  ASSERT_TRUE(handed_over(1)) << health();
  EXPECT_EQ(subjects(), Strings{"real"});
  EXPECT_EQ(trigger->events().front().payload.path("email.authentication.dmarc").str(), "pass");
  EXPECT_EQ(decided("ignored"), Strings{"w/INBOX/7.2: authentication.dmarc does not match"});
}

TEST_F(Faults, TheRulesSpeakBeforeTheBlueprints) {
  imap.add("list 1");
  imap.add("order 2").text = "an order\r\n";
  imap.add("order 3").text = "nothing\r\n";
  imap.add("quote 4");
  const aoh::Json rules = aoh::Json::array(
      {{{"name", "lists"}, {"match", {{"subject_regex", "^list"}}}, {"do", {{"ignore", true}}}},
       {{"name", "others"}, {"credential_id", "x"}, {"do", {{"ignore", true}}}},
       {{"name", "orders"},
        {"match", {{"subject_regex", "order"}, {"body_regex", "order"}}},
        {"do", {{"start", aoh::Json::array({"bp", "elsewhere"})}}}}});
  start("all", {{"subject_regex", "^(quote|list)"}}, rules);
  ASSERT_TRUE(handed_over(2)) << health();
  EXPECT_EQ(subjects(), (Strings{"order 2", "quote 4"}));
  EXPECT_EQ(decided("matched"), (Strings{"w/INBOX/7.2: rule \"orders\"", "w/INBOX/7.4: "}));
  EXPECT_EQ(decided("ignored"),
            (Strings{"w/INBOX/7.1: rule \"lists\"", "w/INBOX/7.3: subject_regex does not match"}));
  EXPECT_EQ(watcher->in_force()["rules"], rules);
}

TEST_F(Faults, WhatRulesDoWithAMessageIsHandedOverWithIt) {
  imap.add("order 1");
  imap.add("evil-2");
  const aoh::Json rules = aoh::Json::array(
      {{{"name", "here"},
        {"do", {{"move", "inbox"}, {"rate_limit", {{"messages", 5}, {"per", "1h"}}}}},
        {"continue", true}},
       {{"name", "orders"},
        {"match", {{"subject_regex", "order"}}},
        {"do", {{"flag", "flagged"}, {"label", "Later"}, {"approval", true}}}},
       {{"name", "evil"}, {"match", {{"subject_regex", "evil"}}}, {"do", {{"quarantine", true}}}}});
  start("all", aoh::Json::object(), rules);
  ASSERT_TRUE(handed_over(3)) << health();
  EXPECT_EQ(decided("action"), (Strings{"w/INBOX/7.1#change: rule \"here\", rule \"orders\": flag, label",
                                        "w/INBOX/7.2#change: rule \"here\", rule \"evil\": quarantine"}));
  EXPECT_EQ(decided("ignored"), Strings{"w/INBOX/7.2: rule \"evil\": quarantine"});
  const aoh::Json matched = trigger->decisions().at(1);
  EXPECT_EQ(matched["decision"].str(), "matched");
  EXPECT_EQ(matched["approval"].str(), "orders");
  EXPECT_EQ(matched["limits"].at(0)["rule"].str(), "rule \"here\"");
  EXPECT_EQ(matched["limits"].at(0)["most"].integer(), 5);
  EXPECT_EQ(matched["limits"].at(0)["per_s"].integer(), 3600);
  EXPECT_EQ(matched["limits"].at(0)["of"].str(), "w/INBOX/7.1");
  const auto flagged = trigger->events().at(0), evil = trigger->events().at(2);
  EXPECT_EQ(flagged.blueprint, "");
  EXPECT_FALSE(flagged.payload["holds"].boolean()) << "it lies there already";
  EXPECT_EQ(flagged.payload["call"],
            aoh::Json::parse(R"({"tool":"email_update","arguments":{"mailbox":"INBOX",
    "uids":[1],"uid_validity":7,"add_flags":["flagged"],"add_labels":["Later"]}})"));
  EXPECT_TRUE(evil.payload["holds"].boolean());
  EXPECT_EQ(evil.payload["of"].str(), "w/INBOX/7.2");
  EXPECT_EQ(evil.payload["call"]["arguments"],
            aoh::Json::parse(R"({"mailbox":"INBOX","uids":[2],"uid_validity":7,
    "move_to":"Quarantine","create":true,"message_id":"evil-2@x"})"));
}

}  // namespace
}  // namespace mailroom::watch
