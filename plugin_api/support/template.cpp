#include "support/template.hpp"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <optional>

namespace aoh::tmpl {
namespace {

struct Filter {
  std::string name;
  std::optional<Json> argument;
};

struct Piece {
  std::string_view literal;  // when path is empty
  std::string path;
  std::vector<Filter> filters;
  std::size_t at = 0;  // byte offset of the placeholder
};

struct FilterRule {
  std::string_view name;
  enum { none, optional, required } argument;
};
constexpr FilterRule kFilters[] = {
    {"default", FilterRule::required}, {"first", FilterRule::none},  {"join", FilterRule::optional},
    {"json", FilterRule::none},        {"length", FilterRule::none}, {"lower", FilterRule::none},
    {"safe", FilterRule::none},        {"trim", FilterRule::none},   {"truncate", FilterRule::required},
    {"upper", FilterRule::none},
};

[[noreturn]] void fail(std::string_view text, std::size_t at, const std::string& why) {
  const std::string_view before = text.substr(0, at);
  const auto line = 1 + std::count(before.begin(), before.end(), '\n');
  const std::size_t newline = before.rfind('\n');
  const std::size_t column = newline == std::string_view::npos ? at + 1 : at - newline;
  throw TemplateError("template line " + std::to_string(line) + ", column " + std::to_string(column) + ": " +
                      why);
}

/// Reads what stands between {{ and }}: path { '|' filter [ '(' literal ')' ] }.
class PlaceholderParser {
 public:
  PlaceholderParser(std::string_view whole, std::size_t begin, std::size_t end)
      : text_(whole), i_(begin), end_(end) {}

  void parse(Piece& piece, std::size_t max_filters) {
    piece.path = word(true);
    if (piece.path.empty()) fail(text_, i_, "a variable's name is expected, for example {{ email.subject }}");
    while (skip_space(), i_ < end_) {
      if (text_[i_] != '|') fail(text_, i_, "'|' or '}}' is expected");
      ++i_;
      if (piece.filters.size() == max_filters)
        fail(text_, i_, "more than " + std::to_string(max_filters) + " filters");
      piece.filters.push_back(filter());
    }
  }

 private:
  void skip_space() {
    while (i_ < end_ && std::isspace(static_cast<unsigned char>(text_[i_]))) ++i_;
  }
  std::string word(bool dots) {
    skip_space();
    const std::size_t start = i_;
    while (i_ < end_ && (std::isalnum(static_cast<unsigned char>(text_[i_])) || text_[i_] == '_' ||
                         text_[i_] == '-' || (dots && text_[i_] == '.')))
      ++i_;
    return std::string(text_.substr(start, i_ - start));
  }
  Filter filter() {
    skip_space();
    const std::size_t at = i_;
    Filter f{word(false), {}};
    const auto* rule = std::find_if(std::begin(kFilters), std::end(kFilters),
                                    [&](const auto& r) { return r.name == f.name; });
    if (rule == std::end(kFilters)) {
      std::string known;
      for (const auto& r : kFilters) known += (known.empty() ? "" : ", ") + std::string(r.name);
      fail(text_, at, "there is no filter '" + f.name + "'; known: " + known);
    }
    skip_space();
    if (i_ < end_ && text_[i_] == '(') {
      ++i_;
      f.argument = literal();
      skip_space();
      if (i_ >= end_ || text_[i_] != ')') fail(text_, i_, "')' is expected");
      ++i_;
    }
    if (rule->argument == FilterRule::none && f.argument)
      fail(text_, at, "the filter '" + f.name + "' takes no argument");
    if (rule->argument == FilterRule::required && !f.argument)
      fail(text_, at, "the filter '" + f.name + "' needs an argument");
    return f;
  }
  Json literal() {
    skip_space();
    if (i_ < end_ && (text_[i_] == '"' || text_[i_] == '\'')) {
      const char quote = text_[i_++];
      std::string value;
      while (i_ < end_ && text_[i_] != quote) {
        if (text_[i_] == '\\' && i_ + 1 < end_) ++i_;
        value += text_[i_++];
      }
      if (i_ >= end_) fail(text_, i_, "the text has no closing quote");
      ++i_;
      return value;
    }
    std::int64_t n = 0;
    const auto [stop, ec] = std::from_chars(text_.data() + i_, text_.data() + end_, n);
    if (ec != std::errc{}) fail(text_, i_, "a text in quotes or a whole number is expected");
    i_ = static_cast<std::size_t>(stop - text_.data());
    return n;
  }

  std::string_view text_;
  std::size_t i_, end_;
};

std::vector<Piece> parse(std::string_view text, const Options& options) {
  if (text.size() > options.max_template)
    throw TemplateError("a template of " + std::to_string(text.size()) + " bytes: at most " +
                        std::to_string(options.max_template));
  std::vector<Piece> pieces;
  std::size_t i = 0;
  while (i < text.size()) {
    std::size_t open = text.find('{', i);
    while (open != std::string_view::npos &&
           (open + 1 >= text.size() ||
            (text[open + 1] != '{' && text[open + 1] != '%' && text[open + 1] != '#')))
      open = text.find('{', open + 1);
    if (open == std::string_view::npos) open = text.size();
    if (open > i) pieces.push_back({text.substr(i, open - i), {}, {}, i});
    if (open == text.size()) break;
    if (text[open + 1] == '%')
      fail(text, open, "blocks ({% %}) are not supported here; use {{ value | filter }}");
    if (text[open + 1] == '#') {
      const std::size_t close = text.find("#}", open + 2);
      if (close == std::string_view::npos) fail(text, open, "the comment has no '#}'");
      i = close + 2;
      continue;
    }
    const std::size_t close = text.find("}}", open + 2);
    if (close == std::string_view::npos) fail(text, open, "the placeholder has no '}}'");
    Piece piece;
    piece.at = open;
    PlaceholderParser(text, open + 2, close).parse(piece, options.max_filters);
    pieces.push_back(std::move(piece));
    i = close + 2;
  }
  return pieces;
}

std::string show(const Json& v);

std::string show_list(const Json& v, std::string_view separator) {
  std::string out;
  for (const Json& item : v.items())
    out += (out.empty() ? std::string() : std::string(separator)) + show(item);
  return out;
}

std::string show(const Json& v) {
  if (v.is_null()) return {};
  if (v.is_string()) return v.str();
  if (v.is_array()) return show_list(v, ", ");
  if (v.is_object() && v["address"].is_string())
    return v["name"].str().empty() ? v["address"].str() : v["name"].str() + " <" + v["address"].str() + ">";
  return v.dump();
}

void escape_html(std::string& out, std::string_view text) {
  for (const char c : text) switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      case '\'':
        out += "&#39;";
        break;
      default:
        out += c;
    }
}

// ASCII only: what a locale would do to other letters is not a template's business.
std::string mapped(std::string text, int (*fn)(int)) {
  for (char& c : text)
    if (static_cast<unsigned char>(c) < 0x80) c = static_cast<char>(fn(c));
  return text;
}

Json apply(const Filter& f, Json value) {
  if (f.name == "upper") return mapped(show(value), std::toupper);
  if (f.name == "lower") return mapped(show(value), std::tolower);
  if (f.name == "first") return value.at(0);
  if (f.name == "json") return value.dump();
  if (f.name == "length") return value.is_string() ? value.str().size() : value.size();
  if (f.name == "join") return show_list(value, f.argument ? f.argument->str() : std::string());
  if (f.name == "truncate") {
    const std::string text = show(value);
    const auto limit = static_cast<std::size_t>(std::max<std::int64_t>(0, f.argument->integer()));
    const std::string_view cut = utf8_prefix(text, limit);
    return cut.size() == text.size() ? text : std::string(cut) + "…";
  }
  if (f.name == "trim") {
    const std::string text = show(value);
    const auto begin = text.find_first_not_of(" \t\r\n");
    return begin == std::string::npos ? std::string()
                                      : text.substr(begin, text.find_last_not_of(" \t\r\n") - begin + 1);
  }
  return value;  // default and safe act elsewhere
}

struct Value {
  Json json;
  bool safe = false;
};

Value evaluate(std::string_view text, const Piece& piece, const Json& scope, const Options& options) {
  Value v{scope.path(piece.path), false};
  const bool has_default = !piece.filters.empty() && piece.filters.front().name == "default";
  if (v.json.is_null() && (has_default || !options.absent_is_null)) {
    if (!has_default)
      fail(text, piece.at,
           "there is no value '" + piece.path + "'; write {{ " + piece.path +
               " | default(\"\") }} if it may be absent");
    v.json = *piece.filters.front().argument;
  }
  v.safe =
      std::find(options.safe_paths.begin(), options.safe_paths.end(), piece.path) != options.safe_paths.end();
  for (const Filter& f : piece.filters) {
    v.safe = v.safe || f.name == "safe";
    v.json = apply(f, std::move(v.json));
  }
  return v;
}

std::string render_pieces(std::string_view text, const std::vector<Piece>& pieces, const Json& scope,
                          const Options& options) {
  std::string out;
  for (const Piece& piece : pieces) {
    if (piece.path.empty()) {
      out += piece.literal;
    } else {
      const Value v = evaluate(text, piece, scope, options);
      if (options.html && !v.safe)
        escape_html(out, show(v.json));
      else
        out += show(v.json);
    }
    if (out.size() > options.max_output)
      fail(text, piece.at,
           "the rendered text is longer than " + std::to_string(options.max_output) + " bytes");
  }
  return out;
}

}  // namespace

void check(std::string_view text, const Options& options) { parse(text, options); }

std::string render_text(std::string_view text, const Json& scope, const Options& options) {
  return render_pieces(text, parse(text, options), scope, options);
}

Json render(std::string_view text, const Json& scope, const Options& options) {
  const std::vector<Piece> pieces = parse(text, options);
  if (pieces.size() == 1 && !pieces.front().path.empty())
    return evaluate(text, pieces.front(), scope, options).json;
  return render_pieces(text, pieces, scope, options);
}

Json render_all(const Json& value, const Json& scope, const Options& options) {
  if (value.is_string()) return render(value.str(), scope, options);
  if (value.is_array()) {
    Json out = Json::array();
    for (const Json& item : value.items()) out.push(render_all(item, scope, options));
    return out;
  }
  if (value.is_object()) {
    Json out = Json::object();
    for (const auto& m : value.members()) out.set(m.key, render_all(m.value, scope, options));
    return out;
  }
  return value;
}

}  // namespace aoh::tmpl
