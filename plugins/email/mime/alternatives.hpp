// Whether a plain text and the HTML beside it say the same to their readers: a mail program shows the HTML, a
// model reads the plain text (internal to mime/).
//
// Compared are runs of three words. What a program leaves out or puts in when it makes one of the other is no
// difference: case, punctuation, marks of lists, addresses of links, alternative texts, "view in your
// browser".
#pragma once
#include <string>
#include <string_view>
#include <vector>

namespace mailroom::mime {

struct Alternatives {
  std::string_view plain;  ///< after its characters that draw nothing are taken out
  std::string_view shown;  ///< what a person sees of the HTML
  bool cut = false;        ///< `shown` is only the beginning
};

/// A sentence for each way in which they differ, with a sample of at most 100 bytes of the sender's words;
/// empty when they say the same. Told are: four words or more together that the HTML does not show; a number
/// or an address in the place of another; HTML most of whose words, at least fifteen, the plain text lacks.
/// Linear in what is given. Not told: a word or two that differ.
std::vector<std::string> differences(const Alternatives& both);

/// `shown` adds nothing to `plain`: the same again, beside it.
bool says_nothing_new(std::string_view plain, std::string_view shown);

}  // namespace mailroom::mime
