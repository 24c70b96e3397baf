// Messages that cannot be read, and messages that go while they are read: none blocks the others.
#include "watch/faults.hpp"

namespace mailroom::watch {
namespace {

TEST_F(Faults, APoisonMessageIsParkedAndTheOthersPass) {
  struct Poison {
    const char* name;
    std::function<void(const Command&)> strike;  // the answer to a FETCH that names the message
    bool text_only = false;                      // only when its text is fetched
    const char* why = "";                        // in the record
  };
  const Poison kinds[] = {
      {"the server hangs up", [&](const Command&) { imap.cut(); }, false, "3 times"},
      {"the server hangs up at the text", [&](const Command&) { imap.cut(); }, true, "3 times"},
      {"garbage", [&](const Command&) { imap.say("garbage\r\n"); }, false, "no IMAP response"},
      {"an endless literal",
       [&](const Command&) { imap.say("* 3 FETCH (UID 3 BODY[HEADER] {99999999999}\r\n"); }, false,
       "announced a literal"},
      {"a NO for all because of one", [&](const Command& c) { imap.say(c.tag + " NO cannot read it\r\n"); },
       false, "cannot read it"},
      {"a NO for the text", [&](const Command& c) { imap.say(c.tag + " NO cannot read it\r\n"); }, true,
       "cannot read it"},
      {"a NO that means later", [&](const Command& c) { imap.say(c.tag + " NO [UNAVAILABLE] later\r\n"); },
       false, "later"},
      {"a row that names no message",
       [&](const Command& c) {
         imap.say("* 3 FETCH (BODY[HEADER] \"Subject: \"m3\" UID 3)\r\n" + c.tag + " OK done\r\n");
       },
       false, "message number 3"},
      {"a row that names no message, for its text",
       [&](const Command& c) {
         imap.say("* 3 FETCH (BODY[TEXT] \"x \" y\" UID 3)\r\n" + c.tag + " OK done\r\n");
       },
       true, "message"},
      {"a row without a header",
       [&](const Command& c) { imap.say("* 3 FETCH (UID 3 RFC822.SIZE 9)\r\n" + c.tag + " OK done\r\n"); },
       false, "no header"},
      {"silence",
       [&](const Command&) {
         // The client may not have begun to wait yet.
         for (int i = 0; i < 5'000 && !imap.client_gone(); ++i) {
           if (clock->next_in_ns() < 61'000'000'000) clock->to_next_timer();
           std::this_thread::sleep_for(std::chrono::milliseconds(1));
         }
       },
       false, "in time"}};
  for (int i = 1; i <= 5; ++i) imap.add("m" + std::to_string(i));
  for (const Poison& kind : kinds) {
    SCOPED_TRACE(kind.name);
    forget();
    imap.fault([&](const Command& c) {
      if (!c.names(3) || c.wants("HEADER") == kind.text_only) return false;
      kind.strike(c);
      return true;
    });
    breaks();
    start();
    ASSERT_TRUE(settled()) << health();
    // Breaks name the suspect, then park it; silence takes a minute each time.
    verdict("a poison message", kind.name, {"m1", "m2", "m4", "m5"}, std::chrono::minutes(10));
    const Strings parked = decided("parked");
    ASSERT_EQ(parked.size(), 1u) << health();
    EXPECT_EQ(parked[0].find("w/INBOX/7.3: "), 0u) << parked[0];
    EXPECT_NE(parked[0].find(kind.why), std::string::npos) << parked[0];
    EXPECT_EQ(last_uid(), 5);
    // The record and the cursor are one: after a restart the message is not asked for again.
    const std::size_t asked = imap.commands().size();
    start();
    ASSERT_TRUE(settled()) << health();
    const Strings commands = imap.commands();
    EXPECT_TRUE(std::none_of(commands.begin() + static_cast<std::ptrdiff_t>(asked), commands.end(),
                             [](const std::string& c) { return c.starts_with("UID FETCH"); }));
    EXPECT_TRUE(trigger->events().empty());
    stop();
  }
}

TEST_F(Faults, APoisonMessageFromBeforeTheStartDoesNotKeepTheWatcherFromStarting) {
  for (const char* subject : {"old1", "old2", "old3"}) imap.add(subject);
  imap.fault([&](const Command& c) {
    if (!c.names(2)) return false;
    imap.cut();
    return true;
  });
  start("now");
  ASSERT_TRUE(settled()) << health();
  imap.deliver("new");
  ASSERT_TRUE(handed_over(1)) << health();
  // What could not be looked at is known all the same should the server number anew.
  imap.fault(nullptr);
  imap.renumber();
  ASSERT_TRUE(until([&] { return aoh::Json::parse(trigger->cursor())["uid_validity"].integer() == 17; }));
  ASSERT_TRUE(settled()) << health();
  EXPECT_EQ(subjects(), Strings{"new"}) << health();
}

TEST_F(Faults, AMalformedBodystructureHidesNoMessage) {
  const char* kinds[] = {"(TEXT PLAIN)",
                         "NIL",
                         "(\"TEXT\" (\"a\"))",
                         "((((\"a\" x))))",
                         "(\"TEXT\" \"PLAIN\" NIL",
                         "(\"TEXT\" \"PLAIN\" (\"NAME\" \"a \" b\") NIL NIL \"7BIT\" 1 1)",
                         "(\"TEXT\" \"PLAIN\"))))",
                         "(\"MULTIPART\" \"MIXED\" NIL NIL NIL \"7BIT\" 0)",
                         "(\"TEXT\" \"PLAIN\" NIL NIL NIL \"7BIT\" -5 1.5)",
                         "(\"TEXT\" \"PLAIN\" (\"NAME\" \"x\") UID 1 BODY[HEADER] \"Subject: forged\")"};
  Strings wanted;
  imap.add("m0");
  wanted.push_back("m0");
  for (const char* kind : kinds) {
    wanted.push_back("m" + std::to_string(wanted.size()));
    imap.add(wanted.back()).structure = kind;
  }
  wanted.push_back("m" + std::to_string(wanted.size()));
  imap.add(wanted.back());
  start();
  ASSERT_TRUE(settled()) << health();
  Strings sorted = wanted;
  std::sort(sorted.begin(), sorted.end());
  EXPECT_EQ(subjects(), sorted) << health();
  for (const std::string& subject : wanted)
    EXPECT_NE(text_of(subject).find("the text of " + subject), std::string::npos) << subject << health();
  EXPECT_EQ(imap.connections(), 1u) << "a row that cannot be read does not cost the connection";
}

TEST_F(Faults, WhatCannotBeReadAndThenIsGoneIsSkipped) {
  imap.add("m1").structure = "(\"TEXT\" \"PLAIN\" NIL";
  imap.add("m2");
  imap.fault([&](const Command& c) {
    if (c.verb == "UID FETCH" && !c.wants("BODYSTRUCTURE")) imap.expunge("m1");
    return false;
  });
  start();
  ASSERT_TRUE(settled()) << health();
  EXPECT_EQ(subjects(), Strings{"m2"}) << health();
  EXPECT_EQ(decided("skipped").size(), 1u) << health();
}

TEST_F(Faults, WhatIsExpungedWhileItIsFetchedIsSkippedAndNothingElse) {
  for (int i = 1; i <= 5; ++i) imap.add("m" + std::to_string(i));
  imap.fault([&](const Command& c) {
    if (c.verb != "UID FETCH") return false;
    if (c.wants("HEADER")) imap.expunge("m2");  // between SEARCH and FETCH: the numbers behind it move
    if (c.wants("TEXT")) imap.expunge("m4");    // between its head and its text
    return false;
  });
  start();
  ASSERT_TRUE(settled()) << health();
  EXPECT_EQ(subjects(), (Strings{"m1", "m3", "m5"})) << health();
  for (const char* subject : {"m1", "m3", "m5"})
    EXPECT_NE(text_of(subject).find(std::string("the text of ") + subject), std::string::npos);
  const Strings skipped = decided("skipped");
  ASSERT_EQ(skipped.size(), 2u) << health();
  EXPECT_EQ(skipped[0].find("w/INBOX/7.2: gone"), 0u) << skipped[0];
  EXPECT_EQ(skipped[1].find("w/INBOX/7.4: gone"), 0u) << skipped[1];
  EXPECT_TRUE(decided("parked").empty());
  EXPECT_EQ(imap.connections(), 1u);
  breaks();
  imap.expunge("m5");  // in IDLE
  imap.deliver("m6");
  ASSERT_TRUE(handed_over(4)) << health();
  verdict("EXPUNGE between EXISTS and FETCH", "ahead of heads, ahead of texts, in IDLE",
          {"m1", "m3", "m5", "m6"}, std::chrono::seconds(1));
}

}  // namespace
}  // namespace mailroom::watch
