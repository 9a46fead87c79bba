# Windows, under wine: the suites of one process that need nothing else of a system, and what only
# Windows has (windows/). RapidCheck is packaged for this machine's system. `telling` is
# of space that is told by the chunk, which takes barriers between processes.
set(here conformance_ring conformance_pipe conformance_bus crc32c result roster forged_words bell
         positions)

find_package(Threads REQUIRED)
set(INSTALL_GTEST OFF)
add_subdirectory(/usr/src/googletest googletest EXCLUDE_FROM_ALL)
foreach(library IN ITEMS gtest gtest_main gmock)
  target_compile_options(${library} PRIVATE -w)
endforeach()

foreach(name IN LISTS here)
  add_executable(test_${name} ${name}.cpp)
endforeach()
add_executable(test_windows windows/files.cpp windows/naming.cpp windows/locks.cpp windows/pipes.cpp
               windows/processes.cpp windows/command.cpp)
add_executable(windows_role windows/role.cpp)  # a process of the tests
target_link_libraries(windows_role PRIVATE annulus::ring annulus::pipe)
target_compile_definitions(test_windows PRIVATE WINDOWS_ROLE="$<TARGET_FILE_NAME:windows_role>")
add_dependencies(test_windows windows_role annulus)
# Beside the tests that start it.
set_target_properties(annulus PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_CURRENT_BINARY_DIR})

foreach(name IN LISTS here ITEMS windows)
  target_compile_options(test_${name} PRIVATE -O0)  # optimized, they compile for minutes
  target_include_directories(test_${name} PRIVATE ${CMAKE_CURRENT_SOURCE_DIR})
  target_link_libraries(test_${name} PRIVATE annulus::bus gmock gtest_main Threads::Threads)
  # One process for all of a program's tests: to start one under wine takes seconds.
  add_test(NAME Windows.${name} COMMAND test_${name})
  set_tests_properties(Windows.${name} PROPERTIES LABELS cross TIMEOUT 300)
endforeach()
