// Runs a fuzz target where the compiler brings no fuzzer.
//
//     TARGET [-seed=N] [-max_total_time=SECONDS] [-runs=N] [-artifact_prefix=DIR/]
//     FILE|DIRECTORY...
//
// The files are run first; then, until the time is over, changed copies of them. The options that
// it takes are libFuzzer's. A case that ends the process was written to PREFIXcrash-driver before.
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t count);

namespace {

using bytes = std::vector<std::uint8_t>;

class dice {
 public:
  explicit dice(std::uint64_t seed) : state_(seed) {}
  std::uint64_t below(std::uint64_t n) {
    state_ += 0x9e3779b97f4a7c15;  // splitmix64
    std::uint64_t z = state_;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    return (z ^ z >> 31) % n;
  }

 private:
  std::uint64_t state_;
};

struct options {
  std::uint64_t seed = std::random_device{}();
  double seconds = 0;
  std::uint64_t runs = ~std::uint64_t{0};
  std::string prefix;
};

bytes read_file(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  return bytes(std::istreambuf_iterator<char>(in), {});
}

void collect(const std::filesystem::path& path, std::vector<bytes>& into) {
  if (!std::filesystem::is_directory(path)) return into.push_back(read_file(path));
  for (const auto& one : std::filesystem::directory_iterator(path)) {
    if (one.is_regular_file()) into.push_back(read_file(one.path()));
  }
}

void change(bytes& one, const std::vector<bytes>& corpus, dice& luck) {
  for (auto times = 1 + luck.below(8); times > 0; --times) {
    const auto at = luck.below(one.size() + 1);
    const auto place = one.begin() + static_cast<std::ptrdiff_t>(at);
    switch (luck.below(5)) {
      case 0:
        if (at < one.size()) one[at] ^= static_cast<std::uint8_t>(1 << luck.below(8));
        break;
      case 1:
        if (at < one.size()) one[at] = static_cast<std::uint8_t>(luck.below(256));
        break;
      case 2: one.insert(place, static_cast<std::uint8_t>(luck.below(256))); break;
      case 3: one.erase(place, one.end()); break;
      case 4: {
        if (corpus.empty()) break;
        const auto& other = corpus[luck.below(corpus.size())];
        const auto from = other.begin() + static_cast<std::ptrdiff_t>(luck.below(other.size() + 1));
        one.insert(place, from, other.end());
        break;
      }
    }
  }
  if (one.size() > 8192) one.resize(8192);
}

std::string path_of_last;

void run(const bytes& one) {
  if (!path_of_last.empty()) {
    std::ofstream(path_of_last, std::ios::binary)
        .write(reinterpret_cast<const char*>(one.data()), static_cast<std::streamsize>(one.size()));
  }
  (void)LLVMFuzzerTestOneInput(one.data(), one.size());
}

bool read_option(const std::string& text, options& all) {
  const auto equals = text.find('=');
  if (text.front() != '-' || equals == text.npos) return text.front() == '-';
  const auto name = text.substr(1, equals - 1), value = text.substr(equals + 1);
  if (name == "seed") all.seed = std::strtoull(value.c_str(), nullptr, 10);
  if (name == "max_total_time") all.seconds = std::strtod(value.c_str(), nullptr);
  if (name == "runs") all.runs = std::strtoull(value.c_str(), nullptr, 10);
  if (name == "artifact_prefix") all.prefix = value;
  return true;
}

}  // namespace

int main(int argc, char** argv) {
  using clock = std::chrono::steady_clock;
  options all;
  std::vector<bytes> corpus;
  for (int i = 1; i < argc; ++i) {
    const std::string text = argv[i];
    if (!text.empty() && !read_option(text, all)) collect(text, corpus);
  }
  if (!all.prefix.empty()) path_of_last = all.prefix + "crash-driver";
  std::fprintf(stderr, "INFO: Seed: %llu\n", static_cast<unsigned long long>(all.seed));
  const auto began = clock::now();
  const auto elapsed = [&] { return std::chrono::duration<double>(clock::now() - began).count(); };
  std::uint64_t count = 0;
  for (const auto& one : corpus) {
    run(one);
    ++count;
  }
  dice luck(all.seed);
  while (elapsed() < all.seconds && count < all.runs) {
    bytes one = corpus.empty() ? bytes() : corpus[luck.below(corpus.size())];
    change(one, corpus, luck);
    run(one);
    ++count;
  }
  if (!path_of_last.empty()) std::filesystem::remove(path_of_last);
  std::fprintf(stderr, "stat::number_of_executed_units: %llu\n",
               static_cast<unsigned long long>(count));
}
