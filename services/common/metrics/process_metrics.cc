#include "services/common/metrics/process_metrics.h"

#include <dirent.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include <cstddef>
#include <fstream>
#include <sstream>
#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "services/common/memory_guard.h"

namespace lamppost {
namespace {

using prometheus::MetricType;

// Fields of /proc/self/stat: their numbers in proc(5), less the three of the first one that is kept.
constexpr size_t kUserTicks = 11;
constexpr size_t kSystemTicks = 12;
constexpr size_t kThreads = 17;
constexpr size_t kStartTicks = 19;

std::string TextOfFile(const char* path) {
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

// The fields of /proc/self/stat from the third on (proc(5)); the second, the program's name, may hold spaces
// and brackets.
std::vector<double> StatFields() {
  const std::string text = TextOfFile("/proc/self/stat");
  const size_t name_end = text.rfind(')');
  std::vector<double> fields;
  if (name_end == std::string::npos) return fields;
  for (const absl::string_view word :
       absl::StrSplit(absl::string_view(text).substr(name_end + 1), ' ', absl::SkipWhitespace())) {
    double number = 0;
    fields.push_back(absl::SimpleAtod(word, &number) ? number : 0);
  }
  return fields;
}

// Once: read again, it would waver by a clock's grain. The time of the boot is worked out, since units of
// systemd that see their own processes alone do not see /proc/stat.
double StartUnixSeconds(double ticks_per_second) {
  const std::vector<double> fields = StatFields();
  timespec since_boot = {};
  if (fields.size() <= kStartTicks || clock_gettime(CLOCK_BOOTTIME, &since_boot) != 0) return 0;
  const double age_seconds = static_cast<double>(since_boot.tv_sec) +
                             static_cast<double>(since_boot.tv_nsec) * 1e-9 -
                             fields[kStartTicks] / ticks_per_second;
  return absl::ToDoubleSeconds(absl::Now() - absl::UnixEpoch()) - age_seconds;
}

double OpenFiles() {
  DIR* const directory = opendir("/proc/self/fd");
  if (directory == nullptr) return 0;
  double entries = 0;
  while (readdir(directory) != nullptr) ++entries;
  closedir(directory);
  return entries - 3;  // ".", "..", and the directory itself
}

void AddStat(double ticks_per_second, MetricFamilies* families) {
  std::vector<double> fields = StatFields();
  fields.resize(kStartTicks + 1);
  AddCounter(families, "process_cpu_seconds_total", "Processor time that the process has used.",
             (fields[kUserTicks] + fields[kSystemTicks]) / ticks_per_second);
  AddGauge(families, "process_threads", "Threads of the process.", fields[kThreads]);
}

}  // namespace

ProcessMetrics::ProcessMetrics(std::string program, std::string version, uint64_t memory_bytes_max)
    : program_(std::move(program)),
      version_(std::move(version)),
      memory_bytes_max_(memory_bytes_max),
      ticks_per_second_(static_cast<double>(sysconf(_SC_CLK_TCK))),
      start_unix_seconds_(StartUnixSeconds(ticks_per_second_)) {}

MetricFamilies ProcessMetrics::Collect() const {
  MetricFamilies families;
  FamilyOf(MetricType::Gauge, "lamppost_build_info", "The program and its version; always 1.")
      .Add(1, {{"program", program_}, {"version", version_}})
      .MoveTo(&families);
  AddGauge(&families, "process_resident_memory_bytes", "Memory that the process holds.",
           static_cast<double>(ResidentBytes()));
  AddGauge(&families, "lamppost_memory_bound_bytes",
           "Beyond so much memory, connections that send much are shut (--memory-bytes-max).",
           static_cast<double>(memory_bytes_max_));
  AddGauge(&families, "process_open_fds", "Files and sockets that the process has open.", OpenFiles());
  rlimit files = {};
  getrlimit(RLIMIT_NOFILE, &files);
  AddGauge(&families, "process_max_fds", "As many files and sockets it may have open.",
           static_cast<double>(files.rlim_cur));
  AddStat(ticks_per_second_, &families);
  AddGauge(&families, "process_start_time_seconds", "When the process began, in Unix time.",
           start_unix_seconds_);
  return families;
}

}  // namespace lamppost
