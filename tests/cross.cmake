# The suite of another processor, under an emulator. It shows that the code builds there and that
# its logic holds. On x86-64 the emulated memory is as strong as x86's: no order is tried.
#
# Every quick test program runs there but these: RapidCheck is packaged for this machine's
# processor. Those that are not quick do not: minutes of deaths would take tens of times as long,
# and there is no ptrace.
set(not_here property corruption record pipe_hostile  # RapidCheck
    half_made)  # seccomp in all of its tests, which the emulator lacks

# What the emulator does not do as the kernel does.
set(not_by_qemu
    Cost.an_awake_*:Cost.the_filter_*:PipeNames.where_files_need_names_*  # no seccomp
    PipeNames.a_sandbox_*
    PipeCost.*                         # no ptrace
    Waiting.every_way_of_it_plays_*    # spinning threads, on a busy machine, take minutes
    *bare_clone*:*.a_parent_is_alive_while_it_lives_and_dead_*  # no MADV_DONTFORK
    *.of_up_to_4_MiB_have_their_pages_*  # no MADV_POPULATE_READ
    Place.is_lost_with_any_*:Place.is_lost_by_a_link_*  # its statx knows no mounts
    *.is_of_nobodys_channel_*)         # its own threads forbid unshare
list(JOIN not_by_qemu : filter)

set(crossed)
file(STRINGS CMakeLists.txt quick REGEX "^annulus_test\\([a-z_0-9]+ QUICK")
foreach(line IN LISTS quick)
  string(REGEX MATCH "\\(([a-z_0-9]+)" name "${line}")
  if(NOT CMAKE_MATCH_1 IN_LIST not_here)
    list(APPEND crossed ${CMAKE_MATCH_1})
  endif()
endforeach()
list(LENGTH crossed count)
message(STATUS "${count} test programs run under the emulator")

find_package(Threads REQUIRED)
include(GoogleTest)
set(INSTALL_GTEST OFF)
add_subdirectory(/usr/src/googletest googletest EXCLUDE_FROM_ALL)
foreach(library IN ITEMS gtest gtest_main gmock)
  target_compile_options(${library} PRIVATE -w)
endforeach()

foreach(name IN LISTS crossed)
  add_executable(test_${name} ${name}.cpp)
  target_compile_options(test_${name} PRIVATE -O0)  # optimized, they compile for minutes
  target_link_libraries(test_${name} PRIVATE annulus::nats gmock gtest_main Threads::Threads)
  gtest_discover_tests(test_${name} TEST_FILTER "-${filter}" DISCOVERY_TIMEOUT 60
                       PROPERTIES LABELS cross TIMEOUT 300)
endforeach()

# The orders are tried in the machine code.
include(machine_code.cmake)
