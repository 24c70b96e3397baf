// Conditions put to one message. Pure.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "policy/auth_results.hpp"
#include "policy/condition.hpp"
#include "policy/facts.hpp"

namespace mailroom::policy {

/// Each field of the message is searched at its first use, once for all patterns. For one message and one
/// thread; borrows patterns and facts.
class Scan {
 public:
  static constexpr std::size_t kFieldBytes = 64u << 10;  ///< of a header value that are searched
  static constexpr std::size_t kTextBytes = 256u << 10;  ///< of the text
  static constexpr std::size_t kAddresses = 1'000;       ///< of one header
  static constexpr std::size_t kAttachments = 200;

  Scan(const Patterns& patterns, const Facts& facts) : patterns_(patterns), facts_(facts) {}

  /// unknown counts as neither: `all` of no and unknown is no, `any` of yes and unknown is yes.
  Outcome test(const Condition& condition);

 private:
  using Bits = Patterns::Bits;
  struct Found {
    std::optional<Bits> bits;
    std::vector<Bits> each;  // of attachment names: one for each attachment
  };
  Truth eval(const Condition& c, Outcome& out);
  Truth attachments(const Condition& c, Outcome& out);
  bool of_attachment(const Condition& c, std::size_t index);
  Truth mime_type(const Condition& c, Outcome& out) const;
  bool authentication(const Condition& c);
  bool flags(const Condition& c) const;
  const Bits& found(std::size_t set);

  const Patterns& patterns_;
  const Facts& facts_;
  std::vector<Found> found_;
  std::optional<AuthVerdict> verdict_;
};

}  // namespace mailroom::policy
