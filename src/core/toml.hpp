// The only place that includes toml++, whose asserts are switched off in every build: some fail for malformed text
// ("[.a]"), about which its parser reports an error right after.
#pragma once

#pragma push_macro("NDEBUG")
#undef NDEBUG  // with it toml++ would tell the compiler to assume what it asserts
#define TOML_ASSERT(condition) static_assert(true)
#include <toml++/toml.h>
#pragma pop_macro("NDEBUG")
#include <cassert>  // again, as NDEBUG says now
