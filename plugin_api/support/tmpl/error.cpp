// Places and near names: what an error tells its reader.
#include <algorithm>
#include <numeric>

#include "support/tmpl/ast.hpp"

namespace aoh::tmpl {
namespace {

std::string sentence(const std::string& file, std::size_t line, std::size_t column,
                     const std::string& problem) {
  return (file.empty() ? "template" : file) +
         (line ? " line " + std::to_string(line) + ", column " + std::to_string(column) : "") + ": " +
         problem;
}

/// Levenshtein's distance with neighbours swapped at one step, of names of at most 64 bytes.
std::size_t distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> before, last, row(b.size() + 1);
  std::iota(row.begin(), row.end(), 0u);
  for (std::size_t i = 0; i < a.size(); ++i) {
    before = std::exchange(last, row);
    row[0] = i + 1;
    for (std::size_t j = 0; j < b.size(); ++j) {
      row[j + 1] = std::min({last[j + 1] + 1, row[j] + 1, last[j] + (a[i] == b[j] ? 0u : 1u)});
      if (i > 0 && j > 0 && a[i] == b[j - 1] && a[i - 1] == b[j])
        row[j + 1] = std::min(row[j + 1], before[j - 1] + 1);
    }
  }
  return row.back();
}

}  // namespace

TemplateError::TemplateError(std::string file_, std::size_t line_, std::size_t column_, std::string problem_,
                             std::string variable_)
    : std::runtime_error(sentence(file_, line_, column_, problem_)),
      file(std::move(file_)),
      line(line_),
      column(column_),
      problem(std::move(problem_)),
      variable(std::move(variable_)) {}

std::pair<std::size_t, std::size_t> place(std::string_view text, std::size_t at) {
  const std::string_view before = text.substr(0, at);
  const std::size_t newline = before.rfind('\n');
  const std::string_view row = newline == std::string_view::npos ? before : before.substr(newline + 1);
  const auto characters = std::count_if(
      row.begin(), row.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0u) != 0x80u; });
  return {1 + static_cast<std::size_t>(std::count(before.begin(), before.end(), '\n')),
          1 + static_cast<std::size_t>(characters)};
}

void fail(const Unit& unit, std::size_t at, const std::string& why, const std::string& variable) {
  const auto [line, column] = place(unit.text, at);
  throw TemplateError(unit.name, line, column, why, variable);
}

std::string nearest(std::string_view name, const std::vector<std::string_view>& known) {
  constexpr std::size_t kLongest = 64, kMost = 1'000;
  if (name.size() > kLongest) return {};
  std::size_t best = std::max<std::size_t>(1, name.size() / 3) + 1;
  std::string_view found;
  for (std::size_t i = 0; i < known.size() && i < kMost; ++i) {
    const std::string_view k = known[i];
    // A key is data: one with a control character is not shown.
    if (k.empty() || k.size() > kLongest || std::any_of(k.begin(), k.end(), [](char c) {
          return static_cast<unsigned char>(c) < 0x20 || c == 0x7F;
        }))
      continue;
    if (const std::size_t d = distance(name, k); d < best) {
      best = d;
      found = k;
    }
  }
  return std::string(found);
}

std::string about(const Expr& e) {
  if (e.kind == Expr::Kind::lookup && !e.name.empty()) return e.path;
  for (const Expr& child : e.children)
    if (std::string path = about(child); !path.empty()) return path;
  return {};
}

}  // namespace aoh::tmpl
