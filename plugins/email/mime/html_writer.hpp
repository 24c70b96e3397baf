// Lines of text from the pieces of a document, with the white space rules of a browser: runs of blanks are
// one, blocks stand on lines of their own (internal to mime/).
#pragma once
#include <algorithm>
#include <string>
#include <string_view>

namespace mailroom::mime {

class HtmlWriter {
 public:
  explicit HtmlWriter(std::size_t max) : max_(max) {}
  /// One byte more than is given: so take() sees whether it cuts through a character.
  bool full() const { return out_.size() > max_; }
  std::size_t size() const { return out_.size(); }
  /// What was written from there on; valid until the next call.
  std::string_view since(std::size_t from) const {
    return std::string_view(out_).substr(std::min(from, out_.size()));
  }
  /// Takes back what was written from there on.
  void take_back(std::size_t from) { out_.resize(std::min(from, out_.size())); }

  void text(std::string_view s, bool preformatted);
  void newline();
  /// At least `lines` line ends before what comes next.
  void block(int lines);
  /// A mark that is no text of its own ("-"): it stands before what follows, and goes when nothing does.
  void mark(std::string_view indent, std::string_view s);
  std::string take();

 private:
  void flush();

  std::string out_, mark_;
  std::size_t max_;
  int pending_ = 0;
  bool space_ = false;
  bool at_line_start_ = true;
};

}  // namespace mailroom::mime
