// Prints messages as email_parse would: mime_json FILE... A tool for looking at one message, and for scoring
// a folder of them.
#include <fstream>
#include <iostream>
#include <iterator>

#include "mime/json.hpp"
#include "mime/parse.hpp"

int main(int argc, char** argv) {
  aoh::Json messages = aoh::Json::array();
  for (int i = 1; i < argc; ++i) {
    std::ifstream in(argv[i], std::ios::binary);
    if (!in) {
      std::cerr << argv[i] << ": cannot be read\n";
      return 1;
    }
    const std::string raw((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
    mailroom::mime::RenderOptions options;
    options.format = mailroom::mime::Format::full;
    options.max_text_bytes = 4u << 20;
    messages.push(mailroom::mime::to_json(mailroom::mime::parse(raw), options));
  }
  std::cout << aoh::Json{{"messages", std::move(messages)}}.dump(true) << "\n";
  return 0;
}
