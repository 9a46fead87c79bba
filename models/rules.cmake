# Mutants by rule: a third ring, which holds all of rules.py, under the models and under tests of
# the main suite. A run chooses one; hunt.py does the runs.
set(ruled ${CMAKE_CURRENT_BINARY_DIR}/ruled)
file(MAKE_DIRECTORY ${ruled}/annulus)
foreach(folder IN ITEMS pipe bus fuzz)
  file(CREATE_LINK ${PROJECT_SOURCE_DIR}/${folder} ${ruled}/annulus/${folder} SYMBOLIC)
endforeach()
file(GLOB names CONFIGURE_DEPENDS RELATIVE ${PROJECT_SOURCE_DIR}
     ${PROJECT_SOURCE_DIR}/ring/*.cpp ${PROJECT_SOURCE_DIR}/channel/*.cpp
     ${PROJECT_SOURCE_DIR}/ring/linux/*.cpp ${PROJECT_SOURCE_DIR}/channel/linux/*.cpp)
list(TRANSFORM names PREPEND ${ruled}/annulus/ OUTPUT_VARIABLE ruled_sources)
file(GLOB ring_sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/ring/*.[ch]pp
     ${PROJECT_SOURCE_DIR}/channel/*.[ch]pp)
add_custom_command(OUTPUT ${ruled}/annulus/choice.hpp ${ruled_sources}
  COMMAND ${CMAKE_COMMAND} -E rm -rf ${ruled}/annulus/ring ${ruled}/annulus/channel
  COMMAND Python3::Interpreter ${CMAKE_CURRENT_SOURCE_DIR}/rules.py
          ${PROJECT_SOURCE_DIR} ${ruled}/annulus
  DEPENDS rules.py ${ring_sources} VERBATIM)
add_custom_target(models_ruled DEPENDS ${ruled}/annulus/choice.hpp)

# Everything is compiled anew against that ring: no two shapes of one function meet in a program.
file(GLOB sources CONFIGURE_DEPENDS
     ${PROJECT_SOURCE_DIR}/pipe/*.cpp ${PROJECT_SOURCE_DIR}/bus/*.cpp
     ${PROJECT_SOURCE_DIR}/pipe/linux/*.cpp ${PROJECT_SOURCE_DIR}/bus/linux/*.cpp)
add_library(annulus_ruled STATIC ${ruled_sources} ${sources})
target_include_directories(annulus_ruled PUBLIC ${ruled} ${PROJECT_SOURCE_DIR}/fuzz)
target_compile_options(annulus_ruled PUBLIC -O1 -g0 -w)

find_package(GTest REQUIRED)
find_package(rapidcheck REQUIRED)
set(suites)
foreach(name IN ITEMS ahead copy property positions sparse forged_words roster bell corruption
                      recovery inspect segment record waiting idle threads interrupt deadlines
                      deaths fork removal moving conformance_ring provision telling)
  list(APPEND suites ${PROJECT_SOURCE_DIR}/tests/${name}.cpp)
endforeach()
add_executable(rules_tests ${suites})
target_link_libraries(rules_tests PRIVATE annulus_ruled rapidcheck rapidcheck_gtest GTest::gmock
                                          GTest::gtest_main)
add_dependencies(rules_tests models_ruled)

foreach(program IN ITEMS spsc mpsc damage corruption counters attach waiting_spsc waiting_mpsc)
  add_executable(model_${program}_rules ${program}.cpp)
  target_link_libraries(model_${program}_rules PRIVATE annulus_checker)
  target_include_directories(model_${program}_rules PRIVATE ${ruled})
  target_compile_options(model_${program}_rules PRIVATE -w)
  add_dependencies(model_${program}_rules models_ruled)
endforeach()

add_test(NAME Models.rules COMMAND Python3::Interpreter ${CMAKE_CURRENT_SOURCE_DIR}/hunt.py
         ${CMAKE_CURRENT_BINARY_DIR})
set_tests_properties(Models.rules PROPERTIES LABELS rules TIMEOUT 86400 RUN_SERIAL ON)
