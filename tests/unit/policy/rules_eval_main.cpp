// What the rules decide, for rules_naive_test.py: a line of JSON in, {"rules", "credential_id", "trusted",
// "messages": [{"raw", "folder", "flags", "size", "arrived_s", "now_s"}]}, a line out: of each message the
// names of the rules that it hits. Each message is asked by its header alone first, then with its parts, then
// with its text, as a watcher does: an early answer that a later one takes back ends the program.
#include <iostream>

#include "base/error.hpp"
#include "mime/parse.hpp"
#include "policy/rules.hpp"

namespace mailroom::policy {
namespace {

aoh::Json decide(const Rules& rules, const aoh::Json& in, const aoh::Json& m) {
  std::vector<std::string> flags, trusted;
  for (const aoh::Json& f : m["flags"].items()) flags.push_back(f.str());
  for (const aoh::Json& t : in["trusted"].items()) trusted.push_back(t.str());
  const mime::Message header = mime::parse_headers(m["raw"].str()), whole = mime::parse(m["raw"].str());
  Facts facts;
  facts.folder = m["folder"].str();
  facts.flags = &flags;
  facts.size = static_cast<std::uint64_t>(m["size"].integer());
  if (m.has("arrived_s")) facts.arrived_s = m["arrived_s"].integer();
  facts.now_s = m["now_s"].integer();
  facts.trusted = trusted;
  Rules::Decision by[3];
  for (int known = 0; known < 3; ++known) {
    facts.message = known == 0 ? &header : &whole;
    facts.parts = known > 0;
    facts.text = known > 1;
    by[known] = rules.decide(facts, in["credential_id"].str());
  }
  for (int known = 0; known < 2; ++known)
    if (!by[known].open && by[known].hits != by[2].hits)
      throw std::runtime_error("an early answer was wrong");
  if (by[2].open || by[1].needs_parts) throw std::runtime_error("open though all is known");
  aoh::Json hits = aoh::Json::array();
  for (const std::size_t i : by[2].hits) hits.push(rules.rules()[i].name);
  return hits;
}

}  // namespace
}  // namespace mailroom::policy

int main() try {
  using namespace mailroom::policy;
  for (std::string line; std::getline(std::cin, line);) {
    const aoh::Json in = aoh::Json::parse(line);
    const Rules rules = Rules::compile(in["rules"]);
    aoh::Json out = aoh::Json::array();
    for (const aoh::Json& m : in["messages"].items()) out.push(decide(rules, in, m));
    std::cout << out.dump() << "\n";
  }
  return 0;
} catch (const std::exception& e) {
  std::cerr << e.what() << "\n";
  return 1;
}
