# Chaos, and the errors that it must find.
#
# In CI a minute, and some seconds for each planted error: its limit is for an unlucky run.
# ANNULUS_CHAOS=nightly in the environment of cmake makes it two hours.
set(seconds 60)
set(seconds_planted 150)
if("$ENV{ANNULUS_CHAOS}" STREQUAL "nightly")
  set(seconds 7200)
endif()
if(CMAKE_CXX_FLAGS MATCHES "-fsanitize")
  set(seconds 20)
endif()
math(EXPR limit "${seconds} + 120")
math(EXPR limit_planted "${seconds_planted} + 120")

add_executable(chaos chaos.cpp)
target_link_libraries(chaos PRIVATE annulus::bus GTest::gtest)
add_dependencies(processes_tests chaos)
add_test(NAME Chaos.nothing_is_lost_whatever_happens_to_processes
         COMMAND chaos --seconds ${seconds} --json)
set_tests_properties(Chaos.nothing_is_lost_whatever_happens_to_processes PROPERTIES
                     LABELS processes RUN_SERIAL ON TIMEOUT ${limit})

if(CMAKE_CXX_FLAGS MATCHES "-fsanitize")
  return()
endif()

# The same program over a copy of the library that holds the errors: a run chooses one.
set(planted ${CMAKE_CURRENT_BINARY_DIR}/planted)
set(sources planted.cpp)
set(headers planted.hpp)
set(depends planted.py ${PROJECT_SOURCE_DIR}/models/mutants.py)
foreach(folder IN ITEMS channel ring pipe bus)
  file(GLOB files CONFIGURE_DEPENDS RELATIVE ${PROJECT_SOURCE_DIR}
       ${PROJECT_SOURCE_DIR}/${folder}/*.?pp
       ${PROJECT_SOURCE_DIR}/${folder}/${ANNULUS_PLATFORM}/*.cpp)
  foreach(file IN LISTS files)
    list(APPEND depends ${PROJECT_SOURCE_DIR}/${file})
    if(file MATCHES "[.]cpp$")
      list(APPEND sources annulus/${file})
    else()
      list(APPEND headers annulus/${file})
    endif()
  endforeach()
endforeach()
list(TRANSFORM sources PREPEND ${planted}/)
list(TRANSFORM headers PREPEND ${planted}/)
add_custom_command(OUTPUT ${sources} ${headers}
  COMMAND ${CMAKE_COMMAND} -E rm -rf ${planted}
  COMMAND Python3::Interpreter ${CMAKE_CURRENT_SOURCE_DIR}/planted.py
          ${PROJECT_SOURCE_DIR} ${planted}
  DEPENDS ${depends} VERBATIM)
add_executable(chaos_planted chaos.cpp ${sources})
target_include_directories(chaos_planted PRIVATE ${planted})
target_compile_options(chaos_planted PRIVATE -include ${planted}/planted.hpp)
target_link_libraries(chaos_planted PRIVATE GTest::gtest Threads::Threads)

function(annulus_planted name kinds)
  add_test(NAME Chaos.finds_${name} COMMAND chaos_planted
           --seconds ${seconds_planted} --kinds ${kinds} --must-find)
  set_tests_properties(Chaos.finds_${name} PROPERTIES ENVIRONMENT ANNULUS_PLANTED=${name}
                       LABELS processes RUN_SERIAL ON TIMEOUT ${limit_planted})
endfunction()
annulus_planted(no_redo mpsc)
annulus_planted(no_walk spsc)
annulus_planted(locks_read_as_dead mpsc)
annulus_planted(release_not_noted pipe)
annulus_planted(child_acts mpsc)

add_test(NAME Chaos.a_finding_names_its_seed_and_keeps_the_channel
         COMMAND ${CMAKE_CURRENT_SOURCE_DIR}/chaos_keeps.sh $<TARGET_FILE:chaos_planted>)
set_tests_properties(Chaos.a_finding_names_its_seed_and_keeps_the_channel PROPERTIES
                     LABELS processes RUN_SERIAL ON TIMEOUT 180)
