// A variable of the environment for the length of a scope.
#pragma once

#include <cstdlib>

namespace annulus::testing {

// Requires: it was not set.
class variable {
 public:
  variable(const char* name, const char* value) : name_(name) { setenv(name, value, 1); }
  variable(const variable&) = delete;
  variable& operator=(const variable&) = delete;
  ~variable() { unsetenv(name_); }

 private:
  const char* name_;
};

}  // namespace annulus::testing
