// Events of yaml-cpp's parser are turned into the tree here. Its own node tree is not used: it shares nodes
// between aliases without a limit and forgets where a key stood.
#include "sessions/yaml.hpp"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/yaml.h>
#include <algorithm>

#include <charconv>
#include <cmath>
#include <map>
#include <sstream>

namespace aoh::host {
namespace {

std::string located(std::string_view file, YamlPlace at, std::string_view message) {
  return std::string(file) + ":" + std::to_string(at.line) + ":" + std::to_string(at.column) + ": " +
         std::string(message);
}

YamlPlace place(const YAML::Mark& mark) {
  return {mark.line < 0 ? 1 : mark.line + 1, mark.column < 0 ? 1 : mark.column + 1};
}

/// A plain scalar by YAML 1.2's core schema.
Json resolve(const std::string& text) {
  if (text.empty() || text == "~" || text == "null" || text == "Null" || text == "NULL") return {};
  if (text == "true" || text == "True" || text == "TRUE") return true;
  if (text == "false" || text == "False" || text == "FALSE") return false;
  const char* begin = text.data();
  const char* const end = begin + text.size();
  if (*begin == '+') ++begin;
  if (begin == end || !(*begin == '-' || *begin == '.' || (*begin >= '0' && *begin <= '9'))) return text;
  std::int64_t whole = 0;
  if (auto [p, ec] = std::from_chars(begin, end, whole); ec == std::errc() && p == end) return whole;
  double number = 0;
  if (auto [p, ec] = std::from_chars(begin, end, number);
      ec == std::errc() && p == end && std::isfinite(number))
    return number;
  return text;
}

class Builder : public YAML::EventHandler {
 public:
  Builder(std::string_view file, const YamlLimits& limits) : file_(file), limits_(limits) {}

  void OnDocumentStart(const YAML::Mark&) override {}
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override { leaf(mark, anchor, {}); }
  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    if (tag != "?" && tag != "!" && !tag.empty()) {
      fail(mark, "a tag (" + tag.substr(0, 60) + ") is not supported here; write the plain value");
    }
    leaf(mark, anchor, tag == "?" ? resolve(value) : Json(value));
  }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    const auto it = anchors_.find(anchor);
    if (it == anchors_.end()) fail(mark, "an alias refers to a value that contains it");
    count(mark, weigh(it->second));
    add(mark, it->second);
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    open(mark, anchor, YamlNode::Kind::list);
  }
  void OnSequenceEnd() override { close(); }
  void OnMapStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    open(mark, anchor, YamlNode::Kind::map);
  }
  void OnMapEnd() override { close(); }

  YamlNode root;
  bool done = false;

 private:
  struct Open {
    YamlNode node;
    YAML::anchor_t anchor = 0;
    bool has_key = false;
    std::string key;
    YamlPlace key_at;
  };

  [[noreturn]] void fail(const YAML::Mark& mark, std::string_view message) const {
    throw DocumentError(located(file_, place(mark), message));
  }
  void count(const YAML::Mark& mark, std::size_t n) {
    values_ += n;
    if (values_ > limits_.max_values) {
      fail(mark, "more than " + std::to_string(limits_.max_values) +
                     " values (aliases count as what they stand for)");
    }
  }
  static std::size_t weigh(const YamlNode& node) {
    std::size_t n = 1;
    for (const auto& item : node.items) n += weigh(item);
    for (const auto& member : node.members) n += weigh(member.value);
    return n;
  }
  void leaf(const YAML::Mark& mark, YAML::anchor_t anchor, Json value) {
    count(mark, 1);
    YamlNode node;
    node.at = place(mark);
    node.scalar = std::move(value);
    if (anchor != 0) anchors_[anchor] = node;
    add(mark, std::move(node));
  }
  void open(const YAML::Mark& mark, YAML::anchor_t anchor, YamlNode::Kind kind) {
    count(mark, 1);
    if (stack_.size() >= limits_.max_depth) {
      fail(mark, "nested deeper than " + std::to_string(limits_.max_depth) + " levels");
    }
    if (!stack_.empty() && stack_.back().node.is_map() && !stack_.back().has_key)
      fail(mark, "a key must be plain text");
    Open entry;
    entry.node.kind = kind;
    entry.node.at = place(mark);
    entry.anchor = anchor;
    stack_.push_back(std::move(entry));
    mark_ = mark;
  }
  void close() {
    Open entry = std::move(stack_.back());
    stack_.pop_back();
    if (entry.anchor != 0) anchors_[entry.anchor] = entry.node;
    add(mark_, std::move(entry.node));
  }
  void add(const YAML::Mark& mark, YamlNode node) {
    if (stack_.empty()) {
      if (done) fail(mark, "a second document; one file holds one");
      root = std::move(node);
      done = true;
      return;
    }
    Open& top = stack_.back();
    if (top.node.is_list()) {
      top.node.items.push_back(std::move(node));
    } else if (!top.has_key) {
      if (node.kind != YamlNode::Kind::scalar) fail(mark, "a key must be plain text");
      top.key = node.scalar.is_string() ? node.scalar.str() : node.scalar.dump();
      if (const auto* twice = top.node.find(top.key)) {
        fail(mark, "the key \"" + top.key.substr(0, 60) + "\" stands here twice (first in line " +
                       std::to_string(twice->at.line) + ")");
      }
      top.key_at = node.at;
      top.has_key = true;
    } else {
      top.node.members.push_back({std::move(top.key), top.key_at, std::move(node)});
      top.has_key = false;
    }
  }

  std::string file_;
  const YamlLimits& limits_;
  std::vector<Open> stack_;
  std::map<YAML::anchor_t, YamlNode> anchors_;
  std::size_t values_ = 0;
  YAML::Mark mark_;
};

}  // namespace

const YamlNode* YamlNode::find(std::string_view key) const {
  for (const auto& member : members) {
    if (member.key == key) return &member.value;
  }
  return nullptr;
}

const YamlNode& YamlNode::at_pointer(std::string_view pointer) const {
  const YamlNode* node = this;
  while (!pointer.empty() && pointer.front() == '/') {
    pointer.remove_prefix(1);
    const auto slash = std::min(pointer.find('/'), pointer.size());
    std::string token;
    for (std::size_t i = 0; i < slash; ++i) {
      const bool escaped =
          pointer[i] == '~' && i + 1 < slash && (pointer[i + 1] == '0' || pointer[i + 1] == '1');
      token += escaped ? (pointer[++i] == '0' ? '~' : '/') : pointer[i];
    }
    pointer.remove_prefix(slash);
    const YamlNode* next = node->find(token);
    std::size_t index = 0;
    if (node->is_list() &&
        std::from_chars(token.data(), token.data() + token.size(), index).ec == std::errc() &&
        index < node->items.size()) {
      next = &node->items[index];
    }
    if (next == nullptr) break;
    node = next;
  }
  return *node;
}

Json YamlNode::json() const {
  if (kind == Kind::scalar) return scalar;
  if (kind == Kind::list) {
    Json out = Json::array();
    for (const auto& item : items) out.push(item.json());
    return out;
  }
  Json out = Json::object();
  for (const auto& member : members) out.set(member.key, member.value.json());
  return out;
}

const char* YamlNode::type_name() const {
  if (kind == Kind::list) return "a list";
  if (kind == Kind::map) return "a map";
  if (scalar.is_null()) return "nothing";
  if (scalar.is_bool()) return "true or false";
  if (scalar.is_int()) return "a whole number";
  return scalar.is_number() ? "a number" : "text";
}

void Problems::add(YamlPlace at, std::string_view message) {
  if (lines_.size() < 20) lines_.push_back(located(file_, at, message));
}

void Problems::raise() const {
  if (lines_.empty()) return;
  std::string all;
  for (const auto& line : lines_) all += (all.empty() ? "" : "\n") + line;
  throw DocumentError(all);
}

YamlNode parse_yaml(std::string_view text, std::string_view file, const YamlLimits& limits) {
  if (text.size() > limits.max_bytes) {
    throw DocumentError(
        located(file, {}, "the file is larger than " + std::to_string(limits.max_bytes) + " bytes"));
  }
  if (const auto clean = valid_utf8(text); clean != text) {
    const auto bad = std::mismatch(text.begin(), text.end(), clean.begin(), clean.end()).first - text.begin();
    const auto line = static_cast<int>(std::count(text.begin(), text.begin() + bad, '\n')) + 1;
    throw DocumentError(located(file, {line, 1}, "not valid UTF-8; save the file as UTF-8"));
  }
  Builder builder(file, limits);
  try {
    std::istringstream in{std::string(text)};
    YAML::Parser parser(in);
    while (parser.HandleNextDocument(builder)) {
    }
  } catch (const YAML::Exception& e) {
    throw DocumentError(located(file, place(e.mark), "not valid YAML: " + e.msg));
  }
  if (!builder.done) throw DocumentError(located(file, {}, "the file is empty"));
  return std::move(builder.root);
}

std::string_view nearest_name(std::string_view word, const std::vector<std::string_view>& known) {
  const std::string_view w = word.substr(0, 64);
  const auto same = [](char a, char b) {
    const auto fold = [](char c) {
      return c == '-' ? '_' : static_cast<char>(c >= 'A' && c <= 'Z' ? c + 32 : c);
    };
    return fold(a) == fold(b);
  };
  std::string_view best;
  std::size_t best_cost = std::max<std::size_t>(2, w.size() / 3) + 1;
  for (const auto name : known) {
    // Optimal string alignment: insert, remove, replace, or swap two neighbours.
    std::vector<std::vector<std::size_t>> d(w.size() + 1, std::vector<std::size_t>(name.size() + 1));
    for (std::size_t i = 0; i <= w.size(); ++i) d[i][0] = i;
    for (std::size_t j = 0; j <= name.size(); ++j) d[0][j] = j;
    for (std::size_t i = 1; i <= w.size(); ++i) {
      for (std::size_t j = 1; j <= name.size(); ++j) {
        d[i][j] = std::min(
            {d[i - 1][j] + 1, d[i][j - 1] + 1, d[i - 1][j - 1] + (same(w[i - 1], name[j - 1]) ? 0 : 1)});
        if (i > 1 && j > 1 && same(w[i - 1], name[j - 2]) && same(w[i - 2], name[j - 1])) {
          d[i][j] = std::min(d[i][j], d[i - 2][j - 2] + 1);
        }
      }
    }
    // "agent" for "agent_id": a word cut short is near, too.
    if (w.size() >= 4 && (name.starts_with(w) || w.starts_with(name)))
      d[w.size()][name.size()] = std::min<std::size_t>(d[w.size()][name.size()], 2);
    if (d[w.size()][name.size()] < best_cost) {
      best_cost = d[w.size()][name.size()];
      best = name;
    }
  }
  return best;
}

void check_keys(const YamlNode& map, std::string_view where, const std::vector<std::string_view>& known,
                Problems& problems) {
  for (const auto& member : map.members) {
    if (std::find(known.begin(), known.end(), member.key) != known.end()) continue;
    std::string message = "unknown field \"" + std::string(utf8_prefix(member.key, 80)) + "\"";
    if (!where.empty()) message += " in " + std::string(where);
    if (const auto near = nearest_name(member.key, known); !near.empty()) {
      message += "; did you mean \"" + std::string(near) + "\"?";
    } else {
      message += "; known here:";
      for (const auto name : known) message += " " + std::string(name);
    }
    problems.add(member.at, message);
  }
}

namespace {

std::string named(std::string_view where, std::string_view key) {
  return where.empty() ? std::string(key) : std::string(where) + "." + std::string(key);
}

}  // namespace

std::string text_field(const YamlNode& map, std::string_view where, std::string_view key, bool required,
                       Problems& problems, std::string_view fallback) {
  const auto* node = map.find(key);
  if (node == nullptr) {
    if (required) problems.add(map.at, named(where, key) + " is missing");
    return std::string(fallback);
  }
  if (!node->scalar.is_string() || node->scalar.str().empty()) {
    const bool quote =
        node->kind == YamlNode::Kind::scalar && !node->scalar.is_string() && !node->scalar.is_null();
    problems.add(node->at, named(where, key) + " must be text, here is " +
                               (node->scalar.is_string() ? "an empty one" : node->type_name()) +
                               (quote ? "; put it in quotes" : ""));
    return std::string(fallback);
  }
  return node->scalar.str();
}

std::int64_t count_field(const YamlNode& map, std::string_view where, std::string_view key,
                         std::int64_t minimum, std::int64_t maximum, std::int64_t fallback,
                         Problems& problems) {
  const auto* node = map.find(key);
  if (node == nullptr) return fallback;
  const auto value = node->scalar.integer(minimum - 1);
  if (!node->scalar.is_int() || value < minimum || value > maximum) {
    problems.add(node->at, named(where, key) + " must be a whole number from " + std::to_string(minimum) +
                               " to " + std::to_string(maximum));
    return fallback;
  }
  return value;
}

std::string choice_field(const YamlNode& map, std::string_view where, std::string_view key,
                         const std::vector<std::string_view>& allowed, std::string_view fallback,
                         Problems& problems) {
  const auto* node = map.find(key);
  if (node == nullptr) return std::string(fallback);
  if (node->scalar.is_string() &&
      std::find(allowed.begin(), allowed.end(), node->scalar.str()) != allowed.end()) {
    return node->scalar.str();
  }
  std::string message = named(where, key) + " must be one of";
  for (const auto name : allowed) message += (name == allowed.front() ? " " : ", ") + std::string(name);
  if (node->scalar.is_string()) {
    message += "; here is \"" + std::string(utf8_prefix(node->scalar.str(), 60)) + "\"";
    if (const auto near = nearest_name(node->scalar.str(), allowed); !near.empty()) {
      message += ", did you mean \"" + std::string(near) + "\"?";
    }
  } else {
    message += std::string("; here is ") + node->type_name();
  }
  problems.add(node->at, message);
  return std::string(fallback);
}

std::int64_t parse_duration(std::string_view text) {
  std::int64_t number = 0;
  const auto [p, ec] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (ec != std::errc() || number < 0 || text.data() + text.size() - p != 1) return -1;
  const std::int64_t seconds = *p == 's' ? 1 : *p == 'm' ? 60 : *p == 'h' ? 3600 : *p == 'd' ? 86400 : 0;
  if (seconds == 0 || number > std::int64_t{366} * 86400 / seconds) return -1;
  return number * seconds * 1'000'000'000;
}

std::int64_t duration_field(const YamlNode& map, std::string_view where, std::string_view key,
                            std::int64_t fallback_ns, Problems& problems) {
  const auto* node = map.find(key);
  if (node == nullptr) return fallback_ns;
  const auto ns = node->scalar.is_string() ? parse_duration(node->scalar.str()) : -1;
  if (ns >= 0) return ns;
  problems.add(node->at,
               named(where, key) + " must be a duration of at most 366 days such as 30s, 5m, 72h or 7d");
  return fallback_ns;
}

}  // namespace aoh::host
