// A home in a temporary folder, agents in it, and a tool that is a function.
#pragma once
#include <gmock/gmock.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>

#include "services/faults.hpp"
#include "services/store.hpp"
#include "sessions/runner.hpp"

namespace aoh::host {

constexpr std::int64_t kSecond = 1'000'000'000;

class SessionTest : public testing::Test {
 protected:
  SessionTest() : dir_(make_dir()), db_(dir_ / "host.db"), sql_(db_), agents_({dir_ / "agents"}) {
    std::filesystem::create_directories(dir_ / "agents");
    create_tables(sql_);
    ports_.now_ns = [this] { return now_.load(); };
    ports_.call = [this](const ToolCall& call) {
      {
        const std::lock_guard lock(mutex_);
        calls_.push_back(call);
      }
      return tool_(call);
    };
  }
  ~SessionTest() override {
    faults::configure("");
    std::filesystem::remove_all(dir_);
  }

  static std::filesystem::path make_dir() {
    std::string name = std::filesystem::temp_directory_path() / "host-sessions-XXXXXX";
    if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("mkdtemp");
    return name;
  }
  static ToolOutcome ok(Json structured) {
    return {AOH_OK, Json{{"structuredContent", std::move(structured)}}, ""};
  }
  static ToolOutcome error(Json structured) {
    return {AOH_OK,
            Json{{"isError", true},
                 {"content", Json::array({Json{{"type", "text"}, {"text", "it failed"}}})},
                 {"structuredContent", std::move(structured)}},
            ""};
  }
  void agent(const std::string& id, const std::string& text) {
    std::ofstream(dir_ / "agents" / (id + ".yaml")) << "agent_id: " << id << "\ntype: script\n" << text;
  }
  /// Adds an input as a hand-over would; returns the session.
  std::string input(const std::string& key = "message:1", const std::string& agent_id = "a",
                    Json on_finish = Json::array()) {
    NewInput in;
    in.blueprint = "bp";
    in.agent_id = agent_id;
    in.key = key;
    in.event_id = ++events_;
    in.payload = Json{
        {"email",
         Json{{"uid", events_}, {"subject", "Quote <1>"}, {"message_id", "m" + std::to_string(events_)}}}};
    in.inputs = Json{{"subject", "Quote <1>"}};
    in.on_finish = std::move(on_finish);
    in.credential_id = "inbox";
    return sql_.write("test", [&] { return add_input(sql_, now_, in); });
  }
  static Json reply(std::int64_t uid) {
    return Json::array({Json{{"action", "reply_email"},
                             {"tool", "email_reply"},
                             {"fields", Json{{"credential_id", "inbox"},
                                             {"subject", "Re: {{ trigger.email.subject }}"},
                                             {"body_html", "<b>{{ agent.output_html }}</b>"}}},
                             {"arguments", Json{{"credential_id", "credential_id"},
                                                {"html", "body_html"},
                                                {"subject", "subject"},
                                                {"text", "body_text"}}},
                             {"trigger", Json{{"uid", uid}}}}});
  }
  std::string state(const std::string& id) { return session_json(sql_, id)["state"].str(); }
  std::string error_of(const std::string& id) {
    Rows rows = sql_.query("SELECT error FROM sessions WHERE id=?", id);
    return rows.next() ? rows.text(0) : "";
  }
  void run_all(Runner& runner) {
    while (runner.run_one()) {
    }
  }

  const std::filesystem::path dir_;
  Db db_;
  const Sql sql_;
  AgentDirectory agents_;
  Ports ports_;
  std::atomic<std::int64_t> now_{1'800'000'000 * kSecond};
  std::mutex mutex_;
  std::vector<ToolCall> calls_;
  std::function<ToolOutcome(const ToolCall&)> tool_ = [](const ToolCall&) {
    return ok(Json{{"done", true}});
  };
  std::int64_t events_ = 0;
};

}  // namespace aoh::host
