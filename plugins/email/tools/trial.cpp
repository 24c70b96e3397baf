#include "tools/trial.hpp"

#include <algorithm>

#include "base/error_json.hpp"

namespace mailroom::tools {
namespace {

const char* word(Step::State s) {
  return s == Step::State::ok ? "ok" : s == Step::State::failed ? "failed" : "skipped";
}

std::string padded(std::string text, std::size_t width) {
  if (text.size() < width) text.append(width - text.size(), ' ');
  return text;
}

}  // namespace

Step& Trial::step(std::string_view name) {
  for (Step& s : steps)
    if (s.name == name) return s;
  throw Failure(Errc::internal, "no such step: " + std::string(name));
}

bool Trial::has_failed() const {
  return std::any_of(steps.begin(), steps.end(),
                     [](const Step& s) { return s.state == Step::State::failed; });
}

void Trial::passed(std::string_view name, std::int64_t ns, std::string detail) {
  Step& s = step(name);
  s.state = Step::State::ok;
  s.ms = std::max<std::int64_t>(0, ns) / 1'000'000;
  s.detail = std::move(detail);
}

void Trial::failed(std::string_view name, std::int64_t ns, Error error) {
  passed(name, ns);
  step(name).state = Step::State::failed;
  step(name).error = std::move(error);
}

std::string text_of(const Trial& t) {
  std::string out;
  for (const Step& s : t.steps) {
    out += padded(t.server, 6) + padded(s.name, 16);
    if (s.state == Step::State::skipped)
      out += "skipped";
    else
      out += padded(s.state == Step::State::ok ? "ok" : "FAILED", 8) +
             padded(std::to_string(s.ms) + " ms", 10) + (s.error ? s.error.line() : s.detail);
    while (out.ends_with(' ')) out.pop_back();
    out += '\n';
  }
  return out;
}

aoh::Json json_of(const Trial& t) {
  aoh::Json steps = aoh::Json::array();
  for (const Step& s : t.steps) {
    aoh::Json j{{"step", s.name}, {"state", word(s.state)}};
    j.set_if(s.state != Step::State::skipped, "ms", s.ms);
    j.set_if(!s.detail.empty(), "detail", s.detail);
    j.set_if(static_cast<bool>(s.error), "error", error_json(s.error));
    steps.push(std::move(j));
  }
  return aoh::Json{{"server", t.server},
                   {"where", t.endpoint.where()},
                   {"tls", std::string(net::name(t.endpoint.tls))},
                   {"ok", !t.has_failed()},
                   {"steps", std::move(steps)}};
}

}  // namespace mailroom::tools
