#pragma once

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

namespace bench {

using Clock = std::chrono::steady_clock;

[[noreturn]] inline void Die(const std::string& what) {
  std::fprintf(stderr, "%s: %s\n", what.c_str(), std::strerror(errno));
  std::exit(1);
}

/* How long `work` takes, in milliseconds. */
template <typename Work>
double Measure(const Work& work) {
  const Clock::time_point begun = Clock::now();
  work();
  return std::chrono::duration<double, std::milli>(Clock::now() - begun).count();
}

/* How long one of `times` pieces of work takes at the median, in microseconds. */
template <typename Work>
double MeasureEach(uint32_t times, const Work& work) {
  std::vector<double> took;
  for (uint32_t index = 0; index < times; ++index) {
    took.push_back(Measure([&] { work(index); }) * 1000);
  }
  std::nth_element(took.begin(), took.begin() + times / 2, took.end());
  return took[times / 2];
}

inline uint32_t Number(const char* text) {
  return static_cast<uint32_t>(std::strtoul(text, nullptr, 10));
}

}  // namespace bench
