# The suite of another processor, under an emulator. It shows that the code builds there and that
# its logic holds. On x86-64 the emulated memory is as strong as x86's: no order is tried.
#
# Each test program of the suite is in one of these lists.
set(crossed
    conformance_ring conformance_pipe conformance_bus positions forged_words bell roster moving
    removal lost_names segment recovery telling crc32c inspect named_pipe pipe_messages pipe_life
    result waiting deadlines interrupt threads bus channel directory dedup fork gateway descriptors
    rights)
set(not_here
    property corruption record pipe_hostile  # RapidCheck is packaged for this machine's processor
    processes pipe_processes gateway_processes deaths  # minutes of deaths, tens of times slower
    every_instruction every_instruction_pipe every_instruction_gateway)  # no ptrace

# What the emulator does not do as the kernel does.
set(not_by_qemu
    Cost.an_awake_*:Cost.the_filter_*  # no seccomp
    PipeCost.*                         # no ptrace
    Waiting.every_way_of_it_plays_*    # spinning threads, on a busy machine, take minutes
    *.whatever_a_bare_clone_does_*:*.a_parent_is_alive_while_it_lives_and_dead_*  # no MADV_DONTFORK
    *.is_of_nobodys_channel_*)         # its own threads forbid unshare
list(JOIN not_by_qemu : filter)

file(STRINGS CMakeLists.txt suite REGEX "^annulus_test\\(")
foreach(line IN LISTS suite)
  string(REGEX MATCH "\\(([a-z_0-9]+)" name "${line}")
  if(NOT CMAKE_MATCH_1 IN_LIST crossed AND NOT CMAKE_MATCH_1 IN_LIST not_here)
    message(SEND_ERROR "tests/cross.cmake does not say whether ${CMAKE_MATCH_1} runs there")
  endif()
endforeach()

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
  target_link_libraries(test_${name} PRIVATE annulus::bus gmock gtest_main Threads::Threads)
  gtest_discover_tests(test_${name} TEST_FILTER "-${filter}" DISCOVERY_TIMEOUT 60
                       PROPERTIES LABELS cross TIMEOUT 300)
endforeach()

# The orders are tried in the machine code.
include(machine_code.cmake)
