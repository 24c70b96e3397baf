// The thunk layer: what a host sees of a module written with the SDK, exceptions above all.
#include "aoh/sdk.hpp"

#include <gtest/gtest.h>

namespace {
using aoh::Json;

struct Sample : aoh::Plugin {
  Sample(const aoh_host* h, const Json& config) : Plugin(h, config) {
    if (config.has("refuse")) throw aoh::StatusError(AOH_E_INVALID, "config: 'refuse' is not known");
  }
  aoh::Result add(const Json& a, aoh::Call& c) {
    c.progress(1, 1, "added");
    return aoh::Result::ok(Json{{"sum", a["x"].integer() + a["y"].integer()}});
  }
  aoh::Result throws(const Json&, aoh::Call&) { throw std::runtime_error("oops"); }
  aoh::Result throws_odd(const Json&, aoh::Call&) { throw 7; }
  aoh::Result denied(const Json&, aoh::Call&) { throw aoh::StatusError(AOH_E_DENIED, "no"); }
};
struct Def {
  using P = Sample;
  static std::string_view manifest() { return "{}"; }
  static const auto& tools() {
    static constexpr aoh::Tool<Sample> t[] = {
        aoh::tool("add", &Sample::add), aoh::tool("throws", &Sample::throws),
        aoh::tool("throws_odd", &Sample::throws_odd), aoh::tool("denied", &Sample::denied)};
    return t;
  }
};
constexpr aoh_module kModule = aoh::detail::Thunks<Def>::table();

const void* no_service(const aoh_host*, aoh_str) { return nullptr; }
const aoh_host kHost{sizeof(aoh_host), 1, 0, 0, no_service};

struct FakeCall : aoh_call {
  FakeCall() : aoh_call{} {
    struct_size = sizeof(aoh_call);
    deadline_ns = INT64_MAX;
    cancelled = [](const aoh_call*) { return 0; };
    on_cancel = [](aoh_call*, void (*)(void*), void*) {};
    progress = [](aoh_call* c, double, double, aoh_str m) { static_cast<FakeCall*>(c)->said = aoh::sv(m); };
    finish = [](aoh_call* c, aoh_status s, aoh_str r) {
      auto* self = static_cast<FakeCall*>(c);
      ++self->finished;
      self->status = s;
      self->result = aoh::sv(r);
    };
  }
  std::string said, result;
  int finished = 0;
  aoh_status status = 1;
};

struct SdkTest : testing::Test {
  void SetUp() override { ASSERT_EQ(kModule.create(&kHost, aoh::st("{}"), &self, nullptr), AOH_OK); }
  void TearDown() override { kModule.destroy(self); }
  aoh_instance* self = nullptr;
};

TEST_F(SdkTest, AToolAnswersOnce) {
  FakeCall c;
  EXPECT_EQ(kModule.invoke(self, aoh::st("add"), aoh::st(R"({"x":2,"y":3})"), &c), AOH_OK);
  EXPECT_EQ(c.finished, 1);
  EXPECT_EQ(c.said, "added");
  EXPECT_EQ(Json::parse(c.result).path("structuredContent.sum").integer(), 5);
}

TEST_F(SdkTest, ExceptionsBecomeStatuses) {
  const struct {
    const char* tool;
    aoh_status status;
  } rows[] = {{"throws", AOH_E_INTERNAL}, {"throws_odd", AOH_E_INTERNAL}, {"denied", AOH_E_DENIED}};
  for (const auto& r : rows) {
    FakeCall c;
    EXPECT_EQ(kModule.invoke(self, aoh::st(r.tool), aoh::st("{}"), &c), AOH_OK);
    EXPECT_EQ(c.finished, 1) << r.tool;
    EXPECT_EQ(c.status, r.status) << r.tool;
  }
}

TEST_F(SdkTest, BadArgumentsLeaveTheCallUntouched) {
  for (const char* args : {"[]", "{", "{\"a\":1,\"a\":1}", "\"\xff\""}) {
    FakeCall c;
    EXPECT_EQ(kModule.invoke(self, aoh::st("add"), aoh::st(args), &c), AOH_E_INVALID) << args;
    EXPECT_EQ(c.finished, 0);
  }
  FakeCall c;
  EXPECT_EQ(kModule.invoke(self, aoh::st("nope"), aoh::st("{}"), &c), AOH_E_NOT_FOUND);
  EXPECT_EQ(c.finished, 0);
}

TEST_F(SdkTest, ARefusedConfigurationSaysWhy) {
  struct Words : aoh_error {
    std::string text;
  } words;
  words.struct_size = sizeof(aoh_error);
  words.set = [](aoh_error* e, aoh_status, aoh_str m, aoh_str) { static_cast<Words*>(e)->text = aoh::sv(m); };
  aoh_instance* other = nullptr;
  EXPECT_EQ(kModule.create(&kHost, aoh::st(R"({"refuse":1})"), &other, &words), AOH_E_INVALID);
  EXPECT_EQ(other, nullptr);
  EXPECT_EQ(words.text, "config: 'refuse' is not known");
}

/// A host that remembers what on_ready asked for, and calls it as often as a test likes.
struct FakeTrigger : aoh_trigger {
  FakeTrigger() : aoh_trigger{} {
    struct_size = sizeof(aoh_trigger);
    on_ready = [](aoh_trigger* t, void (*fn)(void*), void* arg) {
      static_cast<FakeTrigger*>(t)->asked.emplace_back(fn, arg);
    };
    stopped = [](aoh_trigger* t, aoh_status, aoh_str) { ++static_cast<FakeTrigger*>(t)->stops; };
  }
  void ready(std::size_t n) { asked.at(n).first(asked.at(n).second); }
  std::vector<std::pair<void (*)(void*), void*>> asked;
  int stops = 0;
};

struct OnReady : testing::Test {
  std::function<void()> counting() {
    return [this, owned = held] { ++runs; };
  }
  FakeTrigger host;
  std::shared_ptr<int> held = std::make_shared<int>(7);  // use_count tells how many functions are alive
  int runs = 0;
};

TEST_F(OnReady, RunsOnceHoweverOftenTheHostCalls) {
  aoh::Trigger t(&host);
  t.on_ready(counting());
  EXPECT_EQ(held.use_count(), 2);
  host.ready(0);
  host.ready(0);
  EXPECT_EQ(runs, 1);
  EXPECT_EQ(held.use_count(), 1);
}

TEST_F(OnReady, AFunctionThatTheHostDropsGoesWithTheTrigger) {
  {
    aoh::Trigger t(&host);
    t.on_ready(counting());
  }
  EXPECT_EQ(held.use_count(), 1);
  host.ready(0);  // a host that comes too late finds nothing
  EXPECT_EQ(runs, 0);
}

TEST_F(OnReady, StoppedLetsGoOfAFunctionThatOwnsTheTrigger) {
  auto t = std::make_shared<aoh::Trigger>(&host);
  const std::weak_ptr<aoh::Trigger> watch = t;
  t->on_ready([t, owned = held] {});
  aoh::Trigger& last = *t;
  t.reset();
  EXPECT_FALSE(watch.expired());
  last.stopped(AOH_OK, "");
  EXPECT_TRUE(watch.expired());
  EXPECT_EQ(host.stops, 1);
  EXPECT_EQ(held.use_count(), 1);
}

TEST_F(OnReady, ALaterOneReplacesTheEarlier) {
  aoh::Trigger t(&host);
  t.on_ready(counting());
  t.on_ready([this, owned = held] { runs += 10; });
  EXPECT_EQ(held.use_count(), 2);
  host.ready(0);
  EXPECT_EQ(runs, 0);
  host.ready(1);
  EXPECT_EQ(runs, 10);
}

TEST_F(OnReady, OneThatThrowsStaysInside) {
  aoh::Trigger t(&host);
  t.on_ready([owned = held] { throw std::runtime_error("no"); });
  host.ready(0);
  EXPECT_EQ(held.use_count(), 1);
}

TEST_F(OnReady, ACallThatRacesWithTheEndTouchesNothingThatIsGone) {
  for (int i = 0; i < 200; ++i) {
    std::atomic<int> ran{0};
    auto t = std::make_unique<aoh::Trigger>(&host);
    t->on_ready([&ran, owned = held] { ++ran; });
    std::thread caller([this] { host.ready(host.asked.size() - 1); });
    t->stopped(AOH_OK, "");
    t.reset();
    caller.join();
    EXPECT_LE(ran, 1);
  }
  EXPECT_EQ(held.use_count(), 1);
}
}  // namespace
