#include "calls/check.hpp"

#include <algorithm>

#include "loader/schema.hpp"

namespace aoh::host {
namespace {

std::string join(const std::vector<std::string>& words) {
  std::string out;
  for (std::size_t i = 0; i < words.size() && i < 20; ++i) out += (i ? ", " : "") + words[i];
  return words.size() > 20 ? out + ", ..." : out;
}

/// True if one of the granted words is `needed` or includes it.
bool covers(const Json& granted, Grant needed) {
  return std::any_of(granted.items().begin(), granted.items().end(), [&](const Json& word) {
    const auto g = grant_from(word.str());
    return g && *g >= needed;
  });
}

/// Can a call of the tool be about a credential of that type?
bool takes(const Registry::ToolRef& tool, const std::string& type) {
  const std::string& only = tool.spec->credential->type;
  return only.empty() ? tool.module->manifest().credential_type(type) != nullptr : only == type;
}

/// The words for a status that came without any.
const char* default_words(aoh_status status) {
  switch (status) {
    case AOH_E_INVALID:
      return "something in the arguments is wrong";
    case AOH_E_UNSUPPORTED:
      return "the module does not have that";
    case AOH_E_DENIED:
      return "it is not allowed";
    case AOH_E_NOT_FOUND:
      return "what it is about was not found";
    case AOH_E_CANCELLED:
      return "it was cancelled";
    case AOH_E_DEADLINE:
      return "it ran out of time";
    case AOH_E_BUSY:
      return "the module is busy; try again later";
    case AOH_E_STATE:
      return "the module is not in a state for it; it may be shutting down";
    default:
      return "the module failed without a reason; its log may say more";
  }
}

}  // namespace

std::string without_controls(std::string_view text) {
  const std::string clean = valid_utf8(text);
  std::string out;
  out.reserve(clean.size());
  for (std::size_t i = 0; i < clean.size(); ++i) {
    const auto byte = [&](std::size_t k) {
      return i + k < clean.size() ? static_cast<unsigned char>(clean[i + k]) : 0u;
    };
    const bool c1 = byte(0) == 0xC2 && byte(1) < 0xA0;
    const bool turns = byte(0) == 0xE2 && ((byte(1) == 0x80 && byte(2) >= 0xA8 && byte(2) <= 0xAE) ||
                                           (byte(1) == 0x81 && byte(2) >= 0xA6 && byte(2) <= 0xA9));
    out += byte(0) < 0x20 || byte(0) == 0x7F || c1 || turns ? ' ' : clean[i];
    i += c1 ? 1 : turns ? 2 : 0;
  }
  return out;
}

namespace {

bool unseen(char32_t c) {
  return (c >= 0x7F && c < 0xA0) || c == 0xAD || c == 0x61C || c == 0x180E || (c >= 0x200B && c <= 0x200F) ||
         (c >= 0x2028 && c <= 0x202E) || (c >= 0x2060 && c <= 0x206F) || c == 0xFEFF ||
         (c >= 0xE0000 && c <= 0xE0FFF);
}

void escape(std::string& out, char32_t unit) {
  constexpr std::string_view kHex = "0123456789abcdef";
  out += "\\u";
  for (int shift = 12; shift >= 0; shift -= 4) out += kHex[unit >> shift & 0xF];
}

}  // namespace

std::string visible_json(std::string json) {
  // Outside strings JSON is ASCII, so whatever is replaced stands in a string. Most output has nothing of it.
  std::string out;
  std::size_t copied = 0;
  for (std::size_t i = 0; i < json.size();) {
    const auto lead = static_cast<unsigned char>(json[i]);
    const std::size_t n = lead < 0x80 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
    if (n == 1 ? lead == 0x7F
               : (lead == 0xC2 || lead == 0xD8 || lead == 0xE1 || lead == 0xE2 || lead == 0xEF || n == 4)) {
      char32_t c = n == 1 ? lead : lead & (0xFFu >> (n + 1));
      for (std::size_t k = 1; k < n && i + k < json.size(); ++k)
        c = c << 6 | (static_cast<unsigned char>(json[i + k]) & 0x3Fu);
      if (unseen(c)) {
        out.append(json, copied, i - copied);
        if (c >= 0x10000) escape(out, 0xD800 + ((c - 0x10000) >> 10));
        escape(out, c >= 0x10000 ? 0xDC00 + (c & 0x3FF) : c);
        copied = i + n;
      }
    }
    i += n;
  }
  if (copied == 0) return json;
  out.append(json, std::min(copied, json.size()), json.npos);
  return out;
}

std::string one_line(std::string_view text) { return without_controls(utf8_prefix(text, 2048)); }

Subject settle_credential(const CallPorts& ports, const Registry::ToolRef& tool, CallRequest& request) {
  if (!tool.spec->credential) return {};
  const auto& use = *tool.spec->credential;
  const Json& given = request.arguments[use.argument];
  Subject subject;
  if (given.is_string()) {
    subject.credential_id = given.str();
  } else if (!given.is_null()) {
    return {};  // the schema says better what is wrong with it
  } else {
    std::vector<std::string> candidates;
    if (request.from_operator) {
      for (std::string& id : ports.credential_ids ? ports.credential_ids() : std::vector<std::string>{}) {
        const auto type = ports.type_of_credential ? ports.type_of_credential(id) : std::nullopt;
        if (type && takes(tool, *type)) candidates.push_back(std::move(id));
      }
    } else {
      for (const auto& m : request.grants.members()) candidates.push_back(m.key);
    }
    if (!request.default_credential_id.empty())
      subject.credential_id = request.default_credential_id;
    else if (candidates.size() == 1)
      subject.credential_id = candidates.front();
    else if (candidates.empty())
      return {{},
              tool.spec->name + ": " + use.argument + " is needed, and " +
                  (request.from_operator ? "no credential is on record; add one with `credential add`"
                                         : "this agent is granted none"),
              AOH_E_INVALID};
    else
      return {{}, tool.spec->name + ": " + use.argument + " is needed: " + join(candidates), AOH_E_INVALID};
    request.arguments.set(use.argument, subject.credential_id);
  }
  const std::string& id = subject.credential_id;
  // What an agent is not granted, it does not learn to exist either.
  if (!request.from_operator && !covers(request.grants[id], use.grant))
    return {{},
            tool.spec->name + ": this agent is not granted \"" + name(use.grant) + "\" on the credential \"" +
                one_line(id) + "\"; its agent file grants it",
            AOH_E_DENIED};
  const auto type = ports.type_of_credential ? ports.type_of_credential(id) : std::nullopt;
  if (!type) {
    const auto known = ports.credential_ids ? ports.credential_ids() : std::vector<std::string>{};
    const std::string near = request.from_operator ? nearest(id, known) : std::string();
    return {{},
            tool.spec->name + ": no credential \"" + one_line(id) + "\" is on record" +
                (near.empty() ? "" : "; did you mean \"" + near + "\"?") + "; `credential list` shows them",
            AOH_E_NOT_FOUND};
  }
  if (!takes(tool, *type))
    return {{},
            tool.spec->name + ": the credential \"" + one_line(id) + "\" is of type \"" + *type +
                "\", which " +
                (use.type.empty() ? "the module " + tool.module->manifest().id + " does not use"
                                  : "is not the type \"" + use.type + "\" that the tool takes"),
            AOH_E_INVALID};
  return subject;
}

bool covered(const CallPorts& ports, const Registry::ToolRef& tool, const Json& grants) {
  if (!tool.spec->credential) return true;
  return std::any_of(grants.members().begin(), grants.members().end(), [&](const Json::Member& m) {
    if (!covers(m.value, tool.spec->credential->grant)) return false;
    const auto type = ports.type_of_credential ? ports.type_of_credential(m.key) : std::nullopt;
    return type && takes(tool, *type);
  });
}

std::string check_arguments(const ToolSpec& tool, const Json& arguments) {
  if (!arguments.is_object())
    return tool.name + ": the arguments must be a JSON object, came " + arguments.type_name();
  const auto problems = tool.input.validate(arguments);
  return problems.empty() ? "" : one_line(tool.name + ": wrong arguments: " + describe(problems));
}

Checked check_result(std::string_view who, const ToolSpec* spec, aoh_status status, std::string_view json) {
  const std::string name(who);
  const auto failed = [&](std::string message, std::string breach = {}) {
    return Checked{{AOH_E_INTERNAL, {}, name + ": " + std::move(message)}, std::move(breach)};
  };
  if (status > 0)
    return failed("the module answered with a status that does not exist",
                  "finish() with status " + std::to_string(status));
  if (status < AOH_E_INTERNAL) status = AOH_E_INTERNAL;
  if (status != AOH_OK) {
    std::string words;
    if (!json.empty()) try {
        words = one_line(Json::parse(json, {.max_bytes = 1u << 20})["message"].str());
      } catch (const JsonError&) {  // the status alone has to do
      }
    return {{status, {}, name + ": " + (words.empty() ? default_words(status) : words)}, {}};
  }
  const std::size_t limit = spec ? spec->max_result_bytes : std::size_t{1} << 20;
  if (json.size() > limit)
    return failed("its answer has " + std::to_string(json.size()) + " bytes, more than its limit of " +
                  std::to_string(limit) + "; ask for less at once");
  Json body;
  try {
    body = Json::parse(json);
  } catch (const JsonError& e) {
    return failed(std::string("the module's answer is not JSON: ") + e.what(),
                  "finish() with a broken JSON text");
  }
  if (!body.is_object())
    return failed("the module's answer is not an object", "finish() with a result that is not an object");
  if (body.has("input_required"))
    return {
        {AOH_E_UNSUPPORTED, {}, name + ": it asks for a human's approval, which this host cannot give yet"},
        {}};
  const Json* structured = body.find("structuredContent");
  if (!body["isError"].boolean() && spec && spec->has_output) {
    if (!structured)
      return failed("the module's answer lacks structuredContent, which its outputSchema promises",
                    "a result without structuredContent");
    const auto problems = spec->output.validate(*structured);
    if (!problems.empty()) {
      const std::string what = one_line(describe(problems));
      return failed("the module's answer is not what its outputSchema promises: " + what,
                    "a result that its outputSchema does not allow: " + what);
    }
  }
  if (!body["content"].is_array())  // MCP requires it; the structured part as text is what it asks for
    body.set("content",
             Json::array({Json{{"type", "text"}, {"text", structured ? structured->dump() : ""}}}));
  return {{AOH_OK, std::move(body), {}}, {}};
}

}  // namespace aoh::host
