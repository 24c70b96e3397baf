#include <algorithm>
#include <cmath>

#include "calls/check.hpp"
#include "cli/calls.hpp"
#include "cli/verbs.hpp"

namespace aoh::host {

std::string text_of(const Json& result) {
  std::string text;
  for (const Json& part : result["content"].items())
    if (part["type"].str() == "text")
      text += part["text"].str() + (part["text"].str().ends_with('\n') ? "" : "\n");
  return text;
}

namespace {

int show(const CallResult& r, const std::string& who, const Command& c, const Io& io) {
  if (r.status != AOH_OK) throw CliError(r.message);
  if (c.json) {
    io.json(r.result);
    return r.is_error() ? 1 : 0;
  }
  if (r.is_error()) {
    std::string text = one_line(text_of(r.result));
    while (text.ends_with(' ')) text.pop_back();
    throw CliError(text.empty() ? who + " failed without a reason" : who + ": " + text);
  }
  io.out(text_of(r.result));
  return 0;
}

}  // namespace

CallRequest request_of(App& app, const Command& c, const Inputs& inputs, const Io& io) {
  CallRequest r;
  r.from_operator = true;
  if (c.timeout_s > 0) {
    const double ns = std::min(c.timeout_s, 1e6) * 1e9;
    r.deadline_ns = app.clock().monotonic_ns() + static_cast<std::int64_t>(ns);
  }
  if (inputs.terminal)
    r.progress = [err = io.err](double done, double total, std::string_view message) {
      std::string line = "  ";
      if (total > 0) line += std::to_string(std::lround(100 * std::min(1.0, done / total))) + "% ";
      err(line + std::string(message) + "\n");
    };
  return r;
}

CallResult wait_for_call(App& app, const Io& io, const std::function<std::string(CallEngine::Done)>& start) {
  struct Waiting {
    std::mutex m;
    std::condition_variable ended;
    std::optional<CallResult> result;
  };
  const auto s = std::make_shared<Waiting>();
  const std::string id = start([s](CallResult r) {
    const std::lock_guard lock(s->m);
    s->result = std::move(r);
    s->ended.notify_all();
  });
  io.on_cancel([&engine = app.engine(), id] { engine.cancel(id); });
  {
    std::unique_lock lock(s->m);
    s->ended.wait(lock, [&] { return s->result.has_value(); });
  }
  io.on_cancel({});
  return std::move(*s->result);
}

int call_verb(App& app, const Command& c, const Inputs& inputs, const Io& io) {
  Json arguments;
  try {
    arguments = Json::parse(inputs.document.value_or("{}"));
  } catch (const JsonError& e) {
    throw CliError(c.target + ": the arguments are not JSON: " + e.what());
  }
  app.need_tool(c.target);
  CallRequest r = request_of(app, c, inputs, io);
  r.tool = c.target;
  r.arguments = std::move(arguments);
  return show(
      wait_for_call(app, io,
                    [&](CallEngine::Done done) { return app.engine().start(std::move(r), std::move(done)); }),
      c.target, c, io);
}

int authorize_verb(App& app, const Command& c, const Inputs& inputs, const Io& io) {
  if (const auto record = app.credentials().get(c.target)) app.need_credential_type((*record)["type"].str());
  CallRequest r = request_of(app, c, inputs, io);
  // What the person is to do comes as progress, so it is shown wherever it goes.
  r.progress = [err = io.err](double, double, std::string_view message) { err(std::string(message) + "\n"); };
  const CallResult result = wait_for_call(app, io, [&](CallEngine::Done done) {
    return app.engine().start_credential_authorize(c.target, std::move(r), std::move(done));
  });
  return show(result, "signing in to credential " + c.target, c, io);
}

int integration_test_verb(App& app, const Command& c, const Inputs& inputs, const Io& io) {
  if (const auto record = app.credentials().get(c.credential)) {
    const std::string& type = (*record)["type"].str();
    if (!c.type.empty() && c.type != type)
      throw CliError("the credential \"" + c.credential + "\" is of type \"" + type + "\", not \"" + c.type +
                     "\"");
    app.need_credential_type(type);
  }
  CallRequest r = request_of(app, c, inputs, io);
  r.send_to_self = c.send_to_self;
  const CallResult result = wait_for_call(app, io, [&](CallEngine::Done done) {
    return app.engine().start_credential_test(c.credential, std::move(r), std::move(done));
  });
  const std::string who = "the test of credential " + c.credential;
  if (c.json || result.status != AOH_OK || !result.is_error()) return show(result, who, c, io);
  // A report of several lines is what was asked for, also when a step failed.
  const std::string report = text_of(result.result);
  if (std::count(report.begin(), report.end(), '\n') < 2) return show(result, who, c, io);
  io.out(report);
  throw CliError(who + " failed; the lines above say at which step, why, and what to do");
}

}  // namespace aoh::host
