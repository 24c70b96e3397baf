// All regexes of a match or of a rules file, searched field by field in one pass each. Pure.
#pragma once
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace re2 {
class RE2;
}

namespace mailroom::policy {

/// Where a pattern is searched.
enum class Field { from, to, cc, subject, list_id, header, body, attachment_name };

/// RE2, case-insensitive, searched anywhere. Filled, then finished, then only read: by any thread.
///
/// Few patterns of a field are tried one by one, more by one RE2::Set, whose automaton passes over the text
/// once however many there are. The sets share kSetsBytes; where that is too little for all, those with the
/// most patterns get an automaton. Where a set has none, or does not fit into its share, when it is made or
/// while it runs, its patterns are tried one by one: slower, and the same answer.
class Patterns {
 public:
  static constexpr std::size_t kPatternBytes = 8'000;      ///< of one pattern: 2,000 characters at most
  static constexpr std::int64_t kPatternMemory = 8 << 20;  ///< of one pattern, compiled
  static constexpr std::int64_t kSetsBytes = 96 << 20;     ///< of all sets with their automatons, at most
  static constexpr std::int64_t kLeastSetBytes = 4 << 20;  ///< with less, a set would seldom be of use
  static constexpr int kInstructions = 300'000;            ///< of all patterns together, as RE2 counts them
  static constexpr std::size_t kFew = 4;

  /// A pattern, as what use of it says: which set, which of its patterns.
  struct Ref {
    std::uint32_t set = 0, index = 0;
  };
  /// One bit a pattern of a set.
  using Bits = std::vector<std::uint64_t>;
  static bool bit(const Bits& bits, std::uint32_t index) { return bits[index / 64] >> (index % 64) & 1; }

  /// `header`: a field's name, for Field::header. Equal patterns of a field are one. Throws Failure(config)
  /// with `where` for a pattern that is not RE2 or passes a limit.
  Ref add(Field field, std::string_view header, const std::string& pattern, const std::string& where);
  /// After the last add().
  void finish();

  std::size_t sets() const { return sets_.size(); }
  Field field(std::size_t set) const { return sets_[set].field; }
  const std::string& header(std::size_t set) const { return sets_[set].header; }
  Bits none(std::size_t set) const { return Bits((sets_[set].patterns.size() + 63) / 64); }
  /// How many sets have an automaton, and the bytes that each may take.
  std::pair<std::size_t, std::int64_t> automatons() const { return {automatons_, set_bytes_}; }
  /// Sets the bits of the patterns that are found in `text`.
  void search(std::size_t set, std::string_view text, Bits& bits) const;

 private:
  struct Automaton;
  struct Set {
    Field field = Field::from;
    std::string header;  // lower case
    std::vector<std::shared_ptr<const re2::RE2>> patterns;
    std::map<std::string, std::uint32_t, std::less<>> known;  // pattern to index, until finished
    std::shared_ptr<const Automaton> automaton;               // null: one by one
  };
  int instructions_ = 0;
  std::size_t automatons_ = 0;
  std::int64_t set_bytes_ = 0;
  std::vector<Set> sets_;
  std::map<std::pair<Field, std::string>, std::uint32_t> by_field_;
};

}  // namespace mailroom::policy
