// YAML as a tree of values that know their place in the file, for blueprints and agents: every complaint
// about such a file names line and column. JSON is read too, being YAML in flow style.
#pragma once
#include <cstddef>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "support/json.hpp"

namespace aoh::host {

/// Limits of parse_yaml; all finite. An alias counts as all the values that it stands for, which ends
/// "billion laughs".
struct YamlLimits {
  std::size_t max_bytes = 256u << 10;  ///< length of the file
  std::size_t max_depth = 32;          ///< nested maps and lists
  std::size_t max_values = 10'000;     ///< maps, lists and scalars after aliases are put in
};

/// A place in a file; both count from 1.
struct YamlPlace {
  int line = 1, column = 1;
};

/// One value. Maps keep the order of the file and have no key twice.
struct YamlNode {
  enum class Kind { scalar, list, map };
  struct Member;

  Kind kind = Kind::scalar;
  YamlPlace at;
  Json scalar;  ///< null, bool, integer, number or string, by YAML 1.2's core schema; quoted text is always a
                ///< string
  std::vector<YamlNode> items;
  std::vector<Member> members;

  bool is_map() const { return kind == Kind::map; }
  bool is_list() const { return kind == Kind::list; }
  const YamlNode* find(std::string_view key) const;  ///< of a map; nullptr when absent
  /// The node at a JSON pointer ("/match/folder"), or the nearest one above it that exists.
  const YamlNode& at_pointer(std::string_view pointer) const;
  Json json() const;
  const char* type_name() const;  ///< "a map", "a list", "text", "a whole number" ...
};

struct YamlNode::Member {
  std::string key;
  YamlPlace at;  ///< of the key
  YamlNode value;
};

/// What is wrong with a file: one line a problem, "FILE:LINE:COLUMN: what; what to do".
struct DocumentError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// Collects problems, so that a person sees all of them at once (20 at most).
class Problems {
 public:
  explicit Problems(std::string file) : file_(std::move(file)) {}
  void add(YamlPlace at, std::string_view message);
  std::size_t count() const { return lines_.size(); }
  /// Throws DocumentError if there is any.
  void raise() const;

 private:
  std::string file_;
  std::vector<std::string> lines_;
};

/// Parses exactly one document. Throws DocumentError; `file` is the name shown.
YamlNode parse_yaml(std::string_view text, std::string_view file, const YamlLimits& limits = {});

/// The one of `known` that a person most likely meant by `word`; empty when none is near.
std::string_view nearest_name(std::string_view word, const std::vector<std::string_view>& known);

/// Reports each key of `map` that is not in `known`, with the nearest known name. `where` names the map:
/// "trigger.action".
void check_keys(const YamlNode& map, std::string_view where, const std::vector<std::string_view>& known,
                Problems& problems);

/// Fields of a map, with wrong types reported and replaced by the fallback. A missing optional field is the
/// fallback.
std::string text_field(const YamlNode& map, std::string_view where, std::string_view key, bool required,
                       Problems& problems, std::string_view fallback = {});
std::int64_t count_field(const YamlNode& map, std::string_view where, std::string_view key,
                         std::int64_t minimum, std::int64_t maximum, std::int64_t fallback,
                         Problems& problems);
/// One of `allowed`; a wrong one is reported with all that are allowed.
std::string choice_field(const YamlNode& map, std::string_view where, std::string_view key,
                         const std::vector<std::string_view>& allowed, std::string_view fallback,
                         Problems& problems);
/// "30s", "5m", "72h", "7d" in nanoseconds, at most 366 days.
std::int64_t duration_field(const YamlNode& map, std::string_view where, std::string_view key,
                            std::int64_t fallback_ns, Problems& problems);
/// The text of a duration in nanoseconds; -1 when it is none.
std::int64_t parse_duration(std::string_view text);

}  // namespace aoh::host
