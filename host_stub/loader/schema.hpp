// JSON Schema, the subset that manifests, tools and blueprints may use.
//
// Keywords: type, properties, required, additionalProperties, items, enum, const, minimum, maximum,
// exclusiveMinimum, exclusiveMaximum, minLength, maxLength (characters, not bytes), minItems, maxItems,
// uniqueItems, minProperties, maxProperties, propertyNames (what is wrong with a name is said at its value's
// pointer), pattern (RE2), anyOf, oneOf, allOf, not; as annotations: description, title, default,
// examples, format, $schema, readOnly; and $ref with the one value "#", all of it, below properties, items or
// additionalProperties, so that it always looks at a smaller value. Any other keyword is an error at compile
// time, so that a schema never promises what nobody checks. Meaning: JSON Schema draft 7, validation,
// section 6.
#pragma once
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "support/json.hpp"

namespace aoh::host {

/// What Problem::came says of a name that the schema does not allow.
inline constexpr const char* kUnknownProperty = "an unknown property";

/// One thing wrong with an instance.
struct Problem {
  std::string pointer;   ///< RFC 6901, "" is the root: "/to/0"
  std::string expected;  ///< "a string", "one of \"now\", \"all\""
  std::string came;      ///< "the integer 5"; values are cut at 80 bytes
  std::string hint;      ///< for an unknown property the nearest known name; may be empty

  /// "/to/0: expected a string, came the integer 5 (hint)"
  std::string line() const;
};

/// What compile() throws; what() begins with the JSON pointer of the offending place in the schema.
struct SchemaError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// A compiled schema: an immutable value, cheap to copy, safe to use from any thread.
class Schema {
 public:
  /// Limits of compile(): 32 nested levels, 10,000 subschemas, patterns of 1,000 bytes.
  static Schema compile(const Json& schema);

  /// Everything wrong with `instance`, at most 20 problems, in the order of the schema. Empty: valid.
  /// Finite: strings beyond 64 KiB do not match any `pattern`; uniqueItems costs n log n; of "$ref" 10,000
  /// are followed.
  std::vector<Problem> validate(const Json& instance) const;
  /// The schema as it was given.
  const Json& json() const;

  /// Accepts everything.
  Schema();

 private:
  struct Compiled;
  std::shared_ptr<const Compiled> c_;
};

/// All problems in one line, separated by "; ".
std::string describe(const std::vector<Problem>& problems);
/// The candidate nearest to `name` by edit distance, or "" if none is near (distance above a third of the
/// length).
std::string nearest(const std::string& name, const std::vector<std::string>& candidates);

}  // namespace aoh::host
