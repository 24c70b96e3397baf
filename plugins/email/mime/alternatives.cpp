#include "mime/alternatives.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>

#include "mime/ascii.hpp"
#include "mime/headers.hpp"
#include "mime/words.hpp"
#include "support/json.hpp"

namespace mailroom::mime {
namespace {

// Weights of what the other one lacks: a word counts 6, one that it has elsewhere 2, an ideograph half of
// that.
constexpr int kWord = 6, kElsewhere = 2, kTarget = 18;
constexpr int kTold = 4 * kWord;
constexpr int kMuch = 15;           // words that HTML says more
constexpr std::size_t kBridge = 2;  // words in common within a run of others
constexpr std::size_t kSample = 100;

class HashSet {
 public:
  explicit HashSet(std::size_t n) {
    std::size_t size = 16;
    while (size < n * 2) size *= 2;
    slots_.resize(size);
  }
  void add(std::uint64_t h) { slots_[find(h | 1)] = h | 1; }
  bool has(std::uint64_t h) const { return slots_[find(h | 1)] != 0; }

 private:
  std::size_t find(std::uint64_t h) const {
    std::size_t i = (h ^ (h >> 29)) * 0x9E3779B97F4A7C15u >> 20 & (slots_.size() - 1);
    while (slots_[i] != 0 && slots_[i] != h) i = (i + 1) & (slots_.size() - 1);
    return i;
  }
  std::vector<std::uint64_t> slots_;
};

using List = std::vector<Word>;

std::uint64_t three(const List& w, std::size_t i) {
  const std::uint64_t h = w[i].hash * 0x9E3779B97F4A7C15u + w[i + 1].hash;
  return (h ^ (h >> 31)) * 0xBF58476D1CE4E5B9u + w[i + 2].hash;
}

// What is in a text: its words, and its runs of three.
struct Known {
  explicit Known(const List& w) : words(w.size()), runs(w.size()) {
    for (std::size_t i = 0; i < w.size(); ++i) {
      words.add(w[i].hash);
      if (i + 2 < w.size()) runs.add(three(w, i));
    }
  }
  HashSet words, runs;
};

std::vector<bool> covered(const List& w, const Known& by) {
  std::vector<bool> out(w.size(), false);
  if (w.size() < 3)
    for (std::size_t i = 0; i < w.size(); ++i) out[i] = by.words.has(w[i].hash);
  for (std::size_t i = 0; i + 2 < w.size(); ++i)
    if (by.runs.has(three(w, i))) out[i] = out[i + 1] = out[i + 2] = true;
  return out;
}

// Words of sentences such as "View this email in your browser" and "Unsubscribe from this list", and those
// that join others: they say nothing of their own.
bool says_little(const Word& word) {
  static const HashSet set = [] {
    static constexpr std::string_view kWords =
        "a an the this that these to of in on or and is it if at for from with by as be are was do does you "
        "your our us we can cannot t don not have having here below view viewing see seeing read reading "
        "online browser web webpage website page version html text plain mime format email emails e mail "
        "message messages newsletter click tap link links following trouble problems properly correctly "
        "display displayed images image picture pictures support supports client program reader enable "
        "unsubscribe subscribe subscribed subscription preferences manage update receive received receiving "
        "longer no want wish privacy policy list im und die der sie diese ihren wenn nicht anzeigen ansehen "
        "abmelden le la les de ce votre navigateur ";
    const Words words = words_of(kWords);
    HashSet out(words.said.size());
    for (const Word& w : words.said) out.add(w.hash);
    return out;
  }();
  return set.has(word.hash);
}

int weight(const Word& w, const Known& other) {
  if (w.kind == Word::Kind::letters && says_little(w)) return 0;
  const int n = other.words.has(w.hash) ? kElsewhere : kWord;
  return w.kind == Word::Kind::ideograph ? n / 2 : n;
}

std::string sample(std::string_view text, const Word& from, const Word& to) {
  const std::size_t end = std::min<std::size_t>(to.at + to.size, from.at + 4 * kSample);
  std::string line = one_line(std::string(text.substr(from.at, end - from.at)));
  std::replace(line.begin(), line.end(), '"', '\'');
  return '"' + std::string(aoh::utf8_prefix(line, kSample)) + '"';
}

struct Run {
  int weight = 0;
  std::size_t first = 0, last = 0;
};

// The heaviest run of words that the other one lacks; unknown targets between them count.
Run heaviest(const Words& text, const std::vector<bool>& in_both, const Known& other, const HashSet& targets,
             std::size_t end) {
  Run best, run;
  std::size_t bridge = kBridge + 1, next_target = 0;
  const auto grow = [&](std::size_t i, int by) {
    if (bridge > kBridge) run = {0, i, i};
    bridge = 0;
    run.weight += by;
    if (by > 0) run.last = i;
    if (run.weight > best.weight) best = run;
  };
  for (std::size_t i = 0; i < end; ++i) {
    for (; next_target < text.targets.size() && text.targets[next_target].at < text.said[i].at; ++next_target)
      if (!targets.has(text.targets[next_target].hash)) grow(i, kTarget);
    if (!in_both[i])
      grow(i, weight(text.said[i], other));
    else
      ++bridge;
  }
  for (; end > 0 && next_target < text.targets.size(); ++next_target)
    if (!targets.has(text.targets[next_target].hash)) grow(end - 1, kTarget);
  return best;
}

// A word of that kind that the other one has nowhere, between words that it has.
const Word* replaced(const Words& text, Word::Kind kind, const Known& other) {
  const List& w = text.said;
  for (std::size_t i = 0; i < w.size(); ++i)
    if (w[i].kind == kind && !other.words.has(w[i].hash) && (i > 0 || i + 1 < w.size()) &&
        (i == 0 || other.words.has(w[i - 1].hash) || w[i - 1].kind == kind) &&
        (i + 1 == w.size() || other.words.has(w[i + 1].hash) || w[i + 1].kind == kind))
      return &w[i];
  return nullptr;
}

HashSet targets_of(const Words& text) {
  HashSet out(text.targets.size());
  for (const Word& t : text.targets) out.add(t.hash);
  return out;
}

const Word* lacking(const Words& text, const HashSet& known) {
  for (const Word& t : text.targets)
    if (t.kind == Word::Kind::address && !known.has(t.hash)) return &t;
  return nullptr;
}

// The cheap way for the most of mail: every word of `plain` stands in `shown`, in its order and never fewer
// than three together, and not much else does. False says nothing.
class InOrder {
 public:
  InOrder(std::string_view plain, std::string_view shown) : plain_(plain), shown_(shown) {}

  bool holds() {
    int run = kEnough;  // words in common since the last jump
    while (true) {
      const std::string_view a = next(plain_);
      if (a.empty()) break;
      ++words_;
      if (takes(a)) {
        ++run;
        continue;
      }
      std::string_view b = next(shown_);
      int jumped = 0;
      for (; !b.empty() && !same(a, b); b = next(shown_)) {
        if (++jumped > kFar) return false;
        ++skipped_;
      }
      if (b.empty() || (jumped > 0 && run < kEnough)) return false;
      run = jumped > 0 ? 1 : run + 1;
    }
    while (!next(shown_).empty()) ++skipped_;
    return run >= kEnough && (skipped_ < kMuch || skipped_ < words_ + words_ / 4);
  }

 private:
  static constexpr int kEnough = 3, kFar = 400;

  static constexpr auto kWord = [] {
    std::array<bool, 256> table{};
    for (unsigned c = 0; c < 256; ++c)
      table[c] = c >= 0x80 || is_alpha(static_cast<char>(c)) || is_digit(static_cast<char>(c));
    return table;
  }();
  static bool is_word(char c) { return kWord[static_cast<unsigned char>(c)]; }

  // Takes off `s` what stands before its next word; targets of links are stepped over.
  static void skip(std::string_view& s) {
    std::size_t i = 0;
    while (i < s.size() && !is_word(s[i])) {
      if (s[i] == '<' && (s.substr(i, 8) == "<http://" || s.substr(i, 9) == "<https://"))
        i = std::min(s.find('>', i), s.size() - 1);
      ++i;
    }
    s.remove_prefix(std::min(i, s.size()));
  }

  // The next run of letters, as bytes. Takes it off `s`.
  static std::string_view next(std::string_view& s) {
    skip(s);
    std::size_t end = 0;
    while (end < s.size() && is_word(s[end])) ++end;
    const std::string_view word = s.substr(0, end);
    s.remove_prefix(end);
    return word;
  }

  // Whether the next shown word is `a` to the byte, as nearly always; it is taken then, and not searched for
  // its end.
  bool takes(std::string_view a) {
    skip(shown_);
    if (!shown_.starts_with(a) || (a.size() < shown_.size() && is_word(shown_[a.size()]))) return false;
    shown_.remove_prefix(a.size());
    return true;
  }

  static bool same(std::string_view a, std::string_view b) { return a == b || iequals(a, b); }

  std::string_view plain_, shown_;
  int words_ = 0, skipped_ = 0;
};

}  // namespace

std::vector<std::string> differences(const Alternatives& both) {
  if (InOrder(both.plain, both.shown).holds()) return {};
  const Words plain = words_of(both.plain), shown = words_of(both.shown);
  const Known in_plain(plain.said), in_shown(shown.said);
  const std::vector<bool> plain_covered = covered(plain.said, in_shown);
  std::vector<std::string> out;

  std::size_t end = plain.said.size();
  if (both.cut)  // beyond the last words in common nothing can be said
    while (end > 0 && !plain_covered[end - 1]) --end;
  const Run run = heaviest(plain, plain_covered, in_shown, targets_of(shown), end);
  if (run.weight >= kTold)
    out.push_back("the plain text says what the HTML does not show: " +
                  sample(both.plain, plain.said[run.first], plain.said[run.last]));

  const Word* ours = replaced(plain, Word::Kind::number, in_shown);
  const Word* theirs = replaced(shown, Word::Kind::number, in_plain);
  if (!ours || !theirs) {
    ours = lacking(plain, targets_of(shown));
    theirs = lacking(shown, targets_of(plain));
  }
  if (ours && theirs && !both.cut)
    out.push_back("the plain text has " + sample(both.plain, *ours, *ours) + " where the HTML shows " +
                  sample(both.shown, *theirs, *theirs));

  const std::vector<bool> shown_covered = covered(shown.said, in_plain);
  int missing = 0, all = 0;
  std::optional<std::size_t> first;
  for (std::size_t i = 0; i < shown.said.size(); ++i) {
    const int w = weight(shown.said[i], in_plain);
    all += w > 0 ? kWord : 0;
    if (shown_covered[i] || w < kWord / 2) continue;
    missing += w;
    if (!first) first = i;
  }
  if (first && missing >= kMuch * kWord && missing > all / 5 * 3)
    out.push_back("the HTML shows what the plain text does not say: " +
                  sample(both.shown, shown.said[*first], shown.said.back()));
  return out;
}

bool says_nothing_new(std::string_view plain, std::string_view shown) {
  const Words ours = words_of(plain), theirs = words_of(shown);
  if (ours.said.empty() || theirs.said.empty()) return false;
  const Known known(ours.said);
  const std::vector<bool> in_both = covered(theirs.said, known);
  const auto said = static_cast<std::size_t>(std::count(in_both.begin(), in_both.end(), true));
  return said * 10 >= in_both.size() * 9 &&
         heaviest(theirs, in_both, known, targets_of(theirs), theirs.said.size()).weight < kTold;
}

}  // namespace mailroom::mime
