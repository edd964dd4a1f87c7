// The only place that includes toml++, whose asserts are switched off in every build: some hold only for well-formed text
// ("[.a]"), and its parser says in the next line what is wrong with the other.
#pragma once

#pragma push_macro("NDEBUG")
#undef NDEBUG  // with it toml++ would tell the compiler to assume what it asserts
#define TOML_ASSERT(condition) static_assert(true)
#include <toml++/toml.h>
#pragma pop_macro("NDEBUG")
#include <cassert>  // again, as NDEBUG says now
