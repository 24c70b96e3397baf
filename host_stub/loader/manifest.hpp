// What a module says about itself, readable without loading its code.
#pragma once
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "loader/schema.hpp"

namespace aoh::host {

enum class Approval { never, policy, always };
/// What a tool may do with a credential; each includes the ones before it.
enum class Grant { read, draft, send, manage };
const char* name(Approval approval);
const char* name(Grant grant);
std::optional<Grant> grant_from(std::string_view name);

struct ToolSpec {
  std::string name, title, description;
  Schema input, output;  ///< output accepts everything when the manifest has no outputSchema
  bool has_output = false;
  Json annotations;  ///< MCP's: readOnlyHint, destructiveHint, idempotentHint, openWorldHint
  std::int64_t timeout_ms = 60'000;
  int concurrency = 8;  ///< calls of this tool at once
  std::size_t max_result_bytes = 1u << 20;
  Approval approval = Approval::never;
  bool egress = false;  ///< sends data out of the house
  struct CredentialUse {
    std::string argument;  ///< which argument names the credential
    Grant grant = Grant::read;
    std::string type;  ///< which credential type; empty: any of the module's
  };
  std::optional<CredentialUse> credential;  ///< absent: touches no account
  std::vector<std::string> permissions;
  std::vector<Json> examples;  ///< arguments objects
  Json mcp;                    ///< the MCP tool object: the entry of the manifest less "aoh"

  bool read_only() const { return annotations["readOnlyHint"].boolean(false); }
  bool idempotent() const { return annotations["idempotentHint"].boolean(false); }
};

struct CredentialType {
  std::string type, title;
  Schema schema;                           ///< of the whole record, secret fields included
  std::vector<std::string> secret_fields;  ///< kept in the vault, never in the record
  std::vector<std::string> references;     ///< fields that name a credential which goes with this one
  std::vector<std::string> finds;          ///< fields that the module can find by itself (extensions/setup.h)
};

struct TriggerSource {
  std::string source;
  Schema match;  ///< of the blueprint's trigger.match, and of a rule's match
  struct KeyField {
    std::string name, path;  ///< path into the blueprint's `trigger` section
    Json fallback;           ///< value when the path is absent; null: the field is required
  };
  std::vector<KeyField> source_key;
  std::optional<Schema> actions;        ///< of what a rule does; unset: the source has no rules
  std::vector<std::string> rule_tools;  ///< of this module, that its rules' actions call
};

struct FinishAction {
  std::string name, tool;
  Schema schema;  ///< of the action's object in the blueprint
  using Mapping = std::vector<std::pair<std::string, std::string>>;
  Mapping arguments;          ///< tool argument <- field of the action
  Mapping trigger_arguments;  ///< tool argument <- path in the event's payload
};

struct Permission {
  std::string name, reason;
};

/// Of which files a module reads the text for others (aoh.extractor/1); both empty: of none.
struct ExtractorSpec {
  std::vector<std::string> mime_types, extensions;  ///< "text/plain", "text/*"; "pdf"
};

/// What a manifest was refused for: one line with the JSON pointer, what was expected, and the cure.
struct ManifestError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// A manifest that has passed its schema and the rules that a schema cannot say. An immutable value.
struct Manifest {
  std::string id, version, title, description, license;
  std::uint32_t abi_major = 0, abi_minor = 0;
  std::vector<std::string> services_required, services_optional;
  Schema config;
  std::vector<ToolSpec> tools;
  std::vector<CredentialType> credential_types;
  std::vector<TriggerSource> trigger_sources;
  std::vector<FinishAction> finish_actions;
  std::vector<Permission> permissions;
  ExtractorSpec extractor;
  std::string text;  ///< the bytes of the file
  Json raw;

  /// Throws ManifestError. `text` is at most 1 MiB.
  static Manifest parse(std::string text);
  /// Reads the file; the error names it.
  static Manifest load(const std::filesystem::path& file);

  const ToolSpec* tool(std::string_view name) const;
  const TriggerSource* source(std::string_view name) const;
  const FinishAction* finish_action(std::string_view name) const;
  const CredentialType* credential_type(std::string_view type) const;
  bool wants_service(std::string_view id) const;  ///< required or optional
  bool has_permission(std::string_view name) const;
};

/// The permission that a service needs ("aoh.vault/1" -> "vault"), or "" for one that needs none.
std::string_view permission_of_service(std::string_view service_id);
/// The schema of manifests, plugin_api/schemas/manifest.schema.json, compiled into the program.
std::string_view manifest_schema_text();

}  // namespace aoh::host
