// Mail templates from a folder: layout, partials, defaults, errors with their place, and what must not be
// reached.
#include "tools/templates.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "email_fakes/fake_host.hpp"
#include "outbox/outbox.hpp"

namespace mailroom::tools {
namespace {

namespace fs = std::filesystem;
using mailroom::testing::FakeCall;
using mailroom::testing::FakeHost;

struct Templates : ::testing::Test {
  Templates() {
    std::string name = (fs::temp_directory_path() / "templates-XXXXXX").string();
    dir = ::mkdtemp(name.data());
    root = (dir / "root").string();
    write("root/offer/subject.txt", "Offer for {{ name }}\r\n");
    write("root/offer/body.txt", "Dear {{ name }},\n{% include 'foot.txt' %}");
    write("root/offer/body.html", "<p>Dear {{ name }}</p>{% include 'foot.html' %}");
    write("root/offer/foot.html", "<i>{{ sender.name }}</i>");
    write(
        "root/offer/template.json",
        R"({"description":"An offer","defaults":{"sender":{"name":"Sales","n":1}},"sample":{"name":"Ada"}})");
    write("root/partials/foot.txt", "-- {{ sender.name }} {{ sender.n }}\r\n");
    write("root/partials/foot.html", "not this one");
    write("secret/key.txt", "SECRET");
  }
  ~Templates() override { fs::remove_all(dir); }

  void write(const std::string& path, const std::string& text) const {
    fs::create_directories((dir / path).parent_path());
    std::ofstream(dir / path) << text;
  }
  aoh::Json run(const aoh::Json& args, bool configured = true) {
    aoh::Json config = aoh::Json::object();
    config.set_if(configured, "templates_root", root);
    host::Runtime runtime(fake.c(), host::Config::from(config));
    outbox::Outbox outbox(runtime);
    const Toolbox box{runtime, outbox, {}};
    FakeCall call({{"call_id", "c1"}}, false);
    const aoh::Result r = email_templates(box, args, *call.call);
    EXPECT_EQ(r.status, AOH_OK);
    return r.body;
  }
  /// "code where: what", or "rendered".
  std::string problem(const std::string& name, const aoh::Json& data = aoh::Json{{"name", "Ada"}}) const try {
    MailTemplate::load(root, name).render(data);
    return "rendered";
  } catch (const Failure& f) {
    EXPECT_EQ(f.error.line().find("SECRET"), std::string::npos);
    return std::string(mailroom::name(f.error.code)) + " " + f.error.where + ": " + f.error.what;
  }
  fs::path dir;
  std::string root;
  FakeHost fake;
};

TEST_F(Templates, AreListedShownAndPreviewed) {
  write("root/broken/subject.txt", "{{ x");
  write("root/README.md", "no template");
  fs::create_directory(dir / "root/empty");
  aoh::Json body = run(aoh::Json::object())["structuredContent"];
  ASSERT_EQ(body["templates"].size(), 2u) << body.dump();
  EXPECT_EQ(body["templates"].at(0)["name"].str(), "broken");
  EXPECT_EQ(body["templates"].at(0).path("error.where").str(), "broken/subject.txt:1:1");
  EXPECT_EQ(
      body["templates"].at(1),
      aoh::Json::parse(R"({"name":"offer","description":"An offer","parts":["subject","text","html"]})"));

  body = run(aoh::Json{{"action", "show"}, {"name", "offer"}})["structuredContent"];
  ASSERT_EQ(body["variables"].size(), 3u) << body.dump();
  EXPECT_EQ(body["variables"].at(0),
            aoh::Json::parse(R"({"path":"name","optional":false,"where":"offer/subject.txt:1:14"})"));
  EXPECT_EQ(body["variables"].at(1),
            aoh::Json::parse(
                R"({"path":"sender.n","optional":true,"default":1,"where":"partials/foot.txt:1:25"})"));
  EXPECT_EQ(body["sample"], aoh::Json::parse(R"({"name":"Ada"})"));

  body = run(aoh::Json{{"action", "preview"}, {"name", "offer"}})["structuredContent"];
  EXPECT_EQ(body["subject"].str(), "Offer for Ada");
  EXPECT_EQ(body["text"].str(), "Dear Ada,\n-- Sales 1");
  EXPECT_EQ(body["html"].str(), "<p>Dear Ada</p><i>Sales</i>");
  const aoh::Json data = aoh::Json::parse(R"({"name":"<b>{{ x }}","sender":{"name":"Eve"}})");
  body = run(aoh::Json{{"action", "preview"}, {"name", "offer"}, {"data", data}});
  EXPECT_EQ(body.path("structuredContent.html").str(), "<p>Dear &lt;b&gt;{{ x }}</p><i>Eve</i>");
  EXPECT_EQ(body.path("structuredContent.text").str(), "Dear <b>{{ x }},\n-- Eve 1");
  EXPECT_NE(body["content"].at(0)["text"].str().find("Subject: Offer for <b>{{ x }}\n"), std::string::npos);
}

TEST_F(Templates, ErrorsOfTheToolAreResults) {
  for (const char* args :
       {R"({"action":"show"})", R"({"action":"burn"})", R"({"action":"show","name":"none"})",
        R"({"action":"preview","name":"../secret"})", R"({"action":"preview","name":"offer","data":{}})"})
    EXPECT_TRUE(run(aoh::Json::parse(args))["isError"].boolean()) << args;
  const aoh::Json missing =
      run(aoh::Json::parse(R"({"action":"preview","name":"offer","data":{"nmae":"x"}})"));
  EXPECT_EQ(missing.path("structuredContent.error.where").str(), "offer/subject.txt:1:14");
  EXPECT_NE(missing.path("structuredContent.error.what").str().find("did you mean 'nmae'?"),
            std::string::npos);
  EXPECT_EQ(missing.path("structuredContent.error.cure").str(), "Look at name in data");
  const aoh::Json none = run(aoh::Json::object(), false);
  EXPECT_FALSE(none["isError"].boolean());
  EXPECT_NE(none.path("structuredContent.notice").str().find("templates_root"), std::string::npos);
  EXPECT_TRUE(run(aoh::Json::parse(R"({"action":"show","name":"offer"})"), false)["isError"].boolean());
}

TEST_F(Templates, DataCannotBreakTheSubject) {
  for (const char* evil :
       {"a\r\nBcc: x@y.example", "a\nb", "a\rb", "a\tb", "a\x7f", "a\xc2\x85", "a\xe2\x80\xa8"}) {
    const std::string p = problem("offer", aoh::Json{{"name", evil}});
    EXPECT_NE(p.find("invalid offer/subject.txt:1:14: the value 'name' has a line break"), std::string::npos)
        << p;
  }
  EXPECT_NE(problem("offer", aoh::Json{{"name", std::string("a\0b", 3)}}).find("the value 'name'"),
            std::string::npos);
  EXPECT_NE(problem("offer", aoh::Json{{"name", std::string(2'001, 'x')}}).find("longer than 2000 bytes"),
            std::string::npos);
  write("root/two/subject.txt", "one\ntwo\n");
  write("root/two/body.txt", "x");
  EXPECT_EQ(problem("two").substr(0, 30), "invalid two/subject.txt:1:4: a");
}

TEST_F(Templates, NothingOutsideIsRead) {
  fs::create_symlink(dir / "secret/key.txt", dir / "root/offer/out.txt");
  fs::create_directory_symlink(dir / "secret", dir / "root/offer/far");
  fs::create_directory_symlink(dir / "secret", dir / "root/link");
  fs::create_symlink("foot.html", dir / "root/offer/near.txt");
  write("secret/subject.txt", "SECRET");
  write("secret/body.txt", "SECRET");
  const auto with = [&](const std::string& include) {
    write("root/offer/body.txt", "{% include '" + include + "' %}");
    return problem("offer");
  };
  EXPECT_EQ(with("near.txt"), "rendered") << "a link within the root is one";
  EXPECT_NE(with("out.txt").find("refused offer/out.txt: the path leads out of templates_root"),
            std::string::npos);
  EXPECT_NE(with("far/key.txt").find("refused offer/far/key.txt"), std::string::npos);
  for (const std::string& bad : {std::string("../../secret/key.txt"), (dir / "secret/key.txt").string(),
                                 std::string("./foot.txt"), std::string("..")})
    EXPECT_NE(with(bad).find("config offer/body.txt:1:12: a partial's name"), std::string::npos) << bad;
  EXPECT_NE(with("none.txt").find("there is no partial 'none.txt'"), std::string::npos);
  EXPECT_NE(with("body.txt").find("includes itself"), std::string::npos);
  EXPECT_NE(problem("link").find("refused link/subject.txt: the path leads out"), std::string::npos);
  for (const char* name : {"", "..", ".", "/etc", "a/b", "partials", "a b", "a\n", "é"})
    EXPECT_EQ(problem(name).substr(0, 17), "invalid template:") << name;
  EXPECT_EQ(problem(std::string(65, 'a')).substr(0, 7), "invalid");
  EXPECT_EQ(problem("none").substr(0, 9), "not_found");
  const aoh::Json list = run(aoh::Json::object())["structuredContent"]["templates"];
  EXPECT_EQ(list.at(0).path("error.code").str(), "refused") << list.dump();
}

TEST_F(Templates, FilesThatAreNoneAreNamed) {
  write("root/t/subject.txt", "x");
  EXPECT_NE(problem("t").find("neither body.txt nor body.html"), std::string::npos);
  write("root/t/body.txt", "\xff");
  EXPECT_NE(problem("t").find("config t/body.txt: the file is not UTF-8"), std::string::npos);
  write("root/t/body.txt", std::string(262'145, 'x'));
  EXPECT_EQ(problem("t").substr(0, 17), "limit t/body.txt:");
  write("root/t/body.txt", "{% for x in [1,2,3,4,5] %}" + std::string(262'000, 'x') + "{% endfor %}");
  EXPECT_NE(problem("t").find("longer than 1048576 bytes"), std::string::npos);
  write("root/t/body.txt", "x");
  write("root/t/subject.txt", std::string(4'097, 'x'));
  EXPECT_EQ(problem("t").substr(0, 20), "limit t/subject.txt:");
  write("root/t/subject.txt", "x");
  for (const char* about : {"{", "[]", R"({"sampel":{}})", R"({"defaults":[]})", R"({"description":1})"}) {
    write("root/t/template.json", about);
    EXPECT_EQ(problem("t").substr(0, 23), "config t/template.json:") << about;
  }
  write("root/t/template.json", std::string(65'537, ' '));
  EXPECT_EQ(problem("t").substr(0, 5), "limit");
  fs::remove(dir / "root/t/template.json");
  fs::create_directory(dir / "root/t/template.json");
  EXPECT_EQ(problem("t").substr(0, 7), "refused");
  EXPECT_NE(problem("offer", aoh::Json("text")).find("data is an object"), std::string::npos);
  root += "/none";
  EXPECT_NE(problem("t").find("templates_root cannot be opened"), std::string::npos);
}

TEST_F(Templates, TheListHasAnEnd) {
  for (int i = 0; i < 501; ++i) write("root/t" + std::to_string(i) + "/subject.txt", "x");
  const aoh::Json body = run(aoh::Json::object())["structuredContent"];
  EXPECT_EQ(body["templates"].size(), 500u);
  EXPECT_NE(body["notice"].str().find("the first 500"), std::string::npos);
}

TEST_F(Templates, ThoseThatAreShippedRenderTheirSample) {
  const std::string shipped = std::string(std::getenv("MAILROOM_SOURCE_DIR")) + "/manifests/templates";
  bool more = false;
  EXPECT_EQ(MailTemplate::names(shipped, 10, more), (std::vector<std::string>{"quote", "welcome"}));
  const MailTemplate quote = MailTemplate::load(shipped, "quote");
  const RenderedMail mail = quote.render(quote.sample);
  EXPECT_EQ(mail.subject, "Your quote Q-1042, valid until 31 December 2026");
  EXPECT_EQ(mail.text,
            "Dear Ada Lovelace,\n\nthank you for asking. This is our quote Q-1042:\n\n1. Difference engine, "
            "2 at 1,250.50 EUR\n"
            "2. Punched cards, 1 at 8.00 EUR\n\nIt is valid until 31 December 2026.\n\n-- \nSales\n");
  EXPECT_NE(mail.html->find("<tr><td>2</td><td>Punched cards</td><td>1</td><td>8.00 EUR</td></tr>"),
            std::string::npos);
  const MailTemplate welcome = MailTemplate::load(shipped, "welcome");
  EXPECT_EQ(welcome.render(aoh::Json{{"user", "a b"}}).subject, "Welcome");
  EXPECT_FALSE(welcome.render(welcome.sample).html);
}

}  // namespace
}  // namespace mailroom::tools
