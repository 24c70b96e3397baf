// Blueprints: the fields of the specification, and what is said about wrong ones.
#include "triggers/blueprint.hpp"

#include <gmock/gmock.h>

#include <cstdlib>
#include <fstream>
#include <sstream>

#include "fixture.hpp"
#include "triggers/admin.hpp"
#include "triggers/blueprint_store.hpp"

namespace aoh::host {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

std::string source_file(const std::string& path) {
  std::ifstream in(std::string(std::getenv("MAILROOM_SOURCE_DIR")) + "/" + path);
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

const Catalog& catalog() {
  static const Manifest manifest = Manifest::parse(source_file("manifests/email.json"));
  static const Catalog c = Catalog::of({&manifest});
  return c;
}

const char* const kFull = R"yaml(trigger:
  source: email                     # email, or cron
  credential_id: quotes-inbox
  match:
    folder: INBOX
    from_regex: "@supplier\\.example$"
    subject_regex: "(quote|quotation)"
  start_from: now
  debounce: 30s
  conflict: queue
  max_parallel: 4
  max_sessions_per_hour: 60
  action:
    agent_id: quote-assistant
    session_template: per-sender
    session_idle: 72h
    inputs:
      subject: "{{ email.subject }}"
      body: "{{ email.body_text }}"
      attachments: "{{ email.attachments }}"
on_finish:
  reply_email:
    credential_id: quotes-inbox
    to: "{{ trigger.email.from }}"
    subject: "Re: {{ trigger.email.subject }}"
    body_html: "{{ agent.output_html }}"
)yaml";

std::string error_of(std::string_view text) {
  try {
    parse_blueprint(text, "b", "b.yaml", catalog());
  } catch (const DocumentError& e) {
    return e.what();
  }
  return "no error";
}

std::string replaced(std::string text, const std::string& what, const std::string& with) {
  text.replace(text.find(what), what.size(), with);
  return text;
}

std::string with_match(const std::string& lines) {
  return replaced(kFull, "    subject_regex: \"(quote|quotation)\"\n", lines);
}

TEST(Blueprint, EveryConditionOfMatch) {
  EXPECT_EQ(error_of(with_match(R"(    to_regex: quotes@
    cc_regex: "."
    list_id_regex: "<news"
    header_regex: {X-Priority: "^1", X-Mailer: outlook}
    body_regex: price
    mime_type: [application/pdf, image/*]
    attachment: {name_regex: "\\.pdf$", mime_type: application/pdf, larger: 1000, smaller: 9000000}
    larger: 10
    smaller: 30000000
    authentication: {dmarc: pass, spf: [pass, neutral], dkim: unknown}
    flags: [seen, $Junk]
    older_than: 30m
    newer_than: 7d
    any:
      - subject_regex: quote
      - all: [{not: {subject_regex: invoice}}, {flags: flagged}]
)")),
            "no error");
}

TEST(Blueprint, AMistakeInMatchHasItsPlaceHoweverDeep) {
  const std::tuple<const char*, const char*, const char*> cases[] = {
      {"    subjct_regex: x\n", "b.yaml:7:5: ", "did you mean \"subject_regex\"?"},
      {"    any:\n      - from_regex: x\n      - not:\n          fron_regex: x\n",
       "b.yaml:10:11: ", "did you mean \"from_regex\"?"},
      {"    all: [{attachment: {name_regx: x}}]\n", "b.yaml:7:25: ", "did you mean \"name_regex\"?"},
      {"    authentication:\n      dmarc: passed\n", "b.yaml:8:14: ", "did you mean \"pass\"?"},
      {"    mime_type: pdf\n", "b.yaml:7:16: ", "a text that matches"},
      {"    any:\n      - body_regex: \"(a\"\n", "b.yaml:8:21: ", "missing )"},
      {"    not: 7\n", "b.yaml:7:10: ", "expected an object"},
      {"    older_than: 3 weeks\n", "b.yaml:7:17: ", "a text that matches"},
      {"    any: []\n", "b.yaml:7:10: ", "at least 1 items"},
      {"    larger: big\n", "b.yaml:7:13: ", "expected an integer"},
  };
  for (const auto& [lines, place, what] : cases) {
    EXPECT_THAT(error_of(with_match(lines)), testing::AllOf(StartsWith(place), HasSubstr(what))) << lines;
  }
}

class BlueprintStore : public TriggerTest {
 protected:
  static std::string text_of(const std::string& credential) {
    return replaced(kFull, "credential_id: quotes-inbox", "credential_id: " + credential);
  }
  std::string add(const std::string& id, const std::string& credential = "quotes-inbox") {
    const std::string text = text_of(credential);
    try {
      add_blueprint(sql_, catalog(), parse_blueprint(text, id, id, catalog()), text, ++now_);
    } catch (const DocumentError& e) {
      return e.what();
    }
    return "";
  }
};

TEST_F(BlueprintStore, ASourceTakesAsManyAsFitIntoOneHandOver) {
  for (std::size_t i = 0; i < kMaxBlueprintsOfSource; ++i)
    store_blueprint(sql_, "b" + std::to_string(i), text_of("quotes-inbox"), ++now_);
  const std::string why = add("too-many");
  EXPECT_THAT(why, HasSubstr("too-many"));
  EXPECT_THAT(why, HasSubstr("has 256 blueprints already"));
  EXPECT_THAT(why, HasSubstr("blueprint remove"));
  EXPECT_EQ(add("elsewhere", "another-inbox"), "");
  EXPECT_EQ(add("b7"), "") << "one of them may be replaced";
  EXPECT_TRUE(load_blueprints(sql_, catalog()).errors.empty());
  // A home from before the limit: the latest is left out, and that is said.
  store_blueprint(sql_, "a-late-one", text_of("quotes-inbox"), ++now_);
  const auto loaded = load_blueprints(sql_, catalog());
  EXPECT_EQ(loaded.good.size(), 257u);  // with the one of the other source
  ASSERT_EQ(loaded.errors.size(), 1u);
  EXPECT_THAT(loaded.errors[0], StartsWith("a-late-one: "));
  EXPECT_TRUE(remove_blueprint(sql_, "b9"));
  EXPECT_TRUE(load_blueprints(sql_, catalog()).errors.empty());
}

TEST(Blueprint, TheSpecificationsExampleLoads) {
  const auto b = parse_blueprint(kFull, "supplier", "b.yaml", catalog());
  EXPECT_EQ(b.source, "email");
  EXPECT_EQ(b.match["from_regex"].str(), "@supplier\\.example$");
  EXPECT_EQ(b.debounce_ns, 30'000'000'000);
  EXPECT_EQ(b.conflict, Conflict::queue);
  EXPECT_EQ(b.max_parallel, 4);
  EXPECT_EQ(b.max_sessions_per_hour, 60);
  EXPECT_EQ(b.session_template, SessionTemplate::per_sender);
  EXPECT_EQ(b.session_idle_ns, 72 * 3600'000'000'000);
  EXPECT_EQ(b.source_key, (Json{{"credential_id", "quotes-inbox"}, {"mailbox", "INBOX"}}));
  ASSERT_EQ(b.on_finish.size(), 1u);
  EXPECT_EQ(b.on_finish[0].fields["to"].str(), "{{ trigger.email.from }}");
  EXPECT_EQ(
      b.for_module(),
      (Json{
          {"id", "supplier"}, {"match", b.match}, {"start_from", "now"}, {"credential_id", "quotes-inbox"}}));
}

TEST(Blueprint, TheShippedOneLoads) {
  EXPECT_EQ(parse_blueprint(source_file("manifests/blueprints/supplier-quote.yaml"), "supplier-quote", "f",
                            catalog())
                .agent_id,
            "quote-assistant");
}

TEST(Blueprint, JsonIsReadToo) {
  const auto b = parse_blueprint(
      R"({"trigger": {"source": "email", "credential_id": "c", "start_from": "2026-01-31", "action": {"agent_id": "a"}}})",
      "b", "b.json", catalog());
  EXPECT_EQ(b.start_from, "2026-01-31");
  EXPECT_EQ(b.source_key["mailbox"].str(), "INBOX");  // by the manifest's default
}

TEST(Blueprint, EachUnknownFieldIsNamedWithPlaceAndTheNearestKnownName) {
  struct Case {
    const char *what, *with, *error;
  };
  for (const auto& c : {
           Case{"trigger:", "triger:", "b.yaml:1:1: unknown field \"triger\"; did you mean \"trigger\"?"},
           {"source: email", "sorce: email",
            "b.yaml:2:3: unknown field \"sorce\" in trigger; did you mean \"source\"?"},
           {"credential_id: quotes", "credentials_id: quotes",
            "b.yaml:3:3: unknown field \"credentials_id\" in trigger; did you mean \"credential_id\"?"},
           {"folder:", "folders:",
            "b.yaml:5:5: unknown field \"folders\" in trigger.match; did you mean \"folder\"?"},
           {"from_regex:", "form_regex:",
            "b.yaml:6:5: unknown field \"form_regex\" in trigger.match; did you mean \"from_regex\"?"},
           {"subject_regex:", "subject-regex:",
            "b.yaml:7:5: unknown field \"subject-regex\" in trigger.match; did you mean \"subject_regex\"?"},
           {"start_from:", "startfrom:",
            "b.yaml:8:3: unknown field \"startfrom\" in trigger; did you mean \"start_from\"?"},
           {"max_parallel:", "max_paralel:", "did you mean \"max_parallel\"?"},
           {"agent_id:", "agent:",
            "b.yaml:14:5: unknown field \"agent\" in trigger.action; did you mean \"agent_id\"?"},
           {"session_template:", "sessions_template:",
            "b.yaml:15:5: unknown field \"sessions_template\" in trigger.action; did you mean "
            "\"session_template\"?"},
           {"reply_email:", "replyemail:",
            "b.yaml:22:3: unknown field \"replyemail\" in on_finish; did you mean \"reply_email\"?"},
           {"body_html:", "bodyhtml:",
            "b.yaml:26:5: unknown field \"bodyhtml\" in on_finish.reply_email; did you mean \"body_html\"?"},
           {"on_finish:", "zzz:", "unknown field \"zzz\"; known here: trigger on_finish"},
       }) {
    EXPECT_THAT(error_of(replaced(kFull, c.what, c.with)), HasSubstr(c.error)) << c.with;
  }
}

TEST(Blueprint, WrongTypesAndValuesAreNamedWithPlace) {
  struct Case {
    const char *what, *with, *error;
  };
  for (const auto& c : {
           Case{"source: email", "source: e-mail",
                "b.yaml:2:11: no loaded module serves source \"e-mail\"; there is: email cron"},
           {"source: email", "source: 5",
            "b.yaml:2:11: trigger.source must be text, here is a whole number; put it in quotes"},
           {"folder: INBOX", "folder: [a]", "b.yaml:5:13: trigger.match.folder: expected"},
           {"start_from: now", "start_from: tomorrow",
            "b.yaml:8:15: trigger.start_from must be now, unseen, all, or a date"},
           {"start_from: now", "start_from: 2026-13-01", "trigger.start_from must be"},
           {"debounce: 30s", "debounce: 30", "b.yaml:9:13: trigger.debounce must be a duration"},
           {"conflict: queue", "conflict: quee",
            "conflict must be one of queue, skip, parallel; here is \"quee\", did you mean \"queue\"?"},
           {"max_parallel: 4", "max_parallel: 0",
            "trigger.max_parallel must be a whole number from 1 to 1000"},
           {"max_parallel: 4", "max_parallel: many", "trigger.max_parallel must be"},
           {"per-sender", "per-person", "session_template must be one of"},
           {"session_idle: 72h", "session_idle: forever", "session_idle must be a duration"},
           {"{{ email.subject }}", "{{ email.subject", "trigger.action.inputs.subject: template"},
           {"{{ agent.output_html }}", "{% for x in y %}", "on_finish.reply_email.body_html: template"},
           {"    credential_id: quotes-inbox\n    to", "    to", "on_finish.reply_email"},
           {"agent_id: quote-assistant", "agent_id: ~",
            "trigger.action.agent_id must be text, here is nothing"},
       }) {
    EXPECT_THAT(error_of(replaced(kFull, c.what, c.with)), HasSubstr(c.error)) << c.with;
  }
  EXPECT_THAT(error_of("[]"), HasSubstr("b.yaml:1:1: a blueprint is a map"));
  EXPECT_THAT(error_of("trigger: 5"), HasSubstr("b.yaml:1:10: trigger is missing or is not a map"));
  EXPECT_THAT(error_of("trigger: {source: email, action: {agent_id: a}}"),
              HasSubstr("trigger.credential_id is missing; source email needs it"));
  EXPECT_THAT(error_of("trigger: {source: email, credential_id: c}"), HasSubstr("trigger.action is missing"));
}

TEST(Blueprint, AllProblemsAreSaidAtOnce) {
  const auto error = error_of(replaced(replaced(kFull, "debounce: 30s", "debounce: x"), "folder:", "flder:"));
  EXPECT_EQ(std::count(error.begin(), error.end(), '\n'), 1) << error;
}

TEST(Blueprint, SessionKeys) {
  Blueprint b;
  const auto payload = Json::parse(
      R"({"email": {"from": [{"address": "Ann@X.example"}], "message_id": "m1", "references": ["r1", "r2"]}})");
  EXPECT_EQ(session_key(b, payload, "k"), "message:k");
  b.session_template = SessionTemplate::per_sender;
  EXPECT_EQ(session_key(b, payload, "k"), "sender:ann@x.example");
  EXPECT_EQ(session_key(b, Json{{"email", Json::object()}}, "k"), "message:k");
  EXPECT_EQ(session_key(b, Json::object(), "k"), "message:k");
  b.session_template = SessionTemplate::per_thread;
  EXPECT_EQ(session_key(b, payload, "k"), "thread:r1");
  EXPECT_EQ(session_key(b, Json::parse(R"({"email": {"thread_id": "t", "message_id": "m"}})"), "k"),
            "thread:t");
  EXPECT_EQ(session_key(b, Json::parse(R"({"email": {"message_id": "m"}})"), "k"), "thread:m");
  b.session_template = SessionTemplate::shared;
  EXPECT_EQ(session_key(b, payload, "k"), "shared");
}

TEST(Blueprint, Ids) {
  EXPECT_EQ(blueprint_id("/a/b/supplier-quote.yaml"), "supplier-quote");
  EXPECT_EQ(blueprint_id("x"), "x");
  for (const auto* bad : {"", "/a/.yaml", "a b.yaml", "\xc3\xa4.yaml", "a/"})
    EXPECT_THROW(blueprint_id(bad), DocumentError) << bad;
}

}  // namespace
}  // namespace aoh::host
