// A home in a temporary folder, a time to turn by hand, and blueprints made of a few words.
#pragma once
#include <gmock/gmock.h>
#include <stdlib.h>

#include <atomic>
#include <filesystem>

#include "services/faults.hpp"
#include "services/store.hpp"
#include "sessions/ports.hpp"
#include "sessions/session_store.hpp"
#include "triggers/blueprint.hpp"

namespace aoh::host {

constexpr std::int64_t kSecond = 1'000'000'000;

class TriggerTest : public testing::Test {
 protected:
  TriggerTest() : dir_(make_dir()), db_(dir_ / "host.db"), sql_(db_) {
    create_tables(sql_);
    ports_.now_ns = [this] { return now_.load(); };
    ports_.log = [this](int, std::string_view line) {
      const std::lock_guard lock(log_mutex_);
      log_ += std::string(line) + "\n";
    };
  }
  ~TriggerTest() override {
    faults::configure("");
    std::filesystem::remove_all(dir_);
  }
  static std::filesystem::path make_dir() {
    std::string name = std::filesystem::temp_directory_path() / "host-triggers-XXXXXX";
    if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("mkdtemp");
    return name;
  }
  static std::shared_ptr<Blueprint> blueprint(const std::string& id, const std::string& mailbox = "INBOX") {
    auto b = std::make_shared<Blueprint>();
    b->id = id;
    b->source = "email";
    b->credential_id = "inbox";
    b->match = Json::object();
    b->agent_id = "a";
    b->inputs = Json{{"subject", "{{ email.subject }}"}};
    b->source_key = Json{{"credential_id", "inbox"}, {"mailbox", mailbox}};
    return b;
  }
  std::int64_t count(const std::string& from_where) const {
    Rows rows = sql_.query("SELECT COUNT(*) FROM " + from_where);
    return rows.next() ? rows.integer(0) : -1;
  }
  std::string log() {
    const std::lock_guard lock(log_mutex_);
    return log_;
  }
  template <class F>
  static bool eventually(F&& f) {
    for (int i = 0; i < 2000; ++i) {
      if (f()) return true;
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    return false;
  }

  const std::filesystem::path dir_;
  Db db_;
  const Sql sql_;
  Ports ports_;
  std::atomic<std::int64_t> now_{1'800'000'000 * kSecond};
  std::mutex log_mutex_;
  std::string log_;
};

}  // namespace aoh::host
