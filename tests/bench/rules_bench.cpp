// 1,000 regex rules against messages of 10 KB (BASELINES: at most 200 us): compiling, the first message of a
// fresh set (cold), then distinct messages, none of them seen before (warm). Messages are parsed beforehand.
#include <sys/resource.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <random>

#include "mime/parse.hpp"
#include "policy/rules.hpp"

namespace mailroom::policy {
namespace {

using Clock = std::chrono::steady_clock;
constexpr int kRuleCount = 1'000;
constexpr int kWarmUp = 200, kMeasured = 2'000;

double us(Clock::duration d) { return std::chrono::duration<double, std::micro>(d).count(); }

const char* const kWords[] = {"please",   "find",  "the",      "attached", "order",    "invoice", "for",
                              "your",     "quote", "of",       "parts",    "delivery", "by",      "next",
                              "shipment", "price", "account",  "regards",  "team",     "and",     "number",
                              "we",       "have",  "received", "thank",    "you",      "contract"};

std::string word(std::mt19937& rng) {
  std::string w = kWords[rng() % std::size(kWords)];
  if (rng() % 4 == 0) w += " " + std::to_string(rng() % 100'000);
  if (rng() % 8 == 0) w[0] = static_cast<char>(w[0] - 32);
  if (rng() % 16 == 0) w += ",";
  return w;
}

mime::Message message(std::mt19937& rng) {
  std::string raw = "From: Sales <sales@supplier" + std::to_string(rng() % 5000) +
                    ".example>\r\nTo: us@us.example\r\nSubject: " + word(rng) + " " + word(rng) + " " +
                    std::to_string(rng() % 9000) + "\r\n\r\n";
  std::size_t column = 0;
  while (raw.size() < 10'240) {
    const std::string w = word(rng);
    raw += w + " ";
    if ((column += w.size() + 1) > 70) {
      raw += "\r\n";
      column = 0;
    }
  }
  return mime::parse(raw);
}

aoh::Json rules(bool text_only) {
  aoh::Json out = aoh::Json::array();
  for (int i = 0; i < kRuleCount; ++i) {
    const std::string n = std::to_string(i);
    const std::string text =
        "\\b(invoice|order|contract) (no\\.? )?" + std::to_string(90'000 + 7 * i) + "\\b";
    aoh::Json match;
    if (text_only || i % 3 == 0)
      match = {{"body_regex", text}};
    else if (i % 3 == 1)
      match = {{"subject_regex", "(quote|quotation|order).{0,20}" + n + "$"}};
    else
      match = {{"from_regex", "@supplier" + n + "\\.example$"}, {"subject_regex", "offer|price"}};
    out.push({{"name", "rule " + n}, {"match", match}, {"do", {{"ignore", true}}}, {"continue", true}});
  }
  return out;
}

void run(const char* what, const aoh::Json& json) {
  std::mt19937 rng(7);
  std::vector<mime::Message> messages;
  for (int i = 0; i < kWarmUp + kMeasured; ++i) messages.push_back(message(rng));
  Facts facts;
  facts.parts = facts.text = true;
  const auto decide = [&](const Rules& r, const mime::Message& m) {
    facts.message = &m;
    const auto began = Clock::now();
    const std::size_t hits = r.decide(facts, "a").hits.size();
    const double took = us(Clock::now() - began);
    return std::pair{took, hits};
  };
  std::vector<double> compile, cold, warm;
  Rules r;
  for (int i = 0; i < 5; ++i) {
    const auto began = Clock::now();
    r = Rules::compile(json);
    compile.push_back(us(Clock::now() - began));
    cold.push_back(decide(r, messages[static_cast<std::size_t>(i)]).first);
  }
  std::size_t hits = 0;
  for (int i = 0; i < kWarmUp + kMeasured; ++i) {
    const auto [took, n] = decide(r, messages[static_cast<std::size_t>(i)]);
    if (i >= kWarmUp) warm.push_back(took);
    hits += n;
  }
  std::sort(compile.begin(), compile.end());
  std::sort(cold.begin(), cold.end());
  std::sort(warm.begin(), warm.end());
  rusage use{};
  ::getrusage(RUSAGE_SELF, &use);
  std::printf(
      "%s: compile %.0f ms, cold %.0f us, warm p50 %.0f us, p90 %.0f us, p99 %.0f us, %zu hits, peak %ld "
      "MB\n",
      what, compile[2] / 1000, cold[2], warm[warm.size() / 2], warm[warm.size() * 9 / 10],
      warm[warm.size() * 99 / 100], hits, use.ru_maxrss / 1024);
}

}  // namespace
}  // namespace mailroom::policy

int main() {
  mailroom::policy::run("1,000 rules on sender, subject and text", mailroom::policy::rules(false));
  mailroom::policy::run("1,000 rules on the text", mailroom::policy::rules(true));
  return 0;
}
