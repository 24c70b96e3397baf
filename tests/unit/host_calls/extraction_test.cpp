// Which module reads a file, and the life of work that is done for a call.
#include "calls/extraction.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

#include "fake_module.hpp"

using namespace aoh::host::test;
using namespace std::chrono_literals;
using aoh::Json;
using aoh::host::CallEngine;
using aoh::host::CallResult;
using aoh::host::choose_extractor;
using aoh::host::ExtractorSpec;
using aoh::host::VirtualClock;
using testing::HasSubstr;
using testing::IsEmpty;

namespace {

TEST(ChooseExtractor, TypeInFullThenFamilyThenExtension) {
  const ExtractorSpec family{{"text/*"}, {"log"}}, full{{"text/csv", "application/pdf"}, {"csv", "pdf"}};
  const std::vector<const ExtractorSpec*> both{&family, &full};
  struct Row {
    const char *type, *name;
    int which;
  };
  for (const Row& r : std::vector<Row>{{"text/csv", "", 1},
                                       {"Text/CSV; charset=x", "a.log", 1},
                                       {"text/plain", "a.pdf", 0},
                                       {"", "a.b.PDF", 1},
                                       {"application/octet-stream", "x.log", 0},
                                       {"application/octet-stream", "x", -1},
                                       {"image/png", "x.csv", 1},
                                       {"image/png", "x.png", -1},
                                       {"text/*", "", 0},
                                       {"", "", -1},
                                       {"pdf", "pdf", -1},
                                       {"/", ".", -1}})
    EXPECT_EQ(choose_extractor(both, r.type, r.name), r.which) << r.type << " " << r.name;
  EXPECT_EQ(choose_extractor({}, "text/csv", "a.csv"), -1);
}

class WorkTest : public testing::Test {
 protected:
  WorkTest() : engine(std::make_unique<CallEngine>(fake.ports(), clock)) {}
  CallEngine::Work work(std::string parent, std::function<aoh_status(aoh_call*)> fn) {
    CallEngine::Work w;
    w.module = &fake.module();
    w.what = "work";
    w.parent = std::move(parent);
    w.run = [fn = std::move(fn)](aoh_instance*, aoh_call* call) { return fn(call); };
    w.opened = [this](const std::string& call) { life += "+" + call.substr(0, 4); };
    w.closed = [this](const std::string& call) { life += "-" + call.substr(0, 4); };
    return w;
  }
  /// Runs `inner` within a tool call, told the call's id, and gives that call's answer.
  CallResult within(std::function<Json(const std::string& call)> inner) {
    fake.body = [inner = std::move(inner)](aoh_call* call, const Json&) {
      const Json context = Json::parse({call->context_json.ptr, call->context_json.len});
      succeed(call, inner(context["call_id"].str()));
      return AOH_OK;
    };
    Answer answer;
    engine->start(ask("echo"), answer.done());
    return answer.get();
  }

  VirtualClock clock;
  FakeModule fake;
  std::unique_ptr<CallEngine> engine;
  std::string life;
};

TEST_F(WorkTest, FinishesInThisThreadOrInAnother) {
  const CallResult r = within([&](const std::string& parent) {
    std::thread later;
    const CallResult here = engine->work(work(parent, [](aoh_call* c) {
      succeed(c, Json{{"n", 1}});
      return AOH_OK;
    }));
    const CallResult there = engine->work(work(parent, [&](aoh_call* c) {
      later = std::thread([c] { succeed(c, Json{{"n", 2}}); });
      return AOH_OK;
    }));
    later.join();
    return Json{{"here", here.result["structuredContent"]["n"]},
                {"there", there.result["structuredContent"]["n"]}};
  });
  EXPECT_EQ(r.result["structuredContent"]["here"].integer(), 1);
  EXPECT_EQ(r.result["structuredContent"]["there"].integer(), 2);
  EXPECT_EQ(life, "+call-call+call-call");
  EXPECT_THAT(fake.breaches(), IsEmpty());
}

TEST_F(WorkTest, EndsWithTheCallThatItIsFor) {
  Gate gate;
  std::string id;  // told before the gate is reached
  std::thread canceller([&] {
    gate.arrived(1);
    engine->cancel(id);
    gate.open();
  });
  const CallResult r = within([&](const std::string& parent) {
    id = parent;
    const CallResult inner = engine->work(work(parent, [&](aoh_call* c) {
      gate.wait();
      for (int i = 0; i < 1000 && !c->cancelled(c); ++i) std::this_thread::sleep_for(5ms);
      finish(c, c->cancelled(c) ? AOH_E_CANCELLED : AOH_OK);
      return AOH_OK;
    }));
    const CallResult next = engine->work(work(parent, [](aoh_call*) -> aoh_status {
      ADD_FAILURE() << "begun for a call that was cancelled";
      return AOH_E_INTERNAL;
    }));
    return Json{{"inner", inner.status}, {"next", next.status}};
  });
  canceller.join();
  EXPECT_EQ(r.result["structuredContent"]["inner"].integer(), AOH_E_CANCELLED);
  EXPECT_EQ(r.result["structuredContent"]["next"].integer(), AOH_E_CANCELLED);
}

TEST_F(WorkTest, ItsOwnLimitEndsTheWaitThoughTheModuleGoesOn) {
  aoh_call* kept = nullptr;
  std::thread turn;
  CallEngine::Work w = work("", [&](aoh_call* c) {
    kept = c;
    turn = std::thread([this] { clock.advance(2'000'000'000); });
    return AOH_OK;
  });
  w.limit_ns = 1'000'000'000;
  const CallResult r = engine->work(std::move(w));
  turn.join();
  EXPECT_EQ(r.status, AOH_E_DEADLINE);
  EXPECT_EQ(engine->open_calls(), 1u);
  EXPECT_EQ(kept->cancelled(kept), 1);
  finish(kept, AOH_E_CANCELLED);
  EXPECT_EQ(engine->open_calls(), 0u);
  EXPECT_THAT(fake.breaches(), IsEmpty());
}

TEST_F(WorkTest, ARefusalAndAnUnknownParentAreAnswers) {
  EXPECT_EQ(engine->work(work("", [](aoh_call*) -> aoh_status { return AOH_E_INVALID; })).status,
            AOH_E_INVALID);
  EXPECT_EQ(engine->work(work("call-nobody", [](aoh_call*) -> aoh_status { return AOH_OK; })).status,
            AOH_E_CANCELLED);
}

}  // namespace
