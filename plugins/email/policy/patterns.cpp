#include "policy/patterns.hpp"

#include <re2/re2.h>
#include <re2/set.h>

#include <algorithm>

#include "base/error.hpp"
#include "mime/ascii.hpp"

namespace mailroom::policy {
namespace {

re2::RE2::Options options(std::int64_t memory) {
  re2::RE2::Options o(re2::RE2::Quiet);
  o.set_case_sensitive(false);
  o.set_max_mem(memory);
  return o;
}

re2::StringPiece piece(std::string_view text) { return {text.data(), text.size()}; }

}  // namespace

struct Patterns::Automaton {
  explicit Automaton(std::int64_t memory) : set(options(memory), re2::RE2::UNANCHORED) {}
  re2::RE2::Set set;
};

Patterns::Ref Patterns::add(Field field, std::string_view header, const std::string& pattern,
                            const std::string& where) {
  const auto [at, fresh] = by_field_.try_emplace({field, mime::to_lower(header)}, sets_.size());
  if (fresh) sets_.push_back({field, mime::to_lower(header), {}, {}, nullptr});
  Set& set = sets_[at->second];
  const auto index = static_cast<std::uint32_t>(set.patterns.size());
  const auto [known, is_new] = set.known.try_emplace(pattern, index);
  if (!is_new) return {at->second, known->second};
  if (pattern.size() > kPatternBytes)
    throw Failure(Errc::config, where + " is longer than " + std::to_string(kPatternBytes) + " bytes", where,
                  "Split it with any");
  auto re = std::make_shared<const re2::RE2>(pattern, options(kPatternMemory));
  if (!re->ok())
    throw Failure(Errc::config, where + " is not a valid RE2 pattern: " + printable(re->error(), 200), where,
                  "Write it in RE2 syntax (no back-references, no look-around); in YAML a backslash in "
                  "double quotes is \\\\");
  instructions_ += re->ProgramSize();
  if (instructions_ > kInstructions)
    throw Failure(Errc::config, where + " and the patterns before it are too large together", where,
                  "Use fewer counted repetitions such as {1,1000}");
  set.patterns.push_back(std::move(re));
  return {at->second, index};
}

void Patterns::finish() {
  std::vector<Set*> large;
  for (Set& set : sets_) {
    set.known.clear();
    if (set.patterns.size() > kFew) large.push_back(&set);
  }
  std::stable_sort(large.begin(), large.end(),
                   [](const Set* a, const Set* b) { return a->patterns.size() > b->patterns.size(); });
  if (constexpr std::size_t kMost = kSetsBytes / kLeastSetBytes; large.size() > kMost) large.resize(kMost);
  if (large.empty()) return;
  set_bytes_ = kSetsBytes / static_cast<std::int64_t>(large.size());
  for (Set* set : large) {
    auto automaton = std::make_shared<Automaton>(set_bytes_);
    for (const auto& re : set->patterns) automaton->set.Add(re->pattern(), nullptr);
    // Matching a set that could not be compiled crashes: only one that was is kept.
    if (!automaton->set.Compile()) continue;
    set->automaton = std::move(automaton);
    ++automatons_;
  }
}

void Patterns::search(std::size_t which, std::string_view text, Bits& bits) const {
  const Set& set = sets_[which];
  if (set.automaton) {
    std::vector<int> found;
    re2::RE2::Set::ErrorInfo error{};
    if (set.automaton->set.Match(piece(text), &found, &error) || error.kind == re2::RE2::Set::kNoError) {
      for (const int i : found) bits[static_cast<std::size_t>(i) / 64] |= std::uint64_t{1} << (i % 64);
      return;
    }
  }
  for (std::size_t i = 0; i < set.patterns.size(); ++i)
    if (re2::RE2::PartialMatch(piece(text), *set.patterns[i])) bits[i / 64] |= std::uint64_t{1} << (i % 64);
}

}  // namespace mailroom::policy
