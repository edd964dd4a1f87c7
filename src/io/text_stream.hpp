// The standard input, other open descriptors and pipes: tables of text that can be read once.
#pragma once

#include <functional>
#include <string>

namespace pathline {

// Whether this names the standard input: "-", or a name that the system has for it, such as /dev/stdin.
bool is_standard_input(const std::string& name);

// Whether this names the standard input, another open descriptor (/dev/fd/63, as Bash writes <(command)) or a pipe. Its
// name does not tell its format, so that it is read as text.
bool is_text_stream(const std::string& name);

// Opens the file or stream to read, and returns its descriptor once there is something to read; -1 with errno if it
// cannot be opened, or if a signal is handled during the wait (EINTR). After a second without a byte it calls what
// report_waiting() was given, once.
int open_when_ready(const std::string& name);

// For the whole process: receives the name of a stream for which the reader waits. Null: waits in silence.
void report_waiting(std::function<void(const std::string& name)> report);

// Throws InputError, "FILE: a pipe: ...", for what cannot be read at any position.
void require_regular(const std::string& file);

}  // namespace pathline
