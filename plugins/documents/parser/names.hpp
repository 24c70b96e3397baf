// Names of files in an archive: shown, compared, never used as names in a file system.
#pragma once
#include <cstddef>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace mailroom::documents {

inline constexpr std::size_t kMaxNameShown = 255;  ///< bytes

/// As it may be shown: control characters, line ends and what turns the direction of writing become '?', cut
/// at kMaxNameShown bytes with "...".
std::string shown_name(std::string_view name);

/// What would be dangerous about using it as a file's name: "leads out of its folder", "is absolute", "turns
/// the direction of writing", "is a reserved name" ... Empty: nothing that we know.
std::vector<std::string> name_faults(std::string_view name);

/// Finds names that some file system takes for the same: by case, by Unicode normalisation (NFKC, case
/// folded).
class Twins {
 public:
  /// False: one like it came before.
  bool first(std::string_view name);

 private:
  std::set<std::string> seen_;
};

}  // namespace mailroom::documents
