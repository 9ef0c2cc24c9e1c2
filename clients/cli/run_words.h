// For tests: a whole command in this process, with string streams in the place of its own.
#ifndef LAMPPOST_CLIENTS_CLI_RUN_WORDS_H_
#define LAMPPOST_CLIENTS_CLI_RUN_WORDS_H_

#include <sstream>
#include <string>
#include <vector>

#include "clients/cli/io.h"
#include "clients/cli/run.h"

namespace lamppost::cli {

struct Ran {
  int exit_code = -1;
  std::string out;
  std::string err;
  std::string left;  // of the input, unread
};

// `words` follow the program's name.
inline Ran RunWords(std::vector<std::string> words, const std::string& input = "",
                    InputKind in_kind = InputKind::kOther) {
  words.insert(words.begin(), "lamppost");
  std::vector<const char*> argv;
  for (const std::string& word : words) argv.push_back(word.c_str());
  std::istringstream in(input);
  std::ostringstream out;
  std::ostringstream err;
  Io io{&in, &out, &err};
  io.in_kind = in_kind;
  Ran ran;
  ran.exit_code = Run(static_cast<int>(argv.size()), argv.data(), io);
  ran.out = out.str();
  ran.err = err.str();
  std::ostringstream left;
  if (in.good() && in.peek() != std::istringstream::traits_type::eof()) left << in.rdbuf();
  ran.left = left.str();
  return ran;
}

}  // namespace lamppost::cli

#endif  // LAMPPOST_CLIENTS_CLI_RUN_WORDS_H_
