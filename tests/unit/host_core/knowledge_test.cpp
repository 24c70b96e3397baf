// The knowledge base by itself: what is put is found, replaced, removed, and ends.
#include "services/knowledge.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

#include "services/faults.hpp"
#include "temp_dir.hpp"

namespace aoh::host {
namespace {

using testing::HasSubstr;

class KnowledgeTest : public testing::Test {
 protected:
  void SetUp() override { open(); }
  void TearDown() override { faults::configure(""); }
  void open(Knowledge::Limits limits = {}) {
    kb.reset();
    db.reset();
    db = std::make_unique<Db>(dir / "knowledge.db");
    kb = std::make_unique<Knowledge>(*db, clock, limits);
  }
  Knowledge::Put put(const std::string& id, std::string_view text, Json info = Json{{"title", "T"}},
                     const std::string& module = "m") {
    const auto n = kb->begin(module, id, info);
    kb->append(module, n, text);
    return kb->commit(module, n);
  }
  std::vector<std::string> found(std::string_view what) {
    std::vector<std::string> ids;
    for (const auto& f : kb->search(what, 100)) ids.push_back(f.document.id);
    return ids;
  }
  aoh_status refused(const std::function<void()>& fn) {
    try {
      fn();
      return AOH_OK;
    } catch (const KnowledgeError& e) {
      words = e.what();
      return e.status;
    }
  }
  std::int64_t rows(const char* table) {
    Statement s(*db, std::string("SELECT count(*) FROM ") + table);
    return s.step() ? s.integer(0) : -1;
  }

  TempDir dir;
  VirtualClock clock{1'700'000'000'000'000'000};
  std::unique_ptr<Db> db;
  std::unique_ptr<Knowledge> kb;
  std::string words;
};

TEST_F(KnowledgeTest, WhatWasPutIsFoundWithPlaceTitleAndProvenance) {
  put("a", "\fpage 1\nnothing here\n\fpage 2\nThe widget costs 17 euros.\n",
      Json{{"title", "Offer"},
           {"mime_type", "application/pdf"},
           {"filename", "offer.pdf"},
           {"provenance", Json{{"message_id", "<1@x>"}, {"sender", "a@b.example"}, {"uid", 7}}}});
  put("b", "Another text", Json{{"title", "Widget list"}});
  const auto f = kb->search("widget", 10);
  ASSERT_EQ(f.size(), 2u);
  EXPECT_EQ(f[0].document.id, "b") << "a word of the title counts more";
  EXPECT_EQ(f[1].place, "page 2");
  EXPECT_EQ(f[1].snippet, "The \x01widget\x02 costs 17 euros.");
  EXPECT_EQ(f[1].document.title, "Offer");
  EXPECT_EQ(f[1].document.provenance["uid"].integer(), 7);
  EXPECT_EQ(f[1].document.expires_s, 1'700'000'000 + 365 * 86'400);
  EXPECT_EQ(found("WIDGET euros"), std::vector<std::string>{"a"}) << "all of the words";
  EXPECT_TRUE(found("widget absent").empty());
  EXPECT_EQ(kb->search("widget", 1).size(), 1u);
}

TEST_F(KnowledgeTest, NothingInTheWordsIsSyntax) {
  put("a", "say \"NEAR\" and OR not title: x* (y) ^z 50% done c++");
  for (const char* hostile : {"\"",
                              "\"\"\"",
                              "NEAR(",
                              "NEAR/3",
                              "a OR",
                              "NOT",
                              "AND AND",
                              "title:",
                              "title : x",
                              "*",
                              "x*",
                              "^z",
                              "(",
                              ")",
                              "()",
                              "-x",
                              "{title text}: x",
                              "+",
                              "'; DROP TABLE passages; --",
                              "\\",
                              "50%",
                              "c++",
                              "\xff\xfe",
                              ".",
                              ",",
                              "a\"b",
                              "#",
                              "col:\"x\""})
    EXPECT_NO_THROW(kb->search(hostile, 5)) << hostile;
  EXPECT_EQ(found("NEAR").size(), 1u);
  EXPECT_EQ(found("OR \"NEAR\"").size(), 1u);
  EXPECT_EQ(found("*** done").size(), 1u) << "what has no letters does not count";
  EXPECT_TRUE(found("don*").empty());
  EXPECT_TRUE(found("  ").empty());
  EXPECT_TRUE(found("***").empty());
  EXPECT_EQ(refused([&] { kb->search(std::string(300, 'x'), 5); }), AOH_E_INVALID);
  std::string many;
  for (int i = 0; i < 33; ++i) many += "w ";
  EXPECT_EQ(refused([&] { kb->search(many, 5); }), AOH_E_INVALID);
}

TEST_F(KnowledgeTest, PuttingAnIdAgainReplacesItAtCommitAndNotBefore) {
  EXPECT_FALSE(put("a", "first").replaced);
  put("a", "other module", Json{{"title", "T"}}, "n");
  const auto n = kb->begin("m", "a", Json{{"title", "T"}});
  kb->append("m", n, "second");
  EXPECT_EQ(found("first").size(), 1u);
  EXPECT_TRUE(found("second").empty());
  EXPECT_TRUE(kb->commit("m", n).replaced);
  EXPECT_TRUE(found("first").empty());
  EXPECT_EQ(found("second").size(), 1u);
  EXPECT_EQ(found("module").size(), 1u) << "the same id of another module is another document";
  EXPECT_EQ(rows("documents"), 2);
  EXPECT_EQ(rows("texts"), 2);
}

TEST_F(KnowledgeTest, WhatWasNotCommittedIsGoneAfterAStart) {
  put("kept", "kept words");
  const auto n = kb->begin("m", "lost", Json{{"title", "T"}});
  kb->append("m", n, std::string(600'000, 'x') + " lost words");
  EXPECT_EQ(rows("documents"), 2);
  open();
  EXPECT_EQ(found("words"), std::vector<std::string>{"kept"});
  EXPECT_EQ(rows("documents"), 1);
  EXPECT_EQ(rows("places"), 1);
}

TEST_F(KnowledgeTest, AbandonedAndForeignNumbersAreRefused) {
  const auto n = kb->begin("m", "a", Json::object());
  EXPECT_EQ(refused([&] { kb->append("n", n, "x"); }), AOH_E_NOT_FOUND);
  EXPECT_FALSE(kb->abandon("n", n));
  EXPECT_TRUE(kb->abandon("m", n));
  EXPECT_EQ(refused([&] { kb->append("m", n, "x"); }), AOH_E_NOT_FOUND);
  EXPECT_EQ(refused([&] { kb->commit("m", n); }), AOH_E_NOT_FOUND);
  kb->begin("m", "b", Json::object());
  kb->begin("m", "c", Json::object());
  kb->abandon_all("m");
  EXPECT_EQ(rows("documents"), 0);
}

TEST_F(KnowledgeTest, RemovedByIdByNumberAndByProvenance) {
  const auto from = [](const char* sender, const char* message) {
    return Json{{"title", "T"},
                {"provenance", Json{{"sender", sender}, {"message_id", message}, {"uid", 5}}}};
  };
  put("1", "apple", from("A@b.example", "<1>"));
  put("2", "apple", from("a@B.example", "<2>"));
  put("3", "apple", from("c@b.example", "<3>"));
  put("4", "apple", from("a@b.example", "<3>"), "n");
  EXPECT_EQ(kb->remove_by("m", "sender", "a@b.EXAMPLE"), 2u) << "of this module's only";
  EXPECT_EQ(found("apple"), (std::vector<std::string>{"3", "4"}));
  EXPECT_EQ(kb->remove_by("", "message_id", "<3>"), 2u);
  EXPECT_EQ(kb->remove_by("m", "uid", "5"), 0u);
  put("5", "apple", from("x", "y"));
  EXPECT_EQ(kb->remove_by("m", "uid", "5"), 1u);
  put("6", "apple");
  EXPECT_FALSE(kb->remove("n", "6"));
  EXPECT_TRUE(kb->remove("m", "6"));
  put("7", "apple");
  const auto number = kb->list(1).at(0).number;
  EXPECT_TRUE(kb->remove(number));
  EXPECT_FALSE(kb->remove(number));
  for (const char* table : {"documents", "facts", "places", "texts"}) EXPECT_EQ(rows(table), 0) << table;
}

TEST_F(KnowledgeTest, WhatWasRemovedStandsInNoFile) {
  for (int i = 0; i < 20; ++i) put("kept" + std::to_string(i), "ordinary words " + std::to_string(i));
  put("secret", "the pelikan flies",
      Json{{"title", "Kormoran"}, {"provenance", Json{{"message_id", "<albatros@x>"}}}});
  EXPECT_EQ(kb->remove_by("", "message_id", "albatros@x"), 1u) << "with and without brackets";
  kb->compact();
  for (const char* file : {"knowledge.db", "knowledge.db-wal"})
    for (const char* word : {"pelikan", "ormoran", "albatros"})
      EXPECT_EQ(slurp(dir / file).find(word), std::string::npos) << file << " " << word;
  EXPECT_EQ(found("ordinary").size(), 20u);
}

TEST_F(KnowledgeTest, DocumentsEnd) {
  put("short", "apple", Json{{"title", "T"}, {"expires_unix_s", 1'700'000'100}});
  put("long", "apple", Json{{"title", "T"}, {"expires_unix_s", 9'000'000'000}});
  EXPECT_EQ(refused([&] { kb->begin("m", "x", Json{{"expires_unix_s", 1'699'999'999}}); }), AOH_E_INVALID);
  clock.advance(101'000'000'000);
  EXPECT_EQ(found("apple"), std::vector<std::string>{"long"});
  EXPECT_FALSE(kb->find("m", "short"));
  kb->tidy();
  EXPECT_EQ(rows("documents"), 1);
  clock.advance(365LL * 86'400'000'000'000);
  EXPECT_TRUE(found("apple").empty());
}

TEST_F(KnowledgeTest, LimitsSayBusyAndLoseNothing) {
  Knowledge::Limits limits;
  limits.total_bytes = 1000;
  limits.document_bytes = 800;
  limits.documents = 3;
  limits.begun = 2;
  open(limits);
  put("a", std::string(500, 'a'));
  const auto n = kb->begin("m", "b", Json::object());
  EXPECT_EQ(refused([&] { kb->append("m", n, std::string(801, 'b')); }), AOH_E_BUSY);
  EXPECT_THAT(words, HasSubstr("at most"));
  EXPECT_EQ(refused([&] { kb->append("m", n, "more"); }), AOH_E_STATE);
  EXPECT_EQ(refused([&] { kb->commit("m", n); }), AOH_E_STATE);
  EXPECT_EQ(refused([&] { put("b", std::string(501, 'b')); }), AOH_E_BUSY);
  EXPECT_THAT(words, HasSubstr("kb remove"));
  kb->abandon_all("m");
  put("b", std::string(400, 'b'));
  put("c", "c");
  EXPECT_EQ(refused([&] { put("d", "d"); }), AOH_E_BUSY);
  EXPECT_EQ(kb->list(10).size(), 3u);
  kb->remove("m", "a");
  put("d", std::string(500, 'd'));
  kb->remove("m", "d");
  kb->remove("m", "c");
  kb->begin("m", "x", Json::object());
  kb->begin("m", "y", Json::object());
  EXPECT_EQ(refused([&] { kb->begin("m", "z", Json::object()); }), AOH_E_BUSY) << "two at once";
}

TEST_F(KnowledgeTest, AFailedCommitLeavesTheOldOneAndNoTrace) {
  put("a", "first");
  faults::configure("knowledge.commit=fail");
  const auto n = kb->begin("m", "a", Json::object());
  kb->append("m", n, "second");
  EXPECT_ANY_THROW(kb->commit("m", n));
  EXPECT_EQ(found("first").size(), 1u);
  EXPECT_EQ(rows("documents"), 1);
  EXPECT_FALSE(put("b", "second").replaced) << "and goes on";
}

TEST_F(KnowledgeTest, AFullDiskSaysSo) {
  put("a", "first");
  db->exec("PRAGMA max_page_count=60");
  EXPECT_EQ(refused([&] {
              const auto n = kb->begin("m", "b", Json::object());
              for (int i = 0; i < 40; ++i) {
                std::string text;
                for (int k = 0; k < 20'000; ++k) text += "w" + std::to_string(i * 20'000 + k) + " ";
                kb->append("m", n, text);
              }
            }),
            AOH_E_BUSY);
  EXPECT_THAT(words, HasSubstr("the disk is full"));
  kb->abandon_all("m");
  EXPECT_EQ(found("first").size(), 1u);
  db->exec("PRAGMA max_page_count=1000000");
  open();
  EXPECT_EQ(rows("documents"), 1);
  put("b", "second");
  EXPECT_EQ(found("second").size(), 1u);
}

TEST_F(KnowledgeTest, WrongInfoIsNamed) {
  const auto begin = [&](const std::string& id, Json info) {
    return refused([&] { kb->begin("m", id, info); });
  };
  EXPECT_EQ(begin("", Json::object()), AOH_E_INVALID);
  EXPECT_EQ(begin(std::string(257, 'x'), Json::object()), AOH_E_INVALID);
  EXPECT_EQ(begin("\xff", Json::object()), AOH_E_INVALID);
  EXPECT_EQ(begin("a", Json::array()), AOH_E_INVALID);
  EXPECT_EQ(begin("a", Json{{"title", 7}}), AOH_E_INVALID);
  EXPECT_THAT(words, HasSubstr("title"));
  EXPECT_EQ(begin("a", Json{{"provenance", "x"}}), AOH_E_INVALID);
  Json many = Json::object();
  for (int i = 0; i < 33; ++i) many.set("k" + std::to_string(i), "v");
  EXPECT_EQ(begin("a", Json{{"provenance", many}}), AOH_E_INVALID);
  EXPECT_EQ(rows("documents"), 0);
  EXPECT_EQ(rows("facts"), 0);
}

TEST_F(KnowledgeTest, SeveralWriteWhileOthersSearch) {
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([this, t] {
      for (int i = 0; i < 10; ++i) {
        put("doc" + std::to_string(t) + "-" + std::to_string(i % 3), "shared word" + std::to_string(t));
        kb->search("shared", 5);
        if (i % 4 == 3) kb->remove("m", "doc" + std::to_string(t) + "-0");
      }
    });
  for (auto& t : threads) t.join();
  EXPECT_EQ(static_cast<std::int64_t>(found("shared").size()), rows("documents"));
  EXPECT_EQ(rows("places"), rows("texts"));
}

TEST_F(KnowledgeTest, ReadsInOrder) {
  std::string text;
  for (int i = 0; i < 120; ++i) text += "\fpage " + std::to_string(i) + "\nline " + std::to_string(i) + "\n";
  EXPECT_EQ(put("a", text).passages, 120);
  int seen = 0;
  kb->read(kb->list(1).at(0).number, [&](const Passage& p) {
    EXPECT_EQ(p.place, "page " + std::to_string(seen));
    return ++seen < 100;
  });
  EXPECT_EQ(seen, 100);
}

}  // namespace
}  // namespace aoh::host
